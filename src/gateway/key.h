/* key.h - what identifies a piece of work, so that it is done once. An event's id is not enough:
 * Slack repeats it on every delivery, but also gives one id to two apps that one message names, and
 * one message can be two events. */
#ifndef GATEWAY_KEY_H
#define GATEWAY_KEY_H

#include "gateway/decide.h"

enum { REQUEST_KEY_SIZE = 40 };

/* Writes the key of a decision to invoke: 40 hex digits of SHA-256, the same for every delivery of
 * one event to one target. Over the app, the workspace, the event's id (or, where the route says
 * `once`, the channel and time stamp of its message) and the target; of a request without an
 * event's id over the app and its trigger_id, without that over `request_id`. The app is the one
 * whose own secret verified the request; else that secret and the app which the request names. */
void request_key(
	char out[static REQUEST_KEY_SIZE], const struct decision *d, struct str request_id);

/* Whether the request is one that Slack delivers again until it is answered. */
bool request_is_repeatable(const struct decision *d);

#endif
