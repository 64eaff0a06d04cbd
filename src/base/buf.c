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

struct str hole_text(char scratch[static 24], struct str argument)
{
	return argument.p == NUM_MARK ? str_of_int(scratch, (int64_t)argument.n) : argument;
}

void buf_put_arguments(struct buf *b, const char *format, va_list arguments)
{
	char scratch[24];
	struct str text, rest = str_c(format);
	while (str_next(&text, &rest, '%')) {
		buf_put(b, text);
		buf_put(b, hole_text(scratch, va_arg(arguments, struct str)));
	}
	buf_put(b, text);
}

no_floats void buf_put_format(struct buf *b, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	buf_put_arguments(b, format, arguments);
	va_end(arguments);
}
