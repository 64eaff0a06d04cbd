/* request.h - one POST to a service of AWS, signed, sent once.
 *
 * All that the gateway asks of AWS goes through here, but for metadata on the machine itself. Whether a failed request may be sent again is for the
 * caller to say; what that depends on, how far it came and on what kind of connection, is told. */
#ifndef AWS_REQUEST_H
#define AWS_REQUEST_H

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/sigv4.h"

enum {
	AWS_REQUEST_HEAD_MAX = 12288, /* a session token of 8 KiB is the most of it */
	AWS_REQUEST_FIELDS_MAX = SIGV4_HEADERS_MAX - 3,
};

/* The signing key derived last, and from what, so that it is derived once a day. Zeroed at first. */
struct aws_key_cache {
	struct sigv4_key key;
	size_t n;
	char derived_from[256]; /* access key id, date, region, service */
};

struct aws_request {
	/* with what */
	struct aws_client *client;
	const struct credentials *keys; /* that sign it; NULL: it is sent unsigned, unless there is a signer. Held for the call only */
	const struct sigv4_signer *signer; /* if it is no keys that sign it; else NULL */
	struct aws_key_cache *key_cache; /* NULL if there are no keys */
	int64_t skew_ms; /* the client's, at the time of this attempt */
	bool fresh;      /* not on a kept connection */
	bool direct;     /* not through a proxy */
	int64_t rest_ms; /* see struct http_request */

	/* to whom */
	const struct endpoint *endpoint;
	struct str service, region; /* as they are signed */

	/* what */
	struct str path;                    /* behind the endpoint's base path, percent-encoded */
	struct str query;                   /* without '?', percent-encoded; usually empty */
	const struct sigv4_header *fields;  /* besides Host, X-Amz-Date and X-Amz-Security-Token; all are signed */
	size_t fields_count;                /* at most AWS_REQUEST_FIELDS_MAX */
	struct str trace_id;                /* for X-Amzn-Trace-Id, which is not signed; empty for none */
	struct str payload;
};

struct proxy_server;

/* Appends the signed head, made at that time; `via`: for this proxy (stream.h), NULL for none. Pure. E_LIMIT if it does
 * not fit. */
must_check enum err aws_request_head(struct buf *out, const struct aws_request *r, const struct proxy_server *via,
                                     int64_t wall_seconds, struct fault *f);

struct aws_exchange {
	struct http_client *connection; /* NULL if it did not come to one */
	bool reused;                    /* it was kept from earlier: what happened on it may be its age's fault */
	struct http_progress progress;  /* all zero until there was a connection */
	struct http_response response;
};

/* Takes a connection to the endpoint from the pool and connects it if it is not. E_LIMIT when none is free, else
 * as dial. Whatever comes back, call aws_request_end. */
must_check enum err aws_request_connect(struct aws_exchange *x, const struct aws_request *r, struct deadline *d, struct fault *f);

/* Connects, signs, sends, and reads the answer, whose body is appended to `body`. Whatever comes back, call
 * aws_request_end when *x has been looked at. E_LIMIT when the head is too large; else as aws_request_connect (x->progress is then all zero) and http_exchange. */
must_check enum err aws_request_send(struct aws_exchange *x, const struct aws_request *r, struct buf *body,
                                     struct deadline *d, struct fault *f);

/* What can be done after an exchange that brought no status, if the request may be sent again: nothing; the same at once on a
 * fresh connection, because the kept one was most likely dead before; or the same after a pause. */
enum aws_next { AWS_SETTLED, AWS_AGAIN_AT_ONCE, AWS_AGAIN_LATER };
enum aws_next aws_request_next(const struct aws_exchange *x, enum err e);

/* Waits before the next attempt: 50 to 200 ms at random for AWS_AGAIN_LATER, or `wish_ms` if that is more and there is time
 * for it. False when there is no time to wait. */
must_check bool aws_request_pause(enum aws_next next, int64_t wish_ms, struct deadline *d);

/* Gives the connection back; the views in x->response.head die here. */
void aws_request_end(const struct aws_request *r, struct aws_exchange *x);

#endif
