#include "gateway/relay.h"

#include "aws/names.h"
#include "codec/hex.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "crypto/ct.h"
#include "gateway/payload.h"
#include "gateway/reply.h"

/* Of why a function failed; both in characters. */
enum { ERROR_TYPE_MAX = 100, ERROR_MESSAGE_MAX = 500 };

static struct json parse(struct str text)
{
	struct json v = { 0 };
	size_t position;
	return json_check(&v, &position, text) == OK ? v : (struct json){ 0 };
}

bool record_detect(struct str event)
{
	struct json v = parse(event), context = json_member(v, S("requestContext"));
	return json_type(json_member(context, S("functionArn"))) == JSON_STRING &&
	       json_type(json_member(context, S("condition"))) == JSON_STRING &&
	       json_type(json_member(v, S("requestPayload"))) != JSON_ABSENT;
}

/* The text of a member; empty when that is no string, also when there is no memory for it. */
static struct str text_of(struct json object, struct str member, struct arena *a)
{
	struct str s;
	return json_string(&s, json_member(object, member), a) == OK ? s : S("");
}

/* ---- is it Slack's word? ---- */

struct verifier {
	const struct slack_secrets *secrets;
	bool skip;
	int64_t now_s;
	const struct slack_secret *by; /* what vouches for the request; NULL if nothing has to */
	enum slack_verdict verdict;
};

static bool too_old(int64_t age_s)
{
	return age_s > RELAY_WINDOW_S || age_s < -SLACK_TOLERANCE_S;
}

static enum err refuse_age(struct fault *f)
{
	return fault_set(f, E_REFUSED, 0, "the request in the record is older than the 30 minutes that its response_url lives, or from the future");
}

/* Returns how old the request is at that time. */
static int64_t verify(struct verifier *v, const struct gateway_request *req, int64_t now_s)
{
	int64_t age_s = 0;
	v->verdict = slack_verify(v->secrets, &age_s, &v->by, req->timestamp, req->signature, req->body, now_s);
	return age_s;
}

/* The request as it came through a front door: it still carries Slack's own signature. */
static enum err read_event(struct slack_request *slack, struct verifier *v, struct json event, struct arena *a, struct fault *f)
{
	struct gateway_request req;
	enum err e = front_door_read(&req, event.text, a, f);
	if (e != OK)
		return e;
	if (req.door == DOOR_NONE || req.door == DOOR_FOREIGN)
		return fault_set(f, E_SYNTAX, 0, "the record holds no request of this gateway");
	if (req.type_doubled)
		return fault_set(f, E_REFUSED, 0, "the request in the record gives its content type more than once");
	if (!v->skip) {
		int64_t age_s = verify(v, &req, v->now_s);
		if (too_old(age_s))
			return refuse_age(f);
		/* Only the age is judged otherwise than at the front door. */
		if (v->verdict == SLACK_STALE)
			verify(v, &req, v->now_s - age_s);
		if (v->verdict != SLACK_GENUINE || req.doubled)
			return fault_set(f, E_REFUSED, 0, "the request in the record does not carry a valid Slack signature");
	}
	return slack_request_read(slack, req.content_type, req.body, a, f);
}

/* A `slack` payload: the gateway itself vouched for its response_url. */
static enum err read_payload(struct slack_request *slack, struct verifier *v, struct json payload, struct json gateway,
                             struct arena *a, struct fault *f)
{
	uint8_t given[SHA256_SIZE], right[SHA256_SIZE];
	int64_t received_at_ms;
	enum err e = slack_request_read(slack, S("application/json"), payload.text, a, f);
	if (e != OK)
		return e;
	if (!json_int(&received_at_ms, json_member(gateway, S("received_at"))) || received_at_ms < 0)
		return fault_set(f, E_REFUSED, 0, "the payload in the record does not say when it was received");
	if (too_old(v->now_s - received_at_ms / 1000))
		return refuse_age(f);
	if (v->skip)
		return OK;
	if (!hex_decode(given, sizeof(given), text_of(gateway, S("reply_mac"), a)))
		return fault_set(f, E_REFUSED, 0, "the payload in the record carries no valid reply_mac");
	for (size_t i = 0; i < v->secrets->count; i++) {
		const struct slack_secret *secret = &v->secrets->list[i];
		payload_reply_mac(right, &secret->key, received_at_ms, slack->response_url);
		if (ct_equal(given, right, sizeof(right)) && !secret->missing)
			v->by = secret;
	}
	ct_wipe(right, sizeof(right));
	v->verdict = v->by ? SLACK_GENUINE : SLACK_FORGED;
	return v->by ? OK : fault_set(f, E_REFUSED, 0, "the reply_mac in the record was not made with any of this gateway's secrets");
}

/* ---- what did it return? ---- */

struct str result_failure(struct str json, struct str otherwise, struct arena *arena)
{
	struct json v = parse(json);
	struct str type = utf8_take(text_of(v, S("errorType"), arena), ERROR_TYPE_MAX);
	struct str message = utf8_take(text_of(v, S("errorMessage"), arena), ERROR_MESSAGE_MAX);
	struct buf b = arena_buf(arena, type.n + 2 + message.n);
	buf_format(&b, "%s%s%s", type, type.n && message.n ? S(": ") : S(""), message);
	return b.n ? buf_str(&b) : otherwise;
}

static void read_result(struct function_result *out, struct json record, struct str condition, struct arena *a)
{
	struct json error = json_member(json_member(record, S("responseContext")), S("functionError"));
	out->json = json_member(record, S("responsePayload")).text;
	out->failed = !str_eq(condition, S("Success")) || json_type(error) == JSON_STRING;
	if (out->failed)
		out->reason = result_failure(out->json, condition, a);
}

enum err record_read(struct record *out, struct str event, const struct slack_secrets *secrets, bool skip_verify,
                     int64_t now_s, struct arena *arena, struct fault *f)
{
	struct json record = parse(event);
	struct json context = json_member(record, S("requestContext")), request = json_member(record, S("requestPayload"));
	struct json gateway = json_member(request, S("gateway"));
	struct str arn = text_of(context, S("functionArn"), arena);
	struct verifier v = { .secrets = secrets, .skip = skip_verify, .now_s = now_s };
	struct slack_request slack;
	*out = (struct record){
		.function = { .region = aws_function_region(arn), .function = aws_function_name(arn) },
		.request_id = text_of(context, S("requestId"), arena),
	};
	read_result(&out->result, record, text_of(context, S("condition"), arena), arena);
	enum err e = json_type(gateway) == JSON_OBJECT ? read_payload(&slack, &v, request, gateway, arena, f)
	                                               : read_event(&slack, &v, request, arena, f);
	out->verdict = v.verdict;
	if (e != OK)
		return e;
	if (v.by && !slack_secrets_admit(secrets, v.by, slack.api_app_id))
		return fault_set(f, E_REFUSED, 0, "the request in the record was signed with another secret than that of the app it names");
	if (slack.response_url.n == 0)
		return fault_set(f, E_SYNTAX, 0, "the request in the record has no response_url to answer to");
	out->response_url = slack.response_url;
	return OK;
}

/* ---- the message ---- */

/* The longest text that Slack takes whole, with a word about what was cut. */
static void put_text(struct json_writer *w, struct str text)
{
	bool whole = utf8_take(text, MESSAGE_TEXT_MAX).n == text.n;
	json_key(w, S("text"));
	json_open_string(w);
	json_put_piece(w, whole ? text : utf8_take(text, MESSAGE_TEXT_MAX - 50));
	if (!whole)
		json_put_piece(w, S("\n(cut off: Slack takes 40,000 characters)"));
	json_close_string(w);
}

/* {"statusCode":200,"body":"..."} is what a function behind an HTTP front door returns: its body counts, which is often
 * itself JSON in a string. *text is the text of *v, if it is one. */
static enum err unwrap(struct json *v, struct str *text, struct str json, struct arena *a)
{
	*v = parse(json);
	bool wrapped = json_type(json_member(*v, S("statusCode"))) != JSON_ABSENT;
	if (wrapped)
		*v = json_member(*v, S("body"));
	enum err e = json_type(*v) == JSON_STRING ? json_string(text, *v, a) : OK;
	struct json inner = wrapped && e == OK ? parse(*text) : (struct json){ 0 };
	if (json_type(inner) == JSON_OBJECT)
		*v = inner;
	return json_type(inner) == JSON_STRING ? json_string(text, inner, a) : e;
}

enum err result_message(struct str *out, const struct function_result *result, const struct target *function, struct arena *arena)
{
	struct json v = { 0 };
	struct str text = result->text;
	if (result->failed) {
		*out = reply_late(function, &(struct outcome){ .fate = FATE_FAILED, .reason = result->reason }, arena);
		return out->p ? OK : E_LIMIT;
	}
	enum err e = result->json.n ? unwrap(&v, &text, result->json, arena) : OK;
	enum json_type type = json_type(v);
	bool is_text = type == JSON_STRING || type == JSON_ABSENT;
	*out = type == JSON_OBJECT ? v.text : S("");
	if (e != OK || type == JSON_OBJECT || type == JSON_NULL || (is_text && text.n == 0))
		return e;
	struct buf b = arena_rest(arena);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	put_text(&w, is_text ? text : v.text);
	json_close(&w, '}');
	bool full = b.full;
	*out = arena_keep(arena, &b);
	return full ? E_LIMIT : OK;
}
