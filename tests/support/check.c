#include "check.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GUARDS_MAX = 16384, TESTS_MAX = 4096 };

static struct test *tests, **tests_end = &tests;
static bool failed;
static char label[256];
static uint64_t random_state;
static struct {
	void *p;
	size_t n;
} guards[GUARDS_MAX];
static size_t guards_count;
/* What the processes know of each other; a test is named by its place among those chosen. */
static struct {
	atomic_int taken;
	bool ended[TESTS_MAX], passed[TESTS_MAX];
} *shared;

void test_register(struct test *t)
{
	*tests_end = t;
	tests_end = &t->next;
}

void context(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(label, sizeof(label), format, args);
	va_end(args);
}

bool expect_at(const char *file, int line, bool ok, const char *what)
{
	if (ok)
		return true;
	failed = true;
	printf("# %s:%d: %s%s%s\n", file, line, label, *label ? ": " : "", what);
	return false;
}

bool expect_int_at(const char *file, int line, int64_t got, int64_t want, const char *what)
{
	char text[512];
	snprintf(text, sizeof(text), "%s is %lld, want %lld", what, (long long)got, (long long)want);
	return expect_at(file, line, got == want, text);
}

static void put_visible(char *out, size_t cap, struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n && n + 8 < cap; i++) {
		unsigned char c = (unsigned char)s.p[i];
		n += (size_t)snprintf(out + n, cap - n, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	snprintf(out + n, cap - n, "\" (%zu)", s.n);
}

bool expect_str_at(const char *file, int line, struct str got, struct str want, const char *what)
{
	char g[1024], w[1024], text[2400];
	if (str_eq(got, want))
		return true;
	put_visible(g, sizeof(g), got);
	put_visible(w, sizeof(w), want);
	snprintf(text, sizeof(text), "%s is \"%s, want \"%s", what, g, w);
	return expect_at(file, line, false, text);
}

struct str guard_copy(struct str s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (s.n + page - 1) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || mprotect(p + room, page, PROT_NONE) != 0) {
		perror("guard page");
		exit(2);
	}
	size_t slot = guards_count++ % GUARDS_MAX;
	if (guards[slot].p)
		munmap(guards[slot].p, guards[slot].n);
	guards[slot].p = p;
	guards[slot].n = room + page;
	if (s.n)
		memcpy(p + room - s.n, s.p, s.n);
	return (struct str){ p + room - s.n, s.n };
}

static void free_guards(void)
{
	for (size_t i = 0; i < GUARDS_MAX && guards[i].p; i++) {
		munmap(guards[i].p, guards[i].n);
		guards[i].p = NULL;
	}
	guards_count = 0;
}

uint64_t test_random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

size_t test_random(size_t bound)
{
	return (size_t)(test_random64() % bound);
}

struct str test_file(const char *path)
{
	char full[512];
	const char *root = getenv("TESTS_DIR");
	snprintf(full, sizeof(full), "%s/%s", root ? root : "tests", path);
	FILE *f = fopen(full, "rb");
	if (!f) {
		perror(full);
		exit(2);
	}
	size_t n = 0, cap = 1 << 16;
	char *p = malloc(cap);
	for (size_t got; p && (got = fread(p + n, 1, cap - n, f)) > 0;)
		if ((n += got) == cap)
			p = realloc(p, cap *= 2);
	fclose(f);
	if (!p)
		abort();
	struct str kept = guard_copy((struct str){ p, n });
	free(p);
	return kept;
}

static bool selected(const char *name, char **prefixes, int count)
{
	for (int i = 0; i < count; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return count == 0;
}

/* Runs what no other process has taken until nothing is left. */
static void run_tests(struct test **chosen, int count, uint64_t seed)
{
	for (int i; (i = shared->taken++) < count;) {
		failed = false;
		label[0] = 0;
		random_state = seed | 1;
		log_set_level(LOG_INFO); /* whatever the test before wanted */
		chosen[i]->run();
		free_guards();
		printf("%s %d - %s\n", failed ? "not ok" : "ok", i + 1, chosen[i]->name);
		shared->passed[i] = !failed;
		shared->ended[i] = true;
	}
}

/* How many of the processes ended as they should not: by a signal, or by the report of a
 * sanitizer. */
static int share_tests(struct test **chosen, int count, uint64_t seed, int jobs)
{
	int bad = 0, status;
	for (int i = 0; i < jobs; i++) {
		pid_t pid = fork();
		if (pid < 0) {
			perror("fork");
			exit(2);
		}
		if (pid == 0) {
			run_tests(chosen, count, seed);
			exit(0);
		}
	}
	for (int i = 0; i < jobs; i++)
		bad += wait(&status) < 0 || status != 0;
	return bad;
}

static int choose_tests(struct test **chosen, char **prefixes, int prefixes_count)
{
	int count = 0;
	for (struct test *t = tests; t; t = t->next)
		if (selected(t->name, prefixes, prefixes_count)) {
			if (count == TESTS_MAX) {
				fprintf(stderr, "more than %d tests\n", TESTS_MAX);
				exit(2);
			}
			chosen[count++] = t;
		}
	return count;
}

/* One line of the sum; tests that did not come to their end have none of their own yet. */
static bool sum_up(struct test **chosen, int count, int bad_processes)
{
	int passed = 0, unfinished = 0;
	for (int i = 0; i < count; i++) {
		passed += shared->passed[i];
		if (shared->ended[i])
			continue;
		unfinished++;
		printf("not ok %d - %s: did not come to its end\n", i + 1, chosen[i]->name);
	}
	int bad = count - passed;
	if (bad_processes > unfinished) {
		bad++;
		printf("not ok - a process failed after its last test\n");
	}
	printf("1..%d\n%d passed, %d failed\n", count, passed, bad);
	return passed > 0 && bad == 0;
}

int main(int argc, char **argv)
{
	static struct test *chosen[TESTS_MAX];
	uint64_t seed = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
	/* Some tests wait more than they compute. */
	int jobs = 2 * (int)sysconf(_SC_NPROCESSORS_ONLN);
	bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
	for (; argc > 2 && strncmp(argv[1], "--", 2) == 0; argv += 2, argc -= 2) {
		if (strcmp(argv[1], "--seed") == 0)
			seed = strtoull(argv[2], NULL, 10);
		else if (strcmp(argv[1], "--jobs") == 0)
			jobs = atoi(argv[2]);
	}
	int count = choose_tests(chosen, argv + 1 + list, argc - 1 - list);
	for (int i = 0; list && i < count; i++)
		puts(chosen[i]->name);
	if (list)
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# seed %llu\n", (unsigned long long)seed);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	int bad_processes = 0;
	if (jobs > 1 && count > 1)
		bad_processes = share_tests(chosen, count, seed, jobs);
	else
		run_tests(chosen, count, seed);
	return sum_up(chosen, count, bad_processes) ? 0 : 1;
}
