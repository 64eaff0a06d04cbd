/* verify.h - Slack's request signature, version v0.
 *
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 * The signature covers the time stamp as it was sent and the raw body, nothing else: neither the path nor
 * any other header. */
#ifndef SLACK_VERIFY_H
#define SLACK_VERIFY_H

#include "base/buf.h"
#include "crypto/hmac.h"

enum { SLACK_SECRETS_MAX = 64, SLACK_TOLERANCE_S = 300 };

/* Signing secrets, any of which may have signed. The texts are not kept, only the prepared keys. */
struct slack_secrets {
	size_t count;
	struct hmac_key keys[SLACK_SECRETS_MAX];
	struct str apps[SLACK_SECRETS_MAX]; /* the app each belongs to, empty if none was named */
};

/* Adds one secret, its ASCII text as shown by Slack. `app`: the id of the app it belongs to, or empty; kept as
 * a view. False if the secret is empty or there is no room. */
must_check bool slack_secrets_add(struct slack_secrets *s, struct str secret, struct str app);

/* Whether a request that names `app` may be signed with `key`: an app that has secrets of its own takes no others, and
 * nobody else may use them. An empty `app` may be signed with any: requests of the oldest kinds name none. */
bool slack_secrets_admit(const struct slack_secrets *s, const struct hmac_key *key, struct str app);

enum slack_verdict {
	SLACK_GENUINE,
	SLACK_UNSIGNED,  /* signature or time stamp missing */
	SLACK_MALFORMED, /* not of the form v0=<64 hex digits>, or the time stamp not a plain number */
	SLACK_STALE,     /* more than SLACK_TOLERANCE_S away from `now_s`, either way */
	SLACK_FORGED,    /* signed by none of the secrets */
};

/* `timestamp` and `signature` are the header values, empty if absent. *age_s: now minus the time stamp, for the
 * log, set unless UNSIGNED or MALFORMED. *key: the one that signed it, set if GENUINE. Every secret is tried,
 * compared in constant time. */
must_check enum slack_verdict slack_verify(const struct slack_secrets *s, int64_t *age_s, const struct hmac_key **key,
                                           struct str timestamp, struct str signature, struct str body, int64_t now_s);

/* Appends v0=<hex>, the signature of `body` at `timestamp` under the first secret. */
void slack_sign(struct buf *out, const struct slack_secrets *s, struct str timestamp, struct str body);

#endif
