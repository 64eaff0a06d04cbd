#include "check.h"
#include "codec/json_read.h"
#include "gateway/payload.h"

static char memory[1 << 16];
static struct hmac_key key;
static const struct target target = { STR("eu-west-1"), STR("my-fn:live"),
	STR("eu-west-1/my-fn:live") };

#define FORM S("application/x-www-form-urlencoded")
#define JSON S("application/json")
#define FACTS { .request_id = STR("id-1"), .received_at_ms = 1531420618123 }
#define PLACE                                                                                      \
	"\"request_id\":\"id-1\",\"region\":\"eu-west-1\",\"function\":\"my-fn:live\",\"received_"     \
	"at\":1531420618123"
#define HOOK "https://hooks.slack.com/commands/T1/2/x"
#define MAC "fd38927ff5b9d613fd2969ce8cbe7fcbef75b75c9e5a73cbdb959808cb5b6a3f"

static enum err build(struct str *out, struct str content_type, struct str body,
	const struct payload_facts *facts, struct arena *a)
{
	struct slack_request slack;
	struct fault f;
	enum err e = slack_request_read(&slack, guard_copy(content_type), guard_copy(body), a, &f);
	return e == OK ? payload_slack(out, &slack, guard_copy(body), &target, facts, a) : e;
}

static void expect_payload(
	struct str content_type, struct str body, struct payload_facts facts, struct str want)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct str got = { 0 };
	struct json v;
	size_t position;
	expect_int(build(&got, content_type, body, &facts, &a), OK);
	expect_str(got, want);
	expect_int(json_check(&v, &position, got), OK);
}

TEST(payload_of_forms)
{
	static const struct {
		struct str body, want;
	} cases[] = {
		{ STR("command=%2Fx"),
			STR("{\"type\":\"slash_command\",\"command\":\"/x\",\"gateway\":{" PLACE "}}") },
		/* every field, as a string, in its order */
		{ STR("token=t&is_enterprise_install=false&command=%2Fx&text=a+b%26c%3D%22&empty=&n=5"),
			STR("{\"type\":\"slash_command\",\"token\":\"t\",\"is_enterprise_install\":\"false\","
				"\"command\":\"/x\",\"text\":\"a b&c=\\\"\",\"empty\":\"\",\"n\":\"5\","
				"\"gateway\":{" PLACE "}}") },
		{ STR("command=%2Fx&text=gr%C3%BC%C3%9Fe+%F0%9F%98%80%0A%00"),
			STR("{\"type\":\"slash_command\",\"command\":\"/x\",\"text\":\"gr\xc3\xbc\xc3\x9f"
				"e \xf0\x9f\x98\x80\\n\\u0000\",\"gateway\":{" PLACE "}}") },
		{ STR("command=%2Fx&text=%FF%ED%A0%80a"),
			STR("{\"type\":\"slash_command\",\"command\":\"/"
				"x\",\"text\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
				"a\",\"gateway\":{" PLACE "}}") },
		/* the gateway's own members are nobody else's */
		{ STR("command=%2Fx&type=event_callback&gateway=1&g%61teway=2"),
			STR("{\"type\":\"slash_command\",\"command\":\"/x\",\"gateway\":{" PLACE "}}") },
		/* a form that is no command is not called one */
		{ STR("text=x"), STR("{\"text\":\"x\",\"gateway\":{" PLACE "}}") },
		{ STR(""), STR("{\"gateway\":{" PLACE "}}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_payload(FORM, cases[i].body, (struct payload_facts)FACTS, cases[i].want);
	}
}

TEST(payload_of_json)
{
	static const struct {
		struct str body, want;
	} cases[] = {
		{ STR("{}"), STR("{\"gateway\":{" PLACE "}}") },
		{ STR(" { \n } "), STR("{\"gateway\":{" PLACE "}}") },
		/* as it stands, with whatever order, space and escapes */
		{ STR("\t{ \"type\" : \"shortcut\",\"n\":1.50, \"u\":\"\\u00fc\\/\" }\r\n"),
			STR("{\"type\" : \"shortcut\",\"n\":1.50, \"u\":\"\\u00fc\\/\",\"gateway\":{" PLACE
				"}}") },
		{ STR("{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"x\"}}"),
			STR("{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"x\"},"
				"\"gateway\":{" PLACE ",\"event_id\":\"Ev1\"}}") },
		/* the last one counts */
		{ STR("{\"gateway\":{\"reply_mac\":\"x\"}}"),
			STR("{\"gateway\":{\"reply_mac\":\"x\"},\"gateway\":{" PLACE "}}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_payload(JSON, cases[i].body, (struct payload_facts)FACTS, cases[i].want);
	}
}

TEST(payload_of_retries)
{
	static const struct {
		struct str num, reason, want;
	} cases[] = {
		{ STR("1"), STR("http_timeout"),
			STR("{\"gateway\":{" PLACE ",\"retry_num\":1,\"retry_reason\":\"http_timeout\"}}") },
		{ STR("03"), STR(""), STR("{\"gateway\":{" PLACE ",\"retry_num\":3}}") },
		{ STR("0"), STR(""), STR("{\"gateway\":{" PLACE ",\"retry_num\":0}}") },
		{ STR("x"), STR("a\"b"), STR("{\"gateway\":{" PLACE ",\"retry_reason\":\"a\\\"b\"}}") },
		{ STR("-1"), STR(""), STR("{\"gateway\":{" PLACE "}}") },
		{ STR("99999999999999999999"), STR(""), STR("{\"gateway\":{" PLACE "}}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct payload_facts facts = FACTS;
		facts.retry_num = cases[i].num, facts.retry_reason = cases[i].reason;
		context("case %zu", i);
		expect_payload(JSON, S("{}"), facts, cases[i].want);
	}
}

TEST(payload_reply_macs)
{
	struct payload_facts facts = FACTS;
	uint8_t mac[SHA256_SIZE];
	hmac_key(&key, S("8f742231b10e8888abcd99yyyzzz85a5"));
	facts.key = &key;
	expect_payload(FORM,
		S("command=%2Fx&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F2%2Fx"), facts,
		S("{\"type\":\"slash_command\",\"command\":\"/x\",\"response_url\":\"" HOOK
		  "\",\"gateway\":{" PLACE ",\"reply_mac\":\"" MAC "\"}}"));
	expect_payload(JSON,
		S("{\"response_urls\":[{\"response_url\":\"https:\\/\\/hooks.slack.com\\/commands\\/T1\\/"
		  "2\\/x\"}]}"),
		facts,
		S("{\"response_urls\":[{\"response_url\":\"https:\\/\\/hooks.slack.com\\/commands\\/T1\\/"
		  "2\\/x\"}],\"gateway\":{" PLACE ",\"reply_mac\":\"" MAC "\"}}"));
	/* nothing to answer to, or nothing to vouch with */
	expect_payload(JSON, S("{}"), facts, S("{\"gateway\":{" PLACE "}}"));
	facts.key = NULL;
	expect_payload(JSON, S("{\"response_url\":\"" HOOK "\"}"), facts,
		S("{\"response_url\":\"" HOOK "\",\"gateway\":{" PLACE "}}"));

	payload_reply_mac(mac, &key, 1531420618123, S(""));
	expect_int(mac[0], 0x33);
	expect_int(mac[31], 0x1c);
}

/* However little memory there is: a whole payload or none. */
TEST(payload_without_memory)
{
	static const struct str bodies[] = { STR("command=%2Fx&text=a%20b&gr%C3%BC=%C3%9F"),
		STR("payload=%7B%22type%22%3A%22shortcut%22%7D") };
	for (size_t i = 0; i < countof(bodies); i++) {
		enum err e = E_LIMIT;
		size_t cap = 0;
		for (; e != OK && cap < sizeof(memory); cap++) {
			struct arena a = { memory, 0, cap };
			struct payload_facts facts = FACTS;
			struct str got;
			struct json v;
			size_t position;
			e = build(&got, FORM, bodies[i], &facts, &a);
			context("case %zu, %zu bytes", i, cap);
			expect(e == E_LIMIT || (e == OK && json_check(&v, &position, got) == OK));
		}
		expect(e == OK && cap > 100 && cap < 1024);
	}
}
