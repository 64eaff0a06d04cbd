/* fault.h - why a call failed.
 *
 * The code is for decisions, the text for people. The lowest layer that knows the reason writes the
 * text, once; it ends up in a log line or in front of a Slack user. It never holds a secret, a
 * token, a signature, a response_url or a payload. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/buf.h"

enum err {
	OK = 0,
	E_MORE,    /* not a failure: a valid beginning, more input is needed */
	E_SYNTAX,  /* input that breaks its grammar */
	E_LIMIT,   /* a size, a count or the memory set aside is exhausted */
	E_TIMEOUT, /* the hard deadline has passed */
	E_CLOSED,  /* the peer ended the connection, orderly or not */
	E_SYSTEM,  /* a system call failed, see `sys` */
	E_NAME,    /* a host name could not be resolved */
	E_CONNECT, /* no address of a host could be connected to */
	E_TLS,     /* the TLS handshake or record layer failed */
	E_CERT,    /* the peer's certificate was refused: trying again cannot help */
	E_CONFIG,  /* a setting cannot be used, now or later */
	E_FILE,    /* a file or directory that a setting names cannot be used as it is now */
	E_REFUSED, /* the other side understood and said no */
	E_BUSY,    /* it was certainly not done now, and may succeed later */
};

/* Room for AWS's whole message (up to 1 KiB), the name of its error, advice, and who was asked. */
enum { FAULT_TEXT_MAX = 1440 };

struct fault {
	enum err code;
	int sys; /* errno of the system call behind it, or 0 */
	size_t n;
	char text[FAULT_TEXT_MAX];
};

/* Sets all of `f`: fault_set(f, E_NAME, 0, "cannot resolve %s", host), formatted as by buf_format.
 * The text is cut to what fits; when `sys` is not 0 its description is appended. Returns `code`, so
 * that it can end a function. */
#define fault_set(f, code, sys, ...) \
	fault_set_format((f), (code), (sys), FORMAT(__VA_ARGS__, ), ARGUMENTS(__VA_ARGS__, NO_STR))
enum err fault_set_format(
	struct fault *f, enum err code, int sys, const char *format, struct arguments arguments);

/* Puts `lead` and a colon before the text: what was attempted, or by whom. Sets the code to `code`
 * and returns it. */
enum err fault_lead(struct fault *f, enum err code, struct str lead);

static inline struct str fault_text(const struct fault *f) { return (struct str){ f->text, f->n }; }

#endif
