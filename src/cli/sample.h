/* sample.h - completes what a person types into what Slack would send, for `send`. Pure.
 *
 * Members that are missing are added, with made-up ids; those that are there stay as they are. */
#ifndef CLI_SAMPLE_H
#define CLI_SAMPLE_H

#include "base/buf.h"
#include "codec/json_read.h"

#define SAMPLE_TEAM "T0000000000"
#define SAMPLE_USER "U0000000000"
#define SAMPLE_APP "A0000000000"
#define SAMPLE_TRIGGER "1111111111.2222222222.33333333333333333333333333333333"

/* Appends the interaction `payload`, an object, with api_app_id, trigger_id, team and user, and
 * with `response_url` if its type has one and it is not empty. */
void sample_payload(struct buf *out, struct json payload, struct str response_url);

/* Appends an event: `event` as it is if it is an envelope (it has a member `event`, or its type is
 * that of a request without one, such as url_verification), else in an envelope with this id and
 * this time (s). */
void sample_event(struct buf *out, struct json event, struct str event_id, int64_t now_s);

#endif
