#include "os/generation.h"

#include <stdatomic.h>

unsigned generation_hold(struct generation *g)
{
	for (;;) {
		unsigned slot = atomic_load(&g->current);
		atomic_fetch_add(&g->holders[slot], 1);
		/* Had it been replaced in between, the writer may not have seen the hold. */
		if (atomic_load(&g->current) == slot)
			return slot;
		generation_release(g, slot);
	}
}

void generation_release(struct generation *g, unsigned slot)
{
	check(atomic_fetch_sub(&g->holders[slot], 1) > 0);
}

int generation_spare(struct generation *g)
{
	int slot = 1 - (int)atomic_load(&g->current);
	return atomic_load(&g->holders[slot]) == 0 ? slot : -1;
}

void generation_publish(struct generation *g, int slot)
{
	atomic_store(&g->current, (unsigned)slot);
}
