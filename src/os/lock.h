/* lock.h - a mutex and a condition for the threads of this process, over futex(2).
 *
 * Zeroed memory is a free lock and a condition nobody waits for. libc's have kinds, attributes, owners and cancellation, which are
 * not used here and take ten times the code. Not recursive. */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include "base/deadline.h"

struct lock {
	_Atomic int state; /* 0: free; 1: taken; 2: taken, and somebody may wait for it */
};

void lock_take(struct lock *l);
void lock_give(struct lock *l);

struct condition {
	_Atomic int signals; /* so far, wrapping */
};

/* Gives `l` back, waits for a signal, and takes it again. May return without one: whoever waits looks again at what was
 * waited for. False when it is `until` (monotonic ms, or DEADLINE_NEVER). */
bool condition_wait(struct condition *c, struct lock *l, int64_t until);

/* Wakes one of those who wait, or all. Under the lock. */
void condition_signal(struct condition *c);
void condition_broadcast(struct condition *c);

#endif
