#include "os/generation.h"

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

TEST(generation_is_replaced_when_nobody_holds_the_other_slot)
{
	struct generation g = { 0 };
	unsigned old = generation_hold(&g);
	expect_int(old, 0);
	expect_int(generation_spare(&g), 1);
	generation_publish(&g, 1);
	expect_int(generation_spare(&g), -1);
	unsigned now = generation_hold(&g);
	expect_int(now, 1);
	generation_release(&g, now);
	expect_int(generation_spare(&g), -1);
	generation_release(&g, old);
	expect_int(generation_spare(&g), 0);
}

enum { WORDS = 64, ROUNDS = 20000 };

static struct generation shared;
static int slots[2][WORDS];
static _Atomic bool done;

/* Every word of a slot that is held says the same. */
static void *read_all_the_time(void *arg)
{
	size_t torn = 0;
	while (!done) {
		unsigned slot = generation_hold(&shared);
		for (size_t i = 1; i < WORDS; i++)
			torn += slots[slot][i] != slots[slot][0];
		generation_release(&shared, slot);
	}
	*(size_t *)arg = torn;
	return NULL;
}

TEST(generation_is_never_seen_half_written)
{
	pthread_t readers[3];
	size_t torn[3];
	int published = 0;
	done = false;
	for (size_t i = 0; i < 3; i++)
		check(pthread_create(&readers[i], NULL, read_all_the_time, &torn[i]) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		int slot = generation_spare(&shared);
		if (slot < 0)
			continue;
		for (size_t i = 0; i < WORDS; i++)
			slots[slot][i] = round;
		generation_publish(&shared, slot);
		published++;
	}
	done = true;
	for (size_t i = 0; i < 3; i++) {
		pthread_join(readers[i], NULL);
		expect_int(torn[i], 0);
	}
	expect(published > 0);
}
