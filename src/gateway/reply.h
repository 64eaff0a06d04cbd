/* reply.h - what Slack is told, by kind of request and by what became of it.
 *
 * A slash command gets a message that a person reads. Interactions and events get what keeps Slack
 * quiet when all is well, and a status that makes it show or retry a failure when it is not. Texts
 * from outside are escaped, so that nothing in them can mention a channel or a person. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "gateway/config.h"
#include "gateway/front_door.h"
#include "gateway/target.h"
#include "slack/request.h"

enum fate {
	FATE_STARTED,
	FATE_PENDING,     /* not settled when Slack had to be answered */
	FATE_ANNOUNCED,   /* answered before it was tried, as GATEWAY_ACK=first wants it */
	FATE_NOT_STARTED,
	FATE_UNKNOWN,     /* may or may not have been started */
	FATE_FAILED,      /* it ran while Slack waited, and failed */
};

struct outcome {
	enum fate fate;
	struct str reason;     /* if not started, unknown or failed: for people */
	struct str request_id; /* AWS's id of the invocation, if started and known */
	bool permanent;        /* not started, and trying again cannot help */
};

/* A reply of a media type, empty for none, and a body. */
void reply_set(struct reply *out, int status, struct str content_type, struct str body);

/* The answer to `slack`, which was meant for `target`. `route` may change how a start is
 * acknowledged; NULL if there is none. Lives in `arena`; when that is exhausted, in static memory
 * and shorter. */
void reply_to(struct reply *out, const struct config *c, const struct route *route,
	const struct slack_request *slack, const struct target *target, const struct outcome *outcome,
	struct arena *arena);

/* The answer to a path that names no function. */
void reply_to_bad_path(
	struct reply *out, const struct slack_request *slack, struct str shown, struct arena *arena);

/* The answer to a request whose payload is too large to be passed on to `target`. */
void reply_to_large(struct reply *out, const struct slack_request *slack,
	const struct target *target, struct arena *arena);

/* The answer to a block_suggestion for which no function is called. */
void reply_without_options(struct reply *out);

/* The message that goes to the request's response_url after an answer that could not hold it: why a
 * button started nothing, or the text with which `route` acknowledges it. JSON in `arena`; empty if
 * there is none, and when `arena` is exhausted. */
struct str reply_follow_up(const struct route *route, const struct slack_request *slack,
	const struct target *target, const struct outcome *outcome, struct arena *arena);

/* The same for a path that names no function. */
struct str reply_bad_path_follow_up(
	const struct slack_request *slack, struct str shown, struct arena *arena);

/* A message for the request's response_url about an invocation whose acknowledgement was given
 * before it failed: JSON, ephemeral, replacing nothing. Lives in `arena`; empty when that is
 * exhausted. */
struct str reply_late(
	const struct target *target, const struct outcome *outcome, struct arena *arena);

/* {"error":"..."} with a status, for whoever is not Slack. Lives as reply_to's answer does. */
void reply_error(struct reply *out, int status, struct str text, struct arena *arena);

#endif
