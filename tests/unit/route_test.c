#include "check.h"
#include "gateway/route.h"
#include "gateway/template.h"

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
	expect_int(read(S("{\"routes\":[{\"command\":\"/a*\",\"path\":\"//e/f/\","
					  "\"invoke\":\"eu-west-1/"
					  "g:live\",\"mode\":\"sync\",\"payload\":\"slack\",\"ack\":\"{text} "
					  "<ok>\",\"ack_type\":\"in_channel\","
					  "\"teams\":[\"T1\",\"E1\"],\"user_teams\":[\"T2\"],\"channels\":[],\"users\":"
					  "[\"U1\",\"U\\u0032\"]},"
					  "{\"comm\\u0061nd\":\"\\/h\",\"invoke\":\"local/"
					  "i\",\"mode\":\"async\",\"payload\":\"event\",\"ack\":{ \"text\": 1 }},"
					  "{\"event\":\"a\",\"subtype\":\"b\",\"channel_type\":\"im\",\"kind\":\"event_"
					  "*\",\"app\":\"A*\",\"bot\":false,"
					  "\"once\":\"message\",\"invoke\":\"eu-west-1/j\"},"
					  "{\"function\":\"k\",\"bot\":true,\"invoke\":\"eu-west-1/l\"},"
					  "{\"callback_id\":\"m\",\"action_id\":\"n\",\"invoke\":\"eu-west-1/o\"}],"
					  "\"apps\":{\"A1\":{\"secret\":\"x\"}}}")),
		OK);
	expect_int(routes.count, 5);
	const struct route *r = &routes.list[0];
	expect_str(r->command, S("/a*"));
	expect_str(r->path, S("e/f"));
	expect_int(r->kinds, 1 << SLACK_COMMAND);
	expect_str(r->target.region, S("eu-west-1"));
	expect_str(r->target.function, S("g:live"));
	expect_str(r->target.name, S("eu-west-1/g:live"));
	expect(r->sync);
	expect_int(r->payload, PAYLOAD_SLACK);
	expect_str(r->ack_text, S("{text} <ok>"));
	expect_str(r->ack_message, S(""));
	expect_str(r->ack_type, S("in_channel"));
	expect_str(r->teams.text, S("[\"T1\",\"E1\"]"));
	expect_str(r->user_teams.text, S("[\"T2\"]"));
	expect_str(r->channels.text, S("[]"));
	expect_int(r->writer, WRITER_ANYBODY);
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
	r = &routes.list[2];
	expect_str(r->event, S("a"));
	expect_str(r->subtype, S("b"));
	expect_str(r->channel_type, S("im"));
	expect_str(r->kind, S("event_*"));
	expect_str(r->app, S("A*"));
	expect_int(r->writer, WRITER_PERSON);
	expect_int(r->kinds, 1 << SLACK_EVENT);
	expect(r->once_message);
	r = &routes.list[3];
	expect_str(r->function, S("k"));
	expect_int(r->writer, WRITER_APP);
	expect(!r->once_message);
	r = &routes.list[4];
	expect_str(r->callback_id, S("m"));
	expect_str(r->action_id, S("n"));
	expect(r->kinds ==
		(1 << SLACK_BLOCK_ACTIONS | 1 << SLACK_BLOCK_SUGGESTION | 1 << SLACK_UNKNOWN_KIND));
	expect(routes.for_events);
}

/* Whether a route can match an event decides what becomes of events that none matches. */
TEST(route_for_events)
{
	static const struct {
		struct str text;
		bool want;
	} cases[] = {
		{ ROUTE(INVOKE "\"event\":\"a\""), true },
		{ ROUTE(INVOKE "\"path\":\"a\""), true },
		{ ROUTE(INVOKE "\"kind\":\"event_callback\""), true },
		{ ROUTE(INVOKE "\"kind\":\"*\""), true },
		{ ROUTE(INVOKE "\"bot\":false"), true },
		{ ROUTE(INVOKE "\"function\":\"a\""), true },
		{ ROUTE(INVOKE "\"command\":\"/a\""), false },
		{ ROUTE(INVOKE "\"callback_id\":\"a\""), false },
		{ ROUTE(INVOKE "\"action_id\":\"a\""), false },
		{ ROUTE(INVOKE "\"kind\":\"shortcut\""), false },
		{ ROUTE(INVOKE "\"path\":\"a\",\"command\":\"/a\""), false },
		{ STR("{\"routes\":[]}"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].text.p);
		expect_int(read(cases[i].text), OK);
		expect_int(routes.for_events, cases[i].want);
	}
}

TEST(route_defaults)
{
	struct arena a = { memory, 0, sizeof(memory) };
	expect_int(
		routes_read(&routes, S("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"}]}"),
			PAYLOAD_SLACK, &a, &fault),
		OK);
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
#define LIST "must be a list of ids, each a string"
#define NO_CHANNEL_ID                                                                              \
	STR(AT ".channels: must be ids of channels, such as C0123ABCD; a channel's details in Slack "  \
		   "show it at the bottom")
#define NO_USER_ID                                                                                 \
	STR(AT ".users: must be ids of users, such as U0123ABCD; a user's profile in Slack can copy "  \
		   "it")
	static const struct {
		struct str text, message;
	} cases[] = {
		{ STR("routes.json"),
			STR("GATEWAY_CONFIG is not valid JSON at byte 0; to read a file, write @FILE") },
		{ STR("{\"routes\":[}"), STR("GATEWAY_CONFIG is not valid JSON at byte 11") },
		{ STR("[]"), STR("GATEWAY_CONFIG must be a JSON object with routes or apps") },
		{ STR("{\"route\":[]}"),
			STR("GATEWAY_CONFIG: \"route\" is not known; only routes and apps are") },
		{ STR("{\"routes\":{}}"), STR("GATEWAY_CONFIG: routes must be a list of at most 256") },
		{ STR("{\"routes\":[1]}"), STR(AT ": must be an object") },
		{ ROUTE(""), STR(AT ".invoke: is missing: which function, as region/function") },
		{ ROUTE("\"command\":\"/a\""),
			STR(AT ".invoke: is missing: which function, as region/function") },
		{ ROUTE("\"invoke\":\"eu-west-1/f\""),
			STR(AT ": needs at least one of command, callback_id, action_id, event, function, "
				   "subtype, channel_type, kind, app, path, bot") },
		{ ROUTE(INVOKE "\"users\":[\"U1\"]"),
			STR(AT ": needs at least one of command, callback_id, action_id, event, function, "
				   "subtype, channel_type, kind, app, path, bot") },
		{ ROUTE(INVOKE "\"command\":1"), STR(AT ".command: must be a string") },
		{ ROUTE(INVOKE "\"command\":null"), STR(AT ".command: must be a string") },
		/* conditions that would hold for everything */
		{ ROUTE(INVOKE "\"command\":\"\""), STR(AT ".command: must not be empty") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"callback_id\":\"\""),
			STR(AT ".callback_id: must not be empty") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"path\":\"/\""), STR(AT ".path: must not be empty") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"f\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/a/b\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"eu-west-1/f%3Alive\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"evil.example/f\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":\"*/f\""),
			STR(AT ".invoke: must be region/function or region/function:qualifier") },
		{ ROUTE("\"command\":\"/a\",\"invoke\":[]"), STR(AT ".invoke: must be a string") },
		{ ROUTE("\"mode\":\"Sync\""), STR(AT ".mode: must be async or sync") },
		{ ROUTE("\"payload\":\"raw\""), STR(AT ".payload: must be event or slack") },
		{ ROUTE("\"ack_type\":\"in-channel\""),
			STR(AT ".ack_type: must be ephemeral or in_channel") },
		{ ROUTE("\"ack\":[]"), STR(AT ".ack: must be a text or a message object") },
		{ ROUTE("\"ack\":\"{foo}\""), STR(AT ".ack: may name " TEMPLATE_NAMES) },
		{ ROUTE("\"users\":\"U1\""), STR(AT ".users: " LIST) },
		{ ROUTE("\"users\":{\"a\":\"b\"}"), STR(AT ".users: " LIST) },
		{ ROUTE("\"teams\":[\"T1\",1]"), STR(AT ".teams: " LIST) },
		{ ROUTE("\"comand\":\"/a\""),
			STR(AT ".comand: is not known; a route may have command, callback_id, action_id, "
				   "event, function, subtype, channel_type, kind, app, "
				   "path, bot, invoke, mode, payload, ack, ack_type, once, teams, user_teams, "
				   "channels, users") },
		/* what can never match */
		{ ROUTE(INVOKE "\"command\":\"deploy\""),
			STR(AT ".command: must begin with a slash, as in \"/deploy\"") },
		{ ROUTE(INVOKE "\"command\":\"/deploy web\""),
			STR(AT ".command: must not hold a blank; the text behind a command is no part of it") },
		{ ROUTE(INVOKE "\"event\":\"message.im\""),
			STR(AT ".event: is a subscription, not an event type; write \"event\":\"message\" and "
				   "\"channel_type\":\"im\"") },
		{ ROUTE(INVOKE "\"event\":\"message.channels\""),
			STR(AT ".event: is a subscription, not an event type; write \"event\":\"message\" and "
				   "\"channel_type\":\"channel\"") },
		{ ROUTE(INVOKE "\"event\":\"message.groups\""),
			STR(AT ".event: is a subscription, not an event type; write \"event\":\"message\" and "
				   "\"channel_type\":\"group\"") },
		{ ROUTE(INVOKE "\"event\":\"message.mpim\""),
			STR(AT ".event: is a subscription, not an event type; write \"event\":\"message\" and "
				   "\"channel_type\":\"mpim\"") },
		{ ROUTE(INVOKE "\"event\":\"message.app_home\""),
			STR(AT ".event: is a subscription, not an event type; write \"event\":\"message\" and "
				   "\"channel_type\":\"app_home\"") },
		{ ROUTE(INVOKE "\"event\":\"message.x\""),
			STR(AT
				".event: can only hold lower-case letters, digits, _ and *, as in app_mention") },
		{ ROUTE(INVOKE "\"event\":\"App_mention\""),
			STR(AT
				".event: can only hold lower-case letters, digits, _ and *, as in app_mention") },
		{ ROUTE(INVOKE "\"event\":\"event_callback\""),
			STR(AT ".event: is the envelope of every event; write \"kind\":\"event_callback\"") },
		{ ROUTE(INVOKE "\"event\":\"url_verification\""),
			STR(AT ".event: is answered by the gateway itself and needs no route") },
		{ ROUTE(INVOKE "\"kind\":\"url_verification\""),
			STR(AT ".kind: is answered by the gateway itself and needs no route") },
		{ ROUTE(INVOKE "\"kind\":\"command\""),
			STR(AT ".kind: is no kind of request; write \"kind\":\"slash_command\"") },
		{ ROUTE(INVOKE "\"kind\":\"event\""),
			STR(AT ".kind: is no kind of request; write \"kind\":\"event_callback\"") },
		{ ROUTE(INVOKE "\"channel_type\":\"dm\""),
			STR(AT ".channel_type: must be channel, group, im, mpim or app_home") },
		{ ROUTE(INVOKE "\"subtype\":\"bot message\""),
			STR(AT
				".subtype: can only hold lower-case letters, digits, _ and *, as in app_mention") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"event\":\"message\""),
			STR("GATEWAY_CONFIG: routes[0]: no request has both command and event; write a route "
				"for each") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"kind\":\"shortcut\""),
			STR("GATEWAY_CONFIG: routes[0]: no request has both command and kind; write a route "
				"for each") },
		{ ROUTE(INVOKE "\"action_id\":\"a\",\"event\":\"message\""),
			STR("GATEWAY_CONFIG: routes[0]: no request has both action_id and event; write a route "
				"for each") },
		{ ROUTE(INVOKE "\"command\":\"/a\",\"bot\":true"),
			STR("GATEWAY_CONFIG: routes[0]: no request has both command and bot; write a route for "
				"each") },
		{ ROUTE(INVOKE "\"kind\":\"slash_command\",\"subtype\":\"x\""),
			STR("GATEWAY_CONFIG: routes[0]: no request has both subtype and kind; write a route "
				"for each") },
		{ ROUTE(INVOKE "\"event\":\"message\",\"function\":\"x\""),
			STR(AT ".function: only the event function_executed has one") },
		{ ROUTE(INVOKE "\"event\":\"function_executed\",\"callback_id\":\"x\""),
			STR(AT ".callback_id: write \"function\" for the callback_id of a custom step") },
		{ ROUTE(INVOKE "\"event\":\"message\",\"callback_id\":\"x\""),
			STR(AT ".callback_id: no event but workflow_step_execute has one") },
		{ ROUTE(INVOKE "\"app\":\"A1\""),
			STR(AT ".app: must be the id of an app that apps lists with its secret") },
		{ ROUTE(INVOKE "\"bot\":\"true\""), STR(AT ".bot: must be true or false") },
		{ ROUTE(INVOKE "\"once\":\"event\""), STR(AT ".once: must be message, or absent") },
		{ ROUTE("\"channels\":[\"#general\"]"), NO_CHANNEL_ID },
		{ ROUTE("\"channels\":[\"general\"]"), NO_CHANNEL_ID },
		{ ROUTE("\"channels\":[\"C1\",\"U1\"]"), NO_CHANNEL_ID },
		{ ROUTE("\"channels\":[\"\"]"), NO_CHANNEL_ID },
		{ ROUTE("\"channels\":[\"C\"]"), NO_CHANNEL_ID },
		{ ROUTE("\"users\":[\"@lotte\"]"), NO_USER_ID },
		{ ROUTE("\"users\":[\"u1\"]"), NO_USER_ID },
		{ ROUTE("\"users\":[\"U*\"]"), NO_USER_ID },
		{ ROUTE("\"teams\":[\"harbour\"]"),
			STR(AT ".teams: must be ids of workspaces, such as T0123ABCD, or organizations, such "
				   "as E0123ABCD") },
		{ ROUTE("\"user_teams\":[\"C1\"]"),
			STR(AT ".user_teams: must be ids of workspaces, such as T0123ABCD, or organizations, "
				   "such as E0123ABCD") },
		{ STR("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"},{\"command\":\"/"
			  "b\"}]}"),
			STR("GATEWAY_CONFIG: routes[1].invoke: is missing: which function, as "
				"region/function") },
		{ STR("{\"apps\":[]}"), STR("GATEWAY_CONFIG: apps must be an object of at most 64 apps") },
		{ STR("{\"apps\":{\"A1\":\"a secret\"}}"),
			STR("GATEWAY_CONFIG: apps.A1 must be an object with a secret: {\"secret\":\"...\"}") },
		{ STR("{\"apps\":{\"A1\":{\"secret\":\"\"}}}"),
			STR("GATEWAY_CONFIG: apps.A1 must be an object with a secret: {\"secret\":\"...\"}") },
		{ STR("{\"apps\":{\"\":{\"secret\":\"x\"}}}"),
			STR("GATEWAY_CONFIG: apps. must be an object with a secret: {\"secret\":\"...\"}") },
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
	expect_int(read(S("{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/"
					  "a\"},{\"command\":\"/b\",\"invoke\":\"eu-west-1/b\"}],"
					  "\"routes\":[{\"command\":\"/c\",\"invoke\":\"eu-west-1/c\"}]}")),
		OK);
	expect_int(routes.count, 1);
	expect_str(routes.list[0].command, S("/c"));
	expect_int(
		read(S(
			"{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/a\",\"ack\":\"x\",\"ack\":{}},"
			"{\"command\":\"/b\",\"invoke\":\"eu-west-1/b\",\"ack\":{},\"ack\":\"x\"}]}")),
		OK);
	expect(routes.list[0].ack_text.p == NULL);
	expect_str(routes.list[0].ack_message, S("{}"));
	expect_str(routes.list[1].ack_text, S("x"));
	expect_str(routes.list[1].ack_message, S(""));
}

TEST(route_doubled_apps)
{
	expect_int(read(S("{\"apps\":{\"A1\":{\"secret\":\"x\"},\"A2\":{\"secret\":\"y\"}},\"apps\":{"
					  "\"A3\":{\"secret\":\"z\"}}}")),
		OK);
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
			buf_format(&b, "%s{\"command\":\"/%d\",\"invoke\":\"eu-west-1/f%d\"}",
				i ? S(",") : S(""), NUM(i), NUM(i));
		buf_put(&b, S("]}"));
		context("%d routes", n);
		expect(!b.full);
		expect_int(read(buf_str(&b)), n <= ROUTES_MAX ? OK : E_CONFIG);
	}
	for (size_t cap = 0; cap < 4096; cap += 16) {
		struct arena a = { memory, 0, cap };
		enum err e = routes_read(&routes,
			S("{\"routes\":[{\"comm\\u0061nd\":\"\\/a\",\"invoke\":\"eu-west-1\\/"
			  "f\"}],\"apps\":{\"A1\":{\"secret\":\"\\u0061\"}}}"),
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
		{ { .kind = SLACK_COMMAND, .command = STR("/deploy") }, STR("x"), 0 },
		{ { .kind = SLACK_COMMAND, .command = STR("/deploy-web") }, STR("x"), 1 },
		{ { .kind = SLACK_COMMAND, .command = STR("/Deploy") }, STR("x"), -1 },
		{ { .kind = SLACK_COMMAND, .command = STR("/deploy"), .callback_id = STR("form") },
			STR("x"), 0 },
		{ { .kind = SLACK_BLOCK_ACTIONS, .callback_id = STR("form") }, STR("x"), 2 },
		{ { .kind = SLACK_BLOCK_ACTIONS, .callback_id = STR("form"), .action_id = STR("go") },
			STR("x"), 2 },
		{ { .kind = SLACK_BLOCK_ACTIONS, .callback_id = STR("other"), .action_id = STR("go") },
			STR("x"), -1 },
		{ { .kind = SLACK_BLOCK_ACTIONS, .callback_id = STR("both"), .action_id = STR("go") },
			STR("x"), 3 },
		{ { .kind = SLACK_BLOCK_ACTIONS, .callback_id = STR("both") }, STR("x"), -1 },
		{ { .kind = SLACK_EVENT, .event_type = STR("app_mention") }, STR("x"), 4 },
		{ { .kind = SLACK_EVENT, .event_type = STR("message") }, STR("x"), -1 },
		{ { .kind = SLACK_EVENT, .event_type = STR("message") }, STR("hooks/a"), 5 },
		{ { .kind = SLACK_EVENT, .event_type = STR("message") }, STR("hooks/a/b"), -1 },
		{ { .kind = SLACK_EVENT, .event_type = STR("message") }, STR("hooks"), -1 },
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
		struct request_path path = { .count = 2,
			.coded = { S("no such path"), guard_copy(cases[i].path) },
			.decoded = { S("no such path"), guard_copy(cases[i].path) } };
		const struct route *r = route_find(&routes, &cases[i].slack, S(""), &path);
		context("case %zu", i);
		expect_int(r ? r - routes.list : -1, cases[i].want);
	}
}

/* Every key against requests that differ in nothing but what it asks for. */
TEST(route_keys)
{
#define MESSAGE .kind = SLACK_EVENT, .type = STR("event_callback"), .event_type = STR("message")
	static const struct {
		const char *keys;
		struct slack_request slack;
		struct str app;
		bool want;
	} cases[] = {
		{ "\"kind\":\"slash_command\"",
			{ .kind = SLACK_COMMAND, .type = STR("slash_command"), .command = STR("/a") }, STR(""),
			true },
		{ "\"kind\":\"slash_command\"", { MESSAGE }, STR(""), false },
		{ "\"kind\":\"event_callback\"", { MESSAGE }, STR(""), true },
		{ "\"kind\":\"view_*\"", { .kind = SLACK_VIEW_CLOSED, .type = STR("view_closed") }, STR(""),
			true },
		{ "\"kind\":\"view_*\"", { .kind = SLACK_VIEW_SUBMISSION, .type = STR("view_submission") },
			STR(""), true },
		{ "\"kind\":\"view_*\"", { .kind = SLACK_SHORTCUT, .type = STR("shortcut") }, STR(""),
			false },
		{ "\"kind\":\"dialog_submission\"",
			{ .kind = SLACK_LEGACY, .type = STR("dialog_submission") }, STR(""), true },
		{ "\"kind\":\"dialog_submission\"",
			{ .kind = SLACK_LEGACY, .type = STR("dialog_cancellation") }, STR(""), false },
		{ "\"kind\":\"of_next_year\"", { .kind = SLACK_UNKNOWN_KIND, .type = STR("of_next_year") },
			STR(""), true },
		{ "\"kind\":\"*\"", { .kind = SLACK_UNKNOWN_KIND, .type = STR("of_next_year") }, STR(""),
			true },
		{ "\"app\":\"A1\"", { MESSAGE }, STR("A1"), true },
		{ "\"app\":\"A1\"", { MESSAGE, .api_app_id = STR("A1") }, STR("A2"), false },
		{ "\"app\":\"A1\"", { MESSAGE, .api_app_id = STR("A1") }, STR(""), false },
		{ "\"app\":\"A*\"", { MESSAGE }, STR("A2"), true },
		{ "\"subtype\":\"file_share\"", { MESSAGE, .subtype = STR("file_share") }, STR(""), true },
		{ "\"subtype\":\"file_share\"", { MESSAGE }, STR(""), false },
		{ "\"subtype\":\"*\"", { MESSAGE }, STR(""), false },
		{ "\"event\":\"message\",\"channel_type\":\"im\"", { MESSAGE, .channel_type = STR("im") },
			STR(""), true },
		{ "\"event\":\"message\",\"channel_type\":\"im\"", { MESSAGE, .channel_type = STR("mpim") },
			STR(""), false },
		{ "\"event\":\"message\",\"channel_type\":\"*im\"",
			{ MESSAGE, .channel_type = STR("mpim") }, STR(""), true },
		{ "\"bot\":true", { MESSAGE, .bot = true }, STR(""), true },
		{ "\"bot\":true", { MESSAGE }, STR(""), false },
		{ "\"bot\":false", { MESSAGE, .bot = true }, STR(""), false },
		{ "\"bot\":false", { MESSAGE }, STR(""), true },
		{ "\"bot\":false",
			{ .kind = SLACK_COMMAND, .type = STR("slash_command"), .command = STR("/a") }, STR(""),
			true },
		{ "\"function\":\"pilot\"",
			{ .kind = SLACK_EVENT,
				.event_type = STR("function_executed"),
				.function = STR("pilot") },
			STR(""), true },
		{ "\"function\":\"pilot\"",
			{ .kind = SLACK_EVENT,
				.event_type = STR("workflow_step_execute"),
				.callback_id = STR("pilot") },
			STR(""), false },
		{ "\"event\":\"workflow_*\",\"callback_id\":\"pilot\"",
			{ .kind = SLACK_EVENT,
				.event_type = STR("workflow_step_execute"),
				.callback_id = STR("pilot") },
			STR(""), true },
		{ "\"callback_id\":\"pilot\"",
			{ .kind = SLACK_EVENT,
				.event_type = STR("workflow_step_execute"),
				.callback_id = STR("pilot") },
			STR(""), false },
		/* text in a payload is no command */
		{ "\"command\":\"/a\"", { .kind = SLACK_SHORTCUT, .command = STR("/a") }, STR(""), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[512];
		struct buf b = BUF(text);
		struct request_path path = { .count = 1 };
		buf_format(&b,
			"{\"routes\":[{\"invoke\":\"eu-west-1/"
			"f\",%s}],\"apps\":{\"A1\":{\"secret\":\"x\"},\"A2\":{\"secret\":\"y\"}}}",
			str_c(cases[i].keys));
		context("case %zu: %s", i, cases[i].keys);
		expect_int(read(buf_str(&b)), OK);
		expect_int(
			route_find(&routes, &cases[i].slack, cases[i].app, &path) != NULL, cases[i].want);
	}
}

/* What has no effect, or cannot be reached, is said. */
TEST(route_warnings)
{
	static const struct {
		const char *routes;
		struct str want; /* of the last route */
	} cases[] = {
#define F "\"invoke\":\"eu-west-1/f\","
#define NOTHING_SHOWS ": no text can be shown after such a request"
		{ "{" F "\"command\":\"/a\",\"ack\":\"x\",\"ack_type\":\"in_channel\"}", STR("") },
		{ "{" F "\"action_id\":\"a\",\"ack\":\"x\"}", STR("") },
		{ "{" F "\"callback_id\":\"a\",\"ack\":\"x\"}", STR("") },
		{ "{" F "\"path\":\"a\",\"ack\":\"x\",\"once\":\"message\"}", STR("") },
		{ "{" F "\"event\":\"a\",\"once\":\"message\"}", STR("") },
		{ "{" F "\"kind\":\"view_submission\",\"ack\":{\"response_action\":\"clear\"}}", STR("") },
		{ "{" F "\"event\":\"a\",\"ack\":\"x\"}",
			STR("GATEWAY_CONFIG: routes[0].ack" NOTHING_SHOWS) },
		{ "{" F "\"kind\":\"view_submission\",\"ack\":\"x\"}",
			STR("GATEWAY_CONFIG: routes[0].ack" NOTHING_SHOWS) },
		{ "{" F "\"kind\":\"shortcut\",\"ack\":\"x\"}",
			STR("GATEWAY_CONFIG: routes[0].ack" NOTHING_SHOWS) },
		{ "{" F "\"event\":\"a\",\"ack\":{\"text\":\"x\"}}",
			STR("GATEWAY_CONFIG: routes[0].ack: nothing shows the answer to an event") },
		{ "{" F "\"action_id\":\"a\",\"ack_type\":\"ephemeral\"}",
			STR("GATEWAY_CONFIG: routes[0].ack_type: only a slash command is acknowledged with a "
				"message") },
		{ "{" F "\"command\":\"/a\",\"once\":\"message\"}",
			STR("GATEWAY_CONFIG: routes[0].once: it works for events only") },
		{ "{" F "\"kind\":\"block_action\"}",
			STR("GATEWAY_CONFIG: routes[0].kind: is not a known kind of payload; check its "
				"spelling") },
		{ "{" F "\"command\":\"/a\"},{" F "\"command\":\"/a\"}",
			STR("GATEWAY_CONFIG: routes[1] is never reached: routes[0] matches all of it") },
		{ "{" F "\"command\":\"/*\"},{" F "\"command\":\"/a*\"}",
			STR("GATEWAY_CONFIG: routes[1] is never reached: routes[0] matches all of it") },
		{ "{" F "\"event\":\"a\"},{" F "\"event\":\"a\",\"subtype\":\"b\"}",
			STR("GATEWAY_CONFIG: routes[1] is never reached: routes[0] matches all of it") },
		{ "{" F "\"event\":\"a\",\"subtype\":\"b\"},{" F "\"event\":\"a\"}", STR("") },
		{ "{" F "\"event\":\"a\",\"bot\":true},{" F "\"event\":\"a\"}", STR("") },
		{ "{" F "\"command\":\"/a\"},{" F "\"command\":\"/a*\"}", STR("") },
		{ "{" F "\"path\":\"*\"},{" F "\"path\":\"a/b\"}", STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[512];
		struct buf b = BUF(text);
		buf_format(&b, "{\"routes\":[%s]}", str_c(cases[i].routes));
		context("case %zu: %s", i, cases[i].routes);
		expect_int(read(buf_str(&b)), OK);
		fault.n = 0;
		expect_int(route_warning(&routes, routes.count - 1, &fault), cases[i].want.n > 0);
		expect_str(fault_text(&fault), cases[i].want);
	}
}

TEST(route_lists)
{
	static const struct {
		struct str lists, team, channel, user, want;
	} cases[] = {
#define NO_TEAM STR("it may not be started from this workspace")
#define NO_USER_TEAM STR("members of your workspace are not allowed to start it")
#define NO_CHANNEL STR("it may not be started from this channel")
#define NO_USER STR("you are not allowed to start it")
		{ STR(""), STR(""), STR(""), STR(""), STR("") },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"users\":[\"U2\",\"U\\u0031\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U2"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("U11"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR("u1"), NO_USER },
		{ STR(",\"users\":[\"U1\"]"), STR("T1"), STR("C1"), STR(""), NO_USER },
		{ STR(",\"users\":[]"), STR("T1"), STR("C1"), STR("U1"), NO_USER },
		{ STR(",\"teams\":[\"T1\"],\"users\":[\"U1\"]"), STR("T2"), STR("C1"), STR("U1"), NO_TEAM },
		{ STR(",\"teams\":[\"T1\"]"), STR(""), STR("C1"), STR("U1"), NO_TEAM },
		{ STR(",\"teams\":[\"E1\"]"), STR("T2"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"teams\":[\"E2\"]"), STR("T2"), STR("C1"), STR("U1"), NO_TEAM },
		{ STR(",\"user_teams\":[\"T9\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"user_teams\":[\"T1\"]"), STR("T1"), STR("C1"), STR("U1"), NO_USER_TEAM },
		{ STR(",\"channels\":[\"C1\"]"), STR("T1"), STR("D1"), STR("U1"), NO_CHANNEL },
		{ STR(",\"channels\":[\"C1\"]"), STR("T1"), STR(""), STR("U1"), NO_CHANNEL },
		{ STR(",\"channels\":[\"C7\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"channels\":[\"C8\"]"), STR("T1"), STR("C1"), STR("U1"), STR("") },
		{ STR(",\"channels\":[\"C9\"]"), STR("T1"), STR("C1"), STR("U1"), NO_CHANNEL },
		{ STR(",\"teams\":[\"T1\"],\"channels\":[\"C1\"],\"users\":[\"U1\"]"), STR("T1"), STR("C1"),
			STR("U1"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[256];
		struct buf b = BUF(text);
		struct slack_request slack = {
			.team_id = cases[i].team,
			.enterprise_id = S("E1"),
			.user_team_id = S("T9"),
			.user_id = cases[i].user,
			.channels_count = 2,
			.channels = { cases[i].channel, S("C7") },
			.channel_list = { S("[\"C8\",1,null]") },
		};
		buf_format(
			&b, "{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"%s}]}", cases[i].lists);
		context("case %zu", i);
		expect_int(read(buf_str(&b)), OK);
		expect_str(route_refusal(&routes.list[0], &slack), cases[i].want);
	}
}
