#include "check.h"
#include "codec/form.h"
#include "slack/request.h"


#define FORM S("application/x-www-form-urlencoded")
#define JSON S("application/json")

static char memory[1 << 16];
static struct slack_request request;
static struct fault fault;

static enum err read(struct str content_type, struct str body)
{
	struct arena a = { memory, 0, sizeof(memory) };
	fault.n = 0;
	return slack_request_read(&request, guard_copy(content_type), guard_copy(body), &a, &fault);
}

/* The form that carries an interaction. */
static struct str payload_form(struct str json)
{
	static char text[16384];
	struct buf b = BUF(text);
	form_put(&b, S("payload"), json);
	expect(!b.full);
	return buf_str(&b);
}

static struct str vector(const char *name)
{
	char path[128];
	struct buf b = BUF(path);
	buf_format(&b, "vectors/slack/%s%s", str_c(name), S("\0"));
	return test_file(path);
}

static void expect_request(const struct slack_request *want)
{
	expect_int(request.kind, want->kind);
	expect_str(request.type, want->type);
	expect_str(request.command, want->command);
	expect_str(request.text, want->text);
	expect_str(request.user_id, want->user_id);
	expect_str(request.user_name, want->user_name);
	expect_str(request.team_id, want->team_id);
	expect_str(slack_channel_id(&request), slack_channel_id(want));
	expect_str(request.api_app_id, want->api_app_id);
	expect_str(request.response_url, want->response_url);
	expect_str(request.callback_id, want->callback_id);
	expect_str(request.action_id, want->action_id);
	expect_str(request.event_type, want->event_type);
	expect_str(request.event_id, want->event_id);
	expect_str(request.challenge, want->challenge);
}

#define HOOK(kind)                                                                                 \
	STR("https://hooks.slack.com/" kind "/T0HARBOUR/7000000000004/q7w1kP0sD3nB5vXz9LmJhGtR")
#define LOTTE .user_id = STR("W0LOTTE"), .user_name = STR("lotte")
#define CHANNEL(id) .channels_count = 1, .channels = { id }
#define CRANE .team_id = STR("T0HARBOUR"), .api_app_id = STR("A0CRANE")

TEST(slack_request_commands)
{
	static const struct {
		const char *file;
		struct slack_request want;
	} cases[] = {
		{ "command.form",
			{ .kind = SLACK_COMMAND,
				.type = STR("slash_command"),
				.command = STR("/webhook-collect"),
				.user_id = STR("U2CERLKJA"),
				.user_name = STR("roadrunner"),
				.team_id = STR("T1DC2JH3J"),
				CHANNEL(STR("G8PSS9T3V")),
				.response_url = STR("https://hooks.slack.com/commands/T1DC2JH3J/397700885554/"
									"96rGlfmibIGlgcZRskXaIFfN") } },
		{ "command_enterprise.form",
			{ .kind = SLACK_COMMAND,
				.type = STR("slash_command"),
				.command = STR("/deploy"),
				LOTTE,
				CRANE,
				.text = STR("gr\xc3\xbc\xc3\x9f"
							"e <@W0BODO|bodo> & <!here> +1"),
				CHANNEL(STR("C0PIER7")),
				.response_url = STR("https://hooks.slack.com/commands/T0HARBOUR/7000000000001/"
									"q7w1kP0sD3nB5vXz9LmJhGtR") } },
		{ "ssl_check.form", { 0 } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].file);
		expect_int(read(FORM, vector(cases[i].file)), OK);
		expect_request(&cases[i].want);
		expect_str(request.json, S(""));
	}
}

TEST(slack_request_interactions)
{
	static const struct {
		const char *file;
		struct slack_request want;
	} cases[] = {
		{ "block_actions_message.json",
			{ .kind = SLACK_BLOCK_ACTIONS,
				.type = STR("block_actions"),
				LOTTE,
				CRANE,
				CHANNEL(STR("C0PIER7")),
				.action_id = STR("unload"),
				.response_url = HOOK("actions") } },
		{ "block_actions_view.json",
			{ .kind = SLACK_BLOCK_ACTIONS,
				.type = STR("block_actions"),
				LOTTE,
				CRANE,
				.action_id = STR("pick_crane"),
				.callback_id = STR("book_berth") } },
		{ "shortcut.json",
			{ .kind = SLACK_SHORTCUT,
				.type = STR("shortcut"),
				LOTTE,
				CRANE,
				.callback_id = STR("open_logbook") } },
		{ "message_action.json",
			{ .kind = SLACK_MESSAGE_ACTION,
				.type = STR("message_action"),
				LOTTE,
				CRANE,
				.callback_id = STR("note_in_logbook"),
				CHANNEL(STR("C0PIER7")),
				.response_url = HOOK("app") } },
		{ "view_submission.json",
			{ .kind = SLACK_VIEW_SUBMISSION,
				.type = STR("view_submission"),
				LOTTE,
				CRANE,
				.callback_id = STR("book_berth"),
				CHANNEL(STR("C0PIER7")),
				.response_url = HOOK("app") } },
		{ "view_closed.json",
			{ .kind = SLACK_VIEW_CLOSED,
				.type = STR("view_closed"),
				LOTTE,
				CRANE,
				.callback_id = STR("book_berth") } },
		{ "block_suggestion.json",
			{ .kind = SLACK_BLOCK_SUGGESTION,
				.type = STR("block_suggestion"),
				LOTTE,
				CRANE,
				.action_id = STR("find_ship"),
				.callback_id = STR("book_berth") } },
		{ "interactive_message.json",
			{ .kind = SLACK_LEGACY,
				.type = STR("interactive_message"),
				LOTTE,
				.team_id = STR("T0HARBOUR"),
				CHANNEL(STR("C0PIER7")),
				.callback_id = STR("tide_table"),
				.response_url = HOOK("actions") } },
		{ "dialog_submission.json",
			{ .kind = SLACK_LEGACY,
				.type = STR("dialog_submission"),
				LOTTE,
				.team_id = STR("T0HARBOUR"),
				CHANNEL(STR("C0PIER7")),
				.callback_id = STR("new_ship"),
				.response_url = HOOK("actions") } },
		{ "dialog_cancellation.json",
			{ .kind = SLACK_LEGACY,
				.type = STR("dialog_cancellation"),
				LOTTE,
				.team_id = STR("T0HARBOUR"),
				CHANNEL(STR("C0PIER7")),
				.callback_id = STR("new_ship"),
				.response_url = HOOK("actions") } },
		{ "dialog_suggestion.json",
			{ .kind = SLACK_LEGACY,
				.type = STR("dialog_suggestion"),
				LOTTE,
				.team_id = STR("T0HARBOUR"),
				CHANNEL(STR("C0PIER7")),
				.callback_id = STR("new_ship") } },
		{ "workflow_step_edit.json",
			{ .kind = SLACK_LEGACY,
				.type = STR("workflow_step_edit"),
				LOTTE,
				.team_id = STR("T0HARBOUR"),
				.callback_id = STR("call_pilot") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str json = vector(cases[i].file);
		context("%s", cases[i].file);
		expect_int(read(FORM, payload_form(json)), OK);
		expect_request(&cases[i].want);
		expect_str(request.json, str_trim_lines(json));
	}
}

TEST(slack_request_events)
{
	static const struct {
		const char *file;
		struct slack_request want;
	} cases[] = {
		{ "url_verification.json",
			{ .kind = SLACK_URL_VERIFICATION,
				.type = STR("url_verification"),
				.challenge = STR("h4rb0urM4st3rK33psTh3T1d3T4bl3sS4f3Und3rTh3Gr33nL4mp") } },
		{ "event_app_mention.json",
			{ .kind = SLACK_EVENT,
				.type = STR("event_callback"),
				CRANE,
				.event_type = STR("app_mention"),
				.event_id = STR("Ev0TIDE0001"),
				.user_id = STR("W0LOTTE"),
				CHANNEL(STR("C0PIER7")) } },
		{ "event_team_join.json",
			{ .kind = SLACK_EVENT,
				.type = STR("event_callback"),
				CRANE,
				.event_type = STR("team_join"),
				.event_id = STR("Ev0TIDE0002"),
				.user_id = STR("W0NEW") } },
		{ "event_channel_created.json",
			{ .kind = SLACK_EVENT,
				.type = STR("event_callback"),
				CRANE,
				.event_type = STR("channel_created"),
				.event_id = STR("Ev0TIDE0003"),
				.user_id = STR("W0LOTTE"),
				CHANNEL(STR("C0PIER9")) } },
		{ "app_rate_limited.json",
			{ .kind = SLACK_RATE_LIMITED, .type = STR("app_rate_limited"), CRANE } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str json = vector(cases[i].file);
		context("%s", cases[i].file);
		expect_int(read(JSON, json), OK);
		expect_request(&cases[i].want);
		expect_str(request.json, str_trim_lines(json));
	}
}

/* What a body is follows from its bytes: a content type can only refuse it. */
TEST(slack_request_content_types)
{
	static const struct {
		struct str content_type;
		bool form, json;
	} cases[] = {
		{ STR(""), true, true },
		{ STR("application/x-www-form-urlencoded"), true, false },
		{ STR("Application/X-WWW-Form-URLencoded"), true, false },
		{ STR("application/x-www-form-urlencoded; charset=utf-8"), true, false },
		{ STR("application/x-www-form-urlencoded;charset=UTF-8"), true, false },
		{ STR(" application/x-www-form-urlencoded\t; a=b"), true, false },
		{ STR("application/json"), false, true },
		{ STR("application/JSON; charset=utf-8"), false, true },
		{ STR("application/json;"), false, true },
		{ STR("application/json; a=\"b,\\\",c\""), false, true },
		{ STR("application/json; a=\"b\", text/plain"), false, false },
		{ STR("application/json; charset=utf-8, application/json"), false, false },
		{ STR("application/json,application/json"), false, false },
		{ STR("application/x-www-form-urlencoded; a=b, application/json"), false, false },
		{ STR("application/jsonp"), false, false },
		{ STR("application/json, text/plain"), false, false },
		{ STR("text/json"), false, false },
		{ STR("text/plain"), false, false },
		{ STR("multipart/form-data; boundary=x"), false, false },
		{ STR("; application/json"), false, false },
		{ STR("x; application/x-www-form-urlencoded"), false, false },
		{ STR(" "), false, false },
	};
	static const struct str json[] = {
		STR("{\"type\":\"shortcut\",\"x\":\"&command=%2Fdeploy&ssl_check=1\"}"),
		STR(" \r\n\t{\"type\":\"shortcut\"}"),
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].content_type.p);
		expect_int(read(cases[i].content_type, S("command=/x")), cases[i].form ? OK : E_SYNTAX);
		expect_int(request.kind, cases[i].form ? SLACK_COMMAND : SLACK_UNKNOWN_KIND);
		if (!cases[i].form)
			expect_str(fault_text(&fault),
				S("the content type is not application/x-www-form-urlencoded, "
				  "although the body is a form"));
		for (size_t j = 0; j < countof(json); j++) {
			expect_int(read(cases[i].content_type, json[j]), cases[i].json ? OK : E_SYNTAX);
			expect_int(request.kind, cases[i].json ? SLACK_SHORTCUT : SLACK_UNKNOWN_KIND);
			expect_str(request.command, S(""));
		}
		if (!cases[i].json)
			expect_str(fault_text(&fault),
				S("the content type is not application/json, although the body is JSON"));
	}
}

TEST(slack_request_is_json)
{
	static const struct {
		struct str body;
		bool json;
	} cases[] = {
		{ STR("{"), true },
		{ STR("["), true },
		{ STR(" \t\r\n{}"), true },
		{ STR("\n["), true },
		{ STR(""), false },
		{ STR(" \n"), false },
		{ STR("\"x\""), false },
		{ STR("null"), false },
		{ STR("\v{}"), false },
		{ STR("\f{}"), false },
		{ STR("\0{}"), false },
		{ STR("\xef\xbb\xbf{}"), false },
		{ STR("a={"), false },
		{ STR("&{"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(slack_is_json(guard_copy(cases[i].body)), cases[i].json);
	}
}

TEST(slack_request_odd_forms)
{
	static const struct {
		struct str body;
		enum slack_kind kind;
		struct str command, text;
	} cases[] = {
		{ STR(""), SLACK_UNKNOWN_KIND, STR(""), STR("") },
		{ STR("&&"), SLACK_UNKNOWN_KIND, STR(""), STR("") },
		{ STR("token=x&text=hello"), SLACK_UNKNOWN_KIND, STR(""), STR("hello") },
		{ STR("command=&text=x"), SLACK_UNKNOWN_KIND, STR(""), STR("x") },
		{ STR("command=/x"), SLACK_COMMAND, STR("/x"), STR("") },
		{ STR("command=%2Fx&text"), SLACK_COMMAND, STR("/x"), STR("") },
		{ STR("command=/x&text=a=b"), SLACK_COMMAND, STR("/x"), STR("a=b") },
		{ STR("text=%00%ff&command=/x"), SLACK_COMMAND, STR("/x"), STR("\0\xff") },
		{ STR("command=/x&command=/y"), SLACK_COMMAND, STR("/y"), STR("") },
		{ STR("Command=/x"), SLACK_UNKNOWN_KIND, STR(""), STR("") },
		{ STR("command=/x&ssl_check=0"), SLACK_COMMAND, STR("/x"), STR("") },
		{ STR("command=/x&ssl_check=1"), SLACK_COMMAND, STR("/x"), STR("") },
		{ STR("command=/x&text=payload%3D1%26ssl_check%3D1"), SLACK_COMMAND, STR("/x"),
			STR("payload=1&ssl_check=1") },
		{ STR("command=/x&payload={\"type\":\"shortcut\"}"), SLACK_SHORTCUT, STR("/x"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(FORM, cases[i].body), OK);
		expect_int(request.kind, cases[i].kind);
		expect_str(request.command, cases[i].command);
		expect_str(request.text, cases[i].text);
	}
}

TEST(slack_request_odd_json)
{
	static const struct {
		struct str json;
		struct slack_request want;
	} cases[] = {
		{ STR("{}"), { .kind = SLACK_UNKNOWN_KIND } },
		{ STR("{\"type\":\"something_of_next_year\"}"),
			{ .kind = SLACK_UNKNOWN_KIND, .type = STR("something_of_next_year") } },
		{ STR("{\"type\":\"Shortcut\"}"), { .kind = SLACK_UNKNOWN_KIND, .type = STR("Shortcut") } },
		{ STR("{\"type\":\"short\\u0063ut\"}"),
			{ .kind = SLACK_SHORTCUT, .type = STR("shortcut") } },
		{ STR("{\"t\\u0079pe\":\"shortcut\"}"),
			{ .kind = SLACK_SHORTCUT, .type = STR("shortcut") } },
		{ STR("{\"type\":\"block_actions\",\"type\":\"shortcut\"}"),
			{ .kind = SLACK_SHORTCUT, .type = STR("shortcut") } },
		{ STR("{\"type\":null,\"team\":null,\"user\":null,\"channel\":null,\"view\":null,\"event\":"
			  "null,\"actions\":null,\"response_urls\":null}"),
			{ 0 } },
		{ STR("{\"type\":1,\"team_id\":2,\"user\":3,\"channel\":[4],\"view\":5,\"event\":[],"
			  "\"actions\":{},\"response_urls\":{}}"),
			{ 0 } },
		{ STR("{\"actions\":[],\"response_urls\":[]}"), { 0 } },
		{ STR("{\"actions\":[1],\"response_urls\":[null]}"), { 0 } },
		{ STR("{\"user\":{\"id\":\"U1\",\"name\":\"a\"},\"team\":{\"id\":\"T1\"},\"channel\":{"
			  "\"id\":\"C1\"}}"),
			{ .user_id = STR("U1"),
				.user_name = STR("a"),
				.team_id = STR("T1"),
				CHANNEL(STR("C1")) } },
		{ STR("{\"user\":{\"id\":\"U1\",\"name\":\"a\",\"username\":\"b\"},\"event\":{\"user\":"
			  "\"U2\",\"channel\":\"C2\"}}"),
			{ .user_id = STR("U1"), .user_name = STR("b"), CHANNEL(STR("C2")) } },
		{ STR("{\"callback_id\":\"a\",\"view\":{\"callback_id\":\"b\"}}"),
			{ .callback_id = STR("a") } },
		/* what says it better wins, whichever comes first */
		{ STR("{\"view\":{\"callback_id\":\"b\"},\"callback_id\":\"a\"}"),
			{ .callback_id = STR("a") } },
		{ STR("{\"event\":{\"user\":\"U2\",\"channel\":{\"id\":\"C2\"}},\"channel\":\"C1\","
			  "\"user\":{\"id\":\"U1\"}}"),
			{ .user_id = STR("U1"), CHANNEL(STR("C1")) } },
		{ STR("{\"user\":{\"username\":\"b\",\"id\":\"U1\",\"name\":\"a\"}}"),
			{ .user_id = STR("U1"), .user_name = STR("b") } },
		{ STR("{\"response_url\":\"x\",\"response_urls\":[{\"response_url\":\"y\"}]}"),
			{ .response_url = STR("x") } },
		{ STR("{\"actions\":[{\"action_id\":\"a\"},{\"action_id\":\"b\"}],\"response_urls\":[{"
			  "\"response_url\":\"y\"},{\"response_url\":\"z\"}]}"),
			{ .action_id = STR("a"), .response_url = STR("y") } },
		/* none of these is what its name says */
		{ STR("{\"type\":[\"shortcut\"],\"view\":\"x\",\"event\":\"x\",\"actions\":\"x\",\"event_"
			  "id\":{\"id\":\"x\"}}"),
			{ 0 } },
		{ STR("{\"event\":{\"event\":{\"type\":\"x\"},\"action_id\":\"x\",\"response_url\":\"x\","
			  "\"event_id\":\"x\"}}"),
			{ 0 } },
		/* neither a command's nor the check's names mean anything inside JSON */
		{ STR("{\"type\":\"slash_command\",\"command\":\"/x\"}"),
			{ .kind = SLACK_UNKNOWN_KIND, .type = STR("slash_command") } },
		{ STR("{\"type\":\"ssl_check\"}"),
			{ .kind = SLACK_UNKNOWN_KIND, .type = STR("ssl_check") } },
		{ STR("{\"type\":\"legacy\"}"), { .kind = SLACK_UNKNOWN_KIND, .type = STR("legacy") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(JSON, cases[i].json), OK);
		expect_request(&cases[i].want);
		context("case %zu, as a payload", i);
		expect_int(read(FORM, payload_form(cases[i].json)), OK);
		expect_request(&cases[i].want);
	}
}

TEST(slack_request_refusals)
{
	static const struct {
		struct str content_type, body, message;
	} cases[] = {
		{ STR("application/x-www-form-urlencoded"), STR("text=%"),
			STR("the body is not a valid form: a '%' without two hex digits") },
		{ STR("application/x-www-form-urlencoded"), STR("command=/x&unknown=%4"),
			STR("the body is not a valid form: a '%' without two hex digits") },
		{ STR("application/x-www-form-urlencoded"), STR("%zz=1"),
			STR("the body is not a valid form: a '%' without two hex digits") },
		{ STR("application/x-www-form-urlencoded"), STR("payload"),
			STR("the form field payload is not valid JSON at byte 0") },
		{ STR("application/x-www-form-urlencoded"), STR("command=/x&payload="),
			STR("the form field payload is not valid JSON at byte 0") },
		{ STR("application/x-www-form-urlencoded"), STR("payload={"),
			STR("the form field payload is not valid JSON at byte 1") },
		{ STR("application/x-www-form-urlencoded"), STR("payload=%22%FF%22"),
			STR("the form field payload is not valid JSON at byte 1") },
		{ STR("application/x-www-form-urlencoded"), STR("payload=[]"),
			STR("the form field payload is not a JSON object") },
		{ STR("application/json"), STR("{"), STR("the body is not valid JSON at byte 1") },
		{ STR(""), STR("{\"type\":\"shortcut\"}x"), STR("the body is not valid JSON at byte 19") },
		{ STR("application/json"), STR("[{}]"), STR("the body is not a JSON object") },
		{ STR("application/json"), STR("\xef\xbb\xbf{}"),
			STR("the content type is not application/x-www-form-urlencoded, although the body is a "
				"form") },
		{ STR("application/json"), STR("null"),
			STR("the content type is not application/x-www-form-urlencoded, although the body is a "
				"form") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].content_type, cases[i].body), E_SYNTAX);
		expect_str(fault_text(&fault), cases[i].message);
	}
}

/* However little memory there is: all of the request or none of it. */
TEST(slack_request_without_memory)
{
	const struct {
		struct str content_type, body;
	} cases[] = {
		{ FORM, vector("command_enterprise.form") },
		{ FORM, payload_form(vector("message_action.json")) },
		{ JSON, vector("block_actions_message.json") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		enum err e = E_LIMIT;
		for (size_t cap = 0; e != OK && cap < sizeof(memory); cap++) {
			struct arena a = { memory, 0, cap };
			e = slack_request_read(&request, cases[i].content_type, cases[i].body, &a, &fault);
			context("case %zu, %zu bytes", i, cap);
			expect(e == OK ||
				(e == E_LIMIT && fault.code == E_LIMIT &&
					str_ends(fault_text(&fault), S(" is too large"))));
		}
		expect_int(e, OK);
		expect(str_starts(request.response_url, S("https://hooks.slack.com/")) &&
			str_eq(request.team_id, S("T0HARBOUR")));
	}
}

TEST(slack_request_kind_names)
{
	for (int kind = 0; kind < SLACK_KINDS; kind++)
		for (int other = 0; other < kind; other++) {
			context("%d and %d", kind, other);
			expect(!str_eq(
				slack_kind_name((enum slack_kind)kind), slack_kind_name((enum slack_kind)other)));
		}
	expect_str(slack_kind_name(SLACK_UNKNOWN_KIND), S("unknown"));
	expect_str(slack_kind_name(SLACK_COMMAND), S("slash_command"));
	expect_str(slack_kind_name(SLACK_LEGACY), S("legacy"));
	expect_str(slack_kind_name(SLACK_EVENT), S("event_callback"));
}
