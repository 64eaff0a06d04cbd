#include "base/buf.h"

#include <string.h>

void buf_put(struct buf *b, struct str s)
{
	size_t room = b->cap - b->n;
	if (s.n > room) {
		b->full = true;
		s.n = room;
	}
	if (s.n)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void buf_put_char(struct buf *b, char c)
{
	buf_put(b, (struct str){ &c, 1 });
}

void buf_add_parts(struct buf *b, const struct str *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_put(b, parts[i]);
}
