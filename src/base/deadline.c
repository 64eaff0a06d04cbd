#include "base/deadline.h"

#include "base/clock.h"

struct deadline deadline_in(int64_t ms)
{
	return (struct deadline){ .hard = clock_mono_ms() + ms, .soft = DEADLINE_NEVER };
}

struct deadline deadline_none(void)
{
	return (struct deadline){ .hard = DEADLINE_NEVER, .soft = DEADLINE_NEVER };
}

enum { LOOK_MS = 250 }; /* how often whoever waits looks at a limit */

int deadline_left(struct deadline *d)
{
	if (d->soft == DEADLINE_NEVER && d->hard == DEADLINE_NEVER && !d->limit)
		return -1;
	int64_t now = clock_mono_ms(), limit = d->limit ? *d->limit : DEADLINE_NEVER;
	if (now >= d->soft) {
		d->soft = DEADLINE_NEVER;
		d->on_soft(d->arg);
		now = clock_mono_ms();
	}
	int64_t due = d->soft < d->hard ? d->soft : d->hard;
	if (due == DEADLINE_NEVER && !d->limit)
		return -1;
	if (now >= d->hard || now >= limit)
		return 0;
	if (d->limit && due - now > LOOK_MS)
		return LOOK_MS;
	return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

struct deadline deadline_within(const struct deadline *d, int64_t ms)
{
	struct deadline inner = *d;
	int64_t end = clock_mono_ms() + ms;
	if (end < inner.hard)
		inner.hard = end;
	return inner;
}

bool deadline_sleep(struct deadline *d, int64_t ms)
{
	for (int64_t end = clock_mono_ms() + ms;;) {
		int left = deadline_left(d);
		int64_t rest = end - clock_mono_ms();
		if (rest <= 0)
			return true;
		if (left == 0)
			return false;
		clock_sleep_ms(left > 0 && left < rest ? left : rest);
	}
}
