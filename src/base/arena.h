/* arena.h - memory that lives as long as one piece of work.
 *
 * A region given once; pieces are taken from its front and all given back together by arena_reset.
 * Running out is an ordinary answer (NULL), which callers turn into E_LIMIT. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/buf.h"

struct arena {
	char *p;
	size_t n, cap;
};

/* `size` bytes aligned for any type, not initialised; NULL when they do not fit. */
must_check void *arena_take(struct arena *a, size_t size);

/* A builder over `cap` bytes of it; one with cap 0 (and `full` set) when they do not fit. */
struct buf arena_buf(struct arena *a, size_t cap);

/* A builder over all that is left. Give the unused rest back with arena_keep when it is filled. */
struct buf arena_rest(struct arena *a);

/* A copy of `s`; empty when it does not fit. */
struct str arena_copy(struct arena *a, struct str s);

/* Ends a builder made by arena_rest, the newest piece of `a`: keeps what was written, frees the
 * rest. Returns the contents. */
struct str arena_keep(struct arena *a, const struct buf *b);

/* Gives everything back. Every view into the arena dies here. */
static inline void arena_reset(struct arena *a) { a->n = 0; }

#endif
