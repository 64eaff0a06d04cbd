#include "service/journal.h"

#include "codec/hex.h"
#include "crypto/ct.h"
#include "crypto/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A record: HEAD bytes (length of the body, type, zeros, id), the body, MAC bytes. Numbers have
 * their lowest byte first. */
enum {
	HEAD = 16,
	MAC = SHA256_SIZE,
	FIELDS = 6,
	NAME_SIZE = 32,
	KEY_SIZE = 32,
	DIRECTORY_BUFFER = 4096,
	END_RESERVE = 1 << 20,
	COMPLAINT_MS = 60000
};

enum record_type {
	RECORD_REQUEST = 1,
	RECORD_ATTEMPTED_REQUEST,
	RECORD_ATTEMPT,
	RECORD_SETTLED,
	RECORD_EVENT,
	RECORD_STARTED_EVENT
};

static const struct str class_names[] = {
	[JOURNAL_REQUESTS] = STR("requests-"), [JOURNAL_EVENTS] = STR("events-")
};

/* ---- numbers ---- */

static void put_number(char *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (char)(v >> 8 * i);
}

static uint64_t read_number(const char *p, size_t bytes)
{
	uint64_t v = 0;
	for (size_t i = bytes; i-- > 0;)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

/* ---- names of files ---- */

static const char *put_name(char name[static NAME_SIZE], enum journal_class class, uint64_t number)
{
	struct buf b = { name, 0, NAME_SIZE, false };
	uint8_t bytes[8];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	buf_put(&b, class_names[class]);
	hex_put(&b, bytes, sizeof(bytes));
	buf_put_char(&b, 0);
	check(!b.full);
	return name;
}

static bool read_file_name(enum journal_class *class, uint64_t *number, struct str name)
{
	uint8_t bytes[8];
	for (*class = 0; *class < JOURNAL_CLASSES; ++*class)
		if (str_starts(name, class_names[*class]))
			break;
	if (*class == JOURNAL_CLASSES ||
		!hex_decode(bytes, sizeof(bytes), str_skip(name, class_names[*class].n)))
		return false;
	*number = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*number = *number << 8 | bytes[i];
	return *number > 0;
}

/* ---- codes ---- */

static void code_of(uint8_t mac[static MAC], const struct hmac_key *key,
	const struct journal_file *file, uint64_t offset, const struct str *parts, size_t count)
{
	char place[24];
	struct hmac h;
	put_number(place, file->class, 8);
	put_number(place + 8, file->number, 8);
	put_number(place + 16, offset, 8);
	hmac_init(&h, key);
	hmac_update(&h, (struct str){ place, sizeof(place) });
	for (size_t i = 0; i < count; i++)
		hmac_update(&h, parts[i]);
	hmac_final(&h, mac);
}

static bool verifies(
	const struct journal *j, const struct journal_file *file, uint64_t offset, struct str record)
{
	uint8_t mac[MAC];
	struct str signed_part = str_sub(record, 0, record.n - MAC);
	for (size_t i = 0; i < j->keys_count; i++) {
		code_of(mac, &j->keys[i], file, offset, &signed_part, 1);
		if (ct_equal(mac, record.p + signed_part.n, MAC))
			return true;
	}
	return false;
}

static void add_key(struct journal *j, const struct hmac_key *from)
{
	uint8_t derived[SHA256_SIZE];
	struct hmac h;
	hmac_init(&h, from);
	hmac_update(&h, S("slack-lambda-gateway journal 1"));
	hmac_final(&h, derived);
	if (j->keys_count < JOURNAL_KEYS_MAX)
		hmac_key(&j->keys[j->keys_count++], (struct str){ (const char *)derived, sizeof(derived) });
	ct_wipe(derived, sizeof(derived));
}

/* ---- entries ---- */

static struct journal_entry *find_entry(struct journal *j, uint64_t id)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES_MAX; i++) {
		struct journal_entry *e = &j->entries[(id + i) % JOURNAL_ENTRIES_MAX];
		if (e->id == id)
			return e;
	}
	return NULL;
}

/* The place with its id's number is nearly always free: what is unsettled is recent. */
static struct journal_entry *add_entry(struct journal *j, uint64_t id)
{
	for (size_t i = 0; j->entries_count < JOURNAL_ENTRIES_MAX && i < JOURNAL_ENTRIES_MAX; i++) {
		struct journal_entry *e = &j->entries[(id + i) % JOURNAL_ENTRIES_MAX];
		if (!e->id) {
			*e = (struct journal_entry){ .id = id };
			j->entries_count++;
			return e;
		}
	}
	return NULL;
}

static void drop_entry(struct journal *j, struct journal_entry *e)
{
	j->files[e->file].unsettled--;
	j->entries_count--;
	e->id = 0;
}

/* ---- writing; all under the lock ---- */

static enum err failed(struct journal *j, int sys, struct fault *f)
{
	j->failing = sys;
	return fault_set(f, E_FILE, sys, "the journal cannot be written");
}

static struct journal_file *free_file(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
		if (!j->files[i].number)
			return &j->files[i];
	return NULL;
}

static enum err begin_file(struct journal *j, enum journal_class class, struct fault *f)
{
	char name[NAME_SIZE];
	struct journal_file *file = free_file(j);
	if (!file)
		return failed(j, ENFILE, f);
	uint64_t number = j->next_number++;
	int fd = openat(j->directory, put_name(name, class, number),
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(j, errno, f);
	if (fsync(j->directory) != 0) {
		int sys = errno;
		close(fd);
		(void)unlinkat(j->directory, name, 0);
		return failed(j, sys, f);
	}
	*file = (struct journal_file){ .class = class, .number = number, .fd = fd };
	j->current[class] = file;
	return OK;
}

/* Appends a record of these parts to the current file of its class. Nothing of it stays when that
 * fails. */
static enum err append(struct journal *j, enum journal_class class, enum record_type type,
	uint64_t id, const struct str *body, size_t count, struct fault *f)
{
	char head[HEAD] = { 0 };
	uint8_t mac[MAC];
	struct str parts[2 + 2 * FIELDS] = { { head, HEAD } };
	struct iovec vectors[countof(parts) + 1];
	size_t n = 0;
	check(count < countof(parts));
	for (size_t i = 0; i < count; i++) {
		parts[1 + i] = body[i];
		n += body[i].n;
	}
	size_t size = HEAD + n + MAC;
	/* What ends a request, or an attempt at it, may take a little more than what begins one. */
	size_t most = JOURNAL_SIZE_MAX + (count ? 0 : END_RESERVE);
	if (size > JOURNAL_RECORD_MAX || j->total + size > most)
		return failed(j, ENOSPC, f);
	struct journal_file *file = j->current[class];
	enum err e = file && file->size < JOURNAL_FILE_SIZE ? OK : begin_file(j, class, f);
	if (e != OK)
		return e;
	file = j->current[class];
	put_number(head, n, 4);
	head[4] = (char)type;
	put_number(head + 8, id, 8);
	code_of(mac, &j->keys[0], file, file->size, parts, count + 1);
	for (size_t i = 0; i <= count; i++)
		vectors[i] = (struct iovec){ (void *)(uintptr_t)parts[i].p, parts[i].n };
	vectors[count + 1] = (struct iovec){ mac, MAC };
	ssize_t put = pwritev(file->fd, vectors, (int)count + 2, (off_t)file->size);
	if (put != (ssize_t)size) {
		int sys = put < 0 ? errno : ENOSPC;
		(void)!ftruncate(file->fd, (off_t)file->size);
		return failed(j, sys, f);
	}
	file->size += size;
	file->dirty = true;
	j->total += size;
	j->written++;
	return OK;
}

/* Without the lock while the disk works. Returns an errno, or 0. */
static int sync_dirty(struct journal *j)
{
	struct journal_file *files[JOURNAL_FILES_MAX];
	size_t count = 0;
	int sys = 0;
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
		if (j->files[i].dirty) {
			j->files[i].dirty = false;
			files[count++] = &j->files[i];
		}
	j->syncing = true;
	lock_give(&j->lock);
	for (size_t i = 0; i < count; i++)
		if (fdatasync(files[i]->fd) != 0)
			sys = errno;
	lock_take(&j->lock);
	j->syncing = false;
	for (size_t i = 0; sys && i < count; i++)
		files[i]->dirty = true;
	return sys;
}

/* Returns when all that was written so far is on disk. One thread at a time asks for that; those
 * that come meanwhile wait, and the next of them asks for all of them. */
static enum err sync_all(struct journal *j, struct fault *f)
{
	uint64_t wanted = j->written;
	while (j->synced < wanted) {
		if (j->syncing) {
			(void)condition_wait(&j->synced_on, &j->lock, DEADLINE_NEVER);
			continue;
		}
		uint64_t until = j->written;
		int sys = sync_dirty(j);
		j->failing = sys;
		if (!sys)
			j->synced = until;
		condition_broadcast(&j->synced_on);
		if (sys)
			return failed(j, sys, f);
	}
	return OK;
}

static size_t put_request(struct str parts[static 2 * FIELDS + 1],
	char lengths[static 8 + 4 * FIELDS], const struct journal_request *r)
{
	const struct str fields[FIELDS] = { r->request_id, r->kind, r->region, r->function,
		r->response_url, r->payload };
	put_number(lengths, (uint64_t)r->arrived_ms, 8);
	parts[0] = (struct str){ lengths, 8 };
	for (size_t i = 0; i < FIELDS; i++) {
		char *length = lengths + 8 + 4 * i;
		put_number(length, fields[i].n, 4);
		parts[1 + 2 * i] = (struct str){ length, 4 };
		parts[2 + 2 * i] = fields[i];
	}
	return 1 + 2 * FIELDS;
}

static bool read_request(struct journal_request *r, struct str body)
{
	struct str *const fields[FIELDS] = { &r->request_id, &r->kind, &r->region, &r->function,
		&r->response_url, &r->payload };
	if (body.n < 8)
		return false;
	r->arrived_ms = (int64_t)read_number(body.p, 8);
	body = str_skip(body, 8);
	for (size_t i = 0; i < FIELDS; i++) {
		size_t n = body.n < 4 ? SIZE_MAX : (size_t)read_number(body.p, 4);
		body = str_skip(body, 4);
		if (n > body.n)
			return false;
		*fields[i] = str_sub(body, 0, n);
		body = str_skip(body, n);
	}
	return body.n == 0;
}

enum err journal_promise(struct journal *j, uint64_t *id, const struct journal_request *r,
	bool attempted, struct fault *f)
{
	struct str parts[2 * FIELDS + 1];
	char lengths[8 + 4 * FIELDS];
	size_t count = put_request(parts, lengths, r);
	lock_take(&j->lock);
	*id = j->next_id;
	struct journal_entry *entry = add_entry(j, *id);
	enum err e = entry
		? OK
		: fault_set(f, E_LIMIT, 0, "the journal holds %d requests that are not settled",
			  NUM(JOURNAL_ENTRIES_MAX));
	if (e == OK)
		e = append(j, JOURNAL_REQUESTS, attempted ? RECORD_ATTEMPTED_REQUEST : RECORD_REQUEST, *id,
			parts, count, f);
	if (e == OK) {
		struct journal_file *file = j->current[JOURNAL_REQUESTS];
		j->next_id++;
		entry->file = (uint32_t)(file - j->files);
		entry->attempted = attempted;
		for (size_t i = 0; i < count; i++)
			entry->size += (uint32_t)parts[i].n;
		entry->offset = file->size - entry->size - HEAD - MAC;
		file->unsettled++;
		e = sync_all(j, f);
		/* What may be on disk must not be started by the next process after its user was told
		 * otherwise. */
		if (e != OK)
			(void)!append(j, JOURNAL_REQUESTS, RECORD_SETTLED, *id, NULL, 0, &(struct fault){ 0 });
		if (e != OK)
			drop_entry(j, entry);
	} else if (entry) {
		entry->id = 0;
		j->entries_count--;
	}
	if (e != OK)
		*id = 0;
	lock_give(&j->lock);
	return e;
}

enum err journal_attempt(struct journal *j, uint64_t id, struct fault *f)
{
	lock_take(&j->lock);
	struct journal_entry *entry = find_entry(j, id);
	check(entry);
	enum err e = append(j, JOURNAL_REQUESTS, RECORD_ATTEMPT, id, NULL, 0, f);
	entry->attempted |= e == OK;
	if (e == OK)
		e = sync_all(j, f);
	lock_give(&j->lock);
	return e;
}

void journal_settle(struct journal *j, uint64_t id)
{
	struct fault f;
	lock_take(&j->lock);
	struct journal_entry *entry = find_entry(j, id);
	check(entry);
	(void)!append(j, JOURNAL_REQUESTS, RECORD_SETTLED, id, NULL, 0, &f);
	drop_entry(j, entry);
	lock_give(&j->lock);
}

enum err journal_event(
	struct journal *j, struct str key, bool started, int64_t now_ms, struct fault *f)
{
	char stamp[8];
	put_number(stamp, (uint64_t)now_ms, 8);
	const struct str parts[] = { { stamp, sizeof(stamp) }, key };
	lock_take(&j->lock);
	enum err e = append(j, JOURNAL_EVENTS, started ? RECORD_STARTED_EVENT : RECORD_EVENT, 0, parts,
		countof(parts), f);
	if (e == OK) {
		j->current[JOURNAL_EVENTS]->newest_ms = now_ms;
		e = sync_all(j, f);
	}
	lock_give(&j->lock);
	return e;
}

int journal_failing(struct journal *j)
{
	return j->failing;
}

size_t journal_unsettled(struct journal *j)
{
	return j->entries_count;
}

bool journal_complains(struct journal *j, int64_t now)
{
	lock_take(&j->lock);
	bool due = now >= j->complain_at;
	if (due)
		j->complain_at = now + COMPLAINT_MS;
	lock_give(&j->lock);
	return due;
}

/* ---- tidying up ---- */

static void release_file(struct journal *j, struct journal_file *file)
{
	if (file->map)
		munmap((void *)(uintptr_t)file->map, file->mapped);
	if (file->fd >= 0)
		close(file->fd);
	j->total -= file->size;
	for (size_t i = 0; i < JOURNAL_CLASSES; i++)
		if (j->current[i] == file)
			j->current[i] = NULL;
	*file = (struct journal_file){ .number = 0 };
}

/* Gone for good before anything newer may go. The files that another thread is syncing stay where
 * they are. */
static bool remove_file(struct journal *j, struct journal_file *file)
{
	char name[NAME_SIZE];
	uint64_t written = j->written;
	while (j->syncing)
		(void)condition_wait(&j->synced_on, &j->lock, DEADLINE_NEVER);
	/* Somebody may have begun something in it meanwhile. */
	if (j->written != written)
		return false;
	/* It may be gone from an earlier time, when only the directory could not be synced. */
	if ((unlinkat(j->directory, put_name(name, file->class, file->number), 0) != 0 &&
			errno != ENOENT) ||
		fsync(j->directory) != 0)
		return false;
	release_file(j, file);
	return true;
}

static struct journal_file *oldest(struct journal *j, enum journal_class class)
{
	struct journal_file *found = NULL;
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++) {
		struct journal_file *file = &j->files[i];
		if (file->number && file->class == class && (!found || file->number < found->number))
			found = file;
	}
	return found;
}

/* Writes a request again, into the current file. False if that cannot be done now. */
static bool carry_over(struct journal *j, struct journal_entry *entry)
{
	struct fault f;
	struct journal_file *from = &j->files[entry->file];
	size_t size = HEAD + entry->size + MAC;
	const char *map = mmap(NULL, (size_t)from->size, PROT_READ, MAP_PRIVATE, from->fd, 0);
	if (map == MAP_FAILED)
		return false;
	struct str record = { map + entry->offset, size };
	struct str body = { record.p + HEAD, entry->size };
	enum record_type type = entry->attempted ? RECORD_ATTEMPTED_REQUEST : RECORD_REQUEST;
	enum err e = append(j, JOURNAL_REQUESTS, type, entry->id, &body, 1, &f);
	munmap((void *)(uintptr_t)map, (size_t)from->size);
	if (e != OK)
		return false;
	struct journal_file *to = j->current[JOURNAL_REQUESTS];
	from->unsettled--;
	entry->file = (uint32_t)(to - j->files);
	entry->offset = to->size - size;
	to->unsettled++;
	return true;
}

/* A file goes only when all that are older have gone: it may hold the end of a request that began
 * in one of them. What is unsettled in the oldest is carried over, so that it keeps no others. A
 * mapped one waits for those who have views of it. */
static void tend_requests(struct journal *j)
{
	struct fault f;
	struct journal_file *file;
	while ((file = oldest(j, JOURNAL_REQUESTS)) &&
		(file != j->current[JOURNAL_REQUESTS] || !file->unsettled)) {
		bool movable = !file->map;
		for (size_t i = 0; movable && file->unsettled && i < JOURNAL_ENTRIES_MAX; i++)
			if (j->entries[i].id && &j->files[j->entries[i].file] == file)
				movable = carry_over(j, &j->entries[i]);
		if (file->unsettled || sync_all(j, &f) != OK || file->unsettled || !remove_file(j, file))
			return;
	}
}

void journal_take_keys(struct journal *j, const struct hmac_key *secrets, size_t count)
{
	lock_take(&j->lock);
	struct hmac_key before = j->keys[0];
	j->keys_count = 0;
	for (size_t i = 0; i < count; i++)
		add_key(j, &secrets[i]);
	if (!ct_equal(&before, &j->keys[0], sizeof(before))) {
		for (size_t i = 0; i < JOURNAL_CLASSES; i++)
			j->current[i] = NULL;
		tend_requests(j);
	}
	lock_give(&j->lock);
	ct_wipe(&before, sizeof(before));
}

void journal_tend(struct journal *j, int64_t now_ms)
{
	struct journal_file *file;
	lock_take(&j->lock);
	tend_requests(j);
	while ((file = oldest(j, JOURNAL_EVENTS))) {
		/* Written when the clock was ahead of what it says now, it would stay, and keep all newer. */
		if (file->newest_ms > now_ms)
			file->newest_ms = now_ms;
		if (now_ms - file->newest_ms <= JOURNAL_EVENT_MS || !remove_file(j, file))
			break;
	}
	lock_give(&j->lock);
}

void journal_close(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
		if (j->files[i].number)
			release_file(j, &j->files[i]);
	munmap(j->entries, JOURNAL_ENTRIES_MAX * sizeof(*j->entries));
	close(j->guard);
	close(j->directory);
}

/* ---- what an earlier process left ---- */

/* Where the records end that can be read; what is behind is torn. */
static uint64_t each_record(struct journal *j, struct journal_file *file,
	void (*take)(struct journal *j, struct journal_file *file, uint64_t offset, struct str record,
		void *ctx),
	void *ctx)
{
	uint64_t offset = 0;
	while (file->size - offset >= HEAD + MAC) {
		uint64_t size = HEAD + read_number(file->map + offset, 4) + MAC;
		if (size > JOURNAL_RECORD_MAX || size > file->size - offset)
			break;
		take(j, file, offset, (struct str){ file->map + offset, (size_t)size }, ctx);
		offset += size;
	}
	return offset;
}

struct events {
	journal_event_fn *tell;
	void *ctx;
};

static void take_record(
	struct journal *j, struct journal_file *file, uint64_t offset, struct str record, void *ctx)
{
	const struct events *events = ctx;
	struct journal_request request;
	enum record_type type = (unsigned char)record.p[4];
	uint64_t id = read_number(record.p + 8, 8);
	struct str body = str_sub(record, HEAD, record.n - MAC);
	if (!verifies(j, file, offset, record)) {
		j->refused++;
		return;
	}
	struct journal_entry *entry = id ? find_entry(j, id) : NULL;
	j->next_id = id >= j->next_id ? id + 1 : j->next_id;
	switch (type) {
	case RECORD_REQUEST:
	case RECORD_ATTEMPTED_REQUEST:
		if (!id || !read_request(&request, body)) {
			j->refused++;
			return;
		}
		if (entry) /* carried over */
			drop_entry(j, entry);
		entry = add_entry(j, id);
		if (!entry)
			return;
		entry->file = (uint32_t)(file - j->files);
		entry->offset = offset;
		entry->size = (uint32_t)body.n;
		entry->attempted = type == RECORD_ATTEMPTED_REQUEST;
		file->unsettled++;
		break;
	case RECORD_ATTEMPT:
		if (entry)
			entry->attempted = true;
		break;
	case RECORD_SETTLED:
		if (entry)
			drop_entry(j, entry);
		break;
	case RECORD_EVENT:
	case RECORD_STARTED_EVENT:
		if (body.n < 8)
			return;
		file->newest_ms = (int64_t)read_number(body.p, 8);
		events->tell(events->ctx, str_skip(body, 8), type == RECORD_STARTED_EVENT, file->newest_ms);
		break;
	default:
		j->refused++;
	}
}

/* Reads a file as far as it can be read, and cuts off the rest. */
static enum err read_file(
	struct journal *j, struct journal_file *file, const struct events *events, struct fault *f)
{
	char name[NAME_SIZE];
	struct stat st;
	file->fd = openat(
		j->directory, put_name(name, file->class, file->number), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fault_set(f, E_FILE, errno, "the journal's file %s cannot be read", str_c(name));
	file->size = (uint64_t)st.st_size;
	j->total += file->size;
	if (!file->size)
		return OK;
	void *map = mmap(NULL, (size_t)file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
	if (map == MAP_FAILED)
		return fault_set(f, E_FILE, errno, "the journal's file %s cannot be read", str_c(name));
	file->map = map;
	file->mapped = (size_t)file->size;
	uint64_t end = each_record(j, file, take_record, (void *)(uintptr_t)events);
	if (end < file->size) {
		j->torn += (size_t)(file->size - end);
		(void)!ftruncate(file->fd, (off_t)end);
		j->total -= file->size - end;
		file->size = end;
	}
	return OK;
}

static enum err list_files(struct journal *j, struct fault *f)
{
	_Alignas(8) char memory[DIRECTORY_BUFFER];
	long n;
	while ((n = syscall(SYS_getdents64, j->directory, memory, sizeof(memory))) > 0) {
		/* ino64, off64, a 16-bit length, a type, the name: getdents64(2). */
		for (long at = 0; at < n;) {
			uint16_t length;
			enum journal_class class;
			uint64_t number;
			memcpy(&length, memory + at + 16, sizeof(length));
			if (read_file_name(&class, &number, str_c(memory + at + 19))) {
				struct journal_file *file = free_file(j);
				if (!file)
					return fault_set(f, E_FILE, 0, "the journal has more than %d files", NUM(JOURNAL_FILES_MAX));
				*file = (struct journal_file){ .class = class, .number = number, .fd = -1 };
				j->next_number = number >= j->next_number ? number + 1 : j->next_number;
			}
			at += length;
		}
	}
	return n == 0 ? OK : fault_set(f, E_FILE, errno, "GATEWAY_JOURNAL cannot be listed");
}

/* In the order in which they were written. */
static enum err read_files(struct journal *j, const struct events *events, struct fault *f)
{
	enum err e = list_files(j, f);
	uint64_t last = 0;
	for (;;) {
		struct journal_file *next = NULL;
		for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
			if (j->files[i].number > last && (!next || j->files[i].number < next->number))
				next = &j->files[i];
		if (e != OK || !next)
			return e;
		last = next->number;
		e = read_file(j, next, events, f);
	}
}

/* Random bytes, made once, where there is no secret to derive a key from. */
static enum err read_own_key(struct journal *j, struct fault *f)
{
	uint8_t bytes[KEY_SIZE];
	struct hmac_key own;
	int fd = openat(j->directory, "key", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	if (n == 0) {
		seed_fill(bytes, sizeof(bytes));
		n = write(fd, bytes, sizeof(bytes));
		if (n == sizeof(bytes) && (fsync(fd) != 0 || fsync(j->directory) != 0))
			n = -1;
	}
	enum err e = n == sizeof(bytes)
		? OK
		: fault_set(f, E_FILE, n < 0 ? errno : 0, "the journal's file key cannot be used");
	if (e == OK) {
		hmac_key(&own, (struct str){ (const char *)bytes, sizeof(bytes) });
		add_key(j, &own);
	}
	ct_wipe(bytes, sizeof(bytes));
	if (fd >= 0)
		close(fd);
	return e;
}

static enum err open_directory(struct journal *j, struct str directory, struct fault *f)
{
	char path[4096];
	struct buf b = BUF(path);
	struct stat st;
	struct str shown = str_sub(directory, 0, 100);
	buf_put(&b, directory);
	buf_put_char(&b, 0);
	bool linked = !b.full && lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid == 0;
	int follow = linked ? 0 : O_NOFOLLOW;
	j->directory = b.full ? -1 : open(path, O_RDONLY | O_DIRECTORY | follow | O_CLOEXEC);
	if (j->directory < 0)
		return fault_set(f, E_FILE, b.full ? ENAMETOOLONG : errno,
			"GATEWAY_JOURNAL=%s must name a directory that exists; of links to one, only root's are "
			"followed",
			shown);
	if (fstat(j->directory, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
		return fault_set(f, E_FILE, 0,
			"GATEWAY_JOURNAL=%s must belong to the user of this process and have mode 0700", shown);
	j->guard = openat(j->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->guard < 0)
		return fault_set(f, E_FILE, errno, "GATEWAY_JOURNAL=%s cannot be written to", shown);
	if (flock(j->guard, LOCK_EX | LOCK_NB) != 0)
		return fault_set(f, E_FILE, errno == EWOULDBLOCK ? 0 : errno,
			"GATEWAY_JOURNAL=%s is in use by another process", shown);
	return OK;
}

enum err journal_open(struct journal *j, struct str directory, const struct hmac_key *secrets,
	size_t count, int64_t now_ms, journal_event_fn *event, void *ctx, struct fault *f)
{
	const struct events events = { event, ctx };
	size_t size = JOURNAL_ENTRIES_MAX * sizeof(*j->entries);
	condition_init(&j->synced_on);
	j->next_id = j->next_number = 1;
	j->entries = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum err e = j->entries == MAP_FAILED
		? fault_set(f, E_SYSTEM, errno, "no memory for the journal")
		: open_directory(j, directory, f);
	for (size_t i = 0; i < count; i++)
		add_key(j, &secrets[i]);
	if (e == OK && !count)
		e = read_own_key(j, f);
	if (e == OK)
		e = read_files(j, &events, f);
	if (e == OK)
		journal_tend(j, now_ms);
	return e;
}

bool journal_next_left(
	struct journal *j, size_t *cursor, uint64_t *id, bool *attempted, struct journal_request *out)
{
	bool found = false;
	lock_take(&j->lock);
	for (; !found && *cursor < JOURNAL_ENTRIES_MAX; ++*cursor) {
		const struct journal_entry *e = &j->entries[*cursor];
		const struct journal_file *file = &j->files[e->file];
		if (!e->id || !file->map)
			continue;
		found = read_request(out, (struct str){ file->map + e->offset + HEAD, e->size });
		check(found);
		*id = e->id;
		*attempted = e->attempted;
	}
	lock_give(&j->lock);
	return found;
}
