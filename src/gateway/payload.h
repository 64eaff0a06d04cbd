/* payload.h - the payload form `slack`: one JSON object per request, the same whichever front door
 * it came through.
 *
 * A slash command's form fields, an interaction's object or an event's body, with one more member,
 * `gateway`, that says where the request went and lets the relay trust what comes back. */
#ifndef GATEWAY_PAYLOAD_H
#define GATEWAY_PAYLOAD_H

#include "base/arena.h"
#include "gateway/target.h"
#include "slack/request.h"
#include "slack/verify.h"

struct payload_facts {
	struct str request_id;              /* the host's id of the request */
	int64_t received_at_ms;             /* wall clock */
	struct str retry_num, retry_reason; /* Slack's header values, empty if absent */
	const struct hmac_key *key;         /* makes reply_mac; NULL if there is none */
};

/* Builds the payload in `arena`. `body` is the request's body as it was signed. E_LIMIT. */
must_check enum err payload_slack(struct str *out, const struct slack_request *slack,
	struct str body, const struct target *target, const struct payload_facts *facts,
	struct arena *arena);

/* The code that binds a response_url to the time at which its request was received: HMAC-SHA256
 * over "relay:" received_at ":" response_url. */
void payload_reply_mac(uint8_t out[static SHA256_SIZE], const struct hmac_key *key,
	int64_t received_at_ms, struct str response_url);

#endif
