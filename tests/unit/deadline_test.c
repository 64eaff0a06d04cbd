#include "base/deadline.h"

#include "base/clock.h"
#include "check.h"

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(deadline_left_counts_down_to_zero)
{
	struct deadline d = deadline_in(1000);
	int left = deadline_left(&d);
	expect(left > 500 && left <= 1000);
	d = deadline_in(30);
	clock_sleep_ms(40);
	expect_int(deadline_left(&d), 0);
	d = deadline_in(-1);
	expect_int(deadline_left(&d), 0);
}

TEST(deadline_left_fits_poll)
{
	struct deadline d = deadline_none();
	expect_int(deadline_left(&d), -1);
	d = deadline_in((int64_t)INT_MAX * 4);
	expect_int(deadline_left(&d), INT_MAX);
}

TEST(deadline_left_serves_the_soft_moment_once)
{
	int calls = 0;
	struct deadline d = deadline_in(10000);
	d.soft = clock_mono_ms() + 30;
	d.on_soft = count;
	d.arg = &calls;
	int left = deadline_left(&d);
	expect(left >= 0 && left <= 30);
	expect_int(calls, 0);
	clock_sleep_ms(40);
	left = deadline_left(&d);
	expect(left > 5000 && left <= 10000);
	expect_int(calls, 1);
	expect(d.soft == DEADLINE_NEVER);
	(void)deadline_left(&d);
	expect_int(calls, 1);
}

TEST(deadline_left_with_soft_alone)
{
	int calls = 0;
	struct deadline d = deadline_none();
	d.soft = clock_mono_ms() - 1;
	d.on_soft = count;
	d.arg = &calls;
	expect_int(deadline_left(&d), -1);
	expect_int(calls, 1);
	/* Both due at once: it is told, and the work ends. */
	d.hard = d.soft = clock_mono_ms() - 1;
	expect_int(deadline_left(&d), 0);
	expect_int(calls, 2);
}

static void sleep_long(void *arg)
{
	(void)arg;
	clock_sleep_ms(60);
}

TEST(deadline_left_counts_what_on_soft_takes)
{
	struct deadline d = deadline_in(30);
	d.soft = clock_mono_ms();
	d.on_soft = sleep_long;
	expect_int(deadline_left(&d), 0);
}

TEST(deadline_within_takes_the_earlier_end)
{
	int calls = 0;
	struct deadline d = deadline_in(10000), inner = deadline_within(&d, 100);
	int left = deadline_left(&inner);
	expect(left >= 0 && left <= 100);
	inner = deadline_within(&d, 100000);
	expect(inner.hard == d.hard);
	d = deadline_none();
	d.soft = clock_mono_ms();
	d.on_soft = count;
	d.arg = &calls;
	inner = deadline_within(&d, 5000);
	left = deadline_left(&inner);
	expect(left > 0 && left <= 5000);
	expect_int(calls, 1);
	deadline_leave(&d, &inner);
	expect_int(deadline_left(&d), -1);
	expect_int(calls, 1);
}

TEST(deadline_sleep_ends_with_whichever_is_first)
{
	int calls = 0;
	struct deadline d = deadline_in(10000);
	d.soft = clock_mono_ms() + 10;
	d.on_soft = count;
	d.arg = &calls;
	int64_t start = clock_mono_ms();
	expect(deadline_sleep(&d, 40));
	int64_t took = clock_mono_ms() - start;
	expect(took >= 40 && took < 5000);
	expect_int(calls, 1);
	start = clock_mono_ms();
	d = deadline_in(30);
	expect(!deadline_sleep(&d, 10000));
	took = clock_mono_ms() - start;
	expect(took >= 30 && took < 5000);
	d = deadline_none();
	expect(deadline_sleep(&d, 0));
}
