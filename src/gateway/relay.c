#include "gateway/relay.h"

#include "aws/names.h"
#include "codec/hex.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "crypto/ct.h"
#include "gateway/payload.h"
#include "gateway/reply.h"

enum { ENVELOPES_MAX = 4 }; /* of AWS, one in another */

/* ---- where is it? ---- */

static bool is_record(struct json v)
{
	struct json context = json_member(v, S("requestContext"));
	return json_type(json_member(context, S("functionArn"))) == JSON_STRING &&
	       json_type(json_member(context, S("condition"))) == JSON_STRING &&
	       json_type(json_member(v, S("requestPayload"))) != JSON_ABSENT;
}

/* What SNS or EventBridge has wrapped, as a Lambda function or an SQS message sees it; absent if
 * `v` is nothing of theirs. */
static struct json unwrap(struct json v, struct arena *a)
{
	struct json_walk records = json_walk(json_member(v, S("Records")));
	struct json notice = json_next(&records) ? json_member(records.value, S("Sns")) : v;
	struct json message = json_member(notice, S("Message"));
	if (json_type(json_member(v, S("detail-type"))) == JSON_STRING)
		return json_member(v, S("detail"));
	return json_type(message) == JSON_STRING ? json_parse(json_text(notice, S("Message"), a))
											 : (struct json){ 0 };
}

/* What it is without the envelopes of AWS. */
static struct json without_envelopes(struct json v, struct arena *a)
{
	for (int i = 0; i < ENVELOPES_MAX; i++) {
		struct json inner = is_record(v) ? (struct json){ 0 } : unwrap(v, a);
		if (json_type(inner) != JSON_OBJECT)
			break;
		v = inner;
	}
	return v;
}

struct record_walk record_walk(struct str event, struct arena *arena)
{
	struct json v = json_parse(event);
	struct json_walk records = json_walk(json_member(v, S("Records"))), first = records;
	bool queue =
		json_next(&first) && json_is(json_member(first.value, S("eventSource")), S("aws:sqs"));
	struct record_walk w = { .arena = arena, .from_queue = queue };
	if (queue)
		w.list = records;
	else
		w.event = v;
	return w;
}

bool record_next(struct record_walk *w, struct record_place *out)
{
	struct json v = without_envelopes(w->event, w->arena);
	w->event = (struct json){ 0 };
	*out = (struct record_place){ 0 };
	while (!is_record(v) && json_next(&w->list)) {
		v = without_envelopes(json_parse(json_text(w->list.value, S("body"), w->arena)), w->arena);
		out->message_id = json_text(w->list.value, S("messageId"), w->arena);
	}
	out->record = v.text;
	return is_record(v);
}

/* ---- is it Slack's word? ---- */

struct proof {
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
	return fault_set(f, E_REFUSED, 0,
		"the request in the record is older than the %d minutes that its response_url lives, or "
		"from the future",
		NUM(RELAY_WINDOW_S / 60));
}

/* Returns how old the request is at that time. */
static int64_t verify_record(struct proof *v, const struct gateway_request *req, int64_t now_s)
{
	int64_t age_s = 0;
	v->verdict =
		slack_verify(v->secrets, &age_s, &v->by, req->timestamp, req->signature, req->body, now_s);
	return age_s;
}

/* The request as it came through a front door: it still carries Slack's own signature. */
static enum err read_event(struct slack_request *slack, struct proof *v, struct json event,
	struct arena *a, struct fault *f)
{
	struct gateway_request req;
	enum err e = front_door_read(&req, event.text, a, f);
	if (e != OK)
		return e;
	if (req.door == DOOR_NONE || req.door == DOOR_FOREIGN)
		return fault_set(f, E_SYNTAX, 0, "the record holds no request of this gateway");
	if (req.type_doubled)
		return fault_set(
			f, E_REFUSED, 0, "the request in the record gives its content type more than once");
	if (!v->skip) {
		int64_t age_s = verify_record(v, &req, v->now_s);
		if (too_old(age_s))
			return refuse_age(f);
		/* Only the age is judged otherwise than at the front door. */
		if (v->verdict == SLACK_STALE)
			verify_record(v, &req, v->now_s - age_s);
		if (v->verdict != SLACK_GENUINE || req.doubled)
			return fault_set(f, E_REFUSED, 0,
				"the request in the record does not carry a valid Slack signature");
	}
	return slack_request_read(slack, req.content_type, req.body, a, f);
}

/* A `slack` payload: the gateway itself vouched for its response_url. */
static enum err read_slack_payload(struct slack_request *slack, struct proof *v,
	struct json payload, struct json gateway, struct arena *a, struct fault *f)
{
	uint8_t given[SHA256_SIZE], right[SHA256_SIZE];
	int64_t received_at_ms;
	enum err e = slack_request_read(slack, S("application/json"), payload.text, a, f);
	if (e != OK)
		return e;
	if (!json_int(&received_at_ms, json_member(gateway, S("received_at"))) || received_at_ms < 0)
		return fault_set(
			f, E_REFUSED, 0, "the payload in the record does not say when it was received");
	if (too_old(v->now_s - received_at_ms / 1000))
		return refuse_age(f);
	if (v->skip)
		return OK;
	if (!hex_decode(given, sizeof(given), json_text(gateway, S("reply_mac"), a)))
		return fault_set(f, E_REFUSED, 0, "the payload in the record carries no valid reply_mac");
	for (size_t i = 0; i < v->secrets->count; i++) {
		const struct slack_secret *secret = &v->secrets->list[i];
		payload_reply_mac(right, &secret->key, received_at_ms, slack->response_url);
		if (ct_equal(given, right, sizeof(right)) && !secret->missing)
			v->by = secret;
	}
	ct_wipe(right, sizeof(right));
	v->verdict = v->by ? SLACK_GENUINE : SLACK_FORGED;
	return v->by
		? OK
		: fault_set(f, E_REFUSED, 0,
			  "the reply_mac in the record was not made with any of this gateway's secrets");
}

/* ---- what did it return? ---- */

static void read_result(
	struct function_result *out, struct json record, struct str condition, struct arena *a)
{
	struct json error = json_member(json_member(record, S("responseContext")), S("functionError"));
	out->json = json_member(record, S("responsePayload")).text;
	out->failed = !str_eq(condition, S("Success")) || json_type(error) == JSON_STRING;
	if (out->failed)
		out->reason =
			result_failure(out->json, condition.n ? condition : S("no reason given"), a);
}

enum err record_read(struct record *out, struct str event, const struct slack_secrets *secrets,
	bool skip_verify, int64_t now_s, struct arena *arena, struct fault *f)
{
	struct json record = json_parse(event);
	struct json context = json_member(record, S("requestContext"));
	/* A function behind a topic or a bus was started with the envelope around the request. */
	struct json request = without_envelopes(json_member(record, S("requestPayload")), arena);
	struct json gateway = json_member(request, S("gateway"));
	struct str arn = json_text(context, S("functionArn"), arena);
	struct proof v = { .secrets = secrets, .skip = skip_verify, .now_s = now_s };
	struct slack_request slack;
	*out = (struct record){
		.function = { .region = aws_function_region(arn), .function = aws_function_name(arn) },
		.request_id = json_text(context, S("requestId"), arena),
	};
	read_result(&out->result, record, json_text(context, S("condition"), arena), arena);
	enum err e = json_type(gateway) == JSON_OBJECT
		? read_slack_payload(&slack, &v, request, gateway, arena, f)
		: read_event(&slack, &v, request, arena, f);
	out->verdict = v.verdict;
	if (e != OK)
		return e;
	if (v.by && !slack_secrets_admit(secrets, v.by, slack.api_app_id))
		return fault_set(f, E_REFUSED, 0,
			"the request in the record was signed with another secret than that of the app it "
			"names");
	bool view = slack.kind == SLACK_VIEW_SUBMISSION || slack.kind == SLACK_VIEW_CLOSED;
	if (slack.response_url.n == 0)
		return fault_set(f, E_SYNTAX, 0, "%s",
			view ? S("the modal had closed, and there is no response_url")
				 : S("the request in the record has no response_url to answer to"));
	out->kind = slack.kind;
	out->response_url = slack.response_url;
	return OK;
}
