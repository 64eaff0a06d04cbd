/* client.h - one kept HTTP/1.1 client connection.
 *
 * Request out in one write, response in: head into the connection's own buffer, body into the caller's.
 * Redirects are answers like any other and never followed. What happened on the way is told exactly,
 * because whether a request may be sent again depends on it. One thread uses a connection at a time. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/body.h"
#include "net/stream.h"

enum { HTTP_HEAD_MAX = 16384, HTTP_HOST_MAX = 255 };

struct http_client {
	struct stream stream;
	size_t requests;  /* sent on this connection so far: 0 means it is fresh */
	size_t n, start;  /* bytes [start, n) of `in` have arrived but are not consumed */
	char in[HTTP_HEAD_MAX];
};

struct http_response {
	struct http_head head; /* views into the connection; valid until its next request or close */
	struct str body;       /* view into the caller's buffer */
};

/* How far an exchange came; kept up to date also when it fails. */
struct http_progress {
	bool written;    /* every byte of the request was handed to the kernel */
	bool answered;   /* at least one byte of an answer arrived */
	int status;      /* of the final response as soon as its status line was complete and well-formed, else 0 */
};

/* A connection that is not connected yet; connect it with stream_connect(&c->stream, ...). */
void http_client_init(struct http_client *c, struct tls *tls);

/* Writes the request made of `parts` (head and body) and reads its response; 1xx responses are passed over.
 * The body is appended to `body` (which the caller sized to its limit). If writing fails because the peer
 * closed, an answer that it may have sent before is still read.
 *
 * After OK the connection is kept if the answer allows it, otherwise closed; after a failure it is closed.
 * E_CLOSED, E_TIMEOUT, E_TLS, E_SYSTEM as in stream.h; E_SYNTAX: not HTTP; E_LIMIT: head or body too large. */
must_check enum err http_exchange(struct http_client *c, struct http_response *r, struct http_progress *progress,
                                  const struct str *parts, size_t count, struct buf *body, bool to_head,
                                  struct deadline *d, struct fault *f);

void http_client_close(struct http_client *c);

#endif
