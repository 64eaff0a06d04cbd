/* body.h - message bodies: by length, chunked (RFC 9112 section 7.1), or until close.
 *
 * The decoder is incremental and does no I/O. It moves the body's bytes out of the raw ones to the
 * end of a builder, and since a body is never longer than its raw form, the raw bytes may lie in
 * the same memory as the builder, anywhere at or behind the place where it goes on. That serves
 * both who use it: a client reads from its socket straight to that place; a listener lets the body
 * grow together at the front of a buffer into which raw bytes, and after them the next request,
 * keep arriving at the back.
 *
 * Chunk extensions and trailers are checked and passed over. Refused: bare LF or CR, white space
 * around the size, sizes of more than 16 digits, control bytes, trailer lines that are no fields,
 * and more framing than body once HTTP_FRAMING_MAX bytes of it have come. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/head.h"

enum { HTTP_FRAMING_MAX = 16384 };

struct http_body {
	enum http_body_kind kind;
	uint64_t left;     /* body bytes to come: of the length, or of the current chunk */
	uint64_t framing;  /* framing bytes that may still come; a body byte earns one more */
	int state;         /* of the chunk grammar */
	unsigned digits;   /* of the current chunk's size */
};

struct http_body http_body(const struct http_head *h);

/* Takes `raw`, the bytes that arrived next, and appends the body bytes among them to `out`, whose
 * `cap` is the limit of the body. *used says how many raw bytes belong to this message; what
 * follows them is untouched. It may be called with no bytes: right after the head that tells a body
 * that is empty (OK) or whose length exceeds the limit (E_LIMIT) before anything of it has arrived.
 * OK: the message is complete. E_MORE: all of `raw` is used; a body until close never gets further.
 * E_SYNTAX: bad chunk framing. E_LIMIT: out->full if the body is larger than `cap`, else absurd
 * framing. */
must_check enum err http_body_decode(
	struct http_body *b, struct buf *out, size_t *used, struct str raw, struct fault *f);

#endif
