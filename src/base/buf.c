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
