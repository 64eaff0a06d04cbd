#include "os/lock.h"

#include <errno.h>
#include <time.h>

void lock_take(struct lock *l)
{
	check(pthread_mutex_lock(&l->mutex) == 0);
}

void lock_give(struct lock *l)
{
	check(pthread_mutex_unlock(&l->mutex) == 0);
}

void condition_signal(struct condition *c)
{
	check(pthread_cond_signal(&c->condition) == 0);
}

void condition_broadcast(struct condition *c)
{
	check(pthread_cond_broadcast(&c->condition) == 0);
}

void condition_init(struct condition *c)
{
	pthread_condattr_t attributes;
	check(pthread_condattr_init(&attributes) == 0);
	check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	check(pthread_cond_init(&c->condition, &attributes) == 0);
	check(pthread_condattr_destroy(&attributes) == 0);
}

bool condition_wait(struct condition *c, struct lock *l, int64_t until)
{
	if (until == DEADLINE_NEVER) {
		check(pthread_cond_wait(&c->condition, &l->mutex) == 0);
		return true;
	}
	if (until < 0)
		until = 0;
	struct timespec at = { .tv_sec = until / 1000, .tv_nsec = (long)(until % 1000) * 1000000 };
	int sys = pthread_cond_timedwait(&c->condition, &l->mutex, &at);
	check(sys == 0 || sys == ETIMEDOUT);
	return sys == 0;
}
