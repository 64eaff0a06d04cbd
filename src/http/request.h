/* request.h - writes the heads of HTTP/1.1 requests (RFC 9112, section 3). Pure.
 *
 * All heads are written here except CONNECT's, which net/proxy writes: CONNECT is part of making a
 * connection, and net/ lies below this folder. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/head.h"

struct proxy_server;

/* Views that live until the exchange ends. */
struct http_request {
	struct str method;    /* "POST" */
	/* For Host: the host, in brackets if it is an IPv6 address, and the port unless it is the
	 * scheme's. */
	struct str authority;
	/* The target: base_path path[?query], visible ASCII, percent-encoded where it must be,
	 * beginning with a slash. */
	struct str base_path, path, query;
	const struct http_field *fields; /* besides Host, User-Agent and Content-Length */
	size_t fields_count;
	struct str body;
	int64_t rest_ms; /* how long to wait for what follows the status line; 0: up to the deadline */
};

/* Appends the head. `via`: the proxy that a plain request goes to, whose target is then in absolute
 * form (stream.h); NULL for none. Content-Length is written where there is a body and where the
 * method expects one. Overflow shows in out->full. Traps on a target or a value that would break
 * out of its line: callers check what comes from outside. */
void http_request_put(
	struct buf *out, const struct http_request *r, const struct proxy_server *via);

#endif
