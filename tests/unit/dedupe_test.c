#include "base/clock.h"
#include "check.h"
#include "service/dedupe.h"

#include <pthread.h>

static struct dedupe table;
static struct dedupe_table memory;

static void start(void)
{
	memory = (struct dedupe_table){ 0 };
	dedupe_init(&table, &memory);
}

/* Without waiting. */
static enum dedupe_verdict begin(struct str id)
{
	return dedupe_begin(&table, guard_copy(id), 0);
}

TEST(dedupe_remembers_what_was_started)
{
	start();
	expect_int(begin(S("Ev1")), DEDUPE_FIRST);
	expect_int(begin(S("Ev1")), DEDUPE_BUSY);
	expect_int(begin(S("Ev2")), DEDUPE_FIRST);
	dedupe_end(&table, S("Ev1"), true);
	expect_int(begin(S("Ev1")), DEDUPE_STARTED);
	expect_int(begin(S("Ev1")), DEDUPE_STARTED);
	expect_int(begin(S("Ev2")), DEDUPE_BUSY);
	expect_int(begin(S("Ev")), DEDUPE_FIRST);
	expect_int(begin(S("Ev11")), DEDUPE_FIRST);
}

TEST(dedupe_forgets_what_was_not)
{
	start();
	for (int i = 0; i < 3; i++) {
		expect_int(begin(S("Ev1")), DEDUPE_FIRST);
		dedupe_end(&table, S("Ev1"), false);
	}
	dedupe_end(&table, S("Ev1"), true); /* nobody began it */
	expect_int(begin(S("Ev1")), DEDUPE_FIRST);
}

TEST(dedupe_lengths)
{
	static const struct str longest = STR("0123456789012345678901234567890123456789"),
							longer = STR("01234567890123456789012345678901234567890");
	start();
	expect_int(longest.n, DEDUPE_ID_MAX);
	expect_int(begin(longest), DEDUPE_FIRST);
	expect_int(begin(longest), DEDUPE_BUSY);
	for (int i = 0; i < 2; i++) {
		expect_int(begin(longer), DEDUPE_FIRST);
		dedupe_end(&table, longer, true);
	}
	expect_int(begin(longest), DEDUPE_BUSY);
}

TEST(dedupe_for_ten_minutes)
{
	start();
	int64_t ages[] = { DEDUPE_MS - 1000, DEDUPE_MS };
	for (size_t i = 0; i < countof(ages); i++) {
		expect_int(begin(S("Ev1")), i == 0 ? DEDUPE_FIRST : DEDUPE_STARTED);
		dedupe_end(&table, S("Ev1"), true);
		for (size_t j = 0; j < DEDUPE_MAX; j++)
			if (memory.entries[j].used)
				memory.entries[j].since_ms = clock_mono_ms() - ages[i];
		context("%lld ms", (long long)ages[i]);
		expect_int(begin(S("Ev1")), ages[i] < DEDUPE_MS ? DEDUPE_STARTED : DEDUPE_FIRST);
	}
}

static struct str numbered(char scratch[static 24], int i)
{
	return str_of_int(scratch, i);
}

/* The memory is bounded: the oldest goes, and only it. */
TEST(dedupe_when_full)
{
	char scratch[24];
	start();
	for (int i = 0; i <= DEDUPE_MAX; i++) {
		expect_int(begin(numbered(scratch, i)), DEDUPE_FIRST);
		dedupe_end(&table, numbered(scratch, i), true);
	}
	for (int i = DEDUPE_MAX; i > 0; i--) {
		context("id %d", i);
		expect_int(begin(numbered(scratch, i)), DEDUPE_STARTED);
	}
	expect_int(begin(S("0")), DEDUPE_FIRST);
	expect_int(begin(S("1")), DEDUPE_FIRST);
	expect_int(begin(S("3")), DEDUPE_STARTED);
}

/* ---- a second delivery while the first is under way ---- */

struct second {
	pthread_t thread;
	int64_t until_ms;
	enum dedupe_verdict verdict;
	int64_t at_ms;
};

static void *deliver(void *arg)
{
	struct second *s = arg;
	s->verdict = dedupe_begin(&table, S("Ev1"), s->until_ms);
	s->at_ms = clock_mono_ms();
	return NULL;
}

static void deliver_again(struct second *s, int64_t wait_ms)
{
	s->until_ms = clock_mono_ms() + wait_ms;
	check(pthread_create(&s->thread, NULL, deliver, s) == 0);
}

TEST(dedupe_second_waits_for_the_first)
{
	for (int started = 0; started < 2; started++) {
		struct second s[3];
		int firsts = 0, busy = 0;
		start();
		expect_int(begin(S("Ev1")), DEDUPE_FIRST);
		for (size_t i = 0; i < countof(s); i++)
			deliver_again(&s[i], started ? 5000 : 150);
		clock_sleep_ms(20);
		int64_t ended_ms = clock_mono_ms();
		dedupe_end(&table, S("Ev1"), started);
		for (size_t i = 0; i < countof(s); i++) {
			pthread_join(s[i].thread, NULL);
			expect(s[i].at_ms >= ended_ms && s[i].at_ms < ended_ms + 2000);
			firsts += s[i].verdict == DEDUPE_FIRST;
			busy += s[i].verdict == DEDUPE_BUSY;
		}
		/* After a failure one of them takes it over, and the others wait for that one. */
		context("first was %s", started ? "started" : "not started");
		expect_int(firsts, !started);
		expect_int(busy, started ? 0 : 2);
	}
}

TEST(dedupe_second_waits_until_its_moment)
{
	struct second s;
	start();
	expect_int(begin(S("Ev1")), DEDUPE_FIRST);
	int64_t began_ms = clock_mono_ms();
	deliver_again(&s, 60);
	pthread_join(s.thread, NULL);
	expect_int(s.verdict, DEDUPE_BUSY);
	expect(s.at_ms - began_ms >= 60);
	dedupe_end(&table, S("Ev1"), true);
	expect_int(begin(S("Ev1")), DEDUPE_STARTED);
}
