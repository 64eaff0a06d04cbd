#include "base/clock.h"
#include "check.h"
#include "directory.h"
#include "service/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1000000000, AHEAD = NOW + 24 * JOURNAL_EVENT_MS };

static char folder[64];
static struct journal journal;
static struct fault fault;
static struct hmac_key secret, other_secret;

static struct str path(void)
{
	return str_c(folder);
}

/* Removes what is in the folder, and gives it mode 0700 again. */
static void empty_folder(void)
{
	directory_empty(folder);
	chmod(folder, 0700);
}

static void set_up(void)
{
	if (!folder[0]) {
		strcpy(folder, "/tmp/journal-test-XXXXXX");
		expect(mkdtemp(folder) != NULL);
		hmac_key(&secret, S("8f742231b10e8888abcd99yyyzzz85a5"));
		hmac_key(&other_secret, S("0123456789abcdef0123456789abcdef"));
	}
	empty_folder();
}

/* What journal_open tells of events: "key:fate;" one after the other. */
static char told_memory[1024];
static struct buf told;

static void tell(void *ctx, struct str key, enum journal_fate fate, int64_t wall_ms)
{
	expect(ctx == &told && (wall_ms == NOW || wall_ms == AHEAD));
	buf_format(&told, "%s:%d;", key, NUM((int)fate));
}

static enum err open_with(const struct hmac_key *keys, size_t count)
{
	memset(&journal, 0, sizeof(journal));
	told = BUF(told_memory);
	return journal_open(&journal, path(), keys, count, NOW, tell, &told, &fault);
}

static void open_again(void)
{
	expect_int(open_with(&secret, 1), OK);
}

static struct journal_request request(int number)
{
	static const struct str ids[] = { STR("r-0"), STR("r-1"), STR("r-2"), STR("r-3") };
	return (struct journal_request){
		.arrived_ms = NOW + number,
		.sync = number % 3 == 2,
		.request_id = ids[number % 4],
		.kind = S("slash_command"),
		.region = S("eu-west-1"),
		.function = S("deploy"),
		.response_url = number % 2 ? S("https://hooks.slack.com/commands/1") : S(""),
		.payload = S("{\"text\":\"now\"}"),
	};
}

/* No thread writes here. */
static enum err written(uint64_t ticket)
{
	journal_write(&journal);
	return journal_wait(&journal, ticket, 0, &fault);
}

static uint64_t promise(int number, bool attempted)
{
	uint64_t id = 0;
	const struct journal_request r = request(number);
	expect_int(written(journal_promise(&journal, &id, &r, attempted)), OK);
	return id;
}

static void attempt(uint64_t id)
{
	expect_int(written(journal_attempt(&journal, id)), OK);
}

static void settle(uint64_t id)
{
	journal_settle(&journal, id);
	journal_write(&journal);
}

static void note(struct str key, enum journal_fate fate)
{
	expect_int(written(journal_event(&journal, key, fate, NOW)), OK);
}

/* What is left: "number:attempted;" for each, in no certain order but that of the table. */
static struct str left(void)
{
	static char memory[1024];
	struct buf b = BUF(memory);
	struct journal_request r;
	size_t cursor = 0;
	uint64_t id;
	bool attempted;
	while (journal_next_left(&journal, &cursor, &id, &attempted, &r)) {
		const struct journal_request want = request((int)(r.arrived_ms - NOW));
		expect_int(r.sync, want.sync);
		expect_str(r.request_id, want.request_id);
		expect_str(r.kind, want.kind);
		expect_str(r.region, want.region);
		expect_str(r.function, want.function);
		expect_str(r.response_url, want.response_url);
		expect_str(r.payload, want.payload);
		buf_format(&b, "%d:%d;", NUM(r.arrived_ms - NOW), NUM(attempted));
	}
	return buf_str(&b);
}

static size_t count_files(const char *prefix)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *d = opendir(folder);
	while (d && (entry = readdir(d)))
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (d)
		closedir(d);
	return n;
}

TEST(journal_keeps_what_is_not_settled)
{
	set_up();
	open_again();
	expect_str(left(), S(""));
	(void)promise(0, false);
	uint64_t second = promise(1, false), third = promise(2, true);
	attempt(second);
	settle(third);
	(void)promise(3, true);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("0:0;1:1;3:1;"));
	expect_int(journal.refused + journal.torn, 0);
	journal_close(&journal);
	/* What happens to them now counts, though they stand in an older file. */
	open_again();
	size_t cursor = 0;
	struct journal_request r;
	uint64_t id;
	bool attempted;
	expect(journal_next_left(&journal, &cursor, &id, &attempted, &r) && !attempted);
	attempt(id);
	expect(journal_next_left(&journal, &cursor, &id, &attempted, &r) && attempted);
	settle(id);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("0:1;3:1;"));
	/* Numbers go on. */
	expect(promise(1, false) > second + 1);
	journal_close(&journal);
}

TEST(journal_remembers_events)
{
	set_up();
	open_again();
	note(S("Ev1"), JOURNAL_ATTEMPTED);
	note(S("Ev2"), JOURNAL_ATTEMPTED);
	note(S("Ev1"), JOURNAL_STARTED);
	note(S("Ev2"), JOURNAL_TOLD);
	journal_close(&journal);
	open_again();
	expect_str(buf_str(&told), S("Ev1:0;Ev2:0;Ev1:1;Ev2:2;"));
	journal_tend(&journal, NOW + JOURNAL_EVENT_MS);
	expect_int(count_files("events-"), 1);
	journal_tend(&journal, NOW + JOURNAL_EVENT_MS + 1);
	expect_int(count_files("events-"), 0);
	journal_close(&journal);
}

/* A crash can come before the event has a record of its own. */
TEST(journal_remembers_the_event_of_a_request)
{
	set_up();
	open_again();
	struct journal_request r = request(0);
	uint64_t id = 0, settled = 0;
	r.event = S("local/Ev1");
	expect_int(written(journal_promise(&journal, &id, &r, false)), OK);
	r.event = S("local/Ev2");
	expect_int(written(journal_promise(&journal, &settled, &r, false)), OK);
	settle(settled);
	journal_close(&journal);
	open_again();
	expect_str(buf_str(&told), S("local/Ev1:1;local/Ev2:1;"));
	expect_str(left(), S("0:0;"));
	journal_close(&journal);
}

/* Those of a time when the clock was wrong do not stay until that time comes. */
TEST(journal_events_of_a_clock_ahead)
{
	char name[96];
	set_up();
	open_again();
	expect_int(written(journal_event(&journal, S("Ev1"), JOURNAL_STARTED, AHEAD)), OK);
	journal_close(&journal);
	/* A torn file is not continued. */
	snprintf(name, sizeof(name), "%s/events-0000000000000001", folder);
	int fd = open(name, O_WRONLY | O_APPEND);
	expect(write(fd, "x", 1) == 1 && close(fd) == 0);
	open_again();
	expect_str(buf_str(&told), S("Ev1:1;"));
	note(S("Ev2"), JOURNAL_STARTED);
	journal_tend(&journal, NOW + JOURNAL_EVENT_MS);
	expect_int(count_files("events-"), 2);
	journal_tend(&journal, NOW + JOURNAL_EVENT_MS + 1);
	expect_int(count_files("events-"), 0);
	journal_close(&journal);
}

TEST(journal_removes_settled_files)
{
	set_up();
	open_again();
	uint64_t id = promise(0, true);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 1);
	settle(id);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 0);
	expect_int(journal.total, 0);
	/* One that an earlier process left goes with the last of its entries. */
	(void)promise(1, true);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("1:1;"));
	id = promise(2, true);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 1);
	settle(id);
	settle(id - 1);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 0);
	journal_close(&journal);
}

/* What comes after a file was removed is not written to it, even if the directory could not be
 * synced then. */
TEST(journal_begins_another_file_when_one_is_hardly_gone)
{
	set_up();
	open_again();
	settle(promise(0, true));
	int directory = journal.directory;
	journal.directory = open(folder, O_PATH);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 0);
	expect(journal.total > 0);
	close(journal.directory);
	journal.directory = directory;
	(void)promise(1, true);
	expect_int(count_files("requests-"), 1);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("1:1;"));
	journal_close(&journal);
}

/* What this process adds to a file that an earlier one left is not left by that. */
TEST(journal_knows_what_was_left)
{
	set_up();
	open_again();
	(void)promise(0, false);
	journal_close(&journal);
	open_again();
	(void)promise(1, false);
	expect_int(count_files("requests-"), 1);
	expect_str(left(), S("0:0;"));
	journal_close(&journal);
	open_again();
	expect_str(left(), S("0:0;1:0;"));
	journal_close(&journal);
}

/* A program that ends and starts again more often than there are files has room all the same. */
TEST(journal_continues_its_files)
{
	set_up();
	for (int i = 0; i < 2 * JOURNAL_FILES_MAX; i++) {
		context("start %d", i);
		open_again();
		expect_int(journal_unsettled(&journal), (size_t)i);
		expect_int(journal.torn + journal.refused, 0);
		(void)promise(i, i % 2);
		note(S("Ev"), JOURNAL_STARTED);
		journal_close(&journal);
		expect_int(count_files("requests-"), 1);
		expect_int(count_files("events-"), 1);
	}
}

/* An old request does not keep the files that come after it. */
TEST(journal_carries_over)
{
	static char large[1 << 20];
	set_up();
	open_again();
	uint64_t old = promise(0, true);
	struct journal_request r = request(1);
	memset(large, 'x', sizeof(large));
	r.payload = (struct str){ large, sizeof(large) };
	for (int i = 0; i < 12; i++) {
		uint64_t id;
		expect_int(written(journal_promise(&journal, &id, &r, true)), OK);
		settle(id);
	}
	expect(count_files("requests-") > 2);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 1);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("0:1;"));
	settle(old);
	journal_tend(&journal, NOW);
	expect_int(count_files("requests-"), 0);
	journal_close(&journal);
}

/* The only file of requests. */
static struct str read_requests(char *name, size_t size)
{
	static char memory[4096];
	struct dirent *entry;
	DIR *d = opendir(folder);
	while ((entry = readdir(d)))
		if (strncmp(entry->d_name, "requests-", 9) == 0)
			snprintf(name, size, "%s/%s", folder, entry->d_name);
	closedir(d);
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, memory, sizeof(memory));
	close(fd);
	return (struct str){ memory, n > 0 ? (size_t)n : 0 };
}

static void write_file(const char *name, struct str text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	expect(write(fd, text.p, text.n) == (ssize_t)text.n);
	close(fd);
}

TEST(journal_torn_at_every_byte)
{
	char name[400], copy[4096];
	uint64_t ends[4];
	set_up();
	open_again();
	uint64_t id = promise(1, false);
	ends[0] = journal.total;
	(void)promise(2, true);
	ends[1] = journal.total;
	attempt(id);
	ends[2] = journal.total;
	settle(id);
	ends[3] = journal.total;
	journal_close(&journal);
	struct str all = read_requests(name, sizeof(name));
	memcpy(copy, all.p, all.n);
	expect_int(all.n, ends[3]);
	for (size_t n = 0; n <= ends[3]; n++) {
		context("cut at %zu", n);
		empty_folder();
		write_file(name, (struct str){ copy, n });
		open_again();
		expect_str(left(),
			n < ends[0]       ? S("")
				: n < ends[1] ? S("1:0;")
				: n < ends[2] ? S("1:0;2:1;")
				: n < ends[3] ? S("1:1;2:1;")
							  : S("2:1;"));
		expect_int(journal.refused, 0);
		bool whole = n == 0 || n == ends[0] || n == ends[1] || n == ends[2] || n == ends[3];
		expect_int(journal.torn > 0, !whole);
		/* It is cut off once. */
		journal_close(&journal);
		open_again();
		expect_int(journal.torn, 0);
		journal_close(&journal);
	}
}

/* No changed record is acted on. */
TEST(journal_changed_at_every_byte)
{
	char name[400], copy[4096];
	set_up();
	open_again();
	(void)promise(1, false);
	journal_close(&journal);
	struct str all = read_requests(name, sizeof(name));
	memcpy(copy, all.p, all.n);
	for (size_t i = 0; i < all.n; i++) {
		context("byte %zu", i);
		copy[i] ^= 1 << (i % 8);
		empty_folder();
		write_file(name, (struct str){ copy, all.n });
		open_again();
		expect_str(left(), S(""));
		expect(journal.refused + journal.torn > 0);
		journal_close(&journal);
		copy[i] ^= 1 << (i % 8);
	}
	/* Nor one in another place: the same bytes in another file, or twice in the same. */
	context("another file");
	empty_folder();
	char *digit = name + strlen(name) - 1;
	*digit = '7';
	write_file(name, (struct str){ copy, all.n });
	open_again();
	expect_str(left(), S(""));
	expect_int(journal.refused, 1);
	journal_close(&journal);
	context("twice");
	empty_folder();
	*digit = '1';
	memcpy(copy + all.n, copy, all.n);
	write_file(name, (struct str){ copy, 2 * all.n });
	open_again();
	expect_str(left(), S("1:0;"));
	expect_int(journal.refused, 1);
	journal_close(&journal);
}

TEST(journal_keys)
{
	set_up();
	open_again();
	(void)promise(1, false);
	journal_close(&journal);
	expect_int(open_with(&other_secret, 1), OK);
	expect_str(left(), S(""));
	expect_int(journal.refused, 1);
	journal_close(&journal);
	set_up();
	open_again();
	(void)promise(1, false);
	journal_close(&journal);
	/* After a rotation the new secret stands in front, and the old one still counts. */
	const struct hmac_key rotated[] = { other_secret, secret };
	expect_int(open_with(rotated, 2), OK);
	expect_str(left(), S("1:0;"));
	journal_close(&journal);
	/* Events outlive every secret, but not what lies beside them. */
	set_up();
	open_again();
	note(S("Ev1"), JOURNAL_STARTED);
	journal_close(&journal);
	expect_int(open_with(&other_secret, 1), OK);
	expect_str(buf_str(&told), S("Ev1:1;"));
	expect_int(journal.refused, 0);
	journal_close(&journal);
	char name[80];
	snprintf(name, sizeof(name), "%s/key", folder);
	expect_int(truncate(name, 31), 0);
	expect_int(open_with(&other_secret, 1), OK);
	expect_str(buf_str(&told), S(""));
	expect_int(journal.refused, 1);
	journal_close(&journal);
	/* Without a secret the key lies beside the records. */
	set_up();
	expect_int(open_with(NULL, 0), OK);
	(void)promise(1, false);
	journal_close(&journal);
	expect_int(open_with(NULL, 0), OK);
	expect_str(left(), S("1:0;"));
	journal_close(&journal);
}

TEST(journal_refuses_directories)
{
	char name[400];
	struct journal second = { 0 };
	set_up();
	open_again();
	expect_int(journal_open(&second, path(), &secret, 1, NOW, tell, &told, &fault), E_FILE);
	expect(str_find_str(fault_text(&fault), S("in use by another process")) < fault.n);
	journal_close(&journal);
	chmod(folder, 0750);
	expect_int(open_with(&secret, 1), E_FILE);
	expect(str_find_str(fault_text(&fault), S("mode 0700")) < fault.n);
	chmod(folder, 0700);
	snprintf(name, sizeof(name), "%s-link", folder);
	unlink(name);
	expect(symlink(folder, name) == 0);
	memset(&journal, 0, sizeof(journal));
	if (geteuid() == 0) { /* root's link leads somewhere, another's does not */
		expect_int(journal_open(&journal, str_c(name), &secret, 1, NOW, tell, &told, &fault), OK);
		journal_close(&journal);
		expect(lchown(name, 65534, 65534) == 0);
		memset(&journal, 0, sizeof(journal));
	}
	expect_int(journal_open(&journal, str_c(name), &secret, 1, NOW, tell, &told, &fault), E_FILE);
	unlink(name);
	memset(&journal, 0, sizeof(journal));
	expect_int(
		journal_open(&journal, S("/nonexistent/journal"), &secret, 1, NOW, tell, &told, &fault),
		E_FILE);
}

/* A full disk, as a limit on the size of files: nothing half-written stays, and all is well again
 * afterwards. */
TEST(journal_on_a_full_disk)
{
	struct rlimit before, limit;
	struct journal_request r = request(1);
	uint64_t id;
	set_up();
	open_again();
	(void)promise(0, false);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = journal.total + 20;
	expect(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	expect_int(written(journal_promise(&journal, &id, &r, false)), E_FILE);
	expect(journal_failing(&journal) != 0);
	/* It goes on without the journal, and ends. */
	settle(id);
	expect_int(journal_unsettled(&journal), 1);
	expect(setrlimit(RLIMIT_FSIZE, &before) == 0);
	expect_int(written(journal_promise(&journal, &id, &r, false)), OK);
	expect_int(journal_failing(&journal), 0);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("0:0;1:0;"));
	expect_int(journal.torn, 0);
	journal_close(&journal);
}

TEST(journal_has_limits)
{
	static char large[3 << 19];
	struct journal_request r = request(1);
	uint64_t id, first = 0;
	size_t taken = 0;
	set_up();
	open_again();
	r.payload = (struct str){ large, sizeof(large) };
	while (written(journal_promise(&journal, &id, &r, false)) == OK) {
		first = first ? first : id;
		taken++;
	}
	expect_int(id, 0);
	expect_int(taken, 41);
	expect_int(journal_failing(&journal), ENOSPC);
	expect(journal.total <= JOURNAL_SIZE_MAX);
	/* Their ends still fit. */
	for (uint64_t i = first; i < first + taken; i++) {
		attempt(i);
		settle(i);
	}
	journal_tend(&journal, NOW);
	expect_int(journal.total, 0);
	expect_int(written(journal_promise(&journal, &id, &r, false)), OK);
	journal_close(&journal);
}

/* What waits for the disk is bounded, too, and what ends a request still finds room. */
TEST(journal_bounds_what_waits)
{
	static char large[1 << 20];
	struct journal_request r = request(1);
	uint64_t id, last = 0, ticket, wait_for = 0;
	set_up();
	open_again();
	r.payload = (struct str){ large, sizeof(large) };
	while ((ticket = journal_promise(&journal, &id, &r, false)) != JOURNAL_REFUSED)
		last = id, wait_for = ticket;
	expect_int(last, 2);
	expect_int(journal_failing(&journal), ENOSPC);
	ticket = journal_attempt(&journal, 1);
	expect(ticket > wait_for);
	journal_settle(&journal, 2);
	expect_int(written(ticket), OK);
	expect_int(journal_failing(&journal), 0);
	journal_close(&journal);
	open_again();
	size_t cursor = 0;
	bool attempted;
	expect(journal_next_left(&journal, &cursor, &id, &attempted, &r) && id == 1 && attempted);
	expect_int(r.payload.n, sizeof(large));
	expect(!journal_next_left(&journal, &cursor, &id, &attempted, &r));
	journal_close(&journal);
}

/* Nobody waits for a disk that has not caught up: what is new is refused at once, and what is
 * promised already may still be marked and settled. */
TEST(journal_on_a_slow_disk)
{
	struct journal_request r = request(1);
	uint64_t id, second;
	set_up();
	open_again();
	uint64_t ticket = journal_promise(&journal, &id, &r, false);
	/* Whoever does not wait has not learned that the disk is slow. */
	expect_int(journal_wait(&journal, ticket, 0, &fault), E_FILE);
	expect_int(journal_failing(&journal), 0);
	int64_t late_ms = clock_mono_ms() + JOURNAL_LAST_MS + 1;
	expect_int(journal_wait(&journal, ticket, late_ms, &fault), E_FILE);
	expect_int(journal_failing(&journal), ETIMEDOUT);
	expect_int(journal_promise(&journal, &second, &r, false), JOURNAL_REFUSED);
	expect_int(second, 0);
	expect_int(journal_event(&journal, S("Ev1"), JOURNAL_ATTEMPTED, NOW), JOURNAL_REFUSED);
	uint64_t mark = journal_attempt(&journal, id);
	expect(mark > ticket);
	expect_int(written(mark), OK);
	expect_int(journal_failing(&journal), 0);
	expect_int(journal_wait(&journal, ticket, 0, &fault), OK);
	/* It is marked: nothing more has to reach the disk before an attempt. */
	expect(journal_is_done(&journal, journal_attempt(&journal, id)));
	(void)promise(2, true);
	journal_close(&journal);
	open_again();
	expect_str(left(), S("1:1;2:1;"));
	journal_close(&journal);
}

/* A request that ends before its promise was written leaves nothing behind. */
TEST(journal_settles_what_is_not_written)
{
	struct journal_request r = request(1);
	uint64_t id;
	set_up();
	open_again();
	expect(journal_promise(&journal, &id, &r, false) != JOURNAL_REFUSED);
	settle(id);
	expect_int(journal_unsettled(&journal), 0);
	journal_close(&journal);
	open_again();
	expect_str(left(), S(""));
	expect_int(count_files("requests-"), 0);
	journal_close(&journal);
}

/* Many at once, and one that writes: each is on disk when it is said to be, and nothing gets lost
 * between them. */
static _Atomic size_t working;

static void *work(void *arg)
{
	for (int i = 0; i < 50; i++) {
		struct fault f;
		uint64_t id;
		const struct journal_request r = request(3);
		uint64_t ticket = journal_promise(&journal, &id, &r, false);
		if (journal_wait(&journal, ticket, DEADLINE_NEVER, &f) != OK ||
			journal_wait(&journal, journal_attempt(&journal, id), DEADLINE_NEVER, &f) != OK)
			*(bool *)arg = true;
		if (i != 7)
			journal_settle(&journal, id);
	}
	working--;
	return NULL;
}

TEST(journal_from_many_threads)
{
	pthread_t threads[8];
	bool failed[8] = { false };
	set_up();
	open_again();
	working = countof(threads);
	for (size_t i = 0; i < countof(threads); i++)
		expect(pthread_create(&threads[i], NULL, work, &failed[i]) == 0);
	for (int i = 0; working; i++) {
		journal_write(&journal);
		if (i % 10 == 5)
			journal_tend(&journal, NOW);
	}
	journal_write(&journal);
	for (size_t i = 0; i < countof(threads); i++) {
		pthread_join(threads[i], NULL);
		expect(!failed[i]);
	}
	journal_close(&journal);
	open_again();
	expect_str(left(), S("3:1;3:1;3:1;3:1;3:1;3:1;3:1;3:1;"));
	journal_close(&journal);
	empty_folder();
	rmdir(folder);
	folder[0] = 0;
}
