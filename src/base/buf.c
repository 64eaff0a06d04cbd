#include "base/buf.h"

#include <string.h>

/* The C library's memcpy is for large pieces: of some it has ten instructions that take a while to
 * get going. Most pieces here are words. */
static void copy(char *to, const char *from, size_t n)
{
	size_t i = 0;
	for (; n - i >= 16; i += 16)
		memcpy(to + i, from + i, 16);
	if (n & 8)
		memcpy(to + i, from + i, 8), i += 8;
	for (; i < n; i++)
		to[i] = from[i];
}

void buf_put(struct buf *b, struct str s)
{
	size_t room = b->cap - b->n;
	if (s.n > room) {
		b->full = true;
		s.n = room;
	}
	if (s.n)
		copy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void buf_put_char(struct buf *b, char c)
{
	buf_put(b, (struct str){ &c, 1 });
}

void buf_put_format(struct buf *b, const char *format, struct arguments arguments)
{
	char scratch[24];
	size_t used = 0;
	struct str text, rest = str_c(format);
	while (str_next(&text, &rest, '%')) {
		buf_put(b, text);
		check(rest.n);
		char kind = *rest.p;
		rest = str_skip(rest, 1);
		if (kind == '%') {
			buf_put_char(b, '%');
			continue;
		}
		check(used < arguments.count);
		struct str argument = arguments.list[used++];
		check(kind == (is_num(argument) ? 'd' : 's'));
		buf_put(b, kind == 'd' ? str_of_int(scratch, num_value(argument)) : argument);
	}
	buf_put(b, text);
	check(used == arguments.count);
}
