#include "os/lock.h"

#include "base/clock.h"
#include "check.h"

#include <errno.h>
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct lock lock;
static struct condition change;
static long counter, waiting, woken;

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		long seen = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = seen + 1;
		lock_give(&lock);
	}
	return NULL;
}

TEST(lock_lets_in_one_at_a_time)
{
	pthread_t threads[THREADS];
	counter = 0;
	for (size_t i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, count_up, NULL) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_int(counter, THREADS * ROUNDS);
	expect_int(pthread_mutex_trylock(&lock.mutex), 0);
	lock_give(&lock);
}

static void *wait_for_it(void *arg)
{
	(void)arg;
	lock_take(&lock);
	waiting++;
	while (counter == 0)
		(void)condition_wait(&change, &lock, DEADLINE_NEVER);
	counter--;
	woken++;
	lock_give(&lock);
	return NULL;
}

static void wait_until_all_wait(void)
{
	for (bool all = false; !all; clock_sleep_ms(1)) {
		lock_take(&lock);
		all = waiting == THREADS;
		lock_give(&lock);
	}
}

TEST(condition_wakes_one_or_all)
{
	pthread_t threads[THREADS];
	counter = waiting = woken = 0;
	condition_init(&change);
	for (size_t i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, wait_for_it, NULL) == 0);
	wait_until_all_wait();

	lock_take(&lock);
	counter = 1;
	condition_signal(&change);
	lock_give(&lock);
	for (bool done = false; !done; clock_sleep_ms(1)) {
		lock_take(&lock);
		done = woken == 1;
		lock_give(&lock);
	}
	lock_take(&lock);
	counter = THREADS - 1;
	condition_broadcast(&change);
	lock_give(&lock);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_int(woken, THREADS);
	expect_int(counter, 0);
}

TEST(condition_waits_no_longer_than_it_is_told)
{
	static const int64_t late[] = { -1, 0, 1 };
	condition_init(&change);
	lock_take(&lock);
	for (size_t i = 0; i < countof(late); i++)
		expect(!condition_wait(&change, &lock, late[i]));
	int64_t start = clock_mono_ms();
	expect(!condition_wait(&change, &lock, start + 30));
	expect(clock_mono_ms() - start >= 29);
	expect_int(pthread_mutex_trylock(&lock.mutex), EBUSY);
	lock_give(&lock);
}
