/* generation.h - something that many threads read and one thread now and then replaces, such as
 * keys and secrets.
 *
 * Two slots in the owner's memory: readers hold the current one, the writer fills the other and
 * publishes it. Nobody waits. A writer that finds the other slot still held by a slow reader comes
 * back later. */
#ifndef OS_GENERATION_H
#define OS_GENERATION_H

#include "base/base.h"

struct generation { /* zeroed at first: slot 0 is current */
	_Atomic unsigned current;
	_Atomic int holders[2];
};

/* The slot to read, 0 or 1, which stays as it is until it is released. */
unsigned generation_hold(struct generation *g);
void generation_release(struct generation *g, unsigned slot);

/* For the one writer: the slot to fill, free until it is published; or -1 while somebody holds it.
 */
int generation_spare(struct generation *g);
void generation_publish(struct generation *g, int slot);

#endif
