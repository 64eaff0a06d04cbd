/* server.h - what an HTTP server writes. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/head.h"

struct http_response_options {
	bool keep_alive; /* otherwise Connection: close */
	bool to_head;    /* the length of the body, but no body */
	struct str allow; /* Allow; empty for none */
	bool no_retry;   /* x-slack-no-retry: 1 */
	bool retry_after; /* Retry-After: 1 */
	int64_t now_s;   /* for Date */
	size_t fields_count;
	const struct http_field *fields; /* further ones, which must be fit to stand in a head */
};

/* Appends a whole response. */
void http_response_put(struct buf *b, int status, struct str content_type, struct str body,
	const struct http_response_options *options);

/* For those who cannot be served at all: nothing needs to be built. */
#define HTTP_RESPONSE_503                                                                          \
	S("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: "    \
	  "close\r\n\r\n")

#endif
