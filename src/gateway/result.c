#include "gateway/result.h"

#include "base/status.h"
#include "codec/base64.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "gateway/reply.h"
#include "slack/text.h"

enum {
	/* Of why a function failed; both in characters. */
	ERROR_TYPE_MAX = 100,
	ERROR_MESSAGE_MAX = 500,
	WRAPPINGS_MAX = 4, /* of a body that is itself {"statusCode":...,"body":...} */
};

#define JSON_TYPE S("application/json")

/* What a returned value amounts to. */
enum value_type {
	VALUE_NOTHING,
	VALUE_TEXT,
	VALUE_OBJECT, /* something that Slack takes as it is */
	VALUE_OTHER,  /* any other JSON */
};

struct value {
	enum value_type type;
	struct str text; /* of VALUE_TEXT; of the others, their JSON */
	struct json json;
	/* of the HTTP response that it came in, if any; 0 if it did not */
	int status;
	struct json headers;
	struct str body; /* its bytes, as HTTP has them */
	struct str why;  /* such a response cannot be sent */
};

struct reader {
	const struct result_use *use;
	struct arena *arena;
};

static bool is_view(enum slack_kind kind)
{
	return kind == SLACK_VIEW_SUBMISSION || kind == SLACK_VIEW_CLOSED;
}

/* Buttons and their like: they are answered with nothing, and see a message through the
 * response_url. */
static bool is_button(enum slack_kind kind)
{
	return kind == SLACK_BLOCK_ACTIONS || kind == SLACK_MESSAGE_ACTION || kind == SLACK_SHORTCUT ||
		kind == SLACK_VIEW_CLOSED;
}

/* ---- failures ---- */

struct str result_failure(struct str json, struct str otherwise, struct arena *arena)
{
	struct json v = json_parse(json);
	struct str type = utf8_take(json_text(v, S("errorType"), arena), ERROR_TYPE_MAX);
	struct str message = utf8_take(json_text(v, S("errorMessage"), arena), ERROR_MESSAGE_MAX);
	struct buf b = arena_buf(arena, type.n + 2 + message.n);
	buf_format(&b, "%s%s%s", type, type.n && message.n ? S(": ") : S(""), message);
	return b.n ? buf_str(&b) : otherwise;
}

/* ---- what it is ---- */

/* Members each of which makes an object something that Slack takes. */
static bool is_for_slack(struct json object, const struct result_use *use)
{
	struct json_walk w = json_walk(object);
	bool suggestion = use->kind == SLACK_BLOCK_SUGGESTION;
	while (json_next(&w)) {
		if (json_is(w.key, S("text")) || json_is(w.key, S("blocks")) ||
			json_is(w.key, S("attachments")) || json_is(w.key, S("delete_original")))
			return true;
		if (json_is(w.key, S("response_action")) && is_view(use->kind))
			return true;
		if (suggestion && (json_is(w.key, S("options")) || json_is(w.key, S("option_groups"))))
			return true;
		/* Alone it makes a typed command visible. */
		if (json_is(w.key, S("response_type")) && use->kind == SLACK_COMMAND && use->in_time)
			return true;
	}
	return false;
}

/* A number, or its digits in a string. 0 for anything else. */
static int status_of(struct json object, struct arena *a)
{
	int64_t number;
	uint64_t digits;
	struct str text;
	struct json v = json_member(object, S("statusCode"));
	if (json_int(&number, v))
		return number >= 100 && number <= 599 ? (int)number : 0;
	if (json_string(&text, v, a) == OK && str_to_u64(&digits, text, 599) && digits >= 100)
		return (int)digits;
	return 0;
}

static void set_text(struct value *v, struct str text)
{
	v->type = text.n ? VALUE_TEXT : VALUE_NOTHING;
	v->text = text;
}

/* The body of an HTTP response as bytes. */
static enum err read_returned_body(
	struct value *v, struct json object, struct json body, struct arena *a)
{
	bool has_body = v->status != 204 && v->status != 304 && json_type(body) != JSON_NULL;
	v->body = S("");
	if (!has_body)
		return OK;
	v->body = body.text;
	enum err e = json_type(body) == JSON_STRING ? json_string(&v->body, body, a) : OK;
	if (e == OK && json_type(json_member(object, S("isBase64Encoded"))) == JSON_TRUE) {
		struct buf decoded = arena_buf(a, BASE64_DECODED_MAX(v->body.n));
		if (base64_decode(&decoded, v->body) != OK)
			v->why = decoded.full ? S("it is too large")
								  : S("its body is not valid base64");
		v->body = v->why.n ? S("") : buf_str(&decoded);
	}
	return e;
}

/* What a body says. Often it is itself JSON in a string. */
static struct json json_of_body(struct value *v)
{
	struct json inner = json_parse(v->body);
	enum json_type type = json_type(inner);
	bool means_json = type == JSON_OBJECT || type == JSON_STRING || type == JSON_NULL;
	if (means_json)
		return inner;
	if (utf8_check(v->body) == v->body.n)
		set_text(v, v->body);
	else
		set_text(v, S("(The function returned data that is not text.)"));
	return (struct json){ 0 };
}

/* Takes HTTP responses off, and tells what is inside. */
static enum err read_value(struct value *v, const struct reader *r, struct json json)
{
	for (int wrappings = 0;; wrappings++) {
		struct json_walk w = json_walk(json);
		enum json_type type = json_type(json);
		int status =
			type == JSON_OBJECT && wrappings < WRAPPINGS_MAX ? status_of(json, r->arena) : 0;
		v->json = json;
		v->text = json.text;
		if (status) {
			struct json body = json_member(json, S("body"));
			if (!v->status || status >= 400) {
				v->status = status;
				v->headers = json_member(json, S("headers"));
			}
			v->type = VALUE_NOTHING;
			enum err e = read_returned_body(v, json, body, r->arena);
			if (e != OK || v->why.n || !v->body.n)
				return e;
			bool parsed = json_type(body) == JSON_STRING;
			json = parsed ? json_of_body(v) : body;
			if (json_type(json) == JSON_ABSENT)
				return OK;
			continue;
		}
		if (type == JSON_ABSENT || type == JSON_NULL || (type == JSON_OBJECT && !json_next(&w))) {
			v->type = VALUE_NOTHING;
		} else if (type == JSON_STRING) {
			enum err e = json_string(&v->text, json, r->arena);
			struct json inner = json_parse(v->text);
			bool view = is_view(r->use->kind) || r->use->kind == SLACK_BLOCK_SUGGESTION;
			if (e == OK && view && json_type(inner) == JSON_OBJECT && wrappings < WRAPPINGS_MAX) {
				json = inner;
				continue;
			}
			set_text(v, v->text);
			return e;
		} else if (type == JSON_NUMBER || type == JSON_TRUE || type == JSON_FALSE) {
			v->type = VALUE_TEXT;
		} else {
			v->type =
				type == JSON_OBJECT && is_for_slack(json, r->use) ? VALUE_OBJECT : VALUE_OTHER;
		}
		return OK;
	}
}

/* ---- as an HTTP answer ---- */

/* RFC 9110, section 5.6.2. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum((unsigned char)s.p[i]) && str_find(S("!#$%&'*+-.^_`|~"), s.p[i]) == 15)
			return false;
	return s.n > 0;
}

/* A listener writes it into a head: nothing may end its line there. */
static bool is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Those that belong to the connection, or to whoever writes the answer. */
static bool is_dropped(struct str name)
{
	static const char names[][18] = { "content-length", "transfer-encoding", "connection",
		"keep-alive", "upgrade", "trailer", "te", "date" };
	for (size_t i = 0; i < countof(names); i++)
		if (str_eq_nocase(str_c(names[i]), name))
			return true;
	return false;
}

static enum err read_headers(struct reply *out, struct value *v, struct arena *a)
{
	struct reply_header *headers = arena_take(a, REPLY_HEADERS_MAX * sizeof(*headers));
	struct json_walk w = json_walk(v->headers);
	if (!headers)
		return E_LIMIT;
	out->headers = headers;
	while (json_next(&w)) {
		struct str name, value = w.value.text;
		enum json_type type = json_type(w.value);
		enum err e = json_string(&name, w.key, a);
		if (e == OK && type == JSON_STRING)
			e = json_string(&value, w.value, a);
		if (e != OK)
			return e;
		if (type == JSON_OBJECT || type == JSON_ARRAY || type == JSON_NULL || is_dropped(name))
			continue;
		if (!is_token(name) || !is_field_value(value))
			v->why = S("one of its headers cannot be sent");
		else if (out->headers_count == REPLY_HEADERS_MAX)
			v->why = S("it has too many headers");
		else if (!str_eq_nocase(name, S("content-type")))
			headers[out->headers_count++] = (struct reply_header){ name, value };
		else if (type == JSON_STRING)
			out->content_type = value;
	}
	return OK;
}

/* As a function URL would make it. */
static enum err read_response(struct reply *out, struct value *v, struct arena *a)
{
	reply_set(out, v->status, JSON_TYPE, v->body);
	if (v->status < 200)
		v->why = S("its status is below 200");
	return read_headers(out, v, a);
}

/* ---- as a message ---- */

/* The longest text that Slack takes whole, with a word about what was cut. */
static void put_text(struct json_writer *w, struct str text)
{
	char memory[64];
	struct buf note = BUF(memory);
	bool whole = utf8_take(text, MESSAGE_TEXT_MAX).n == text.n;
	buf_format(&note, "\n(cut off: Slack takes %d characters)", NUM(MESSAGE_TEXT_MAX));
	json_key(w, S("text"));
	json_open_string(w);
	json_put_piece(w, whole ? text : utf8_take(text, MESSAGE_TEXT_MAX - note.n));
	if (!whole)
		json_put_piece(w, buf_str(&note));
	json_close_string(w);
}

/* {"text":...}, which replaces nothing when it goes through a response_url. */
static enum err write_text(struct str *out, struct str text, bool late, struct arena *a)
{
	struct buf b = arena_rest(a);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	put_text(&w, text);
	if (late) {
		json_key(&w, S("replace_original"));
		json_put_bool(&w, false);
	}
	json_close(&w, '}');
	bool full = b.full;
	*out = arena_keep(a, &b);
	return full ? E_LIMIT : OK;
}

/* As it is; where it does not say whether it replaces the message that it answers, it does not. */
static enum err write_object(struct str *out, struct json object, struct arena *a)
{
	bool says = false;
	for (struct json_walk w = json_walk(object); json_next(&w);)
		says |= json_is(w.key, S("replace_original")) || json_is(w.key, S("delete_original"));
	*out = object.text;
	if (says)
		return OK;
	struct str inside = str_trim_lines(str_sub(object.text, 1, object.text.n - 1));
	struct buf b = arena_buf(a, object.text.n + 32);
	buf_format(&b, "{%s,\"replace_original\":false}", inside);
	*out = buf_str(&b);
	return b.full ? E_LIMIT : OK;
}

/* Three backticks would end the block: something that takes no room stands between them. */
static void put_code(struct buf *b, struct str code)
{
	size_t ticks = 0;
	for (size_t i = 0; i < code.n; i++) {
		ticks = code.p[i] == '`' ? ticks + 1 : 0;
		if (ticks == 3) {
			buf_put(b, S("\xe2\x80\x8b"));
			ticks = 1;
		}
		slack_put_escaped(b, str_sub(code, i, i + 1));
	}
}

static enum err code_block(struct str *out, struct str json, struct arena *a)
{
	struct str shown = utf8_take(json, CODE_BLOCK_MAX);
	struct buf b = arena_rest(a);
	buf_put(&b, S("```"));
	put_code(&b, shown);
	buf_put(&b, shown.n < json.n ? S("\xe2\x80\xa6```") : S("```"));
	bool full = b.full;
	*out = arena_keep(a, &b);
	return full ? E_LIMIT : OK;
}

/* The errors of a modal that had closed when they came. */
static enum err write_errors(struct str *out, struct json errors, struct arena *a)
{
	struct str text, error;
	enum err e = OK;
	struct buf scratch = arena_buf(a, errors.text.n);
	struct arena words = { scratch.p, 0, scratch.cap };
	struct buf b = arena_rest(a);
	buf_put(&b, S("The form had closed, but what you entered was not accepted:"));
	for (struct json_walk w = json_walk(errors); e == OK && json_next(&w);) {
		if (json_type(w.value) != JSON_STRING)
			continue;
		e = json_string(&error, w.value, &words);
		buf_put(&b, S("\n\xe2\x80\xa2 "));
		if (e == OK)
			slack_put_escaped(&b, error);
	}
	bool full = b.full;
	text = arena_keep(a, &b);
	return e != OK || full ? E_LIMIT : write_text(out, text, true, a);
}

/* For a response_url. */
static enum err write_message(struct result *out, const struct value *v, const struct reader *r)
{
	struct str code;
	enum err e = OK;
	bool answers_view = json_is(json_member(v->json, S("response_action")), S("errors"));
	bool is_action = v->type == VALUE_OBJECT &&
		json_type(json_member(v->json, S("response_action"))) != JSON_ABSENT;
	switch (v->type) {
	case VALUE_NOTHING:
		return OK;
	case VALUE_TEXT:
		return write_text(&out->message, v->text, true, r->arena);
	case VALUE_OBJECT:
		if (is_action && answers_view)
			return write_errors(&out->message, json_member(v->json, S("errors")), r->arena);
		if (is_action)
			out->unseen = S("the modal had closed when its function answered");
		else
			e = write_object(&out->message, v->json, r->arena);
		return e;
	case VALUE_OTHER:
		e = code_block(&code, v->text, r->arena);
		return e == OK ? write_text(&out->message, code, true, r->arena) : e;
	}
	return OK;
}

/* ---- all of it ---- */

static void set_failed(struct result *out, struct str reason)
{
	out->failed = true;
	out->reason = reason;
}

/* What the body of a response says of its failure; the status, if it says nothing. */
static enum err fail_by_status(struct result *out, const struct value *v, struct arena *a)
{
	struct json text = json_member(v->json, S("text"));
	struct buf b = arena_buf(a, 80);
	enum err e = OK;
	buf_format(&b, "it answered with the status %d %s", NUM(v->status), status_reason(v->status));
	out->logged = buf_str(&b);
	if (v->type == VALUE_OBJECT && json_type(text) == JSON_STRING) {
		e = json_string(&out->reason, text, a);
	} else if (v->type != VALUE_NOTHING) {
		out->reason = v->text;
	} else {
		out->reason = out->logged;
	}
	set_failed(out, utf8_take(out->reason, ERROR_MESSAGE_MAX));
	return e;
}

/* In time, for kinds whose answer is whatever the function says. */
static void answer_json(struct result *out, const struct value *v, struct str raw)
{
	if (v->type == VALUE_NOTHING)
		reply_set(&out->reply, 200, S(""), S(""));
	else
		reply_set(&out->reply, 200, JSON_TYPE, v->type == VALUE_TEXT ? raw : v->json.text);
}

static enum err answer_command(struct result *out, const struct value *v, struct arena *a)
{
	struct str text = v->text;
	enum err e = OK;
	if (v->type == VALUE_NOTHING || v->type == VALUE_OBJECT) {
		answer_json(out, v, v->text);
		return OK;
	}
	if (v->type == VALUE_OTHER)
		e = code_block(&text, v->text, a);
	if (e == OK)
		e = write_text(&text, text, false, a);
	reply_set(&out->reply, 200, JSON_TYPE, text);
	return e;
}

/* Slack still waits. `raw`: the JSON as it was returned. */
static enum err answer_in_time(
	struct result *out, struct value *v, const struct reader *r, struct str raw)
{
	enum slack_kind kind = r->use->kind;
	enum err e = OK;
	bool button = is_button(kind);
	if (v->status && (!button || v->status >= 400))
		e = read_response(&out->reply, v, r->arena);
	if (e != OK || v->why.n)
		return e;
	if (v->status >= 400)
		return fail_by_status(out, v, r->arena);
	if (button) {
		reply_set(&out->reply, 200, S(""), S(""));
		return write_message(out, v, r);
	}
	if (v->status)
		return OK;
	if (kind == SLACK_COMMAND)
		return answer_command(out, v, r->arena);
	if (kind == SLACK_BLOCK_SUGGESTION && v->type != VALUE_OBJECT && v->type != VALUE_OTHER) {
		reply_without_options(&out->reply);
	} else if (kind == SLACK_VIEW_SUBMISSION && v->type == VALUE_TEXT) {
		/* The modal closes, and the text follows. */
		reply_set(&out->reply, 200, S(""), S(""));
		return write_message(out, v, r);
	} else {
		answer_json(out, v, raw);
	}
	return OK;
}

static enum err put_told(struct result *out, const struct value *v, const struct reader *r)
{
	if (v->status >= 400)
		return fail_by_status(out, v, r->arena);
	if (r->use->kind != SLACK_BLOCK_SUGGESTION)
		return write_message(out, v, r);
	if (v->type != VALUE_NOTHING)
		out->unseen = S("the options came too late to be shown");
	return OK;
}

enum err result_read(struct result *out, const struct function_result *returned,
	const struct result_use *use, struct arena *arena)
{
	const struct reader r = { use, arena };
	struct value v = { 0 };
	struct json json = json_parse(returned->json);
	enum err e = OK;
	*out = (struct result){ 0 };
	if (returned->failed)
		set_failed(out, returned->reason);
	else if (returned->json.n && !json.text.n)
		v.why = S("it is not JSON");
	else if (returned->json.n)
		e = read_value(&v, &r, json);
	else
		set_text(&v, returned->text);
	if (e == OK && !out->failed && !v.why.n)
		e = use->in_time ? answer_in_time(out, &v, &r, returned->json) : put_told(out, &v, &r);
	if (e == OK && v.why.n) {
		struct buf b = arena_buf(arena, 120);
		buf_format(&b, "what it returned cannot be used: %s", v.why);
		set_failed(out, buf_str(&b));
		out->logged = out->reason;
		out->reply.status = 0;
	}
	if (e == OK && out->failed) {
		out->message = reply_late(
			&use->function, &(struct outcome){ .fate = FATE_FAILED, .reason = out->reason }, arena);
		e = out->message.n ? OK : E_LIMIT;
	}
	/* Of that the answer speaks, or what reply_follow_up has to say about it. */
	if (out->failed && use->in_time)
		out->message = S("");
	if (out->message.n && !use->has_url) {
		out->message = S("");
		if (use->kind != SLACK_EVENT)
			out->unseen = is_view(use->kind)
				? S("the modal had closed, and there is no response_url")
				: S("the request has no response_url");
	}
	return e;
}
