#include "base/fault.h"

#include <string.h>

enum err fault_set_format(struct fault *f, enum err code, int sys, const char *format, ...)
{
	/* An argument may be the fault's own old text. */
	char text[sizeof(f->text)];
	struct buf b = BUF(text);
	va_list arguments;
	va_start(arguments, format);
	buf_put_arguments(&b, format, arguments);
	va_end(arguments);
	if (sys)
		buf_format(&b, ": %", str_c(strerror(sys)));
	memcpy(f->text, text, b.n);
	f->n = b.n;
	f->code = code;
	f->sys = sys;
	return code;
}
