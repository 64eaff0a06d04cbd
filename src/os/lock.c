#include "os/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* From linux/futex.h, which libc does not bring. */
enum { FUTEX_WAKE = 1, FUTEX_WAIT_BITSET = 9, FUTEX_PRIVATE = 128, FUTEX_ANY_BIT = -1 };

/* Waits while the word has that value, until a monotonic time. False when that has passed. */
static bool futex_wait(_Atomic int *word, int value, int64_t until)
{
	if (until < 0)
		until = 0;
	struct timespec at = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
	return syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE, value, until == DEADLINE_NEVER ? NULL : &at, NULL,
		FUTEX_ANY_BIT) == 0 || errno != ETIMEDOUT;
}

static void futex_wake(_Atomic int *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE, count);
}

void lock_take(struct lock *l)
{
	int state = 0;
	if (atomic_compare_exchange_strong(&l->state, &state, 1))
		return;
	/* Whoever has waited leaves it marked: there may be others. */
	while (atomic_exchange(&l->state, 2) != 0)
		futex_wait(&l->state, 2, DEADLINE_NEVER);
}

void lock_give(struct lock *l)
{
	int state = atomic_exchange(&l->state, 0);
	check(state != 0);
	if (state == 2)
		futex_wake(&l->state, 1);
}

bool condition_wait(struct condition *c, struct lock *l, int64_t until)
{
	int seen = atomic_load(&c->signals);
	lock_give(l);
	bool in_time = futex_wait(&c->signals, seen, until);
	lock_take(l);
	return in_time;
}

static void wake(struct condition *c, int count)
{
	atomic_fetch_add(&c->signals, 1);
	futex_wake(&c->signals, count);
}

void condition_signal(struct condition *c)
{
	wake(c, 1);
}

void condition_broadcast(struct condition *c)
{
	wake(c, INT_MAX);
}
