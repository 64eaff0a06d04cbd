/* A body as Slack signs it. Its payload is an object with the gateway's word in it, and where that
 * word vouches for a response_url, the relay finds just that one. */
#include "codec/json_read.h"
#include "gateway/payload.h"
#include "gateway/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1531420618 };

static char memory[1 << 22];
static const struct target target = { STR("eu-west-1"), STR("f:live"), STR("eu-west-1/f:live") };

/* Whatever the function made of it, the record has the payload as it was. */
static void check_relay(struct str payload, struct str response_url,
	const struct slack_secrets *secrets, struct arena *a)
{
	struct buf b = arena_buf(a, payload.n + 128);
	struct record r;
	struct fault f;
	buf_put(&b,
		S("{\"requestContext\":{\"functionArn\":\"\",\"condition\":\"Success\"},"
		  "\"requestPayload\":"));
	buf_put(&b, payload);
	buf_put(&b, S("}"));
	if (record_read(&r, buf_str(&b), secrets, false, NOW, a, &f) == OK)
		check(str_eq(r.response_url, response_url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct slack_secrets secrets = { 0 };
	struct slack_request slack;
	struct fault f;
	struct json v, gateway;
	struct str payload, body = { (const char *)data, n };
	size_t position;
	check(slack_secrets_add(&secrets, S("a secret"), S("")));
	const struct payload_facts facts = {
		.request_id = S("id"),
		.received_at_ms = NOW * INT64_C(1000),
		.retry_num = str_sub(body, 0, 2),
		.retry_reason = str_sub(body, 0, 9),
		.key = &secrets.list[0].key,
	};
	if (n > 1 << 14 || slack_request_read(&slack, S(""), body, &a, &f) != OK)
		return 0;
	check(payload_slack(&payload, &slack, body, &target, &facts, &a) == OK);
	check(json_check(&v, &position, payload) == OK && json_type(v) == JSON_OBJECT);
	gateway = json_member(v, S("gateway"));
	check(json_is(json_member(gateway, S("region")), target.region) &&
		json_is(json_member(gateway, S("function")), target.function));
	check((json_type(json_member(gateway, S("reply_mac"))) == JSON_STRING) ==
		(slack.response_url.n > 0));
	check((slack.kind == SLACK_COMMAND) <= json_is(json_member(v, S("type")), S("slash_command")));
	check_relay(payload, slack.response_url, &secrets, &a);
	return 0;
}
