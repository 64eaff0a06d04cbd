/* client.h - one kept HTTP/1.1 client connection.
 *
 * Request out in one write, response in: heads in the connection's own buffer, body into the
 * caller's. Redirects are answers like any other and never followed. What happened on the way is
 * told exactly, because whether a request may be sent again depends on it. One thread uses a
 * connection at a time.
 *
 * Requests are not pipelined, so bytes behind a response were not asked for: they end the
 * connection, lest they be taken for the answer to the next request. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/body.h"
#include "http/request.h"
#include "net/stream.h"

enum { HTTP_HEAD_MAX = 16384, HTTP_HOST_MAX = 255 };

struct http_client {
	struct stream stream;
	char head[HTTP_HEAD_MAX]; /* of the request while it is sent, then of its answer */
	char tail[512]; /* the end of a body is read into it when the caller's buffer is nearly full */
};

struct http_response {
	struct http_head head; /* views into the connection until its next request or http_pool_give */
	struct str body;       /* view into the caller's buffer */
};

/* How far an exchange came; kept up to date also when it fails. */
struct http_progress {
	bool written;  /* every byte of the request was handed to the kernel */
	bool answered; /* at least one byte of an answer arrived */
	int status;    /* of the final response once its status line is complete and valid; else 0 */
};

/* A connection that is not connected yet; connect it with dial(&c->stream, ...). */
void http_client_init(struct http_client *c, struct tls_client *tls, struct tls_client *outer);

/* Writes the request and reads its response; 1xx responses are passed over. The body is appended to
 * `body`, whose `cap` is its limit. If writing fails because the peer closed, an answer that it may
 * have sent before is still read. One that was kept and lay idle is asked with stream_is_idle first
 * (http_pool_take does). Nothing in `request` may be a view into an answer on this connection.
 *
 * After OK the connection is kept if the answer allows it, otherwise closed; after a failure it is
 * closed. E_CLOSED, E_TIMEOUT, E_TLS, E_SYSTEM as in stream.h; E_SYNTAX: not HTTP; E_LIMIT: a head
 * or the body is too large. A failure after the head leaves `r` with the head (r->head.status > 0,
 * otherwise 0) and as much of the body as came. A body until close must end in an orderly way, or
 * it counts as cut: E_CLOSED. */
must_check enum err http_exchange(struct http_client *c, struct http_response *r,
	struct http_progress *progress, const struct http_request *request, struct buf *body,
	struct deadline *d, struct fault *f);

void http_client_close(struct http_client *c);

#endif
