/* backend.h - the embedded backend: region `local` runs executables of a directory instead of
 * Lambda functions.
 *
 * A fixed number of threads, each of which takes a request from a bounded queue, runs the function
 * to its end, waits until the request's acknowledgement is written, and posts what came of it to
 * the response_url. */
#ifndef LISTENER_BACKEND_H
#define LISTENER_BACKEND_H

#include "listener/config.h"
#include "service/services.h"

enum {
	BACKEND_QUEUE_MAX = 64,
	BACKEND_PAYLOAD_MAX = 2 << 20, /* the event of a request with the largest body */
	BACKEND_OUTPUT_MAX = 256 * 1024,
};

struct backend;

/* Sets up memory and threads. E_CONFIG: the directory cannot be used, or the list of variables is
 * wrong; E_SYSTEM. */
must_check enum err backend_start(struct backend **out, struct services *s,
	const struct listener_config *config, const struct environment *env, struct fault *f);

struct waiter;

/* What a function is started for. Views: all is copied. */
struct submission {
	struct str function, payload, request_id;
	const struct slack_request *slack;
	struct str event;  /* its key, as in struct journal_request */
	uint64_t promised; /* its id in the journal, if an earlier process left it there; else 0 */
};

/* Accepts it. `waiter` is NULL. With a journal, *ticket is that of its promise; `ticket` is NULL if
 * an earlier process has promised it, and acknowledged it. E_REFUSED: there is no such function;
 * E_LIMIT: the queue is full or the payload too large. */
must_check enum err backend_submit(struct backend *b, uint64_t *ticket, const struct submission *in,
	struct waiter *waiter, struct fault *f);

/* The same for a thread that waits for the function: *out is as of a synchronous invocation,
 * `answer` receives what it printed, as JSON. If it still runs at the end of `d`, it counts as
 * started, and what it prints goes to the response_url. */
void backend_call(struct backend *b, struct invoke_result *out, const struct submission *in,
	struct buf *answer, struct deadline *d);

/* The request's acknowledgement has left, or never will. */
void backend_acknowledge(struct backend *b, struct str request_id);

/* From now on those in the queue are not started any more; with `now` those running are ended. All
 * users are told. */
void backend_stop(struct backend *b, bool now);

/* How many requests are not finished, */
size_t backend_unfinished(struct backend *b);

/* and of how many that were ended, or did not have their turn, since backend_stop the user could
 * not be told. */
size_t backend_untold(struct backend *b);

#endif
