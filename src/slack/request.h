/* request.h - what kind of request Slack sent, and the few fields that decide what happens to it.
 *
 * https://docs.slack.dev/interactivity/implementing-slash-commands
 * https://docs.slack.dev/reference/interaction-payloads
 * https://docs.slack.dev/apis/events-api
 * A command is a form; an interaction is JSON in the form field `payload`; an event is JSON. */
#ifndef SLACK_REQUEST_H
#define SLACK_REQUEST_H

#include "base/arena.h"
#include "base/fault.h"

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

/* Texts are decoded; empty when the request has no such field. Views into the body or the arena. */
struct slack_request {
	enum slack_kind kind;
	struct str type;         /* Slack's own word for it, "slash_command" for a command */
	struct str command, text;
	struct str user_id, user_name, team_id, channel_id, api_app_id;
	struct str response_url; /* or the first of a modal's response_urls */
	struct str callback_id, action_id;
	struct str event_type, event_id;
	struct str challenge;
	struct str json;         /* the JSON object of an interaction or event, empty for a command */
};

/* The kind's name for logs and metrics: "block_actions". */
struct str slack_kind_name(enum slack_kind kind);

/* Whether a body is a form by its content type; a missing type counts as one, parameters are ignored. */
bool slack_is_form(struct str content_type);

/* Whether a form, a body or a query, has ssl_check=1: Slack asks so, unsigned, to see whether somebody answers at all. */
bool slack_form_is_ssl_check(struct str form);

/* Reads `body`, whose signature was verified. E_SYNTAX when it is not the form or JSON that its content type
 * claims, with a text that says what is wrong; E_LIMIT when the arena is exhausted. */
must_check enum err slack_request_read(struct slack_request *r, struct str content_type, struct str body,
                                       struct arena *arena, struct fault *f);

#endif
