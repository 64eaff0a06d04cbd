#include "check.h"
#include "codec/hex.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "gateway/payload.h"
#include "gateway/relay.h"

static char memory[1 << 20];
static struct slack_secrets secrets;
static struct record record;
static struct fault fault;

enum { NOW = 1531420618 };
#define HOOK "https://hooks.slack.com/commands/T1/2/x"
#define BODY "command=%2Fx&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F2%2Fx"
#define ARN "arn:aws:lambda:eu-west-1:123456789012:function:my-fn:live"
#define SECRET S("8f742231b10e8888abcd99yyyzzz85a5")

/* What a worker was started with, and the record that AWS made of it. */
struct sent {
	int64_t age_s;
	struct str secret, body, content_type, response_url, app;
	bool doubled, unsigned_;
	struct str mac; /* other than the right one */
};

static void use_secrets(void)
{
	secrets = (struct slack_secrets){ 0 };
	check(slack_secrets_add(&secrets, S("another secret"), S("")) &&
		slack_secrets_add(&secrets, SECRET, S("")));
}

/* Whether the event holds one record, which is the event itself. */
static bool is_one_record(struct str event)
{
	static char words[1 << 12];
	struct arena a = { words, 0, sizeof(words) };
	struct record_place place;
	struct record_walk w = record_walk(event, &a);
	bool found = record_next(&w, &place);
	expect(!found || str_eq(place.record, str_trim_lines(event)));
	return found && !record_next(&w, &place);
}

static struct slack_secrets only(struct str secret)
{
	struct slack_secrets s = { 0 };
	check(slack_secrets_add(&s, secret.n ? secret : SECRET, S("")));
	return s;
}

/* The event of a function URL. */
static void put_event(struct json_writer *w, const struct sent *sent)
{
	struct slack_secrets signer = only(sent->secret);
	struct str stamp = DIGITS(NOW - sent->age_s), body = sent->body.p ? sent->body : S(BODY);
	char text[80];
	struct buf signature = BUF(text);
	slack_sign(&signature, &signer, stamp, body);
	json_open(w, '{');
	json_field(w, S("version"), S("2.0"));
	json_key(w, S("headers"));
	json_open(w, '{');
	json_field(w, S("content-type"), sent->content_type);
	if (!sent->unsigned_)
		json_field(w, S("x-slack-signature"), buf_str(&signature));
	if (sent->doubled)
		json_field(w, S("X-Slack-Signature"), buf_str(&signature));
	json_field(w, S("x-slack-request-timestamp"), stamp);
	json_close(w, '}');
	json_field(w, S("body"), body);
	json_close(w, '}');
}

/* A `slack` payload. */
static void put_payload(struct json_writer *w, const struct sent *sent)
{
	struct slack_secrets signer = only(sent->secret);
	uint8_t mac[SHA256_SIZE];
	char text[64];
	struct buf hex = BUF(text);
	int64_t received_at_ms = (NOW - sent->age_s) * 1000 + 999;
	payload_reply_mac(mac, &signer.list[0].key, received_at_ms, S(HOOK));
	hex_put(&hex, mac, sizeof(mac));
	json_open(w, '{');
	json_field(w, S("type"), S("slash_command"));
	if (sent->app.n)
		json_field(w, S("api_app_id"), sent->app);
	json_field(w, S("response_url"), sent->response_url.p ? sent->response_url : S(HOOK));
	json_key(w, S("gateway"));
	json_open(w, '{');
	json_fields(w, "received_at", NUM(received_at_ms));
	if (!sent->unsigned_)
		json_field(w, S("reply_mac"), sent->mac.p ? sent->mac : buf_str(&hex));
	json_close(w, '}');
	json_close(w, '}');
}

static struct str record_of(
	struct str request, struct str condition, struct str context, struct str response)
{
	static char text[1 << 16];
	struct buf b = BUF(text);
	buf_put(&b,
		S("{\"version\":\"1.0\",\"requestContext\":{\"requestId\":\"id-1\",\"functionArn\":\"" ARN
		  "\",\"condition\":\""));
	buf_put(&b, condition);
	buf_put(&b, S("\",\"approximateInvokeCount\":1},\"requestPayload\":"));
	buf_put(&b, request);
	buf_put(&b, context);
	buf_put(&b, response);
	buf_put(&b, S("}"));
	expect(!b.full);
	return buf_str(&b);
}

static enum err read_with(struct str event, bool skip_verify)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct str copy = guard_copy(event);
	fault = (struct fault){ 0 };
	expect(is_one_record(copy));
	return record_read(&record, copy, &secrets, skip_verify, NOW, &a, &fault);
}

static enum err read_sent(void (*put)(struct json_writer *, const struct sent *),
	const struct sent *sent, bool skip_verify)
{
	static char text[1 << 15];
	struct buf b = BUF(text);
	struct json_writer w = json_writer(&b);
	put(&w, sent);
	expect(!b.full);
	return read_with(
		record_of(buf_str(&b), S("Success"), S(",\"responseContext\":{\"statusCode\":200}"),
			S(",\"responsePayload\":\"done\"")),
		skip_verify);
}

TEST(relay_detects_records)
{
	static const struct {
		struct str event;
		bool want;
	} cases[] = {
		{ STR("{\"requestContext\":{\"functionArn\":\"a\",\"condition\":\"Success\"},"
			  "\"requestPayload\":null}"),
			true },
		{ STR("{\"requestContext\":{\"functionArn\":\"a\",\"condition\":\"Success\"}}"), false },
		{ STR("{\"requestContext\":{\"functionArn\":\"a\"},\"requestPayload\":{}}"), false },
		{ STR("{\"requestContext\":{\"condition\":\"Success\"},\"requestPayload\":{}}"), false },
		{ STR("{\"requestContext\":{\"functionArn\":1,\"condition\":2},\"requestPayload\":{}}"),
			false },
		{ STR("{\"requestPayload\":{}}"), false },
		{ STR("[]"), false },
		{ STR("{"), false },
		{ STR(""), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(is_one_record(guard_copy(cases[i].event)), cases[i].want);
	}
	expect(is_one_record(test_file("vectors/events/destination.json")));
	expect(!is_one_record(test_file("vectors/events/rest.json")));
	expect(!is_one_record(test_file("vectors/events/url.json")));
}

#define OLD                                                                                        \
	STR("the request in the record is older than the 30 minutes that its response_url lives, or "  \
		"from the future")
#define NOT_SLACK STR("the request in the record does not carry a valid Slack signature")
#define NO_MAC STR("the payload in the record carries no valid reply_mac")
#define FOREIGN_MAC                                                                                \
	STR("the reply_mac in the record was not made with any of this gateway's secrets")
#define NO_URL STR("the request in the record has no response_url to answer to")
#define OTHER_HOOK STR("https://hooks.slack.com/commands/T1/2/y")
#define RIGHT_MAC STR("0000000000000000000000000000000000000000000000000000000000000000")

TEST(relay_verifies_events)
{
	static const struct {
		struct sent sent;
		enum err want, want_unverified;
		struct str message;
	} cases[] = {
		{ { 0 }, OK, OK, STR("") },
		{ { .age_s = 301 }, OK, OK, STR("") },
		{ { .age_s = 1800 }, OK, OK, STR("") },
		{ { .age_s = 1801 }, E_REFUSED, OK, OLD },
		{ { .age_s = -300 }, OK, OK, STR("") },
		{ { .age_s = -301 }, E_REFUSED, OK, OLD },
		{ { .secret = STR("a forger's") }, E_REFUSED, OK, NOT_SLACK },
		{ { .secret = STR("a forger's"), .age_s = 1000 }, E_REFUSED, OK, NOT_SLACK },
		{ { .secret = STR("another secret"), .age_s = 1000 }, OK, OK, STR("") },
		{ { .unsigned_ = true }, E_REFUSED, OK, NOT_SLACK },
		{ { .doubled = true }, E_REFUSED, OK, NOT_SLACK },
		{ { .body = STR("command=%2Fx") }, E_SYNTAX, E_SYNTAX, NO_URL },
		{ { .body = STR("command=%zz") }, E_SYNTAX, E_SYNTAX,
			STR("the body is not a valid form: a '%' without two hex digits") },
		{ { .body = STR("{\"response_url\":\"" HOOK "\"}"),
			  .content_type = STR("application/json; charset=utf-8") },
			OK, OK, STR("") },
		{ { .body = STR("payload={\"response_urls\":[{\"response_url\":\"" HOOK "\"}]}") }, OK, OK,
			STR("") },
	};
	use_secrets();
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_sent(put_event, &cases[i].sent, false), cases[i].want);
		expect_str(fault_text(&fault), cases[i].message);
		expect_str(record.response_url, cases[i].want == OK ? S(HOOK) : S(""));
		expect_str(record.function.function, S("my-fn"));
		expect_str(record.function.region, S("eu-west-1"));
		expect_str(record.request_id, S("id-1"));
		context("case %zu, unverified", i);
		expect_int(read_sent(put_event, &cases[i].sent, true), cases[i].want_unverified);
	}
}

TEST(relay_verifies_payloads)
{
	static const struct {
		struct sent sent;
		enum err want, want_unverified;
		struct str message;
	} cases[] = {
		{ { 0 }, OK, OK, STR("") },
		{ { .age_s = 1799 }, OK, OK, STR("") },
		{ { .age_s = 1801 }, E_REFUSED, E_REFUSED, OLD },
		{ { .age_s = -301 }, E_REFUSED, E_REFUSED, OLD },
		{ { .age_s = NOW + 1 }, E_REFUSED, E_REFUSED,
			STR("the payload in the record does not say when it was received") },
		{ { .secret = STR("a forger's") }, E_REFUSED, OK, FOREIGN_MAC },
		{ { .unsigned_ = true }, E_REFUSED, OK, NO_MAC },
		{ { .mac = STR("") }, E_REFUSED, OK, NO_MAC },
		{ { .mac = STR("00") }, E_REFUSED, OK, NO_MAC },
		{ { .mac = RIGHT_MAC }, E_REFUSED, OK, FOREIGN_MAC },
		{ { .response_url = OTHER_HOOK }, E_REFUSED, OK, FOREIGN_MAC },
		{ { .response_url = STR("") }, E_REFUSED, E_SYNTAX, FOREIGN_MAC },
	};
	use_secrets();
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_sent(put_payload, &cases[i].sent, false), cases[i].want);
		expect_str(fault_text(&fault), cases[i].message);
		expect_str(record.response_url, cases[i].want == OK ? S(HOOK) : S(""));
		context("case %zu, unverified", i);
		expect_int(read_sent(put_payload, &cases[i].sent, true), cases[i].want_unverified);
	}
}

/* With secrets of their own, no app vouches for another one. */
TEST(relay_by_app)
{
	static const struct {
		struct str secret, app;
		bool want;
	} cases[] = {
		{ STR("secret of A1"), STR("A1"), true },
		{ STR("secret of A1"), STR("A2"), false },
		{ STR("secret of A1"), STR("A3"), false },
		{ STR("everybody's"), STR("A1"), false },
		{ STR("everybody's"), STR("A3"), true },
		{ STR("secret of A1"), STR(""), true },
	};
	secrets = (struct slack_secrets){ 0 };
	check(slack_secrets_add(&secrets, S("everybody's"), S("")) &&
		slack_secrets_add(&secrets, S("secret of A1"), S("A1")) &&
		slack_secrets_add(&secrets, S("secret of A2"), S("A2")));
	for (size_t i = 0; i < countof(cases); i++) {
		char body[160];
		struct buf b = BUF(body);
		buf_put(&b, S(BODY "&api_app_id="));
		buf_put(&b, cases[i].app);
		struct sent event = { .secret = cases[i].secret, .body = buf_str(&b) };
		struct sent payload = { .secret = cases[i].secret, .app = cases[i].app };
		context("case %zu", i);
		expect_int(read_sent(put_event, &event, false), cases[i].want ? OK : E_REFUSED);
		expect_int(read_sent(put_payload, &payload, false), cases[i].want ? OK : E_REFUSED);
		expect_int(read_sent(put_payload, &payload, true), OK);
	}
}

/* Whether newer secrets could find a record genuine. */
TEST(relay_verdicts)
{
	const struct sent right = { 0 }, forged = { .secret = S("of tomorrow") },
					  old = { .secret = S("of tomorrow"), .age_s = RELAY_WINDOW_S + 1 };
	use_secrets();
	expect_int(read_sent(put_event, &right, false), OK);
	expect_int(record.verdict, SLACK_GENUINE);
	expect_int(read_sent(put_payload, &right, false), OK);
	expect_int(record.verdict, SLACK_GENUINE);
	expect_int(read_sent(put_event, &forged, false), E_REFUSED);
	expect_int(record.verdict, SLACK_FORGED);
	expect_int(read_sent(put_payload, &forged, false), E_REFUSED);
	expect_int(record.verdict, SLACK_FORGED);
	expect_int(read_sent(put_event, &old, false), E_REFUSED);
	expect(record.verdict < SLACK_FORGED);
	expect_int(read_sent(put_payload, &old, false), E_REFUSED);
	expect(record.verdict < SLACK_FORGED);
	secrets.list[0].missing = secrets.list[1].missing = true;
	expect_int(read_sent(put_event, &right, false), E_REFUSED);
	expect_int(record.verdict, SLACK_UNDECIDED);
	expect_int(read_sent(put_payload, &right, false), E_REFUSED);
	expect(record.verdict >= SLACK_FORGED);
}

TEST(relay_odd_requests)
{
	static const struct {
		struct str request;
		enum err want;
	} cases[] = {
		{ STR("null"), E_SYNTAX },
		{ STR("\"text\""), E_SYNTAX },
		{ STR("{}"), E_SYNTAX },
		{ STR("{\"response_url\":\"" HOOK "\"}"), E_SYNTAX },
		{ STR("{\"gateway\":null,\"response_url\":\"" HOOK "\"}"), E_SYNTAX },
		{ STR("{\"gateway\":{},\"response_url\":\"" HOOK "\"}"), E_REFUSED },
		{ STR("{\"gateway\":{\"received_at\":\"1531420618000\"},\"response_url\":\"" HOOK "\"}"),
			E_REFUSED },
		{ STR("{\"gateway\":{\"received_at\":-9223372036854775808},\"response_url\":\"" HOOK "\"}"),
			E_REFUSED },
		{ STR("{\"gateway\":{\"received_at\":9223372036854775807},\"response_url\":\"" HOOK "\"}"),
			E_REFUSED },
		{ STR("{\"gateway\":{\"received_at\":1531420618000,\"reply_mac\":1},\"response_url\":"
			  "\"" HOOK "\"}"),
			E_REFUSED },
		{ STR("{\"version\":\"2.0\",\"body\":\"%\",\"isBase64Encoded\":true}"), E_SYNTAX },
		{ STR("{\"version\":\"2.0\",\"headers\":{\"x-slack-signature\":\"v0=0\",\"x-slack-request-"
			  "timestamp\":\"1531420618\"}}"),
			E_REFUSED },
	};
	use_secrets();
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_with(record_of(cases[i].request, S("Success"), S(""), S("")), false),
			cases[i].want);
		expect(fault.n > 0 && fault.code == cases[i].want);
	}
}

TEST(relay_reads_results)
{
#define CONTEXT(more)                                                                              \
	STR(",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"$LATEST\"" more "}")
	static const struct {
		struct str condition, context, response;
		bool failed;
		struct str reason;
	} cases[] = {
		{ STR("Success"), CONTEXT(""), STR(",\"responsePayload\":\"x\""), false, STR("") },
		{ STR("Success"), CONTEXT(""), STR(""), false, STR("") },
		{ STR("Success"), CONTEXT(",\"functionError\":null"), STR(",\"responsePayload\":null"),
			false, STR("") },
		{ STR("Success"), CONTEXT(",\"functionError\":\"Handled\""),
			STR(",\"responsePayload\":{\"errorType\":\"E\",\"errorMessage\":\"m\"}"), true,
			STR("E: m") },
		{ STR("RetriesExhausted"), CONTEXT(",\"functionError\":\"Unhandled\""),
			STR(",\"responsePayload\":{\"errorMessage\":\"m "
				"<@U1>\",\"errorType\":\"TypeError\",\"stackTrace\":[\"a\"]}"),
			true, STR("TypeError: m <@U1>") },
		{ STR("RetriesExhausted"), CONTEXT(",\"functionError\":\"Unhandled\""),
			STR(",\"responsePayload\":{\"errorMessage\":\"2026-01-01T00:00:00.000Z id Task timed "
				"out after 3.00 seconds\"}"),
			true, STR("2026-01-01T00:00:00.000Z id Task timed out after 3.00 seconds") },
		{ STR("RetriesExhausted"), CONTEXT(""),
			STR(",\"responsePayload\":{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":null}"),
			true, STR("Runtime.ExitError") },
		{ STR("RetriesExhausted"), CONTEXT(""), STR(",\"responsePayload\":\"oops\""), true,
			STR("RetriesExhausted") },
		{ STR("EventAgeExceeded"), CONTEXT(""), STR(",\"responsePayload\":null"), true,
			STR("EventAgeExceeded") },
		{ STR("ZeroReservedConcurrency"), STR(""), STR(""), true, STR("ZeroReservedConcurrency") },
		{ STR(""), STR(""), STR(""), true, STR("no reason given") },
	};
	use_secrets();
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = BUF(memory);
		struct json_writer w = json_writer(&b);
		put_payload(&w, &(struct sent){ 0 });
		context("case %zu", i);
		expect_int(read_with(record_of(buf_str(&b), cases[i].condition, cases[i].context,
								 cases[i].response),
					   false),
			OK);
		expect_int(record.result.failed, cases[i].failed);
		expect_str(record.result.reason, cases[i].reason);
	}
}

/* However little memory there is: what comes out is whole. */
TEST(relay_without_memory)
{
	static char text[1 << 12];
	struct buf b = BUF(text);
	struct json_writer w = json_writer(&b);
	use_secrets();
	put_event(&w, &(struct sent){ .age_s = 400 });
	struct str event =
		record_of(buf_str(&b), S("Success"), S(""), S(",\"responsePayload\":\"\\u00fc\""));
	for (size_t cap = 0; cap < 2048; cap++) {
		struct arena a = { memory, 0, cap };
		context("%zu bytes", cap);
		enum err e = record_read(&record, event, &secrets, false, NOW, &a, &fault);
		expect(e == OK ? str_eq(record.response_url, S(HOOK)) : fault.n > 0);
		expect(cap < 1024 || e == OK);
	}
}

/* ---- records in the envelopes of AWS ---- */

#define RECORD                                                                                     \
	"{\"requestContext\":{\"functionArn\":\"" ARN                                                  \
	"\",\"condition\":\"Success\"},\"requestPayload\":{},\"n\":%d}"

static struct str put_record(struct buf *b, int n)
{
	size_t start = b->n;
	buf_format(b, RECORD, NUM(n));
	return str_skip(buf_str(b), start);
}

/* `json` as a JSON string. */
static struct str as_string(struct buf *b, struct str json)
{
	size_t start = b->n;
	struct json_writer w = json_writer(b);
	json_put_string(&w, json);
	return str_skip(buf_str(b), start);
}

static struct str formatted(struct buf *b, const char *before, struct str inner, const char *after)
{
	size_t start = b->n;
	buf_format(b, "%s%s%s", str_c(before), inner, str_c(after));
	return str_skip(buf_str(b), start);
}

static struct str by_topic(struct buf *b, struct str inner)
{
	return formatted(b,
		"{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{\"MessageId\":\"x\",\"Message\":",
		as_string(b, inner), "}}]}");
}

static struct str notification(struct buf *b, struct str inner)
{
	return formatted(b, "{\"Type\":\"Notification\",\"Message\":", as_string(b, inner), "}");
}

static struct str by_bus(struct buf *b, struct str inner)
{
	return formatted(b,
		"{\"version\":\"0\",\"source\":\"lambda\",\"detail-type\":\"x\",\"detail\":", inner, "}");
}

static struct str by_queue(struct buf *b, struct str first, struct str second)
{
	struct str one = as_string(b, first), two = as_string(b, second);
	size_t start = b->n;
	buf_format(b, "{\"Records\":[{\"messageId\":\"m1\",\"eventSource\":\"aws:sqs\",\"body\":%s},"
		"{\"messageId\":\"m2\",\"eventSource\":\"aws:sqs\",\"body\":\"hello\"},"
		"{\"messageId\":\"m3\",\"eventSource\":\"aws:sqs\",\"body\":%s}]}", one, two);
	return str_skip(buf_str(b), start);
}

static void expect_records(
	struct str event, const char *const *ids, const int *numbers, size_t count)
{
	static char words[1 << 16];
	struct arena a = { words, 0, sizeof(words) };
	struct record_walk w = record_walk(event, &a);
	struct record_place place;
	struct json v;
	size_t position, n = 0;
	int64_t number;
	for (; record_next(&w, &place) && n < count; n++) {
		expect_str(place.message_id, str_c(ids[n]));
		expect_int(json_check(&v, &position, place.record), OK);
		expect(json_int(&number, json_member(v, S("n"))) && number == numbers[n]);
	}
	expect_int(n, count);
	expect_int(w.from_queue, count > 0 && ids[0][0] != 0);
}

TEST(relay_records_in_envelopes)
{
	static char text[1 << 16];
	struct buf b = BUF(text);
	struct str one = put_record(&b, 1), two = put_record(&b, 2);
	const char *const none[] = { "" }, *const queued[] = { "m1", "m3" };
	context("as it is");
	expect_records(one, none, (int[]){ 1 }, 1);
	context("SNS");
	expect_records(by_topic(&b, one), none, (int[]){ 1 }, 1);
	context("EventBridge");
	expect_records(by_bus(&b, one), none, (int[]){ 1 }, 1);
	context("SQS");
	expect_records(by_queue(&b, one, two), queued, (int[]){ 1, 2 }, 2);
	context("SNS and EventBridge to SQS");
	expect_records(
		by_queue(&b, notification(&b, one), by_bus(&b, two)), queued, (int[]){ 1, 2 }, 2);
	context("EventBridge to SNS to SQS");
	expect_records(
		by_queue(&b, notification(&b, by_bus(&b, one)), two), queued, (int[]){ 1, 2 }, 2);
	context("too many envelopes");
	struct str deep = one;
	for (int i = 0; i < 6; i++)
		deep = by_bus(&b, deep);
	expect_records(deep, NULL, NULL, 0);
	context("nothing");
	expect_records(S("{\"Records\":[]}"), NULL, NULL, 0);
	expect_records(S("{\"Records\":[{\"Sns\":{\"Message\":\"x\"}}]}"), NULL, NULL, 0);
	expect_records(S("{\"detail-type\":\"Scheduled Event\",\"detail\":{}}"), NULL, NULL, 0);
	expect(!b.full);
}

/* The function was behind a topic or a bus: its request is in their envelope. */
TEST(relay_requests_in_envelopes)
{
	for (int i = 0; i < 3; i++) {
		static char text[1 << 16];
		struct buf b = BUF(text), payload = { text + sizeof(text) / 2, 0, sizeof(text) / 2, false };
		struct json_writer w = json_writer(&payload);
		use_secrets();
		put_event(&w, &(struct sent){ 0 });
		struct str request = i == 0 ? buf_str(&payload)
			: i == 1                ? by_topic(&b, buf_str(&payload))
									: by_bus(&b, buf_str(&payload));
		context("case %d", i);
		expect_int(
			read_with(
				record_of(request, S("Success"), S(""), S(",\"responsePayload\":\"x\"")), false),
			OK);
		expect_str(record.response_url, S(HOOK));
		expect_int(record.kind, SLACK_COMMAND);
	}
}
