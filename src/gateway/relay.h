/* relay.h - the way back: from what a function returned to a message for the user who asked.
 *
 * As a Lambda destination (OnSuccess, OnFailure) the gateway receives records of asynchronous
 * invocations:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 *
 * A record holds the request that started the function. That request is verified again, by its own
 * Slack signature or by the `reply_mac` of a `slack` payload, before its response_url is used. */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "base/arena.h"
#include "base/fault.h"
#include "codec/json_read.h"
#include "gateway/result.h"
#include "slack/verify.h"

enum { RELAY_WINDOW_S = 30 * 60 }; /* how long a response_url lives */

struct record {
	struct target function;  /* as far as its ARN tells */
	struct str request_id;   /* AWS's id of the invocation */
	enum slack_kind kind;    /* of the request that started it */
	struct str response_url; /* verified to be Slack's word */
	struct function_result result;
	/* If it was refused: from SLACK_FORGED on, newer secrets may find it genuine. */
	enum slack_verdict verdict;
};

/* Where a record stands in an event. */
struct record_place {
	struct str record;     /* its JSON */
	struct str message_id; /* of the SQS message that it came in; empty if in none */
};

/* Walks the records in an event: the event itself, or what SQS, SNS and EventBridge have wrapped in
 * it, nested too.
 *     struct record_walk w = record_walk(event, arena);
 *     while (record_next(&w, &place)) ...
 * Anything else in it is passed over; decoded texts lie in `arena`. */
struct record_walk {
	struct json event;       /* absent once it was found to be one */
	struct json_walk list;
	struct arena *arena;
	bool from_queue;         /* SQS wants to hear of messages that failed */
};
struct record_walk record_walk(struct str event, struct arena *arena);
bool record_next(struct record_walk *w, struct record_place *out);

/* Reads and verifies a record, which record_next found. Views into the event or `arena`.
 * E_REFUSED: nothing in it proves that Slack sent the request, or it is older than RELAY_WINDOW_S;
 * E_SYNTAX: it holds no request of this gateway, or one without response_url; E_LIMIT. The fault's
 * text says which. */
must_check enum err record_read(struct record *out, struct str event,
	const struct slack_secrets *secrets, bool skip_verify, int64_t now_s, struct arena *arena,
	struct fault *f);

#endif
