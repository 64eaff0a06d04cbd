#include "check.h"
#include "gateway/decide.h"

#include <string.h>

#define SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define STAMP "1531420618"
#define SIGNATURE "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

enum { NOW = 1531420618 };

static char memory[1 << 17];
static struct arena arena = { memory, 0, sizeof(memory) };
static struct decision decision;
static struct slack_secrets secrets; /* that requests are judged with */

static struct slack_secrets only(struct str secret)
{
	struct slack_secrets s = { 0 };
	expect(slack_secrets_add(&s, secret, S("")));
	return s;
}

static struct config config_of(struct str secret)
{
	secrets = only(secret);
	return (struct config){ .allow = S("*/*"), .ack_type = S("ephemeral") };
}

/* A request as Slack makes it, signed. Lives until the next one is made. */
static struct gateway_request request_of(struct str content_type, struct str body)
{
	static char signature[128];
	struct buf b = BUF(signature);
	struct slack_secrets signer = only(S(SECRET));
	slack_sign(&b, &signer, S(STAMP), body);
	return (struct gateway_request){
		.door = DOOR_HTTP,
		.method = S("POST"),
		.path = S("/eu-west-1/deploy:live"),
		.content_type = content_type,
		.user_agent = S("Slackbot 1.0 (+https://api.slack.com/robots)"),
		.timestamp = S(STAMP),
		.signature = buf_str(&b),
		.body = body,
	};
}

static struct gateway_request form(struct str body)
{
	return request_of(S("application/x-www-form-urlencoded"), body);
}
static struct gateway_request json(struct str body)
{
	return request_of(S("application/json"), body);
}

#define COMMAND S("command=%2Fdeploy&text=hello")
#define EVENT                                                                                      \
	S("{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"app_mention\"}}")
#define CHALLENGE S("{\"type\":\"url_verification\",\"challenge\":\"3eZbrw1aB\"}")
#define SUGGESTION S("payload={\"type\":\"block_suggestion\"}")
#define SHORTCUT S("payload={\"type\":\"shortcut\"}")
#define LIMITED S("{\"type\":\"app_rate_limited\"}")

static void run(const struct config *c, const struct gateway_request *req)
{
	arena_reset(&arena);
	decide(&decision, c, &secrets, req, NOW, &arena);
}

static void expect_answer(struct reply want)
{
	expect_int(decision.action, ACTION_ANSWER);
	expect_int(decision.reply.status, want.status);
	expect_str(decision.reply.content_type, want.content_type);
	expect_str(decision.reply.body, want.body);
	expect_str(decision.reply.allow, want.allow);
	expect_int(decision.reply.no_retry, want.no_retry);
}

#define TEXT S("text/plain; charset=utf-8")
#define JSON S("application/json")
#define EMPTY ((struct reply){ .status = 200 })
#define HEALTHY                                                                                    \
	((struct reply){ .status = 200, .content_type = S("text/plain"), .body = S("ok\n") })
#define UNAUTHORIZED                                                                               \
	((struct reply){                                                                               \
		.status = 401, .content_type = JSON, .body = S("{\"error\":\"invalid signature\"}") })
#define ONLY_POST                                                                                  \
	((struct reply){ .status = 405,                                                                \
		.content_type = JSON,                                                                      \
		.body = S("{\"error\":\"only POST is answered here\"}"),                                   \
		.allow = S("POST") })
#define NO_OPTIONS                                                                                 \
	((struct reply){ .status = 200, .content_type = JSON, .body = S("{\"options\":[]}") })
#define CHALLENGED ((struct reply){ .status = 200, .content_type = TEXT, .body = S("3eZbrw1aB") })

/* From the event to the decision, with the command and the signature that Slack documents. */
TEST(decide_through_every_front_door)
{
	static const char *const files[] = { "rest", "http1", "http2", "url", "alb", "alb_multi" };
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(files); i++) {
		char path[128];
		struct buf b = BUF(path);
		struct gateway_request req;
		struct fault f;
		buf_format(&b, "vectors/events/%s.json%s", str_c(files[i]), S("\0"));
		context("%s", files[i]);
		arena_reset(&arena);
		expect_int(front_door_read(&req, test_file(path), &arena, &f), OK);
		decide(&decision, &c, &secrets, &req, NOW, &arena);
		expect_int(decision.action, ACTION_INVOKE);
		expect_str(decision.target.region, S("eu-west-1"));
		expect_str(decision.target.function, S("harbour-deploy"));
		expect_int(decision.slack.kind, SLACK_COMMAND);
		expect_str(decision.slack.command, S("/webhook-collect"));
		decide(&decision, &c, &secrets, &req, NOW + 301, &arena);
		expect_answer(UNAUTHORIZED);
	}
}

TEST(decide_starts_what_is_signed)
{
	static const struct {
		struct str content_type, body;
		enum slack_kind kind;
	} cases[] = {
		{ STR("application/x-www-form-urlencoded"), STR("command=%2Fdeploy"), SLACK_COMMAND },
		{ STR(""), STR("command=%2Fdeploy"), SLACK_COMMAND },
		{ STR("application/x-www-form-urlencoded"), STR("payload={\"type\":\"shortcut\"}"),
			SLACK_SHORTCUT },
		{ STR("application/x-www-form-urlencoded"), STR(""), SLACK_UNKNOWN_KIND },
		{ STR("application/json"), STR("{\"type\":\"event_callback\"}"), SLACK_EVENT },
		{ STR("application/json"), STR("{\"type\":\"something_of_next_year\"}"),
			SLACK_UNKNOWN_KIND },
	};
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(cases); i++) {
		struct gateway_request req = request_of(cases[i].content_type, cases[i].body);
		context("case %zu", i);
		run(&c, &req);
		expect_int(decision.action, ACTION_INVOKE);
		expect_int(decision.slack.kind, cases[i].kind);
		expect_str(decision.target.name, S("eu-west-1/deploy:live"));
		expect_str(decision.target.region, S("eu-west-1"));
		expect_str(decision.target.function, S("deploy:live"));
		expect_str(decision.why, S(""));
	}
}

TEST(decide_health_checks)
{
	static const struct {
		struct str method, user_agent, path;
		bool healthy;
	} cases[] = {
		{ STR("GET"), STR("ELB-HealthChecker/2.0"), STR("/"), true },
		{ STR("HEAD"), STR("ELB-HealthChecker/2.0"), STR("/eu-west-1/deploy"), true },
		{ STR("GET"), STR(""), STR("/healthz"), true },
		{ STR("HEAD"), STR("curl/8"), STR("/healthz"), true },
		{ STR("GET"), STR(""), STR("healthz"), true },
		{ STR("GET"), STR(""), STR("/prod/healthz"), true },
		{ STR("GET"), STR(""), STR("/xhealthz"), false },
		{ STR("GET"), STR(""), STR("/healthz/"), false },
		{ STR("GET"), STR(""), STR("/HEALTHZ"), false },
		{ STR("GET"), STR("elb-healthchecker/2.0"), STR("/x"), false },
		{ STR("GET"), STR("x ELB-HealthChecker/2.0"), STR("/x"), false },
		{ STR("get"), STR("ELB-HealthChecker/2.0"), STR("/healthz"), false },
		{ STR("POST"), STR("ELB-HealthChecker/2.0"), STR("/healthz"), false },
		{ STR(""), STR("ELB-HealthChecker/2.0"), STR("/healthz"), false },
	};
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(cases); i++) {
		struct gateway_request req = { .door = DOOR_ALB,
			.method = cases[i].method,
			.user_agent = cases[i].user_agent,
			.path = cases[i].path };
		context("case %zu", i);
		run(&c, &req);
		if (cases[i].healthy)
			expect_answer(HEALTHY);
		else
			expect_answer(str_eq(cases[i].method, S("POST")) ? UNAUTHORIZED : ONLY_POST);
	}
}

TEST(decide_ssl_checks)
{
	static const struct {
		struct str method, content_type, body;
		bool in_query;
		int status;
	} cases[] = {
		{ STR("POST"), STR("application/x-www-form-urlencoded"), STR("ssl_check=1"), false, 200 },
		{ STR("POST"), STR(""), STR("token=t&ssl_check=1"), false, 200 },
		{ STR("PUT"), STR(""), STR("ssl_check=1"), false, 200 },
		{ STR("GET"), STR(""), STR(""), true, 200 },
		{ STR("GET"), STR(""), STR("ssl_check=1"), false, 405 },
		{ STR("HEAD"), STR(""), STR(""), true, 405 },
		{ STR("POST"), STR(""), STR(""), true, 401 },
		{ STR("POST"), STR("application/json"), STR("ssl_check=1"), false, 200 },
		{ STR("POST"), STR(""), STR("{\"text\":\"&ssl_check=1&\"}"), false, 401 },
		{ STR("POST"), STR("application/json"), STR("{\"ssl_check\":\"1\",\"type\":\"ssl_check\"}"),
			false, 401 },
		{ STR("POST"), STR(""), STR("ssl_check=0&ssl_check=1"), false, 401 },
		{ STR("POST"), STR(""), STR("ssl_check=11"), false, 401 },
		{ STR("POST"), STR(""), STR("ssl_check"), false, 401 },
		{ STR("POST"), STR(""), STR("xssl_check=1"), false, 401 },
		{ STR("POST"), STR(""), STR("text=%26ssl_check=1"), false, 401 },
	};
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(cases); i++) {
		struct gateway_request req = { .method = cases[i].method,
			.content_type = cases[i].content_type,
			.body = cases[i].body,
			.ssl_check = cases[i].in_query,
			.path = S("/eu-west-1/deploy") };
		context("case %zu", i);
		run(&c, &req);
		expect_answer(cases[i].status == 200 ? EMPTY
				: cases[i].status == 401     ? UNAUTHORIZED
											 : ONLY_POST);
	}
}

/* Requests for which two rules hold: the earlier one counts. */
TEST(decide_order)
{
	struct config c = config_of(S(SECRET)), closed = c;
	closed.allow = S("eu-west-1/other");

	struct gateway_request req = form(S("ssl_check=1"));
	req.method = S("GET"), req.ssl_check = true, req.path = S("/healthz"), req.signature = S("");
	context("health check before ssl_check");
	run(&c, &req);
	expect_answer(HEALTHY);

	req.path = S("/x");
	context("ssl_check before method");
	run(&c, &req);
	expect_answer(EMPTY);

	req.ssl_check = false;
	context("method before signature");
	run(&c, &req);
	expect_answer(ONLY_POST);

	req = json(CHALLENGE);
	req.method = S("post");
	context("methods have a case");
	run(&c, &req);
	expect_answer(ONLY_POST);

	req = json(CHALLENGE);
	req.signature = S(SIGNATURE);
	context("signature before url_verification");
	run(&c, &req);
	expect_answer(UNAUTHORIZED);

	req = json(S("{"));
	req.signature = S(SIGNATURE);
	context("signature before form");
	run(&c, &req);
	expect_answer(UNAUTHORIZED);

	req.path = S("/nowhere");
	context("signature before path");
	run(&closed, &req);
	expect_answer(UNAUTHORIZED);

	req = json(S("{"));
	req.path = S("/nowhere");
	context("form before path");
	run(&closed, &req);
	expect_answer((struct reply){ .status = 400,
		.content_type = JSON,
		.body = S("{\"error\":\"the body is not valid JSON at byte 1\"}") });

	req = form(S("ssl_check=0&ssl_check=1"));
	req.path = S("/nowhere");
	context("a signed ssl_check before path");
	run(&closed, &req);
	expect_answer(EMPTY);

	req = json(CHALLENGE);
	req.path = S("/nowhere");
	context("url_verification before path");
	run(&closed, &req);
	expect_answer(CHALLENGED);

	req = json(CHALLENGE);
	context("url_verification before permission");
	run(&closed, &req);
	expect_answer(CHALLENGED);

	req = json(LIMITED);
	req.path = S("/nowhere");
	context("app_rate_limited before path");
	run(&closed, &req);
	expect_answer(EMPTY);
	expect_int(decision.level, LOG_WARN);

	req = form(SUGGESTION);
	req.path = S("/nowhere");
	context("block_suggestion before path");
	run(&closed, &req);
	expect_answer(NO_OPTIONS);

	req = form(COMMAND);
	req.path = S("/eu-west-1/x/y");
	context("path before permission");
	run(&closed, &req);
	expect_answer((struct reply){ .status = 200,
		.content_type = JSON,
		.body = S("{\"response_type\":\"ephemeral\",\"text\":\"Invalid resource [eu-west-1/x/y]. "
				  "Expecting format [region/function-name]\"}") });
}

TEST(decide_permission)
{
#define NOT_ALLOWED                                                                                \
	"Lambda function deploy:live@eu-west-1 could not be started: this gateway may not start it "   \
	"(GATEWAY_ALLOW does not list it)"
	static const struct {
		struct str allow;
		bool want;
	} lists[] = {
		{ STR("*/*"), true },
		{ STR("eu-west-1/deploy:live"), true },
		{ STR("eu-*/*:live"), true },
		{ STR("a/b,eu-west-1/*"), true },
		{ STR("eu-west-1/deploy"), false },
		{ STR("eu-west-2/*"), false },
		{ STR("*/*:test"), false },
		{ STR("eu-west-1/deploy:"), false },
	};
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(lists); i++) {
		struct gateway_request req = form(COMMAND);
		context("%s", lists[i].allow.p);
		c.allow = lists[i].allow;
		run(&c, &req);
		if (lists[i].want)
			expect_int(decision.action, ACTION_INVOKE);
		else
			expect_answer((struct reply){ .status = 200,
				.content_type = JSON,
				.body = S("{\"response_type\":\"ephemeral\",\"text\":\"" NOT_ALLOWED "\"}") });
	}
	c.allow = S("eu-west-1/other");
	context("kinds without a message");
	struct gateway_request req = form(SHORTCUT);
	run(&c, &req);
	expect_answer((struct reply){ .status = 500, .content_type = TEXT, .body = S(NOT_ALLOWED) });
	expect_int(decision.level, LOG_WARN);
	req = json(EVENT);
	run(&c, &req);
	expect_answer((struct reply){
		.status = 403, .content_type = TEXT, .body = S(NOT_ALLOWED), .no_retry = true });
}

/* Whoever looks what answers here is told, without a signature; HAProxy asks so whether it is
 * there. */
TEST(decide_root)
{
	static const struct {
		struct str method, path, stage;
		int status;
	} cases[] = {
		{ STR("GET"), STR("/"), STR(""), 200 },
		{ STR("HEAD"), STR("/"), STR(""), 200 },
		{ STR("GET"), STR(""), STR(""), 200 },
		{ STR("GET"), STR("/prod"), STR("prod"), 200 },
		{ STR("GET"), STR("/prod/base/"), STR("prod"), 200 },
		{ STR("GET"), STR("/base"), STR(""), 200 },
		{ STR("GET"), STR("/x"), STR(""), 405 },
		{ STR("OPTIONS"), STR("/"), STR(""), 204 },
		{ STR("OPTIONS"), STR("*"), STR(""), 204 },
		{ STR("OPTIONS"), STR("/x"), STR(""), 405 },
		{ STR("PUT"), STR("/"), STR(""), 405 },
		{ STR("POST"), STR("/"), STR(""), 401 },
		{ STR("POST"), STR("*"), STR(""), 401 },
	};
	struct config c = config_of(S(SECRET));
	c.base_path = S("base");
	for (size_t i = 0; i < countof(cases); i++) {
		struct gateway_request req = {
			.method = cases[i].method, .path = cases[i].path, .stage = cases[i].stage
		};
		context("case %zu", i);
		run(&c, &req);
		expect_int(decision.action, ACTION_ANSWER);
		expect_int(decision.reply.status, cases[i].status);
		if (cases[i].status == 200)
			expect(str_starts(decision.reply.body, S("slack-lambda-gateway: ")) &&
				str_ends(decision.reply.body, S("\n")));
		else if (cases[i].status == 204)
			expect_str(decision.reply.allow, S("GET, HEAD, OPTIONS, POST"));
	}
}

/* A second content type could mean something else to whoever reads the event after us. */
TEST(decide_doubled_content_type)
{
	struct config c = config_of(S(SECRET));
	struct gateway_request req = form(COMMAND);
	req.type_doubled = true;
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);
	expect_int(decision.reply.status, 400);
	expect_str(decision.reply.body, S("{\"error\":\"the content type is given more than once\"}"));
	expect_int(decision.slack.kind, SLACK_UNKNOWN_KIND);
}

static void use_routes(struct config *c, struct str text)
{
	static char routes_memory[1 << 14];
	struct arena a = { routes_memory, 0, sizeof(routes_memory) };
	struct fault f;
	expect_int(config_read_routes(c, text, &a, &f), OK);
}

static void expect_started(struct str name)
{
	expect_int(decision.action, ACTION_INVOKE);
	expect_str(decision.target.name, name);
}

TEST(decide_by_route)
{
	struct config c = config_of(S(SECRET));
	use_routes(&c,
		S("{\"routes\":["
		  "{\"command\":\"/deploy\",\"users\":[\"U1\"],\"invoke\":\"us-east-1/"
		  "routed:live\",\"payload\":\"slack\"},"
		  "{\"command\":\"/d*\",\"invoke\":\"us-east-1/never\"},"
		  "{\"path\":\"/hooks/*\",\"invoke\":\"us-east-1/hooked\"},"
		  "{\"callback_id\":\"options\",\"mode\":\"sync\",\"invoke\":\"us-east-1/options\"},"
		  "{\"event\":\"app_mention\",\"invoke\":\"local/mention\"}]}"));

	struct gateway_request req = form(S("command=/deploy&user_id=U1"));
	context("a route before the path");
	run(&c, &req);
	expect_started(S("us-east-1/routed:live"));
	expect_str(decision.target.region, S("us-east-1"));
	expect_str(decision.target.function, S("routed:live"));
	expect_int(decision.payload, PAYLOAD_SLACK);
	expect(decision.route == &c.routes.list[0]);

	req.path = S("/nowhere");
	context("a route needs no path");
	run(&c, &req);
	expect_started(S("us-east-1/routed:live"));

	req = form(S("command=/deploy&user_id=U2"));
	context("a refusal does not fall through");
	run(&c, &req);
	expect_answer((struct reply){ .status = 200,
		.content_type = JSON,
		.body = S("{\"response_type\":\"ephemeral\",\"text\":\"Lambda function "
				  "routed:live@us-east-1 could not be started: "
				  "you are not allowed to start it\"}") });

	req = form(S("command=/deploy&user_id=U1"));
	c.allow = S("us-east-1/routed,eu-west-1/*");
	context("GATEWAY_ALLOW is for routes too, qualifier included");
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);
	expect(str_find_str(decision.reply.body, S("GATEWAY_ALLOW")) < decision.reply.body.n);
	c.allow = S("*/*");

	req = form(S("command=/other"));
	context("no route: the path");
	run(&c, &req);
	expect_started(S("eu-west-1/deploy:live"));
	expect(decision.route == NULL);
	expect_int(decision.payload, PAYLOAD_EVENT);

	req.path = S("/prod/hooks/a"), req.stage = S("prod");
	context("a route by path");
	run(&c, &req);
	expect_started(S("us-east-1/hooked"));

	req.path = S("/hooks/a/b");
	context("a route by path stays within its segments");
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);

	req = form(S("payload={\"type\":\"block_suggestion\",\"view\":{\"callback_id\":\"options\"}}"));
	context("options from a function");
	run(&c, &req);
	expect_started(S("us-east-1/options"));

	req = json(EVENT);
	context("no embedded backend");
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);
	expect_int(decision.reply.status, 403);
	c.local = true;
	context("an embedded backend");
	run(&c, &req);
	expect_started(S("local/mention"));

	req.signature = S(SIGNATURE);
	context("no route without a signature");
	run(&c, &req);
	expect_answer(UNAUTHORIZED);
}

/* Events that nothing serves: an error would make Slack switch off those that something serves. */
TEST(decide_ignores_events)
{
	static const struct {
		const char *routes, *path, *event;
		bool ignored;
		int status; /* if nothing is started; 0 if it is */
	} cases[] = {
#define MENTION "{\"event\":\"app_mention\",\"channels\":[\"C1\"],\"invoke\":\"eu-west-1/m\"}"
		{ MENTION, "/", "\"type\":\"app_mention\",\"channel\":\"C1\"", false, 0 },
		{ MENTION, "/", "\"type\":\"app_mention\",\"channel\":\"C2\"", true, 200 },
		{ MENTION, "/eu-west-1/x", "\"type\":\"app_mention\",\"channel\":\"C2\"", true, 200 },
		{ MENTION, "/", "\"type\":\"reaction_added\"", true, 200 },
		{ MENTION, "/no-region/x", "\"type\":\"reaction_added\"", true, 200 },
		{ MENTION, "/eu-west-1/x", "\"type\":\"reaction_added\"", false, 0 },
		{ "{\"path\":\"hooks\",\"invoke\":\"eu-west-1/m\"}", "/", "\"type\":\"reaction_added\"",
			true, 200 },
		{ "{\"command\":\"/x\",\"invoke\":\"eu-west-1/m\"}", "/", "\"type\":\"reaction_added\"",
			false, 404 },
		{ "", "/", "\"type\":\"reaction_added\"", false, 404 },
		/* what GATEWAY_ALLOW refuses was asked for */
		{ "{\"event\":\"app_mention\",\"invoke\":\"eu-west-2/m\"}", "/", "\"type\":\"app_mention\"",
			false, 403 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[512], body[512];
		struct buf b = BUF(text), event = BUF(body);
		struct config c = config_of(S(SECRET));
		c.allow = S("eu-west-1/*");
		buf_format(&b, "{\"routes\":[%s]}", str_c(cases[i].routes));
		use_routes(&c, buf_str(&b));
		buf_format(&event, "{\"type\":\"event_callback\",\"event\":{%s}}", str_c(cases[i].event));
		struct gateway_request req = json(buf_str(&event));
		req.path = str_c(cases[i].path);
		context("case %zu", i);
		run(&c, &req);
		expect_int(decision.action, cases[i].status ? ACTION_ANSWER : ACTION_INVOKE);
		expect_int(decision.ignored, cases[i].ignored);
		expect_str(decision.message, S(""));
		if (cases[i].ignored) {
			expect_answer(EMPTY);
			expect_int(decision.level, LOG_INFO);
		} else if (cases[i].status) {
			expect_int(decision.reply.status, cases[i].status);
			expect(decision.reply.no_retry);
		}
	}
}

#define URL "\"response_url\":\"https://hooks.slack.com/actions/1\""

/* Those who pressed a button see no answer's text: the reason is for their response_url. */
TEST(decide_refusals_are_followed_up)
{
	static const struct {
		const char *path, *payload;
		bool told;
		int status;
	} cases[] = {
		{ "/eu-west-2/x", "{\"type\":\"block_actions\"," URL "}", true, 500 },
		{ "/eu-west-2/x", "{\"type\":\"message_action\"," URL "}", true, 500 },
		{ "/eu-west-2/x", "{\"type\":\"interactive_message\"," URL "}", true, 500 },
		{ "/eu-west-2/x", "{\"type\":\"block_actions\"}", false, 500 },
		{ "/eu-west-2/x", "{\"type\":\"view_submission\",\"response_urls\":[{" URL "}]}", false,
			500 },
		{ "/eu-west-2/x", "{\"type\":\"block_suggestion\"," URL "}", false, 200 },
		{ "/nowhere", "{\"type\":\"block_actions\"," URL "}", true, 500 },
		{ "/nowhere", "{\"type\":\"shortcut\"}", false, 500 },
		/* a button that opens an address needs nobody to serve it */
		{ "/nowhere",
			"{\"type\":\"block_actions\",\"actions\":[{\"url\":\"https://example.com\"}]," URL "}",
			false, 200 },
		{ "/eu-west-2/x",
			"{\"type\":\"block_actions\",\"actions\":[{\"url\":\"https://example.com\"}]," URL "}",
			true, 500 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[512];
		struct buf b = BUF(text);
		struct config c = config_of(S(SECRET));
		c.allow = S("eu-west-1/*");
		buf_format(&b, "payload=%s", str_c(cases[i].payload));
		struct gateway_request req = form(buf_str(&b));
		req.path = str_c(cases[i].path);
		context("case %zu", i);
		run(&c, &req);
		expect_int(decision.action, ACTION_ANSWER);
		expect_int(decision.reply.status, cases[i].status);
		expect_int(decision.message.n > 0, cases[i].told);
		if (cases[i].told)
			expect(
				str_starts(decision.message, S("{\"response_type\":\"ephemeral\",\"text\":\"")) &&
				str_ends(decision.message, S("\",\"replace_original\":false}")));
	}
}

TEST(decide_local)
{
	struct config c = config_of(S(SECRET));
	struct gateway_request req = form(COMMAND);
	req.path = S("/local/hello");
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);
	expect(str_find_str(decision.reply.body, S("--functions")) < decision.reply.body.n);
	c.local = true;
	run(&c, &req);
	expect_started(S("local/hello"));
	c.allow = S("*-*/*");
	run(&c, &req);
	expect_int(decision.action, ACTION_ANSWER);
}

/* An app with a secret of its own. */
TEST(decide_by_app)
{
	static const struct {
		struct str body;
		bool with_own, want;
	} cases[] = {
		{ STR("command=/x&api_app_id=A1"), true, true },
		{ STR("command=/x&api_app_id=A1"), false, false },
		{ STR("command=/x&api_app_id=A2"), true, false },
		{ STR("command=/x&api_app_id=A2"), false, true },
		{ STR("command=/x"), true, true },
		{ STR("command=/x"), false, true },
	};
	struct config c = config_of(S("for everybody"));
	expect(slack_secrets_add(&secrets, S(SECRET), S("A1")));
	for (size_t i = 0; i < countof(cases); i++) {
		char signature[67];
		struct buf b = BUF(signature);
		struct gateway_request req = form(cases[i].body);
		context("case %zu", i);
		if (!cases[i].with_own) {
			slack_sign(&b, &secrets, S(STAMP), req.body);
			req.signature = buf_str(&b);
		}
		run(&c, &req);
		if (cases[i].want) {
			expect_int(decision.action, ACTION_INVOKE);
			continue;
		}
		expect_answer(UNAUTHORIZED);
		expect_str(decision.why, S("signed with another secret than that of the app it names"));
	}
}

/* The log learns what is wrong, the one who asked does not. */
TEST(decide_refusals)
{
	static const struct {
		struct str timestamp, signature, why;
		bool doubled;
	} cases[] = {
		{ STR(STAMP), STR(""), STR("the signature or its time stamp is missing"), false },
		{ STR(""), STR(SIGNATURE), STR("the signature or its time stamp is missing"), false },
		{ STR(STAMP), STR("v0=1"), STR("the signature or its time stamp is malformed"), false },
		{ STR("now"), STR(SIGNATURE), STR("the signature or its time stamp is malformed"), false },
		{ STR("1531420317"), STR(SIGNATURE),
			STR("the time stamp is 301 s behind this machine's clock (300 s are allowed); if Slack "
				"sent it just now, this clock is wrong"),
			false },
		{ STR("1531421619"), STR(SIGNATURE),
			STR("the time stamp is 1001 s ahead of this machine's clock (300 s are allowed); if "
				"Slack sent it just now, this clock is wrong"),
			false },
		{ STR("999999999999"), STR(SIGNATURE),
			STR("the time stamp is 998468579381 s ahead of this machine's clock (300 s are "
				"allowed); if Slack sent it just now, this clock is wrong"),
			false },
		{ STR(STAMP), STR("v0=0000000000000000000000000000000000000000000000000000000000000000"),
			STR("signed with none of the secrets in SLACK_SIGNING_SECRET; is it the Signing Secret "
				"of this Slack app?"),
			false },
		{ STR(STAMP), STR(SIGNATURE),
			STR("the signature or its time stamp is given more than once"), true },
	};
	struct config c = config_of(S(SECRET));
	for (size_t i = 0; i < countof(cases); i++) {
		struct gateway_request req = form(test_file("vectors/slack/command.form"));
		req.timestamp = cases[i].timestamp;
		req.signature = cases[i].signature;
		req.doubled = cases[i].doubled;
		context("case %zu", i);
		run(&c, &req);
		expect_answer(UNAUTHORIZED);
		expect_str(decision.why, cases[i].why);
		expect_int(decision.level, LOG_WARN);
		expect_int(decision.target.name.n, 0);
	}
}

TEST(decide_without_verification)
{
	struct config c = { .allow = S("*/*"), .ack_type = S("ephemeral"), .skip_verify = true };
	struct gateway_request req = form(COMMAND);
	req.signature = req.timestamp = S("");
	req.doubled = true;
	run(&c, &req);
	expect_int(decision.action, ACTION_INVOKE);
	req = json(S("{"));
	run(&c, &req);
	expect_int(decision.reply.status, 400);
}

/* Without a secret, and without leave to do without, nothing is genuine. */
TEST(decide_without_secrets)
{
	struct config c = config_of(S(SECRET));
	struct gateway_request req = form(COMMAND);
	secrets.count = 0;
	run(&c, &req);
	expect_answer(UNAUTHORIZED);
	expect(!decision.has_key);
}

/* What could not be fetched yet may be what a request is signed with: that is no forger's fault. */
TEST(decide_while_a_secret_is_missing)
{
#define REGRET(code)                                                                               \
	((struct reply){ .status = (code),                                                             \
		.content_type = JSON,                                                                      \
		.body = S("{\"error\":\"the signing secret could not be fetched\"}") })
	struct config c = config_of(S("another secret"));
	secrets.list[secrets.count++] = (struct slack_secret){ .app = S("A1"), .missing = true };
	for (size_t i = 0; i < 2; i++) {
		struct gateway_request req = form(COMMAND), event = json(EVENT);
		context("%zu known", secrets.count - 1);
		run(&c, &req);
		expect_answer(REGRET(500));
		expect_int(decision.verdict, SLACK_UNDECIDED);
		expect_int(decision.level, LOG_ERROR);
		expect_str(decision.why, S("the signing secret could not be fetched"));
		event = json(EVENT);
		run(&c, &event);
		expect_answer(REGRET(503));
		/* but these would be wrong with any secret */
		event.timestamp = S("1531420000");
		run(&c, &event);
		expect_answer(UNAUTHORIZED);
		event.signature = S("");
		run(&c, &event);
		expect_answer(UNAUTHORIZED);
		expect(decision.verdict < SLACK_FORGED);
		secrets.list[0] = secrets.list[1];
		secrets.count = 1;
	}
	struct gateway_request req = form(COMMAND);
	secrets = only(S(SECRET));
	run(&c, &req);
	expect_int(decision.action, ACTION_INVOKE);
}

/* The key outlives the secrets that it came from. */
TEST(decide_keeps_the_key)
{
	struct config c = config_of(S("another secret"));
	struct gateway_request req = form(COMMAND);
	run(&c, &req);
	expect_int(decision.verdict, SLACK_FORGED);
	expect(!decision.has_key);
	expect(slack_secrets_add(&secrets, S(SECRET), S("")));
	run(&c, &req);
	memset(&secrets, 0xff, sizeof(secrets));
	struct slack_secrets right = only(S(SECRET));
	expect_int(decision.verdict, SLACK_GENUINE);
	expect(
		decision.has_key && memcmp(&decision.key, &right.list[0].key, sizeof(decision.key)) == 0);
}

TEST(decide_unreadable_requests)
{
	struct fault f;
	arena_reset(&arena);
	fault_set(&f, E_LIMIT, 0, "the body is larger than 1048576 bytes");
	decide_unreadable(&decision, &f, &arena);
	expect_answer((struct reply){ .status = 413,
		.content_type = JSON,
		.body = S("{\"error\":\"the body is larger than 1048576 bytes\"}") });
	fault_set(&f, E_SYNTAX, 0, "no \"JSON\"");
	decide_unreadable(&decision, &f, &arena);
	expect_answer((struct reply){
		.status = 400, .content_type = JSON, .body = S("{\"error\":\"no \\\"JSON\\\"\"}") });
	expect_int(decision.level, LOG_WARN);
}

static struct str any(const struct str *list, size_t count)
{
	return list[test_random(count)];
}
#define ANY(...)                                                                                   \
	any((const struct str[]){ __VA_ARGS__ }, countof(((const struct str[]){ __VA_ARGS__ })))

/* Whatever else a request says: changed by one bit after it was signed, it starts nothing and
 * learns nothing. */
TEST(decide_never_starts_what_is_not_signed)
{
	struct config c = config_of(S(SECRET));
	size_t started = 0;
	for (int i = 0; i < 20000; i++) {
		char signature[67], body[128];
		struct gateway_request req =
			request_of(ANY(S(""), S("application/json"), S("application/x-www-form-urlencoded"),
						   S("text/plain")),
				ANY(COMMAND, SHORTCUT, EVENT, CHALLENGE, SUGGESTION, LIMITED, S(""), S("{}"),
					S("payload=")));
		req.method = ANY(S("POST"), S("POST"), S("POST"), S("GET"), S("PUT"), S(""));
		req.path = ANY(S("/eu-west-1/deploy"), S("/"), S("/healthz"), S("us-east-1/x"), S(""));
		req.user_agent = ANY(S("Slackbot 1.0"), S("ELB-HealthChecker/2.0"), S(""));
		req.ssl_check = test_random(8) == 0;
		run(&c, &req);
		started += decision.action == ACTION_INVOKE;

		struct buf s = BUF(signature), b = BUF(body);
		buf_put(&s, req.signature);
		buf_put(&b, req.body);
		switch (test_random(4)) {
		case 0: signature[test_random(s.n)] ^= (char)(1 << test_random(7)); break;
		case 1: buf_put_char(&b, ' '); break;
		case 2: req.doubled = true; break;
		default:
			req.timestamp = ANY(S("1531420619"), S("01531420618"), S("1531420000"), S(""));
			break;
		}
		req.signature = buf_str(&s);
		req.body = buf_str(&b);
		run(&c, &req);
		if (!expect(decision.action == ACTION_ANSWER &&
				str_find_str(decision.reply.body, S("3eZbrw1aB")) == decision.reply.body.n))
			break;
	}
	expect(started > 1000);
}
