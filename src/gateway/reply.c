#include "gateway/reply.h"

#include "codec/json_write.h"
#include "codec/utf8.h"
#include "gateway/template.h"
#include "slack/text.h"

enum { SHOWN_PATH_MAX = 200 };

#define JSON_TYPE S("application/json")
#define TEXT_TYPE S("text/plain; charset=utf-8")
#define NO_OPTIONS S("{\"options\":[]}")
#define EPHEMERAL S("ephemeral")

/* {"response_type":TYPE,"text":TEXT}; a late one also says that it replaces nothing. */
static struct str message(struct str type, struct str text, bool late, struct arena *a)
{
	struct buf b = arena_rest(a);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_fields(&w, "response_type text", type, text);
	if (late) {
		json_key(&w, S("replace_original"));
		json_put_bool(&w, false);
	}
	json_close(&w, '}');
	bool full = b.full;
	struct str kept = arena_keep(a, &b);
	return full ? (struct str){ 0 } : kept;
}

void reply_set(struct reply *out, int status, struct str content_type, struct str body)
{
	*out = (struct reply){ .status = status, .content_type = content_type, .body = body };
}

static void set_message(struct reply *out, struct str type, struct str text, struct arena *a)
{
	struct str body = message(type, text, false, a);
	if (!body.p)
		body = S("{\"response_type\":\"ephemeral\",\"text\":\"The request is too large to be "
				 "answered in full.\"}");
	reply_set(out, 200, JSON_TYPE, body);
}

/* NAME@REGION has no byte that needs escaping: aws_function_ok and aws_region_ok saw to that. */
static struct str tell_fate(const struct target *t, const struct outcome *o, struct arena *a)
{
	static const char *const words[] = {
		[FATE_STARTED] = "has been started...",
		[FATE_PENDING] = "is still being started...",
		[FATE_ANNOUNCED] = "is being started...",
		[FATE_NOT_STARTED] = "could not be started: ",
		[FATE_UNKNOWN] = "may or may not have been started: ",
		[FATE_FAILED] = "failed: ",
	};
	struct buf b = arena_rest(a);
	buf_format(&b, "Lambda function %s@%s %s", t->function, t->region, str_c(words[o->fate]));
	if (o->fate == FATE_NOT_STARTED || o->fate == FATE_UNKNOWN || o->fate == FATE_FAILED)
		slack_put_escaped(&b, o->reason);
	return arena_keep(a, &b);
}

static struct str fill_template(struct str template, const struct slack_request *slack,
	const struct target *t, const struct outcome *o, struct arena *a)
{
	const struct str channel = slack_channel_id(slack);
	const struct str *values[] = {
		[TEMPLATE_FUNCTION] = &t->function,
		[TEMPLATE_REGION] = &t->region,
		[TEMPLATE_COMMAND] = &slack->command,
		[TEMPLATE_TEXT] = &slack->text,
		[TEMPLATE_USER_NAME] = &slack->user_name,
		[TEMPLATE_USER_ID] = &slack->user_id,
		[TEMPLATE_CHANNEL_ID] = &channel,
		[TEMPLATE_REQUEST_ID] = &o->request_id,
	};
	enum template_name name;
	struct str piece;
	struct buf b = arena_rest(a);
	while (template_next(&name, &piece, &template)) {
		if (name == TEMPLATE_LITERAL)
			buf_put(&b, piece);
		else
			slack_put_typed(&b, *values[name]);
	}
	return arena_keep(a, &b);
}

static void reply_to_command(struct reply *out, const struct config *c, const struct route *route,
	const struct slack_request *slack, const struct target *t, const struct outcome *o,
	struct arena *a)
{
	bool good = o->fate == FATE_STARTED || o->fate == FATE_ANNOUNCED;
	struct str template = route && route->ack_text.p ? route->ack_text : c->ack_text;
	struct str type = route && route->ack_type.n ? route->ack_type : c->ack_type;
	if (good && template.p && template.n == 0 && str_eq(type, EPHEMERAL))
		reply_set(out, 200, S(""), S(""));
	else if (good && template.p && template.n == 0)
		reply_set(out, 200, JSON_TYPE, S("{\"response_type\":\"in_channel\"}"));
	else
		set_message(out, good || o->fate == FATE_PENDING ? type : EPHEMERAL,
			good && template.p ? fill_template(template, slack, t, o, a) : tell_fate(t, o, a), a);
}

/* For a kind that has no place for a message: Slack shows its own on 500, and retries events on
 * 503. */
static void set_failure(
	struct reply *out, enum slack_kind kind, struct str text, int permanent_status)
{
	bool event = kind == SLACK_EVENT;
	reply_set(out, !event ? 500 : permanent_status ? permanent_status : 503, TEXT_TYPE, text);
	out->no_retry = event && permanent_status;
}

void reply_to(struct reply *out, const struct config *c, const struct route *route,
	const struct slack_request *slack, const struct target *target, const struct outcome *outcome,
	struct arena *arena)
{
	/* An event that is not settled is delivered again, a command that is not says so; nothing else
	 * can say it. */
	bool event = slack->kind == SLACK_EVENT;
	bool acknowledged = outcome->fate == FATE_STARTED ||
		(outcome->fate == FATE_ANNOUNCED && !event) ||
		(outcome->fate == FATE_PENDING && !event && slack->kind != SLACK_COMMAND);
	if (slack->kind == SLACK_BLOCK_SUGGESTION)
		reply_without_options(out);
	else if (acknowledged && !event && route && route->ack_message.n)
		reply_set(out, 200, JSON_TYPE, route->ack_message);
	else if (slack->kind == SLACK_COMMAND)
		reply_to_command(out, c, route, slack, target, outcome, arena);
	else if (acknowledged)
		reply_set(out, 200, S(""), S(""));
	else
		set_failure(
			out, slack->kind, tell_fate(target, outcome, arena), outcome->permanent ? 403 : 0);
}

static struct str tell_bad_path(struct str shown, struct arena *a)
{
	struct buf b = arena_rest(a);
	buf_put(&b, S("Invalid resource ["));
	slack_put_escaped(&b, utf8_take(shown, SHOWN_PATH_MAX));
	buf_put(&b, S("]. Expecting format [region/function-name]"));
	return arena_keep(a, &b);
}

void reply_to_bad_path(
	struct reply *out, const struct slack_request *slack, struct str shown, struct arena *arena)
{
	struct str text = tell_bad_path(shown, arena);
	if (slack->kind == SLACK_BLOCK_SUGGESTION)
		reply_without_options(out);
	else if (slack->kind == SLACK_COMMAND)
		set_message(out, EPHEMERAL, text, arena);
	else if (slack->kind ==
		SLACK_UNKNOWN_KIND) /* whatever it is, it did not ask for anything that is known here */
		reply_set(out, 200, S(""), S(""));
	else
		set_failure(out, slack->kind, text, 404);
}

void reply_to_large(struct reply *out, const struct slack_request *slack,
	const struct target *target, struct arena *arena)
{
	struct outcome outcome = { .fate = FATE_NOT_STARTED,
		.reason = S("the request is too large to be passed on") };
	struct str text = tell_fate(target, &outcome, arena);
	if (slack->kind == SLACK_COMMAND)
		set_message(out, EPHEMERAL, text, arena);
	else
		reply_set(out, 413, TEXT_TYPE, text);
	out->no_retry = slack->kind == SLACK_EVENT;
}

void reply_without_options(struct reply *out)
{
	reply_set(out, 200, JSON_TYPE, NO_OPTIONS);
}

/* Whether whoever made such a request sees no text that answers it, but messages through its
 * response_url. */
static bool is_followed_up(const struct slack_request *slack)
{
	switch (slack->kind) {
	case SLACK_COMMAND:
	case SLACK_VIEW_SUBMISSION:
	case SLACK_BLOCK_SUGGESTION:
	case SLACK_EVENT:
		return false;
	default:
		return slack->response_url.n > 0;
	}
}

struct str reply_follow_up(const struct route *route, const struct slack_request *slack,
	const struct target *target, const struct outcome *outcome, struct arena *arena)
{
	bool good = outcome->fate == FATE_STARTED || outcome->fate == FATE_ANNOUNCED;
	bool bad = outcome->fate == FATE_NOT_STARTED || outcome->fate == FATE_UNKNOWN ||
		outcome->fate == FATE_FAILED;
	if (!is_followed_up(slack))
		return S("");
	if (bad)
		return message(EPHEMERAL, tell_fate(target, outcome, arena), true, arena);
	if (good && route && route->ack_text.n)
		return message(route->ack_type.n ? route->ack_type : EPHEMERAL,
			fill_template(route->ack_text, slack, target, outcome, arena), true, arena);
	return S("");
}

struct str reply_bad_path_follow_up(
	const struct slack_request *slack, struct str shown, struct arena *arena)
{
	if (!is_followed_up(slack) || slack->kind == SLACK_UNKNOWN_KIND)
		return S("");
	return message(EPHEMERAL, tell_bad_path(shown, arena), true, arena);
}

struct str reply_late(
	const struct target *target, const struct outcome *outcome, struct arena *arena)
{
	return message(EPHEMERAL, tell_fate(target, outcome, arena), true, arena);
}

void reply_error(struct reply *out, int status, struct str text, struct arena *arena)
{
	struct buf b = arena_rest(arena);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_field(&w, S("error"), text);
	json_close(&w, '}');
	bool full = b.full;
	struct str body = arena_keep(arena, &b);
	reply_set(
		out, status, JSON_TYPE, full ? S("{\"error\":\"no memory is left to say more\"}") : body);
}
