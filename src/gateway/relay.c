#include "gateway/relay.h"

#include "codec/hex.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "crypto/ct.h"
#include "gateway/front_door.h"
#include "gateway/payload.h"
#include "slack/request.h"
#include "slack/text.h"

static struct json parse(struct str text)
{
	struct json v = { 0 };
	size_t position;
	return json_check(&v, &position, text) == OK ? v : (struct json){ 0 };
}

static bool is_record(struct json v)
{
	struct json context = json_member(v, S("requestContext"));
	return json_type(json_member(context, S("functionArn"))) == JSON_STRING &&
	       json_type(json_member(context, S("condition"))) == JSON_STRING &&
	       json_type(json_member(v, S("requestPayload"))) != JSON_ABSENT;
}

bool record_detect(struct str event)
{
	return is_record(parse(event));
}

static enum err take(struct str *out, struct json object, struct str name, struct arena *a)
{
	struct json v = json_member(object, name);
	return json_type(v) == JSON_STRING ? json_string(out, v, a) : OK;
}

/* ---- is it Slack's word? ---- */

static bool too_old(int64_t age_s)
{
	return age_s > RELAY_WINDOW_S || age_s < -SLACK_TOLERANCE_S;
}

static enum err refuse_age(struct fault *f)
{
	return fault_set(f, E_REFUSED, 0,
		"the request in the record is older than the 30 minutes that its response_url lives, or from the future");
}

/* The request as it came through a front door: it still carries Slack's own signature. */
static enum err read_event(struct record *out, struct json event, const struct slack_secrets *secrets, bool skip_verify,
                           int64_t now_s, struct arena *a, struct fault *f)
{
	struct gateway_request req;
	struct slack_request slack;
	const struct hmac_key *key;
	int64_t age_s = 0;
	enum err e = front_door_read(&req, event.text, a, f);
	if (e != OK)
		return e;
	if (req.door == DOOR_NONE)
		return fault_set(f, E_SYNTAX, 0, "the record holds no request of this gateway");
	if (!skip_verify) {
		enum slack_verdict verdict = slack_verify(secrets, &age_s, &key, req.timestamp, req.signature, req.body, now_s);
		bool genuine = verdict == SLACK_GENUINE;
		/* Only the age is judged otherwise here than at the front door. */
		if (verdict == SLACK_STALE && !too_old(age_s))
			genuine = slack_verify(secrets, &age_s, &key, req.timestamp, req.signature, req.body, now_s - age_s) == SLACK_GENUINE;
		if (verdict == SLACK_STALE && too_old(age_s))
			return refuse_age(f);
		if (!genuine || req.doubled)
			return fault_set(f, E_REFUSED, 0, "the request in the record does not carry a valid Slack signature");
	}
	e = slack_request_read(&slack, req.content_type, req.body, a, f);
	out->response_url = slack.response_url;
	return e;
}

/* A `slack` payload: the gateway itself vouched for its response_url. */
static enum err read_payload(struct record *out, struct json payload, struct json gateway, const struct slack_secrets *secrets,
                             bool skip_verify, int64_t now_s, struct arena *a, struct fault *f)
{
	struct str mac = { 0 };
	uint8_t given[SHA256_SIZE], right[SHA256_SIZE];
	int64_t received_at_ms;
	bool genuine = skip_verify;
	enum err e = take(&out->response_url, payload, S("response_url"), a);
	struct json_walk urls = json_walk(json_member(payload, S("response_urls")));
	if (e == OK && out->response_url.n == 0 && json_next(&urls))
		e = take(&out->response_url, urls.value, S("response_url"), a);
	if (e == OK)
		e = take(&mac, gateway, S("reply_mac"), a);
	if (e != OK)
		return fault_set(f, e, 0, "the record is too large");
	if (!json_int(&received_at_ms, json_member(gateway, S("received_at"))) || received_at_ms < 0)
		return fault_set(f, E_REFUSED, 0, "the payload in the record does not say when it was received");
	if (too_old(now_s - received_at_ms / 1000))
		return refuse_age(f);
	if (!skip_verify && !hex_decode(given, sizeof(given), mac))
		return fault_set(f, E_REFUSED, 0, "the payload in the record carries no valid reply_mac");
	for (size_t i = 0; !skip_verify && i < secrets->count; i++) {
		payload_reply_mac(right, &secrets->keys[i], received_at_ms, out->response_url);
		genuine |= ct_equal(given, right, sizeof(right));
	}
	ct_wipe(right, sizeof(right));
	return genuine ? OK : fault_set(f, E_REFUSED, 0,
		"the reply_mac in the record was not made with any of this gateway's secrets");
}

/* ---- what did it return? ---- */

static enum err read_result(struct function_result *out, struct json record, struct arena *a)
{
	struct json response = json_member(record, S("responsePayload"));
	struct json context = json_member(record, S("responseContext"));
	struct json condition = json_member(json_member(record, S("requestContext")), S("condition"));
	out->failed = !json_is(condition, S("Success")) || json_type(json_member(context, S("functionError"))) == JSON_STRING;
	out->json = response.text;
	if (!out->failed)
		return OK;
	enum err e = take(&out->error_type, response, S("errorType"), a);
	if (e == OK)
		e = take(&out->error_message, response, S("errorMessage"), a);
	if (e == OK && out->error_type.n == 0 && !json_is(condition, S("Success")))
		e = json_string(&out->error_type, condition, a);
	return e;
}

enum err record_read(struct record *out, struct str event, const struct slack_secrets *secrets, bool skip_verify,
                     int64_t now_s, struct arena *arena, struct fault *f)
{
	struct json record = parse(event);
	struct json context = json_member(record, S("requestContext")), request = json_member(record, S("requestPayload"));
	struct json gateway = json_member(request, S("gateway"));
	*out = (struct record){ 0 };
	enum err e = take(&out->function, context, S("functionArn"), arena);
	if (e == OK)
		e = take(&out->request_id, context, S("requestId"), arena);
	if (e == OK)
		e = read_result(&out->result, record, arena);
	if (e != OK)
		return fault_set(f, e, 0, "the record is too large");
	if (json_type(gateway) == JSON_OBJECT)
		e = read_payload(out, request, gateway, secrets, skip_verify, now_s, arena, f);
	else
		e = read_event(out, request, secrets, skip_verify, now_s, arena, f);
	if (e == OK && out->response_url.n == 0)
		return fault_set(f, E_SYNTAX, 0, "the request in the record has no response_url to answer to");
	return e;
}

/* ---- the message ---- */

/* The longest text that Slack takes whole, with a word about what was cut. */
static void put_text(struct json_writer *w, struct str text)
{
	struct str shown = utf8_take(text, MESSAGE_TEXT_MAX), note = S("");
	if (shown.n < text.n) {
		shown = utf8_take(text, MESSAGE_TEXT_MAX - 50);
		note = S("\n(cut off: Slack takes 40,000 characters)");
	}
	const struct str parts[] = { shown, note };
	json_key(w, S("text"));
	json_put_string_parts(w, parts, countof(parts));
}

static void put_failure(struct json_writer *w, const struct function_result *result, struct str function)
{
	char memory[4096];
	struct buf b = BUF(memory);
	struct str type = utf8_take(result->error_type, 100), message = utf8_take(result->error_message, 500);
	buf_format(&b, "Lambda function % failed", function);
	if (type.n)
		buf_put(&b, S(": "));
	slack_put_escaped(&b, type);
	if (message.n)
		buf_put(&b, S(": "));
	slack_put_escaped(&b, message);
	json_field(w, S("response_type"), S("ephemeral"));
	json_key(w, S("replace_original"));
	json_put_bool(w, false);
	put_text(w, buf_str(&b));
}

/* {"statusCode":200,"body":"..."} is what a function behind an HTTP front door returns: its body counts, and a
 * text that is itself an object. */
static enum err unwrap(struct json *v, struct str *text, struct str json, struct arena *a)
{
	*v = parse(json);
	bool wrapped = json_type(json_member(*v, S("statusCode"))) == JSON_NUMBER;
	if (wrapped)
		*v = json_member(*v, S("body"));
	enum err e = json_type(*v) == JSON_STRING ? json_string(text, *v, a) : OK;
	struct json inner = wrapped && e == OK ? parse(*text) : (struct json){ 0 };
	if (json_type(inner) == JSON_OBJECT)
		*v = inner;
	return e;
}

enum err result_message(struct str *out, const struct function_result *result, struct str function, struct arena *arena)
{
	struct json v = { 0 };
	struct str text = result->text;
	enum err e = result->failed || !result->json.n ? OK : unwrap(&v, &text, result->json, arena);
	enum json_type type = json_type(v);
	bool is_text = type == JSON_STRING || type == JSON_ABSENT;
	bool silent = type == JSON_NULL || (is_text && text.n == 0);
	*out = v.text;
	if (e != OK || (!result->failed && type == JSON_OBJECT))
		return e;
	*out = S("");
	if (silent && !result->failed)
		return OK;
	struct buf b = arena_rest(arena);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	if (result->failed)
		put_failure(&w, result, function);
	else
		put_text(&w, is_text ? text : v.text);
	json_close(&w, '}');
	e = b.full ? E_LIMIT : OK;
	*out = arena_keep(arena, &b);
	return e;
}
