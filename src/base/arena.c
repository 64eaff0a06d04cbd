#include "base/arena.h"

#include <stdalign.h>

void *arena_take(struct arena *a, size_t size)
{
	size_t gap = -(uintptr_t)(a->p + a->n) % alignof(max_align_t), room = a->cap - a->n;
	if (gap > room || size > room - gap)
		return NULL;
	a->n += gap + size;
	return a->p + a->n - size;
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

struct str arena_copy(struct arena *a, struct str s)
{
	struct buf b = arena_buf(a, s.n);
	buf_put(&b, s);
	return buf_str(&b);
}
