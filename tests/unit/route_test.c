#include "check.h"
#include "gateway/route.h"

static char memory[1 << 18];
static struct routes routes;
static struct fault fault;

static enum err read(struct str text)
{
	struct arena a = { memory, 0, sizeof(memory) };
	fault.n = 0;
	return routes_read(&routes, guard_copy(text), PAYLOAD_EVENT, &a, &fault);
}

#define ROUTE(members) STR("{\"routes\":[{" members "}]}")
#define INVOKE "\"invoke\":\"eu-west-1/f\","

TEST(route_members)
{
	expect_int(read(S("{\"routes\":[{\"command\":\"/a*\",\"callback_id\":\"b\",\"action_id\":\"c\",\"event\":\"d\",\"path\":\"//e/f/\","
	                  "\"invoke\":\"eu-west-1/g:live\",\"mode\":\"sync\",\"payload\":\"slack\",\"ack\":\"{text} <ok>\",\"ack_type\":\"in_channel\","
	                  "\"teams\":[\"T1\"],\"channels\":[],\"users\":[\"U1\",\"U\\u0032\"]},"
	                  "{\"comm\\u0061nd\":\"\\/h\",\"invoke\":\"local/i\",\"mode\":\"async\",\"payload\":\"event\",\"ack\":{ \"text\": 1 }}]}")), OK);
	expect_int(routes.count, 2);
	const struct route *r = &routes.list[0];
	expect_str(r->command, S("/a*"));
	expect_str(r->callback_id, S("b"));
	expect_str(r->action_id, S("c"));
	expect_str(r->event, S("d"));
	expect_str(r->path, S("e/f"));
	expect_str(r->target.region, S("eu-west-1"));
	expect_str(r->target.function, S("g:live"));
	expect_str(r->target.name, S("eu-west-1/g:live"));
	expect(r->sync);
	expect_int(r->payload, PAYLOAD_SLACK);
	expect_str(r->ack_text, S("{text} <ok>"));
	expect_str(r->ack_message, S(""));
	expect_str(r->ack_type, S("in_channel"));
	expect_str(r->teams.text, S("[\"T1\"]"));
	expect_str(r->channels.text, S("[]"));
	r = &routes.list[1];
	expect_str(r->command, S("/h"));
	expect_str(r->path, S(""));
	expect_str(r->target.name, S("local/i"));
	expect(!r->sync);
	expect_int(r->payload, PAYLOAD_EVENT);
	expect(r->ack_text.p == NULL);
	expect_str(r->ack_message, S("{ \"text\": 1 }"));
	expect_str(r->ack_type, S(""));
	expect_int(json_type(r->users), JSON_ABSENT);
}

TEST(route_defaults)
{
	struct arena a = { memory, 0, sizeof(memory) };
	expect_int(routes_read(&routes, S("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"}]}"), PAYLOAD_SLACK, &a, &fault), OK);
	expect_int(routes.list[0].payload, PAYLOAD_SLACK);
	expect(!routes.list[0].sync);
	expect(routes.list[0].ack_text.p == NULL);
	expect_int(read(S("{}")), OK);
	expect_int(routes.count + routes.apps_count, 0);
	expect_int(read(S("{\"routes\":[],\"apps\":{}}")), OK);
	expect_int(routes.count + routes.apps_count, 0);
}

TEST(route_refuses)
{
#define AT "GATEWAY_CONFIG: routes[0]"
	static const struct {
		struct str text, message;
	} cases[] = {
		{ STR(""), STR("GATEWAY_CONFIG is not valid JSON at byte 0") },
		{ STR("{\"routes\":[}"), STR("GATEWAY_CONFIG is not valid JSON at byte 11") },
		{ STR("[]"), STR("GATEWAY_CONFIG must be a JSON object with routes or apps") },
		{ STR("{\"route\":[]}"), STR("GATEWAY_CONFIG: \"route\" is not known; there are routes and apps") },
		{ STR("{\"routes\":{}}"), STR("GATEWAY_CONFIG: routes must be a list of at most 256") },
		{ STR("{\"routes\":[1]}"), STR(AT ": must be an object") },
		{ ROUTE(""), STR(AT ".invoke: is missing: which function, as region/function") },
		{ ROUTE("\"command\":\"/a\""), STR(AT ".invoke: is missing: which function, as region/function") },
		{ ROUTE("\"invoke\":\"eu-west-1/f\""), STR(AT ": needs at least one of command, callback_id, action_id, event, path") },
		{ ROUTE(INVOKE "\"users\":[\"U1\"]"), STR(AT ": needs at least one of command, callback_id, action_id, event, path") },
		{ ROUTE(INVOKE "\"command\":1"), STR(AT ".command: must be a string") },
		{ ROUTE(INVOKE "\"command\":null"), STR(AT ".command: must be a string") },
		/* conditions that would hold for everything */
		{ ROUTE(INVOKE "\"command\":\"\""), STR(AT ".command: must not be empty") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"callback_id\":\"\""), STR(AT ".callback_id: must not be empty") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"path\":\"/\""), STR(AT ".path: must not be empty") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"f\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/a/b\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/f%3Alive\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"evil.example/f\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"*/f\""), STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":[]"), STR(AT ".invoke: must be a string") },
		{ ROUTE("\"mode\":\"Sync\""), STR(AT ".mode: must be async or sync") },
		{ ROUTE("\"payload\":\"raw\""), STR(AT ".payload: must be event or slack") },
		{ ROUTE("\"ack_type\":\"in-channel\""), STR(AT ".ack_type: must be ephemeral or in_channel") },
		{ ROUTE("\"ack\":[]"), STR(AT ".ack: must be a text or a message object") },
		{ ROUTE("\"ack\":\"{foo}\""), STR(AT ".ack: may name {function}, {region}, {command}, {text}, {user_name} and {request_id}") },
		{ ROUTE("\"users\":\"U1\""), STR(AT ".users: must be a list of ids") },
		{ ROUTE("\"users\":{\"a\":\"b\"}"), STR(AT ".users: must be a list of ids") },
		{ ROUTE("\"teams\":[\"T1\",1]"), STR(AT ".teams: must be a list of ids, each a string") },
		{ ROUTE("\"comand\":\"/a\""),
		  STR(AT ".comand: is not known; there are command, callback_id, action_id, event, path, invoke, mode, payload, ack, ack_type, teams, channels, users") },
		{ STR("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"},{\"command\":\"/b\"}]}"),
		  STR("GATEWAY_CONFIG: routes[1].invoke: is missing: which function, as region/function") },
		{ STR("{\"apps\":[]}"), STR("GATEWAY_CONFIG: apps must be an object of at most 64 apps") },
		{ STR("{\"apps\":{\"A1\":\"a secret\"}}"), STR("GATEWAY_CONFIG: apps.A1 must be an object with a secret: {\"secret\":\"...\"}") },
		{ STR("{\"apps\":{\"A1\":{\"secret\":\"\"}}}"), STR("GATEWAY_CONFIG: apps.A1 must be an object with a secret: {\"secret\":\"...\"}") },
		{ STR("{\"apps\":{\"\":{\"secret\":\"x\"}}}"), STR("GATEWAY_CONFIG: apps. must be an object with a secret: {\"secret\":\"...\"}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu: %s", i, cases[i].text.p);
		expect_int(read(cases[i].text), E_CONFIG);
		expect_str(fault_text(&fault), cases[i].message);
	}
}

/* A member that stands twice: the last one counts, and nothing of the first is left. */
TEST(route_doubled_members)
{
	expect_int(read(S("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/a\"},{\"command\":\"/b\",\"invoke\":\"eu-west-1/b\"}],"
	                  "\"routes\":[{\"command\":\"/c\",\"invoke\":\"eu-west-1/c\"}]}")), OK);
	expect_int(routes.count, 1);
	expect_str(routes.list[0].command, S("/c"));
	expect_int(read(S("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/a\",\"ack\":\"x\",\"ack\":{}},"
	                  "{\"command\":\"/b\",\"invoke\":\"eu-west-1/b\",\"ack\":{},\"ack\":\"x\"}]}")), OK);
	expect(routes.list[0].ack_text.p == NULL);
	expect_str(routes.list[0].ack_message, S("{}"));
	expect_str(routes.list[1].ack_text, S("x"));
	expect_str(routes.list[1].ack_message, S(""));
}

TEST(route_doubled_apps)
{
	expect_int(read(S("{\"apps\":{\"A1\":{\"secret\":\"x\"},\"A2\":{\"secret\":\"y\"}},\"apps\":{\"A3\":{\"secret\":\"z\"}}}")), OK);
	expect_int(routes.apps_count, 1);
	expect_str(routes.apps[0].id, S("A3"));
	expect_str(routes.apps[0].secret, S("z"));
}

TEST(route_limits)
{
	static char text[1 << 16];
	for (int n = ROUTES_MAX; n <= ROUTES_MAX + 1; n++) {
		struct buf b = BUF(text);
		buf_put(&b, S("{\"routes\":["));
		for (int i = 0; i < n; i++)
			buf_format(&b, "%s{\"command\":\"/%d\",\"invoke\":\"eu-west-1/f%d\"}", i ? S(",") : S(""), NUM(i), NUM(i));
		buf_put(&b, S("]}"));
		context("%d routes", n);
		expect(!b.full);
		expect_int(read(buf_str(&b)), n <= ROUTES_MAX ? OK : E_CONFIG);
	}
	for (size_t cap = 0; cap < 4096; cap += 16) {
		struct arena a = { memory, 0, cap };
		enum err e = routes_read(&routes, S("{\"routes\":[{\"comm\\u0061nd\":\"\\/a\",\"invoke\":\"eu-west-1\\/f\"}],\"apps\":{\"A1\":{\"secret\":\"\\u0061\"}}}"),
		                         PAYLOAD_EVENT, &a, &fault);
		context("%zu bytes", cap);
		expect(e == OK || ((e == E_LIMIT || e == E_CONFIG) && fault.n > 0));
		expect(cap < 2048 || e == OK);
		if (e == OK) {
			expect_str(routes.list[0].command, S("/a"));
			expect_str(routes.list[0].target.name, S("eu-west-1/f"));
			expect_str(routes.apps[0].secret, S("a"));
		}
	}
	for (int n = APPS_MAX; n <= APPS_MAX + 1; n++) {
		struct buf b = BUF(text);
		buf_put(&b, S("{\"apps\":{"));
		for (int i = 0; i < n; i++)
			buf_format(&b, "%s\"A%d\":{\"secret\":\"x\"}", i ? S(",") : S(""), NUM(i));
		buf_put(&b, S("}}"));
		context("%d apps", n);
		expect_int(read(buf_str(&b)), n <= APPS_MAX ? OK : E_CONFIG);
	}
}

TEST(route_finds)
{
	static const struct {
		struct slack_request slack;
		struct str path;
		int want; /* -1: none */
	} cases[] = {
		{ { .command = STR("/deploy") }, STR("x"), 0 },
		{ { .command = STR("/deploy-web") }, STR("x"), 1 },
		{ { .command = STR("/Deploy") }, STR("x"), -1 },
		{ { .command = STR("/deploy"), .callback_id = STR("form") }, STR("x"), 0 },
		{ { .callback_id = STR("form") }, STR("x"), 2 },
		{ { .callback_id = STR("form"), .action_id = STR("go") }, STR("x"), 2 },
		{ { .callback_id = STR("other"), .action_id = STR("go") }, STR("x"), -1 },
		{ { .callback_id = STR("both"), .action_id = STR("go") }, STR("x"), 3 },
		{ { .callback_id = STR("both") }, STR("x"), -1 },
		{ { .event_type = STR("app_mention") }, STR("x"), 4 },
		{ { .event_type = STR("message") }, STR("x"), -1 },
		{ { .event_type = STR("message") }, STR("hooks/a"), 5 },
		{ { .event_type = STR("message") }, STR("hooks/a/b"), -1 },
		{ { .event_type = STR("message") }, STR("hooks"), -1 },
		{ { 0 }, STR("hooks/a"), 5 },
		{ { 0 }, STR(""), -1 },
		{ { .user_id = STR("U1") }, STR("one"), 6 },
	};
	expect_int(read(S("{\"routes\":["
	                  "{\"command\":\"/deploy\",\"invoke\":\"eu-west-1/f0\"},"
	                  "{\"command\":\"/deploy*\",\"invoke\":\"eu-west-1/f1\"},"
	                  "{\"callback_id\":\"form\",\"invoke\":\"eu-west-1/f2\"},"
	                  "{\"callback_id\":\"both\",\"action_id\":\"g*\",\"invoke\":\"eu-west-1/f3\"},"
	                  "{\"event\":\"app_*\",\"invoke\":\"eu-west-1/f4\"},"
	                  "{\"path\":\"/hooks/*\",\"invoke\":\"eu-west-1/f5\"},"
	                  "{\"path\":\"one\",\"invoke\":\"eu-west-1/f6\"}]}")), OK);
	for (size_t i = 0; i < countof(cases); i++) {
		const struct route *r = route_find(&routes, &cases[i].slack, guard_copy(cases[i].path));
		context("case %zu", i);
		expect_int(r ? r - routes.list : -1, cases[i].want);
	}
}

TEST(route_lists)
{
	static const struct {
		struct str lists, team, channel, user, want;
	} cases[] = {
#define NO_TEAM STR("this workspace is not on the list of those who may")
#define NO_CHANNEL STR("it may not be started from this channel")
#define NO_USER STR("you are not on the list of those who may")
		{ STR(""), STR(""), STR(""), STR(""), STR("") },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"users\":[\"U2\",\"U\\u0031\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U2"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U11"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("u1"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR(""), NO_USER },
		{ STR(",\"users\":[\"U*\"]"), STR("T1"), STR("C1"), STR("U1"), NO_USER },
		{ STR(",\"users\":[]"), STR("T1"), STR("C1"), STR("U1"), NO_USER },
		{ STR(",\"teams\":[\"T1\"],\"users\":[\"U1\"]"), STR("T2"), STR("C1"), STR("U1"), NO_TEAM },
		{ STR(",\"teams\":[\"T1\"]"), STR(""), STR("C1"), STR("U1"), NO_TEAM },
		{ STR(",\"channels\":[\"C1\"]"), STR("T1"), STR("D1"), STR("U1"), NO_CHANNEL },
		{ STR(",\"channels\":[\"C1\"]"), STR("T1"), STR(""), STR("U1"), NO_CHANNEL },
		{ STR(",\"teams\":[\"T1\"],\"channels\":[\"C1\"],\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[256];
		struct buf b = BUF(text);
		struct slack_request slack = { .team_id = cases[i].team, .channels_count = 1, .channels = { cases[i].channel }, .user_id = cases[i].user };
		buf_format(&b, "{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"%s}]}", cases[i].lists);
		context("case %zu", i);
		expect_int(read(buf_str(&b)), OK);
		expect_str(route_refusal(&routes.list[0], &slack), cases[i].want);
	}
}
