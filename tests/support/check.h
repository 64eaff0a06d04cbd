/* check.h - the unit test harness: named tests, tables of cases, inputs that end at a guard page.
 *
 *     TEST(base64_decodes_padding) { expect_str(decoded, S("a")); }
 *
 * The runner takes name prefixes as arguments (`unit json_ sha256_`), `--list`, `--seed N` and
 * `--jobs N`: how many processes share the tests, by default two for each processor; with 1 they
 * run in the process itself, as a debugger likes it. It prints TAP and ends with "N passed, N
 * failed". A failed expectation marks its test and goes on; `context` names the case of a table in
 * the message. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include "base/fault.h"

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};
void test_register(struct test *t);

#define TEST(id) \
	static void test_##id(void); \
	__attribute__((constructor)) static void register_##id(void) \
	{ \
		static struct test t = { #id, test_##id, NULL }; \
		test_register(&t); \
	} \
	static void test_##id(void)

/* printf-like label for the expectations that follow, until the next call or the end of the test.
 */
void context(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define expect(cond) expect_at(__FILE__, __LINE__, (cond), #cond)
#define expect_int(got, want)                                                                      \
	expect_int_at(__FILE__, __LINE__, (int64_t)(got), (int64_t)(want), #got)
#define expect_str(got, want) expect_str_at(__FILE__, __LINE__, (got), (want), #got)
bool expect_at(const char *file, int line, bool ok, const char *what);
bool expect_int_at(const char *file, int line, int64_t got, int64_t want, const char *what);
bool expect_str_at(const char *file, int line, struct str got, struct str want, const char *what);

/* A copy of `s` whose last byte is the last of a page, with an unreadable page behind it: any read
 * past the end faults. Lives until the next test begins. The bytes may be written to. */
struct str guard_copy(struct str s);

/* Pseudo-random numbers from the printed seed: one below `bound` (> 0), and one of 64 bits, never
 * 0. */
size_t test_random(size_t bound);
uint64_t test_random64(void);

/* The whole file, relative to the directory `tests/`; fails the run when it cannot be read. */
struct str test_file(const char *path);

#endif
