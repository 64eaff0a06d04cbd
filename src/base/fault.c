#include "base/fault.h"

#include <string.h>

enum err fault_set_parts(struct fault *f, enum err code, int sys, const struct str *parts, size_t count)
{
	/* A part may be the fault's own old text. */
	char text[sizeof(f->text)];
	struct buf b = BUF(text);
	buf_add_parts(&b, parts, count);
	if (sys)
		buf_add(&b, S(": "), str_c(strerror(sys)));
	memcpy(f->text, text, b.n);
	f->n = b.n;
	f->code = code;
	f->sys = sys;
	return code;
}
