#include "base/fault.h"

#include <errno.h>
#include <string.h>

/* What can come of the system calls of this program, in the words that people know. libc's own list of all errors
 * there are is three times as large. */
static struct str describe(int sys)
{
	static const struct {
		int sys;
		const char *text;
	} errors[] = {
		{ EPERM, "Operation not permitted" }, { ENOENT, "No such file or directory" }, { EIO, "I/O error" },
		{ E2BIG, "Argument list too long" }, { ENOEXEC, "Exec format error" }, { EAGAIN, "Resource temporarily unavailable" },
		{ ENOMEM, "Out of memory" }, { EACCES, "Permission denied" }, { ENOTDIR, "Not a directory" }, { EISDIR, "Is a directory" },
		{ EINVAL, "Invalid argument" }, { ENFILE, "Too many open files in system" }, { EMFILE, "Too many open files" },
		{ ETXTBSY, "Text file busy" }, { EPIPE, "Broken pipe" }, { ELOOP, "Too many symbolic links" },
		{ EADDRINUSE, "Address in use" }, { EADDRNOTAVAIL, "Address not available" }, { EAFNOSUPPORT, "Address family not supported" },
		{ ENETDOWN, "Network is down" }, { ENETUNREACH, "Network unreachable" }, { ECONNABORTED, "Connection aborted" },
		{ ECONNRESET, "Connection reset by peer" }, { ENOBUFS, "No buffer space available" }, { ETIMEDOUT, "Operation timed out" },
		{ ECONNREFUSED, "Connection refused" }, { EHOSTDOWN, "Host is down" }, { EHOSTUNREACH, "Host is unreachable" },
	};
	for (size_t i = 0; i < countof(errors); i++)
		if (errors[i].sys == sys)
			return str_c(errors[i].text);
	return S("");
}

enum err fault_set_format(struct fault *f, enum err code, int sys, const char *format, ...)
{
	/* An argument may be the fault's own old text. */
	char text[sizeof(f->text)];
	struct buf b = BUF(text);
	va_list arguments;
	va_start(arguments, format);
	buf_put_arguments(&b, format, arguments);
	va_end(arguments);
	struct str what = sys ? describe(sys) : S("");
	if (what.n)
		buf_format(&b, ": %", what);
	else if (sys)
		buf_format(&b, ": system error %", NUM(sys));
	memcpy(f->text, text, b.n);
	f->n = b.n;
	f->code = code;
	f->sys = sys;
	return code;
}
