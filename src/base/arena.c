#include "base/arena.h"

#include <stdalign.h>

void *arena_take(struct arena *a, size_t size)
{
	size_t start = (a->n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (start > a->cap || size > a->cap - start)
		return NULL;
	a->n = start + size;
	return a->p + start;
}

struct buf arena_buf(struct arena *a, size_t cap)
{
	char *p = arena_take(a, cap);
	return p ? (struct buf){ p, 0, cap, false } : (struct buf){ NULL, 0, 0, true };
}

struct buf arena_rest(struct arena *a)
{
	struct buf b = { a->p + a->n, 0, a->cap - a->n, false };
	a->n = a->cap;
	return b;
}

struct str arena_keep(struct arena *a, const struct buf *b)
{
	check(b->p + b->cap == a->p + a->cap);
	a->n = (size_t)(b->p - a->p) + b->n;
	return buf_str(b);
}
