/* respond.h - posts a message to a request's response_url.
 *
 * https://docs.slack.dev/interactivity/handling-user-interaction: valid for 30 minutes and five
 * messages. */
#ifndef SERVICE_RESPOND_H
#define SERVICE_RESPOND_H

#include "service/services.h"

/* Posts `message` (JSON). Only to where GATEWAY_RESPONSE_HOSTS allows, never through a redirect.
 * Tried again, four times at most and while `d` allows: a connection that could not be made, a kept
 * one that ended unanswered, 429 after its Retry-After, and 5xx. Any other answer is final.
 * E_REFUSED: the URL is not allowed, or Slack said no; E_BUSY: it failed in a way that may be over
 * later; otherwise as http_exchange. The fault's text never holds the URL. */
must_check enum err respond(struct services *s, struct str response_url, struct str message,
	struct deadline *d, struct fault *f);

#endif
