/* lock.h - mutexes and conditions: the pthreads of libc, whose timed waits count on the monotonic
 * clock.
 *
 * Zeroed memory is a free lock. A condition is zeroed memory made ready by condition_init. Locks
 * are not recursive. A failure of pthreads is a bug here, and traps. */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include "base/deadline.h"

#include <pthread.h>

struct lock {
	pthread_mutex_t mutex;
};

void lock_take(struct lock *l);
void lock_give(struct lock *l);

struct condition {
	pthread_cond_t condition;
};

void condition_init(struct condition *c);

/* Gives `l` back, waits for a signal, and takes it again. May return without one: the caller checks
 * again what it waits for. False when `until` (monotonic ms, or DEADLINE_NEVER) has passed. */
bool condition_wait(struct condition *c, struct lock *l, int64_t until);

/* Wakes one of those who wait, or all. What they wait for was changed under the lock. */
void condition_signal(struct condition *c);
void condition_broadcast(struct condition *c);

#endif
