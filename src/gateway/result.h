/* result.h - turns what a function returned into an answer or a message, whichever way it came: as
 * a synchronous answer, as the record of a destination, or from an executable of the embedded
 * backend. Pure.
 *
 * A string or a number is a text; null and {} are nothing; a message, a modal's response_action and
 * a list of options are sent as they are; {"statusCode":...,"body":...}, which functions behind an
 * HTTP front door return, is unwrapped. Any other JSON is shown as a code block. */
#ifndef GATEWAY_RESULT_H
#define GATEWAY_RESULT_H

#include "base/arena.h"
#include "base/fault.h"
#include "gateway/front_door.h"
#include "gateway/target.h"
#include "slack/request.h"

enum {
	MESSAGE_TEXT_MAX = 40000, /* characters that Slack takes in a message's text */
	CODE_BLOCK_MAX = 3000,    /* characters of JSON that are shown as it is */
};

/* What a function returned, from whichever side it came. */
struct function_result {
	bool failed;
	struct str reason; /* if it failed: for people, not empty */
	struct str json;   /* if not: what it returned, one JSON value; may be empty, */
	struct str text;   /* or plain text, if that is all it was */
};

/* To whom it goes. */
struct result_use {
	enum slack_kind kind;  /* of the request that started the function */
	bool in_time;          /* Slack still waits for its answer */
	bool has_url;          /* the request has a response_url */
	struct target function;
};

struct result {
	/* It failed, if only by a statusCode of 400 or more; why, for people. */
	bool failed;
	struct str reason;
	struct str logged; /* the same for the log, without the function's own words; may be empty */
	/* In time: the answer to Slack. Status 0 means that it failed, and Slack is told as of any
	 * failure. */
	struct reply reply;
	/* What is posted to the response_url: JSON; empty for nothing. */
	struct str message;
	/* Why something that it returned is shown to nobody; empty otherwise. */
	struct str unseen;
};

/* Everything lives in the returned texts or in `arena`. E_LIMIT. */
must_check enum err result_read(struct result *out, const struct function_result *returned,
	const struct result_use *use, struct arena *arena);

/* Why a function failed, from the JSON that Lambda hands over then: "TypeError: x is not a
 * function", shortened where it is long; `otherwise` when it does not tell. Lives in `arena`. */
struct str result_failure(struct str json, struct str otherwise, struct arena *arena);

#endif
