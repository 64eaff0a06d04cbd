/* dispatch.h - carries a decision out within its deadlines: calls the target, answers Slack in
 * time, and tells the user of what comes to light later. All hosts share it; they differ only in
 * how the answer travels.
 *
 * What it does to the world goes through a seam, so that what becomes of late, unknown, repeated
 * and failed work is tested without a socket. service/outside.h is the real one. */
#ifndef SERVICE_DISPATCH_H
#define SERVICE_DISPATCH_H

#include "aws/invoke.h"
#include "gateway/decide.h"
#include "service/dedupe.h"
#include "service/journal.h"

enum {
	/* What a function may answer while Slack waits: a hundred options take some 100 KB. */
	SYNC_ANSWER_MAX = 256 * 1024,
	/* A message must not overtake the answer, which takes another way to Slack. */
	ANSWER_AHEAD_MS = 300,
};

struct effects {
	void *ctx;

	/* Calls the target, as invoke() does. */
	void (*call)(void *ctx, struct invoke_result *out, const struct invocation *in,
		struct buf *answer, struct deadline *d);

	/* Posts `message` to `url`, not before that moment (monotonic ms), as respond() does. */
	enum err (*post)(void *ctx, struct str url, struct str message, int64_t not_before,
		struct deadline *d, struct fault *f);

	/* Monotonic ms. */
	int64_t (*now)(void *ctx);
};

struct dispatch {
	const struct effects *effects;
	const struct config *config;
	struct dedupe *dedupe;
	struct journal *journal;         /* NULL: none is kept */
	uint64_t promised;               /* its id there, if `answered` promised something; else 0 */
	int64_t arrived_ms;              /* wall clock, for the journal */
	const struct decision *decision; /* its action is ACTION_INVOKE */
	struct str payload;              /* what the function gets */
	struct str trace_id;
	struct str request_id;           /* the host's own id of the request, for the log */
	int64_t soft, hard; /* monotonic ms: Slack must have its answer; everything must have ended */
	const _Atomic int64_t *limit;    /* when calls must have ended in a drain; NULL for none */
	bool answered;                   /* Slack has its answer already: announced, or overdue */
	struct arena *arena;             /* for replies; lives at least as long as the call */

	/* Sends the answer. Called exactly once (never if `answered`), possibly in the middle of the
	 * invocation, and always before dispatch_run returns. It must be done well within 200 ms. */
	void (*answer)(void *ctx, const struct reply *reply);
	void *ctx;
};

/* Returns when everything is settled and logged. True if AWS said that the keys have expired. */
bool dispatch_run(const struct dispatch *d);

/* Posts `message` to the response_url of a request that has just been answered. A failure is
 * logged. */
void dispatch_tell(const struct dispatch *d, struct str message);

/* Promises the request in the journal, before an answer says so. `attempted`: its target is being
 * called, or is at once. Returns the ticket; *id as of journal_promise. */
must_check uint64_t dispatch_promise(uint64_t *id, const struct dispatch *d, bool attempted);

/* Whether what an answer is going to say is on disk. A failure is logged, once a minute. Does not
 * wait. */
must_check bool dispatch_kept(struct journal *j, uint64_t ticket, struct str request_id);

/* The reply to the decision's request, by what became of it; as reply_to. */
void dispatch_reply(struct reply *out, const struct config *c, const struct decision *decision,
                    const struct outcome *outcome, struct arena *arena);

/* Whether Slack is answered before the target is called, with FATE_ANNOUNCED: as GATEWAY_ACK=first
 * wants it, unless the answer depends on how the call ends. */
bool dispatch_announces(const struct config *c, const struct decision *decision);

/* The payload in the form `slack`, for a decision that wants it. E_LIMIT. */
must_check enum err dispatch_payload(struct str *out, const struct decision *decision,
	const struct gateway_request *req, struct str request_id, int64_t received_at_ms,
	struct arena *arena);

#endif
