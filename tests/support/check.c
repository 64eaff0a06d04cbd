#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { GUARDS_MAX = 16384 };

static struct test *tests, **tests_end = &tests;
static bool failed;
static char label[256];
static uint64_t random_state;
static struct {
	void *p;
	size_t n;
} guards[GUARDS_MAX];
static size_t guards_count;

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

int main(int argc, char **argv)
{
	uint64_t seed = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
	bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
	if (argc > 2 && strcmp(argv[1], "--seed") == 0) {
		seed = strtoull(argv[2], NULL, 10);
		argv += 2, argc -= 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# seed %llu\n", (unsigned long long)seed);
	int passed = 0, bad = 0;
	for (struct test *t = tests; t; t = t->next) {
		if (list)
			puts(t->name);
		if (list || !selected(t->name, argv + 1, argc - 1))
			continue;
		failed = false;
		label[0] = 0;
		random_state = seed | 1;
		t->run();
		free_guards();
		printf("%s %d - %s\n", failed ? "not ok" : "ok", passed + bad + 1, t->name);
		if (failed)
			bad++;
		else
			passed++;
	}
	if (!list)
		printf("1..%d\n%d passed, %d failed\n", passed + bad, passed, bad);
	return bad > 0 || (!list && passed == 0);
}
