/* relay.h - the way back: from what a function returned to a message for the one who asked.
 *
 * As a Lambda destination (OnSuccess, OnFailure) the gateway receives records of asynchronous invocations:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 * A record holds the request that started the function. That request is verified again, by its own Slack
 * signature or by the `reply_mac` of a `slack` payload, before its response_url is used. */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "base/arena.h"
#include "base/fault.h"
#include "gateway/target.h"
#include "slack/verify.h"

enum {
	RELAY_WINDOW_S = 30 * 60,  /* how long a response_url lives */
	MESSAGE_TEXT_MAX = 40000,  /* characters that Slack takes in a message's text */
};

/* What a function returned, from whichever side it came. */
struct function_result {
	bool failed;
	struct str reason; /* if it failed: for people, not empty */
	struct str json;   /* if not: what it returned, one JSON value; may be empty, */
	struct str text;   /* or plain text, if that is all it was */
};

struct record {
	struct target function;  /* as far as its ARN tells */
	struct str request_id;   /* AWS's id of the invocation */
	struct str response_url; /* verified to be Slack's word */
	struct function_result result;
	enum slack_verdict verdict; /* if it was refused: from SLACK_FORGED on, newer secrets may find it genuine */
};

/* Whether a JSON event is a record of a destination. */
bool record_detect(struct str event);

/* Reads and verifies a record, which record_detect found. Views into the event or `arena`.
 * E_REFUSED: nothing in it proves that Slack sent the request, or it is older than RELAY_WINDOW_S; E_SYNTAX: it holds no
 * request of this gateway, or one without response_url; E_LIMIT. The fault's text says which. */
must_check enum err record_read(struct record *out, struct str event, const struct slack_secrets *secrets, bool skip_verify,
                                int64_t now_s, struct arena *arena, struct fault *f);

/* Why a function failed, from the JSON that Lambda hands over then: "TypeError: x is not a function", shortened where it is
 * long; `otherwise` when it does not tell. Lives in `arena`. */
struct str result_failure(struct str json, struct str otherwise, struct arena *arena);

/* The message for a result of `function`: JSON in `arena`, empty if there is nothing to say (null, no output). A string becomes
 * a text, an object is sent as it is, {"statusCode":...,"body":...} is unwrapped, anything else is shown as JSON. A failure
 * becomes an ephemeral text that replaces nothing. Texts that Slack would not take whole are cut and say so. E_LIMIT. */
must_check enum err result_message(struct str *out, const struct function_result *result, const struct target *function, struct arena *arena);

#endif
