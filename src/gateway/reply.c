#include "gateway/reply.h"

#include "codec/base64.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "gateway/template.h"
#include "slack/text.h"

enum { SHOWN_PATH_MAX = 200 };

#define JSON_TYPE S("application/json")
#define TEXT_TYPE S("text/plain; charset=utf-8")

/* {"response_type":TYPE,"text":TEXT}; a late one also says that it replaces nothing. */
static struct str message(struct str type, struct str text, bool late, struct arena *a)
{
	struct buf b = arena_rest(a);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_field(&w, S("response_type"), type);
	json_field(&w, S("text"), text);
	if (late) {
		json_key(&w, S("replace_original"));
		json_put_bool(&w, false);
	}
	json_close(&w, '}');
	bool full = b.full;
	struct str kept = arena_keep(a, &b);
	return full ? (struct str){ 0 } : kept;
}

static struct reply ephemeral(struct str text, struct arena *a)
{
	struct str body = message(S("ephemeral"), text, false, a);
	if (!body.p)
		body = S("{\"response_type\":\"ephemeral\",\"text\":\"The request is too large to be answered in full.\"}");
	return (struct reply){ .status = 200, .content_type = JSON_TYPE, .body = body };
}

/* NAME@REGION has no byte that needs escaping: aws_function_ok and aws_region_ok saw to that. */
static void put_subject(struct buf *b, const struct target *t)
{
	buf_format(b, "Lambda function %@%", t->function, t->region);
}

static void put_fate(struct buf *b, const struct target *t, const struct outcome *o)
{
	static const struct str words[] = {
		[FATE_STARTED] = STR(" has been started..."),
		[FATE_PENDING] = STR(" is still being started..."),
		[FATE_ANNOUNCED] = STR(" is being started..."),
		[FATE_NOT_STARTED] = STR(" could not be started: "),
		[FATE_UNKNOWN] = STR(" may or may not have been started: "),
		[FATE_FAILED] = STR(" failed: "),
	};
	put_subject(b, t);
	buf_put(b, words[o->fate]);
	if (o->fate == FATE_NOT_STARTED || o->fate == FATE_UNKNOWN || o->fate == FATE_FAILED)
		slack_put_escaped(b, o->reason);
}

static void put_template(struct buf *b, struct str template, const struct slack_request *slack,
                         const struct target *t, const struct outcome *o)
{
	const struct str values[] = {
		[TEMPLATE_FUNCTION] = t->function, [TEMPLATE_REGION] = t->region, [TEMPLATE_COMMAND] = slack->command,
		[TEMPLATE_TEXT] = slack->text, [TEMPLATE_USER_NAME] = slack->user_name, [TEMPLATE_REQUEST_ID] = o->request_id,
	};
	enum template_name name;
	struct str piece;
	while (template_next(&name, &piece, &template)) {
		if (name == TEMPLATE_LITERAL)
			buf_put(b, piece);
		else
			slack_put_escaped(b, values[name]);
	}
}

static struct reply command_reply(const struct config *c, const struct route *route, const struct slack_request *slack,
                                  const struct target *t, const struct outcome *o, struct arena *a)
{
	bool good = o->fate == FATE_STARTED || o->fate == FATE_ANNOUNCED;
	struct str template = route && route->ack_text.p ? route->ack_text : c->ack_text;
	struct str type = route && route->ack_type.n ? route->ack_type : c->ack_type;
	if (good && template.p && template.n == 0)
		return (struct reply){ .status = 200 };
	struct buf b = arena_rest(a);
	if (good && template.p)
		put_template(&b, template, slack, t, o);
	else
		put_fate(&b, t, o);
	struct str text = arena_keep(a, &b);
	if (!good && o->fate != FATE_PENDING)
		return ephemeral(text, a);
	struct str body = message(type, text, false, a);
	return body.p ? (struct reply){ .status = 200, .content_type = JSON_TYPE, .body = body } : ephemeral(text, a);
}

static struct reply options_reply(void)
{
	return (struct reply){ .status = 200, .content_type = JSON_TYPE, .body = S("{\"options\":[]}") };
}

/* For a kind that has no place for a message: Slack shows its own on 500, and retries events on 503. */
static struct reply failure(enum slack_kind kind, struct str text, int permanent_status)
{
	bool event = kind == SLACK_EVENT;
	int status = !event ? 500 : permanent_status ? permanent_status : 503;
	return (struct reply){ .status = status, .content_type = TEXT_TYPE, .body = text, .no_retry = event && permanent_status };
}

struct reply reply_to(const struct config *c, const struct route *route, const struct slack_request *slack,
                      const struct target *target, const struct outcome *outcome, struct arena *arena)
{
	/* An event that is not settled is delivered again, a command that is not says so; nothing else can say it. */
	bool event = slack->kind == SLACK_EVENT;
	bool acknowledged = outcome->fate == FATE_STARTED || (outcome->fate == FATE_ANNOUNCED && !event) ||
	                    (outcome->fate == FATE_PENDING && !event && slack->kind != SLACK_COMMAND);
	if (slack->kind == SLACK_BLOCK_SUGGESTION)
		return options_reply();
	if (acknowledged && !event && route && route->ack_message.n)
		return (struct reply){ .status = 200, .content_type = JSON_TYPE, .body = route->ack_message };
	if (slack->kind == SLACK_COMMAND)
		return command_reply(c, route, slack, target, outcome, arena);
	if (acknowledged)
		return (struct reply){ .status = 200 };
	struct buf b = arena_rest(arena);
	put_fate(&b, target, outcome);
	return failure(slack->kind, arena_keep(arena, &b), outcome->permanent ? 403 : 0);
}

/* A listener writes the type into a head: nothing may end its line there. */
static bool is_type(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

static enum err read_response(struct reply *out, struct json v, struct arena *a)
{
	int64_t status;
	struct json body = json_member(v, S("body"));
	if (!json_int(&status, json_member(v, S("statusCode"))) || status < 200 || status > 599)
		return E_SYNTAX;
	*out = (struct reply){ .status = (int)status, .content_type = JSON_TYPE };
	enum err e = OK;
	for (struct json_walk w = json_walk(json_member(v, S("headers"))); e == OK && json_next(&w);) {
		struct str name;
		e = json_string(&name, w.key, a);
		if (e == OK && str_eq_nocase(name, S("content-type")) && json_type(w.value) == JSON_STRING)
			e = json_string(&out->content_type, w.value, a);
	}
	if (e == OK && !is_type(out->content_type))
		e = E_SYNTAX;
	bool has_body = status != 204 && status != 304 && json_type(body) != JSON_NULL;
	if (has_body)
		out->body = body.text;
	if (e == OK && has_body && json_type(body) == JSON_STRING)
		e = json_string(&out->body, body, a);
	if (e == OK && json_type(json_member(v, S("isBase64Encoded"))) == JSON_TRUE) {
		struct buf decoded = arena_buf(a, BASE64_DECODED_MAX(out->body.n));
		e = base64_decode(&decoded, out->body);
		out->body = buf_str(&decoded);
	}
	return e;
}

enum err reply_of_function(struct reply *out, struct str json, struct arena *arena)
{
	struct json v;
	size_t position;
	if (json_check(&v, &position, json) != OK)
		return E_SYNTAX;
	if (json_type(json_member(v, S("statusCode"))) != JSON_ABSENT)
		return read_response(out, v, arena);
	*out = (struct reply){ .status = 200 };
	if (json_type(v) != JSON_NULL)
		out->content_type = JSON_TYPE, out->body = v.text;
	return OK;
}

struct reply reply_to_bad_path(const struct slack_request *slack, struct str shown, struct arena *arena)
{
	if (slack->kind == SLACK_BLOCK_SUGGESTION)
		return options_reply();
	struct buf b = arena_rest(arena);
	buf_put(&b, S("Invalid resource ["));
	slack_put_escaped(&b, utf8_take(shown, SHOWN_PATH_MAX));
	buf_put(&b, S("]. Expecting format [region/function-name]"));
	struct str text = arena_keep(arena, &b);
	if (slack->kind == SLACK_COMMAND)
		return ephemeral(text, arena);
	/* Whatever it is, it did not ask for anything that is known here. */
	return slack->kind == SLACK_UNKNOWN_KIND ? (struct reply){ .status = 200 } : failure(slack->kind, text, 404);
}

struct str reply_late(const struct target *target, const struct outcome *outcome, struct arena *arena)
{
	struct buf b = arena_rest(arena);
	put_fate(&b, target, outcome);
	struct str text = arena_keep(arena, &b);
	return message(S("ephemeral"), text, true, arena);
}

struct reply reply_error(int status, struct str text, struct arena *arena)
{
	struct buf b = arena_rest(arena);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_field(&w, S("error"), text);
	json_close(&w, '}');
	bool full = b.full;
	struct str body = arena_keep(arena, &b);
	return (struct reply){ .status = status, .content_type = JSON_TYPE, .body = full ? S("{\"error\":\"no memory is left to say more\"}") : body };
}
