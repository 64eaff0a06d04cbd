/* invoke.h - starts a Lambda function through the Invoke API (2015-03-31).
 *
 * Every invocation has one of three outcomes, which decides what a person is told:
 * - started: the status that its type asks for (202 for Event), whatever follows the status line.
 *   From an endpoint outside AWS's domains, 200 to an Event counts too unless it is HTML, because
 *   emulators run the function at once;
 * - not started: refused, or certainly never arrived whole;
 * - unknown: written whole without an answer that tells; 504; or a success that is not the one
 *   asked for (a proxy's page, an emulator that knows only synchronous calls).
 *
 * An unknown one is not sent again, with one exception: a kept connection that ends before a byte
 * of an answer was most likely dead before, so the request goes once over a fresh one, as in every
 * SDK. Otherwise http/retry decides for HTTP_SENDER_INVOKE. Also sent again: 409 while the function
 * is pending; once, what failed for a wrong clock, which the server's Date corrects; and once, what
 * failed for its credentials or its signature, if the keys can be fetched again. */
#ifndef AWS_INVOKE_H
#define AWS_INVOKE_H

#include "aws/credential_chain.h"
#include "aws/post.h"
#include "aws/refusal.h"

enum invoke_type { INVOKE_EVENT, INVOKE_REQUEST_RESPONSE, INVOKE_DRY_RUN };

/* Everything an invocation needs that outlives it. One per thread; what it points to is shared. */
struct invoker {
	struct aws_context *aws;
	struct credential_chain *credentials;
	struct aws_key_cache key_cache;  /* zeroed at first */
};

struct invocation {
	enum invoke_type type;
	struct str region;    /* passes aws_region_ok */
	struct str function;  /* passes aws_function_ok; decoded */
	struct str trace_id;  /* value for X-Amzn-Trace-Id; empty for none */
	struct str payload;   /* JSON */
};

enum invoke_outcome { INVOKE_STARTED, INVOKE_NOT_STARTED, INVOKE_UNKNOWN };

struct invoke_result {
	enum invoke_outcome outcome;
	int status;            /* of the last answer, 0 if there was none */
	int attempts;          /* 1 to 4 */
	enum refusal refusal;  /* what the last refusal was about */
	bool permanent;        /* the same request will be refused again: not allowed, too large, ... */
	char request_id[64];   /* x-amzn-RequestId, NUL-terminated; empty if there was none */
	/* AWS's error, NUL-terminated, "ResourceNotFoundException"; empty if there was none. Of a
	 * function that was called synchronously and failed, "Unhandled". */
	char error_name[REFUSAL_NAME_MAX];
	struct fault fault; /* if not started or unknown: why, with AWS's name and message */
};

/* Makes the invocation. `body`: receives the function's answer (INVOKE_REQUEST_RESPONSE, whose
 * outcome is unknown if it does not arrive whole); NULL otherwise. Uses about 40 KiB of stack. */
void invoke(struct invoker *v, struct invoke_result *out, const struct invocation *in,
	struct buf *body, struct deadline *d);

/* Connects to the endpoint of `region` and keeps the connection in the pool, so that the first
 * invocation finds it. Sends no request. Failure is only told, never fatal. */
must_check enum err invoke_warm_up(
	struct invoker *v, struct str region, struct deadline *d, struct fault *f);

#endif
