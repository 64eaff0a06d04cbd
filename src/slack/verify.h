/* verify.h - Slack's request signature, version v0.
 *
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 * The signature covers the time stamp as it was sent and the raw body, nothing else: neither the
 * path nor any other header. */
#ifndef SLACK_VERIFY_H
#define SLACK_VERIFY_H

#include "base/buf.h"
#include "crypto/hmac.h"

enum { SLACK_SECRETS_MAX = 128, SLACK_TOLERANCE_S = 300 };

/* A signing secret. Its text is not kept, only the prepared key. */
struct slack_secret {
	struct hmac_key key;
	struct str app;     /* the id of the app it belongs to, empty if none was named; a view */
	uint16_t source;    /* the owner's business: where it came from */
	bool missing;       /* there is one, but nobody knows it yet */
};

/* Those of which any may have signed. */
struct slack_secrets {
	size_t count;
	struct slack_secret list[SLACK_SECRETS_MAX];
};

/* Why the text cannot be a signing secret, for the end of a sentence ("it ..."); empty if it can.
 */
struct str slack_secret_fault(struct str secret);

/* Adds one, its ASCII text as shown by Slack. False if it is empty or there is no room. */
must_check bool slack_secrets_add(struct slack_secrets *s, struct str secret, struct str app);

/* Whether a request that names `app` may be signed with `secret`, one of the list: an app that has
 * secrets of its own, known or missing, takes no others, and nobody else may use them. An empty
 * `app` may be signed with any: requests of the oldest kinds name none. */
bool slack_secrets_admit(
	const struct slack_secrets *s, const struct slack_secret *secret, struct str app);

enum slack_verdict {
	SLACK_GENUINE,
	SLACK_UNSIGNED,  /* signature or time stamp missing */
	SLACK_MALFORMED, /* not of the form v0=<64 hex digits>, or the time stamp not a plain number */
	SLACK_STALE,     /* more than SLACK_TOLERANCE_S away from `now_s`, either way */
	SLACK_FORGED,    /* signed with none of the secrets */
	SLACK_UNDECIDED, /* signed with none of those that are known, but some are missing */
};

/* `timestamp` and `signature` are the header values, empty if absent. *age_s, for the log, is now
 * minus the time stamp; it is set unless UNSIGNED or MALFORMED. *by is the secret that signed; it
 * is set if GENUINE. Secrets are compared in constant time until one matches, first those of the
 * app that the body seems to name. */
must_check enum slack_verdict slack_verify(const struct slack_secrets *s, int64_t *age_s,
	const struct slack_secret **by, struct str timestamp, struct str signature, struct str body,
	int64_t now_s);

/* Appends v0=<hex>, the signature of `body` at `timestamp` under the first secret, which is not
 * missing. */
void slack_sign(
	struct buf *out, const struct slack_secrets *s, struct str timestamp, struct str body);

#endif
