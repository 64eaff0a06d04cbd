#include "base/fault.h"

#include <errno.h>
#include <string.h>

/* What can come of the system calls of this program, in the words that people know. libc's own list
 * of all errors there are is three times as large. */
#define ERRORS(E)                                                                                  \
	E(EPERM, "Operation not permitted")                                                            \
	E(ENOSYS, "Function not implemented") E(ENOSPC, "No space left on device")                     \
	E(ENOENT, "No such file or directory") E(EIO, "I/O error") E(E2BIG, "Argument list too long")  \
		E(ENOEXEC, "Exec format error") E(EAGAIN, "Resource temporarily unavailable") E(           \
			ENOMEM, "Out of memory") E(EACCES, "Permission denied") E(ENOTDIR, "Not a directory")  \
			E(EISDIR, "Is a directory") E(EINVAL, "Invalid argument")                              \
				E(ENFILE, "Too many open files in system") E(EMFILE, "Too many open files")        \
					E(ETXTBSY, "Text file busy") E(ENOSPC, "No space left on device")              \
					E(EROFS, "Read-only file system") E(EPIPE, "Broken pipe")                      \
						E(ELOOP, "Too many symbolic links") E(EADDRINUSE, "Address in use")        \
							E(EADDRNOTAVAIL, "Address not available") E(EAFNOSUPPORT,              \
								"Address family not supported") E(ENETDOWN, "Network is down")     \
								E(ENETUNREACH, "Network unreachable")                              \
									E(ECONNABORTED, "Connection aborted")                          \
										E(ECONNRESET, "Connection reset by peer")                  \
											E(ENOBUFS, "No buffer space available")                \
												E(ETIMEDOUT, "Operation timed out")                \
													E(ECONNREFUSED, "Connection refused")          \
														E(EHOSTDOWN, "Host is down")               \
															E(EHOSTUNREACH, "Host is unreachable")
#define NUMBER(number, text) number,
#define TEXT(number, text) text "\0"

static struct str describe(int sys)
{
	static const uint8_t numbers[] = { ERRORS(NUMBER) };
	static const char texts[] = ERRORS(TEXT);
	for (size_t i = 0; i < countof(numbers); i++)
		if (numbers[i] == sys)
			return str_nth(texts, i);
	return S("");
}

enum err fault_set_format(
	struct fault *f, enum err code, int sys, const char *format, struct arguments arguments)
{
	/* An argument may be the fault's own old text. */
	char text[sizeof(f->text)];
	struct buf b = BUF(text);
	buf_put_format(&b, format, arguments);
	struct str what = sys ? describe(sys) : S("");
	if (what.n)
		buf_format(&b, ": %s", what);
	else if (sys)
		buf_format(&b, ": system error %d", NUM(sys));
	memcpy(f->text, text, b.n);
	f->n = b.n;
	f->code = code;
	f->sys = sys;
	return code;
}

enum err fault_lead(struct fault *f, enum err code, struct str lead)
{
	return fault_set(f, code, 0, "%s: %s", lead, fault_text(f));
}
