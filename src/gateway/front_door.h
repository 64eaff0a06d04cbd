/* front_door.h - the HTTP request inside a Lambda event, and the answer in the form that its sender
 * wants.
 *
 * API Gateway REST (payload 1.0), HTTP API (1.0 and 2.0), Lambda function URL, Application Load
 * Balancer with and without multi-value headers.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/, there
 * set-up-lambda-proxy-integrations.html and http-api-develop-integrations-lambda.html;
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html */
#ifndef GATEWAY_FRONT_DOOR_H
#define GATEWAY_FRONT_DOOR_H

#include "base/arena.h"
#include "base/fault.h"

enum { BODY_MAX = 1 << 20 };

enum front_door {
	DOOR_NONE,    /* no HTTP request: a warm-up ping, a console test */
	DOOR_FOREIGN, /* from a door that is not served; `advice` says which, and what to do */
	DOOR_REST,    /* payload format 1.0 */
	DOOR_HTTP,    /* payload format 2.0 */
	DOOR_ALB,
	DOOR_ALB_MULTI,
};

/* A request as the gateway sees it, wherever it came in. Empty texts where it had nothing. Views
 * into the event or the arena. */
struct gateway_request {
	enum front_door door;
	struct str method;
	struct str path;        /* not decoded; with stage and base path if the door leaves them in */
	struct str stage;       /* empty if there is none that could stand in front of the path */
	struct str query;       /* not decoded */
	bool ssl_check;         /* the query has ssl_check=1 */
	struct str content_type, user_agent;
	struct str timestamp, signature; /* X-Slack-Request-Timestamp, X-Slack-Signature */
	bool doubled;           /* one of the two stood there more than once */
	bool type_doubled;      /* the content type stood there more than once */
	struct str retry_num, retry_reason; /* X-Slack-Retry-Num, X-Slack-Retry-Reason */
	struct str body;        /* as it was sent: base64 removed */
	int64_t arrived_ms;     /* the door's own time stamp, wall clock; 0 if it has none */
	struct str advice;      /* of DOOR_FOREIGN, a sentence */
};

enum { REPLY_HEADERS_MAX = 32 };

struct reply_header {
	struct str name, value;
};

/* The answer to a request. */
struct reply {
	int status;
	struct str content_type; /* empty for none */
	struct str body;
	struct str allow;        /* Allow, with a 405 and to OPTIONS; empty for none */
	bool no_retry;           /* x-slack-no-retry: 1 */
	size_t headers_count;    /* further ones, of a synchronous function */
	const struct reply_header *headers;
};

/* Reads an event. JSON that is not an HTTP request is DOOR_NONE, not an error. E_SYNTAX: not JSON,
 * or the body is not the base64 that it claims to be; req->door is set if it was known by then.
 * E_LIMIT: the body is larger than BODY_MAX. */
must_check enum err front_door_read(
	struct gateway_request *req, struct str event, struct arena *arena, struct fault *f);

/* Appends the event's answer, the JSON that the door expects; a body that is not UTF-8 goes as
 * base64. DOOR_NONE gets a form that every API Gateway and function URL understands. */
void front_door_answer(struct buf *out, enum front_door door, const struct reply *reply);

#endif
