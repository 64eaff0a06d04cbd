/* deadline.h - how long a piece of work may wait.
 *
 * Two moments on the monotonic clock. At the soft one somebody else must hear (Slack must have its
 * answer) and the work goes on; at the hard one it ends. Every wait, however deep in a connect, a
 * handshake or a read, calls deadline_left before it blocks: when the soft moment has passed, that
 * calls `on_soft` once, in the middle of the wait, and the same wait continues afterwards. */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include "base/base.h"

#define DEADLINE_NEVER INT64_MAX

struct deadline {
	int64_t hard;           /* monotonic ms, or DEADLINE_NEVER */
	int64_t soft;           /* likewise; set to DEADLINE_NEVER when on_soft is called */
	void (*on_soft)(void *arg); /* NULL if soft is DEADLINE_NEVER */
	void *arg;
	/* Another hard moment, which may be set while somebody waits; NULL for none. */
	const _Atomic int64_t *limit;
};

/* A deadline without a soft moment that ends `ms` from now. */
struct deadline deadline_in(int64_t ms);

/* A deadline that never ends, for waiting for the next event. */
struct deadline deadline_none(void);

/* How many milliseconds to wait at most until something is due, fit for poll(2): 0 when the hard
 * moment has passed, -1 for no bound, never more than INT_MAX. Calls on_soft when that is due,
 * which may take time. */
int deadline_left(struct deadline *d);

/* A deadline inside `d`: ends `ms` from now or with `d`, whichever comes first, and shares its soft
 * moment. Copy `soft` back with deadline_leave, so that on_soft stays a single call. */
struct deadline deadline_within(const struct deadline *d, int64_t ms);
static inline void deadline_leave(struct deadline *d, const struct deadline *inner)
{
	d->soft = inner->soft;
}

/* Sleeps `ms`, serving the soft moment on the way. False if the hard moment came first. */
must_check bool deadline_sleep(struct deadline *d, int64_t ms);

#endif
