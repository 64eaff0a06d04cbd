#include "service/journal.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "crypto/ct.h"
#include "crypto/seed.h"
#include "os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A record: HEAD bytes (length of the body, type, zeros, id), the body, MAC bytes. Numbers have
 * their lowest byte first. */
enum {
	HEAD = 16,
	MAC = SHA256_SIZE,
	REQUEST_HEAD = 9, /* when it arrived, 8 bytes; and whether it is synchronous */
	FIELDS = 7,
	NAME_SIZE = 32,
	KEY_SIZE = 32,
	DIRECTORY_BUFFER = 4096,
	COMPLAINT_MS = 60000,
	TEND_MS = 20000,
	KEEP = 64 * 1024, /* memory of what waits to be written that is not given back */
};

enum record_type {
	RECORD_REQUEST = 1,
	RECORD_ATTEMPTED_REQUEST,
	RECORD_ATTEMPT,
	RECORD_SETTLED,
	RECORD_EVENT, /* and an enum journal_fate */
	RECORD_LAST = RECORD_EVENT + JOURNAL_TOLD
};

/* Entries, and what waits to be written and is being written. */
#define MEMORY \
	(JOURNAL_ENTRIES_MAX * sizeof(struct journal_entry) + \
		2 * (JOURNAL_REQUESTS_MEMORY + JOURNAL_EVENTS_MEMORY))

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

static uint64_t size_of(const char *record)
{
	return HEAD + read_number(record, 4) + MAC;
}

static uint64_t id_of(const char *record)
{
	return read_number(record + 8, 8);
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

/* Of a record, whose place for it comes last. */
static void code_of(uint8_t mac[static MAC], const struct hmac_key *key,
	const struct journal_file *file, uint64_t offset, struct str record)
{
	char place[24];
	struct hmac h;
	put_number(place, file->class, 8);
	put_number(place + 8, file->number, 8);
	put_number(place + 16, offset, 8);
	hmac_init(&h, key);
	hmac_update(&h, (struct str){ place, sizeof(place) });
	hmac_update(&h, str_sub(record, 0, record.n - MAC));
	hmac_final(&h, mac);
}

static bool verifies(
	const struct journal *j, const struct journal_file *file, uint64_t offset, struct str record)
{
	uint8_t mac[MAC];
	bool event = file->class == JOURNAL_EVENTS;
	const struct hmac_key *keys = event ? &j->signing[JOURNAL_EVENTS] : j->keys;
	for (size_t i = 0; i < (event ? 1 : j->keys_count); i++) {
		code_of(mac, &keys[i], file, offset, record);
		if (ct_equal(mac, record.p + record.n - MAC, MAC))
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
			*e = (struct journal_entry){ .id = id, .file = JOURNAL_FILES_MAX };
			j->files[e->file].unsettled++;
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

static void move_entry(
	struct journal *j, struct journal_entry *e, const struct journal_file *to, uint64_t offset)
{
	j->files[e->file].unsettled--;
	e->file = (uint32_t)(to - j->files);
	e->offset = offset;
	j->files[e->file].unsettled++;
}

/* ---- records come; all under the lock ---- */

static uint64_t refuse_record(struct journal *j)
{
	j->failing = ENOSPC;
	return JOURNAL_REFUSED;
}

/* What ends a request, or an attempt at it, has no body, and may take what is spared by what begins
 * one. */
static uint64_t append(struct journal *j, enum journal_class class, enum record_type type,
	uint64_t id, const struct str *body, size_t count)
{
	struct buf *b = &j->lanes[class].waiting[j->turn];
	char head[HEAD] = { 0 };
	size_t n = 0, spared = count ? b->cap / 4 : 0;
	for (size_t i = 0; i < count; i++)
		n += body[i].n;
	if (count && j->failing == ETIMEDOUT)
		return JOURNAL_REFUSED;
	if (j->total + HEAD + n + MAC > JOURNAL_SIZE_MAX - spared ||
		b->n + HEAD + n + MAC > b->cap - spared)
		return refuse_record(j);
	put_number(head, n, 4);
	head[4] = (char)type;
	put_number(head + 8, id, 8);
	buf_put(b, (struct str){ head, HEAD });
	for (size_t i = 0; i < count; i++)
		buf_put(b, body[i]);
	b->n += MAC;
	j->total += HEAD + n + MAC;
	if (j->appended == j->done)
		j->busy_since = clock_mono_ms();
	condition_signal(&j->work);
	return ++j->appended;
}

/* One that is waited for. */
static uint64_t append_and_sync(struct journal *j, enum journal_class class, enum record_type type,
	uint64_t id, const struct str *body, size_t count)
{
	uint64_t ticket = append(j, class, type, id, body, count);
	if (ticket != JOURNAL_REFUSED)
		j->wanted = ticket;
	return ticket;
}

static size_t put_request(struct str parts[static 2 * FIELDS + 1],
	char numbers[static REQUEST_HEAD + 4 * FIELDS], const struct journal_request *r)
{
	const struct str fields[FIELDS] = { r->request_id, r->kind, r->region, r->function,
		r->response_url, r->payload, r->event };
	put_number(numbers, (uint64_t)r->arrived_ms, 8);
	numbers[8] = r->sync;
	parts[0] = (struct str){ numbers, REQUEST_HEAD };
	for (size_t i = 0; i < FIELDS; i++) {
		char *length = numbers + REQUEST_HEAD + 4 * i;
		put_number(length, fields[i].n, 4);
		parts[1 + 2 * i] = (struct str){ length, 4 };
		parts[2 + 2 * i] = fields[i];
	}
	return 1 + 2 * FIELDS;
}

static bool read_request(struct journal_request *r, struct str body)
{
	struct str *const fields[FIELDS] = { &r->request_id, &r->kind, &r->region, &r->function,
		&r->response_url, &r->payload, &r->event };
	if (body.n < REQUEST_HEAD)
		return false;
	r->arrived_ms = (int64_t)read_number(body.p, 8);
	r->sync = body.p[8];
	body = str_skip(body, REQUEST_HEAD);
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

uint64_t journal_promise(
	struct journal *j, uint64_t *id, const struct journal_request *r, bool attempted)
{
	struct str parts[2 * FIELDS + 1];
	char numbers[REQUEST_HEAD + 4 * FIELDS];
	size_t count = put_request(parts, numbers, r);
	uint64_t ticket = JOURNAL_REFUSED;
	lock_take(&j->lock);
	struct journal_entry *entry = add_entry(j, j->next_id);
	*id = 0;
	if (entry) {
		ticket = append_and_sync(j, JOURNAL_REQUESTS,
			attempted ? RECORD_ATTEMPTED_REQUEST : RECORD_REQUEST, entry->id, parts, count);
		entry->attempted = attempted;
		for (size_t i = 0; i < count; i++)
			entry->size += (uint32_t)parts[i].n;
		if (ticket != JOURNAL_REFUSED)
			*id = j->next_id++;
		else
			drop_entry(j, entry);
	} else {
		(void)refuse_record(j);
	}
	lock_give(&j->lock);
	return ticket;
}

uint64_t journal_attempt(struct journal *j, uint64_t id)
{
	lock_take(&j->lock);
	struct journal_entry *entry = find_entry(j, id);
	check(entry);
	/* One that was promised as attempted is on disk as such. */
	uint64_t ticket = j->done;
	if (!entry->attempted)
		ticket = append_and_sync(j, JOURNAL_REQUESTS, RECORD_ATTEMPT, id, NULL, 0);
	entry->attempted |= ticket != JOURNAL_REFUSED;
	lock_give(&j->lock);
	return ticket;
}

void journal_settle(struct journal *j, uint64_t id)
{
	lock_take(&j->lock);
	struct journal_entry *entry = find_entry(j, id);
	check(entry);
	(void)append(j, JOURNAL_REQUESTS, RECORD_SETTLED, id, NULL, 0);
	drop_entry(j, entry);
	lock_give(&j->lock);
}

uint64_t journal_event(struct journal *j, struct str key, enum journal_fate fate, int64_t now_ms)
{
	char stamp[8];
	put_number(stamp, (uint64_t)now_ms, 8);
	const struct str parts[] = { { stamp, sizeof(stamp) }, key };
	lock_take(&j->lock);
	uint64_t ticket = append_and_sync(
		j, JOURNAL_EVENTS, RECORD_EVENT + (enum record_type)fate, 0, parts, countof(parts));
	lock_give(&j->lock);
	return ticket;
}

enum err journal_wait(struct journal *j, uint64_t ticket, int64_t until, struct fault *f)
{
	lock_take(&j->lock);
	while (j->done < ticket && condition_wait(&j->synced_on, &j->lock, until))
		;
	bool done = j->done >= ticket, kept = done && ticket > j->lost;
	int sys = done ? j->failing : ETIMEDOUT;
	/* Whoever comes late with what was hardly begun has learned nothing of the disk. */
	if (!done && clock_mono_ms() - j->busy_since >= JOURNAL_LAST_MS)
		j->failing = ETIMEDOUT;
	lock_give(&j->lock);
	return kept ? OK : fault_set(f, E_FILE, sys, "the journal cannot be written");
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
	int64_t due = j->complain_at;
	return now >= due && atomic_compare_exchange_strong(&j->complain_at, &due, now + COMPLAINT_MS);
}

/* ---- writing, by one thread; under the lock, but not while the disk works ---- */

static struct journal_file *free_file(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
		if (!j->files[i].number)
			return &j->files[i];
	return NULL;
}

/* Returns an errno, or 0; so do the next. */
static int begin_file(struct journal *j, enum journal_class class)
{
	char name[NAME_SIZE];
	struct journal_file *file = free_file(j);
	if (!file)
		return ENFILE;
	uint64_t number = j->next_number++;
	int fd = openat(j->directory, put_name(name, class, number),
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	/* One whose name is not on disk is left alone, and removed in time. */
	*file = (struct journal_file){ .class = class, .number = number, .fd = fd };
	if (fsync(j->directory) != 0)
		return errno;
	j->lanes[class].current = file;
	return 0;
}

/* Its size stays, until all is where it should be. */
static int write_batch(struct journal *j, enum journal_class class, bool sync)
{
	struct journal_lane *lane = &j->lanes[class];
	struct buf *b = &lane->waiting[!j->turn];
	if (b->n) {
		bool full = !lane->current || lane->current->size >= JOURNAL_FILE_SIZE;
		int sys = full ? begin_file(j, class) : 0;
		if (sys)
			return sys;
		for (size_t at = 0, n; at < b->n; at += n) {
			n = (size_t)size_of(b->p + at);
			code_of((uint8_t *)b->p + at + n - MAC, &j->signing[class], lane->current,
				lane->current->size + at, (struct str){ b->p + at, n });
		}
		lane->dirty = true;
		ssize_t put = pwrite(lane->current->fd, b->p, b->n, (off_t)lane->current->size);
		if (put != (ssize_t)b->n)
			return put < 0 ? errno : ENOSPC;
	}
	if (!sync || !lane->dirty)
		return 0;
	if (lane->current && fdatasync(lane->current->fd) != 0)
		return errno;
	lane->dirty = false;
	return 0;
}

/* What was written has its place now, or nothing of it stays. */
static void finish_batch(struct journal *j, struct journal_lane *lane, bool lost)
{
	struct buf *b = &lane->waiting[!j->turn];
	struct journal_file *file = lane->current;
	for (size_t at = 0; !lost && at < b->n; at += (size_t)size_of(b->p + at)) {
		const char *record = b->p + at;
		struct journal_entry *entry =
			record[4] <= RECORD_ATTEMPTED_REQUEST ? find_entry(j, id_of(record)) : NULL;
		if (entry)
			move_entry(j, entry, file, file->size + at);
		/* Of an event. */
		file->newest_ms = (int64_t)read_number(record + HEAD, 8);
	}
	if (lost)
		j->total -= b->n;
	else if (b->n)
		file->size += b->n;
	memory_trim(b->p, b->cap, KEEP, b->n);
	buf_reset(b);
}

/* Writes what has come, and has it synced if somebody waits for that, or `sync`. */
static void write_waiting(struct journal *j, bool sync)
{
	uint64_t until = j->appended;
	int sys = 0;
	sync |= j->wanted > j->done;
	j->signing[JOURNAL_REQUESTS] = j->keys[0];
	j->turn = !j->turn;
	j->busy_since = clock_mono_ms();
	lock_give(&j->lock);
	for (enum journal_class i = 0; !sys && i < JOURNAL_CLASSES; i++)
		sys = write_batch(j, i, sync);
	for (size_t i = 0; sys && i < JOURNAL_CLASSES; i++)
		if (j->lanes[i].current)
			(void)!ftruncate(j->lanes[i].current->fd, (off_t)j->lanes[i].current->size);
	lock_take(&j->lock);
	for (size_t i = 0; i < JOURNAL_CLASSES; i++)
		finish_batch(j, &j->lanes[i], sys);
	if (sync || sys)
		j->failing = sys;
	if (sys)
		j->lost = until;
	j->done = until;
	condition_broadcast(&j->synced_on);
	lock_give(&j->lock);
	if (j->told)
		j->told(j->ctx);
	lock_take(&j->lock);
}

/* ---- tidying up, by the same thread ---- */

static void release_file(struct journal *j, struct journal_file *file)
{
	if (file->map)
		munmap((void *)(uintptr_t)file->map, file->mapped);
	if (file->fd >= 0)
		close(file->fd);
	j->total -= file->size;
	*file = (struct journal_file){ .number = 0 };
}

/* Gone for good before anything newer may go. */
static bool remove_file(struct journal *j, struct journal_file *file)
{
	char name[NAME_SIZE];
	/* What comes from now on must not be written to it, whatever becomes of the removal. */
	if (j->lanes[file->class].current == file)
		j->lanes[file->class].current = NULL;
	lock_give(&j->lock);
	/* It may be gone from an earlier time, when only the directory could not be synced. */
	bool gone = (unlinkat(j->directory, put_name(name, file->class, file->number), 0) == 0 ||
					errno == ENOENT) &&
		fsync(j->directory) == 0;
	lock_take(&j->lock);
	if (gone)
		release_file(j, file);
	return gone;
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

/* Has a request written again, into the current file. False if that cannot be done now. */
static bool carry_over(struct journal *j, struct journal_entry *entry)
{
	struct journal_entry was = *entry;
	const struct buf *memory = &j->lanes[JOURNAL_REQUESTS].waiting[!j->turn];
	struct str body = { memory->p, was.size };
	if (body.n > memory->cap)
		return false;
	lock_give(&j->lock);
	ssize_t n = pread(j->files[was.file].fd, memory->p, body.n, (off_t)was.offset + HEAD);
	lock_take(&j->lock);
	return n == (ssize_t)body.n &&
		(entry->id != was.id ||
			append(j, JOURNAL_REQUESTS,
				entry->attempted ? RECORD_ATTEMPTED_REQUEST : RECORD_REQUEST, was.id, &body, 1));
}

/* A file goes only when all that are older have gone: it may hold the end of a request that began
 * in one of them. What is unsettled in the oldest is carried over, so that it keeps no others. A
 * mapped one waits for those who have views of it. */
static void tend_requests(struct journal *j)
{
	struct journal_file *file;
	while ((file = oldest(j, JOURNAL_REQUESTS)) &&
		(file != j->lanes[JOURNAL_REQUESTS].current || !file->unsettled)) {
		bool movable = !file->map;
		size_t before = file->unsettled;
		for (size_t i = 0; movable && before && i < JOURNAL_ENTRIES_MAX; i++)
			if (j->entries[i].id && &j->files[j->entries[i].file] == file)
				movable = carry_over(j, &j->entries[i]);
		write_waiting(j, true);
		if (file->unsettled ? file->unsettled >= before : !remove_file(j, file))
			return;
	}
}

void journal_take_keys(struct journal *j, const struct hmac_key *secrets, size_t count)
{
	lock_take(&j->lock);
	j->keys_count = 0;
	for (size_t i = 0; i < count; i++)
		add_key(j, &secrets[i]);
	j->rekeyed |= !ct_equal(&j->signing[JOURNAL_REQUESTS], &j->keys[0], sizeof(j->keys[0]));
	condition_signal(&j->work);
	lock_give(&j->lock);
}

void journal_tend(struct journal *j, int64_t now_ms)
{
	struct journal_file *file;
	lock_take(&j->lock);
	if (j->rekeyed)
		j->lanes[JOURNAL_REQUESTS].current = NULL;
	j->rekeyed = false;
	tend_requests(j);
	while ((file = oldest(j, JOURNAL_EVENTS))) {
		/* Written when the clock was ahead, it would stay, and keep all newer. */
		if (file->newest_ms > now_ms)
			file->newest_ms = now_ms;
		if (now_ms - file->newest_ms <= JOURNAL_EVENT_MS || !remove_file(j, file))
			break;
	}
	lock_give(&j->lock);
}

static bool has_come(const struct journal *j)
{
	return j->appended > j->done;
}

void journal_write(struct journal *j)
{
	lock_take(&j->lock);
	write_waiting(j, false);
	lock_give(&j->lock);
}

void *journal_run(void *arg)
{
	struct journal *j = arg;
	int64_t tend_at = clock_mono_ms() + TEND_MS;
	for (;;) {
		lock_take(&j->lock);
		while (!has_come(j) && !j->rekeyed && condition_wait(&j->work, &j->lock, tend_at))
			;
		if (has_come(j))
			write_waiting(j, false);
		bool tend = j->rekeyed || clock_mono_ms() >= tend_at;
		lock_give(&j->lock);
		if (tend) {
			journal_tend(j, clock_wall_ms());
			tend_at = clock_mono_ms() + TEND_MS;
		}
	}
	return NULL;
}

void journal_close(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_FILES_MAX; i++)
		if (j->files[i].number)
			release_file(j, &j->files[i]);
	munmap(j->entries, MEMORY);
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
		uint64_t size = size_of(file->map + offset);
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
	uint64_t id = id_of(record.p);
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
		if (request.event.n)
			events->tell(events->ctx, request.event, JOURNAL_STARTED, request.arrived_ms);
		if (entry) /* carried over */
			drop_entry(j, entry);
		entry = add_entry(j, id);
		if (!entry)
			return;
		move_entry(j, entry, file, offset);
		entry->size = (uint32_t)body.n;
		entry->attempted = type == RECORD_ATTEMPTED_REQUEST;
		break;
	case RECORD_ATTEMPT:
		if (entry)
			entry->attempted = true;
		break;
	case RECORD_SETTLED:
		if (entry)
			drop_entry(j, entry);
		break;
	default:
		if (type < RECORD_EVENT || type > RECORD_LAST || body.n < 8) {
			j->refused++;
			return;
		}
		file->newest_ms = (int64_t)read_number(body.p, 8);
		events->tell(events->ctx, str_skip(body, 8), (enum journal_fate)(type - RECORD_EVENT),
			file->newest_ms);
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
	/* The last is continued if it is whole: a program that is started again and again must not run
	 * out of files. */
	j->lanes[file->class].current = end == file->size ? file : NULL;
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
					return fault_set(f, E_FILE, 0, "the journal has more than %d files",
						NUM(JOURNAL_FILES_MAX));
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

/* Random bytes, made once. Nothing was signed with those that are not all there. */
static enum err read_own_key(struct journal *j, struct fault *f)
{
	uint8_t bytes[KEY_SIZE] = { 0 };
	int fd = openat(j->directory, "key", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	if (n >= 0 && n < (ssize_t)sizeof(bytes)) {
		seed_fill(bytes, sizeof(bytes));
		n = pwrite(fd, bytes, sizeof(bytes), 0);
	}
	/* Whoever made it may have been killed before it was on disk. */
	if (n == sizeof(bytes) && (fsync(fd) != 0 || fsync(j->directory) != 0))
		n = -1;
	enum err e = n == sizeof(bytes)
		? OK
		: fault_set(f, E_FILE, n < 0 ? errno : 0, "the journal's file key cannot be used");
	hmac_key(&j->signing[JOURNAL_EVENTS], (struct str){ (const char *)bytes, sizeof(bytes) });
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
			"GATEWAY_JOURNAL=%s must name a directory that exists; of links to one, only root's "
			"are followed",
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
	condition_init(&j->work);
	condition_init(&j->synced_on);
	j->next_id = j->next_number = 1;
	j->entries = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum err e = j->entries == MAP_FAILED
		? fault_set(f, E_SYSTEM, errno, "no memory for the journal")
		: open_directory(j, directory, f);
	char *p = (char *)(j->entries + JOURNAL_ENTRIES_MAX);
	for (size_t i = 0; i < JOURNAL_CLASSES; i++) {
		size_t cap = i == JOURNAL_REQUESTS ? JOURNAL_REQUESTS_MEMORY : JOURNAL_EVENTS_MEMORY;
		for (size_t k = 0; k < 2; k++, p += cap)
			j->lanes[i].waiting[k] = (struct buf){ p, 0, cap, false };
	}
	for (size_t i = 0; i < count; i++)
		add_key(j, &secrets[i]);
	if (e == OK)
		e = read_own_key(j, f);
	if (!count)
		add_key(j, &j->signing[JOURNAL_EVENTS]);
	j->signing[JOURNAL_REQUESTS] = j->keys[0];
	if (e == OK)
		e = read_files(j, &events, f);
	if (e == OK)
		journal_tend(j, now_ms);
	return e;
}

bool journal_next_left(
	struct journal *j, size_t *cursor, uint64_t *id, bool *attempted, struct journal_request *out)
{
	struct str body = S("");
	lock_take(&j->lock);
	for (; !body.n && *cursor < JOURNAL_ENTRIES_MAX; ++*cursor) {
		const struct journal_entry *e = &j->entries[*cursor];
		const struct journal_file *file = &j->files[e->file];
		if (!e->id || e->offset >= file->mapped)
			continue;
		body = (struct str){ file->map + e->offset + HEAD, e->size };
		*id = e->id;
		*attempted = e->attempted;
	}
	lock_give(&j->lock);
	/* What it says may have to come from the disk. */
	if (body.n)
		check(read_request(out, body));
	return body.n;
}
