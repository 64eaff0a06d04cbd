/* dispatch.h - carries a decision out within its deadlines: invoke, answer Slack in time, and what comes to light
 * after that, tell the user late. Shared by all hosts; they only differ in how the answer travels. */
#ifndef SERVICE_DISPATCH_H
#define SERVICE_DISPATCH_H

#include "gateway/decide.h"
#include "service/services.h"

/* What a function may answer while Slack waits: a modal or a hundred options take some 100 KB. */
enum { SYNC_ANSWER_MAX = 256 * 1024 };

struct dispatch {
	struct services *services;
	struct invoker *invoker;
	const struct decision *decision; /* its action is ACTION_INVOKE */
	struct str payload;              /* what the function gets */
	struct str trace_id;
	struct str request_id;           /* the host's own id of the request, for the log */
	int64_t soft, hard;              /* monotonic ms: Slack must have its answer; everything must have ended */
	bool answered;                   /* Slack has its answer already: announced, or it was still waiting for its turn at the soft moment */
	struct arena *arena;             /* for replies; lives at least as long as the call */

	/* Sends the answer. Called exactly once (never if `answered`), possibly in the middle of the invocation,
	 * and always before dispatch_run returns. It must be done well within 200 ms, and not use the invoker. */
	void (*answer)(void *ctx, const struct reply *reply);
	void *ctx;
};

/* Returns when everything is settled; one log line was written. True if AWS said that the keys have expired. */
bool dispatch_run(const struct dispatch *d);

/* The reply to the decision's request, by what became of it; as reply_to. */
void dispatch_reply(struct reply *out, const struct services *s, const struct decision *decision, const struct outcome *outcome,
                    struct arena *arena);

/* Whether Slack is answered before the invocation is tried, with FATE_ANNOUNCED: as GATEWAY_ACK=first wants it, unless the
 * answer depends on how the invocation ends. */
bool dispatch_announces(const struct config *c, const struct decision *decision);

/* The payload in the form `slack`, for a decision that wants it. E_LIMIT. */
must_check enum err dispatch_payload(struct str *out, const struct decision *decision, const struct gateway_request *req,
                                     struct str request_id, int64_t received_at_ms, struct arena *arena);

#endif
