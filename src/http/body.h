/* body.h - message bodies: by length, chunked (RFC 9112 section 7.1), or until close.
 *
 * The decoder works in place and incrementally: raw bytes are appended to a buffer by the caller, the
 * decoder moves the body's bytes together at the front of its window. It does no I/O. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/head.h"

struct http_body {
	enum http_body_kind kind;
	uint64_t left;     /* of the length, or of the current chunk */
	unsigned state;    /* of the chunk grammar */
	size_t overhead;   /* framing bytes so far, to refuse endless tiny chunks and trailers */
};

struct http_body http_body(const struct http_head *h);

/* Takes `raw_n` bytes at `p`, writes the body bytes among them to the front of `p` (over the raw ones).
 * *body_n: how many body bytes; *used: how many raw bytes belonged to this message (the rest, moved to
 * nowhere, still stands at p + *used only if *body_n == *used; so copy what follows a message before
 * decoding or keep messages apart, as both callers do).
 * OK: the message is complete. E_MORE. E_SYNTAX: bad chunk framing. E_LIMIT: absurd framing overhead. */
must_check enum err http_body_decode(struct http_body *b, size_t *body_n, size_t *used, char *p, size_t raw_n);

/* The peer closed: OK if that is the proper end (until close, or already complete), else E_CLOSED. */
must_check enum err http_body_end(const struct http_body *b);

#endif
