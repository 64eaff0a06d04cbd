/* request.h - writes the heads of HTTP/1.1 requests (RFC 9112, section 3). Pure.
 *
 * All heads are written here but one: CONNECT, which net/proxy writes. That request asks for a way
 * to a server rather than for something of one, it is part of making a connection, and net/ lies
 * below this room. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/head.h"

struct proxy_server;

/* Views that live until the exchange ends. */
struct http_request {
	struct str method;    /* "POST" */
	struct str authority; /* for Host: the host, in brackets if it is an IPv6 address, and the port
							 unless it is the scheme's */
	/* The target: base_path path[?query], visible ASCII, percent-encoded where it must be,
	 * beginning with a slash. */
	struct str base_path, path, query;
	const struct http_field
		*fields; /* further ones; Host, User-Agent and Content-Length are written for everybody */
	size_t fields_count;
	struct str body;
	int64_t rest_ms; /* once the status line has come, how long to wait for all the rest; 0: up to
						the deadline */
};

/* Appends the head. `via`: the proxy that a request in plain goes to, so that its target is in
 * absolute form (stream.h); NULL for none. Content-Length is written where there is a body and
 * where the method expects one. What does not fit shows in out->full. Traps on a target or a value
 * that would break out of its line: callers look at what comes from outside. */
void http_request_put(
	struct buf *out, const struct http_request *r, const struct proxy_server *via);

#endif
