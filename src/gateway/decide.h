/* decide.h - the heart: a request in, a decision out. No I/O, no clock, no environment.
 *
 * In this order: health check, ssl_check, method, signature, url_verification, route, path,
 * permission. What is refused is refused before anything behind it is looked at; nothing that was
 * not signed is invoked. */
#ifndef GATEWAY_DECIDE_H
#define GATEWAY_DECIDE_H

#include "gateway/reply.h"

enum action {
	ACTION_ANSWER, /* send `reply`, nothing else happens */
	ACTION_INVOKE, /* start `target`, then reply_to() */
};

struct decision {
	enum action action;
	/* For the log: why a request was refused, or what it was; empty if there is nothing to add. */
	enum log_level level;
	struct str why;
	struct reply reply;
	struct str message;         /* to be posted to the response_url after the reply; empty: none */
	bool ignored;               /* an event that nothing serves */
	struct target target;
	const struct route *route;  /* that led to the target; NULL: the path did */
	enum payload payload;       /* the form that the target wants */
	enum slack_verdict verdict; /* from SLACK_FORGED on, newer secrets may change the decision */
	bool has_key;               /* the signature was checked, */
	struct hmac_key key;        /* and made with this, */
	struct str app;             /* the secret of this app; empty if it is listed for none */
	struct slack_request slack;
};

/* `req` comes from front_door_read or from a listener; `now_s` is the wall clock. Everything that
 * the decision points to lives in the event, in `arena` or in the configuration; `secrets` are
 * needed for the call only. */
void decide(struct decision *out, const struct config *c, const struct slack_secrets *secrets,
	const struct gateway_request *req, int64_t now_s, struct arena *arena);

/* The answer to a request that could not even be read, see front_door_read. */
void decide_unreadable(struct decision *out, const struct fault *why, struct arena *arena);

#endif
