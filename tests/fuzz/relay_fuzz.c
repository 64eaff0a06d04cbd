/* A record of a destination; or a request's body, a NUL, and what the function returned, from which
 * a record is made. Only what is signed is believed; a message is an object. */
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "gateway/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1531420618 };

static char memory[1 << 22];
static const struct target function = { .region = STR("eu-west-1"), .function = STR("f") };

static void check_message(const struct record *r, struct arena *a)
{
	struct result result;
	struct json v;
	size_t position;
	const struct result_use use = { .kind = r->kind, .has_url = true, .function = function };
	check(result_read(&result, &r->result, &use, a) == OK);
	check(result.message.n == 0 ||
		(json_check(&v, &position, result.message) == OK && json_type(v) == JSON_OBJECT));
	check(!r->result.failed || (result.failed && result.reason.n > 0 && result.message.n > 0));
}

static struct str make_record(
	struct str body, struct str response, const struct slack_secrets *secrets, struct arena *a)
{
	char signature[67];
	struct buf text = BUF(signature), b = arena_buf(a, 1 << 18);
	struct json_writer w = json_writer(&b);
	slack_sign(&text, secrets, DIGITS(NOW), body);
	buf_put(&b,
		S("{\"requestContext\":{\"functionArn\":\"\",\"condition\":\"Success\"},"
		  "\"responsePayload\":"));
	buf_put(&b, response);
	buf_put(&b,
		S(",\"requestPayload\":{\"version\":\"2.0\",\"headers\":{\"x-slack-request-timestamp\":"
		  "\"1531420618\",\"x-slack-signature\":\""));
	buf_put(&b, buf_str(&text));
	buf_put(&b, S("\"},\"body\":"));
	json_put_string(&w, body);
	buf_put(&b, S("}}"));
	return buf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct slack_secrets secrets = { 0 };
	struct record r;
	struct fault f = { 0 };
	struct str body, response, event = { (const char *)data, n };
	check(slack_secrets_add(&secrets, S("a secret that no input can know"), S("")));
	bool own = str_cut(&body, &response, event, '\0');
	if (n > 1 << 14)
		return 0;
	if (own)
		event = make_record(body, response, &secrets, &a);
	struct record_place place;
	struct record_walk w = record_walk(event, &a);
	if (!record_next(&w, &place))
		return 0;
	event = place.record;
	enum err e = record_read(&r, event, &secrets, false, NOW, &a, &f);
	check(e == OK ? own && r.response_url.n : f.code == e && f.n);
	if (record_read(&r, event, &secrets, true, NOW, &a, &f) == OK)
		check_message(&r, &a);
	return 0;
}
