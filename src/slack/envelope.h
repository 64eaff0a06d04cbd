/* envelope.h - the messages of Slack's Socket Mode: what one says, the HTTP body that Slack would
 * have posted in its place, and the acknowledgement. Pure.
 *
 * https://docs.slack.dev/apis/events-api/using-socket-mode */
#ifndef SLACK_ENVELOPE_H
#define SLACK_ENVELOPE_H

#include "base/arena.h"
#include "base/fault.h"
#include "codec/json_read.h"

enum envelope_kind {
	ENVELOPE_UNKNOWN,
	ENVELOPE_HELLO,
	ENVELOPE_DISCONNECT,
	ENVELOPE_COMMAND,
	ENVELOPE_INTERACTION,
	ENVELOPE_EVENT,
};

/* Slack refuses longer ones: "Max frame length of 20480 has been exceeded." */
enum { ENVELOPE_ANSWER_MAX = 20480 };

/* Views into the message or the arena; empty, absent or 0 where it says nothing. */
struct envelope {
	enum envelope_kind kind;
	struct str id, type;
	struct str app;          /* the id of the app that it is for; of a hello, that was connected */
	struct str reason;       /* of a disconnect */
	struct str retry_reason;
	int64_t retries;         /* how many deliveries went before */
	int64_t connections;     /* of a hello: how many Slack counts of that app, */
	int64_t life_s;          /* and about how long this one will live */
	bool accepts;            /* the acknowledgement may have a payload */
	struct json payload;
};

/* Reads a message. E_SYNTAX: it is no JSON object; E_LIMIT: the arena is exhausted. */
must_check enum err envelope_read(struct envelope *out, struct str message, struct arena *arena);

/* Appends the body of the HTTP request that would have carried the payload of a command, an
 * interaction or an event. `arena` is for the work, as large as the message. E_SYNTAX: the payload
 * is no object; E_LIMIT. */
must_check enum err envelope_put_body(struct buf *out, const struct envelope *e, struct arena *arena);

/* The acknowledgement of the envelope `id`, with the body of an HTTP answer if it has one: an
 * object as it is, all else as {"text":...}. What does not fit ENVELOPE_ANSWER_MAX shows in
 * out->full. */
void envelope_put_answer(struct buf *out, struct str id, struct str body);

#endif
