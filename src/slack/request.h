/* request.h - what kind of request Slack sent, who asks and where, and the few fields that decide
 * what happens to it.
 *
 * https://docs.slack.dev/interactivity/implementing-slash-commands
 * https://docs.slack.dev/reference/interaction-payloads
 * https://docs.slack.dev/reference/events
 *
 * A command is a form; an interaction is JSON in the form field `payload`; an event is JSON. */
#ifndef SLACK_REQUEST_H
#define SLACK_REQUEST_H

#include "base/arena.h"
#include "base/fault.h"
#include "codec/json_read.h"

enum slack_kind {
	SLACK_UNKNOWN_KIND, /* signed and well-formed, but of no kind listed here */
	SLACK_URL_VERIFICATION,
	SLACK_COMMAND,
	SLACK_BLOCK_ACTIONS,
	SLACK_SHORTCUT,
	SLACK_MESSAGE_ACTION,
	SLACK_VIEW_SUBMISSION,
	SLACK_VIEW_CLOSED,
	SLACK_BLOCK_SUGGESTION,
	SLACK_LEGACY, /* interactive_message, dialog_*, workflow_step_edit */
	SLACK_EVENT,
	SLACK_RATE_LIMITED,
	SLACK_KINDS
};

/* How many channels a request can name, lists aside. */
enum { SLACK_CHANNELS_MAX = 4 };

/* Texts are decoded; empty when the request has no such field. Views into the body or the arena. */
struct slack_request {
	enum slack_kind kind;
	bool bot;  /* an app wrote the message */
	bool link; /* a button that opens an address sent the block_actions */
	struct str type; /* Slack's own word for it, "slash_command" for a command */
	struct str command, text;
	struct str user_id; /* who acts; of a changed or deleted message, its author */
	struct str user_name;
	struct str user_team_id;  /* the workspace of who acts */
	struct str team_id;       /* the workspace in which the app is installed */
	struct str enterprise_id; /* the organization of that workspace */
	struct str api_app_id;
	struct str response_url; /* or the first of a modal's response_urls */
	struct str trigger_id;
	struct str callback_id, action_id;
	struct str event_type, event_id, subtype, channel_type;
	struct str function;   /* the callback_id of a custom step */
	struct str message_ts; /* identifies the message of an event in its channel */
	struct str challenge;
	struct str json; /* the JSON object of an interaction or event, empty for a command */
	size_t channels_count;
	struct str channels[SLACK_CHANNELS_MAX]; /* where, the most telling one first */
	struct json channel_list;                /* an array of further ones, or absent */
};

/* The kind's name for logs and metrics: "block_actions". */
struct str slack_kind_name(enum slack_kind kind);

/* The kind that a payload's type stands for; SLACK_UNKNOWN_KIND for a word that is no kind of
 * payload. */
enum slack_kind slack_kind_of(struct str type);

/* The i-th type of payload that is known, without "slash_command", which is a name of ours. False
 * behind the last. */
bool slack_type_nth(struct str *out, size_t i);

/* The first channel; empty if there is none. */
struct str slack_channel_id(const struct slack_request *r);

/* Whether a body is JSON: it begins with '{' or '[', perhaps after white space. Any other body is a
 * form. The body's own bytes decide, because no header is signed. */
bool slack_is_json(struct str body);

/* Whether a form, a body or a query, has ssl_check=1: Slack sends it unsigned to check the
 * certificate. */
bool slack_form_is_ssl_check(struct str form);

/* Reads `body`, whose signature was verified. `content_type` may be empty; otherwise it must be
 * the one for such a body. E_SYNTAX when the body is not the form or JSON that it begins as, or
 * has another content type, with a text that says what is wrong; E_LIMIT when the arena is
 * exhausted. */
must_check enum err slack_request_read(struct slack_request *r, struct str content_type,
	struct str body, struct arena *arena, struct fault *f);

#endif
