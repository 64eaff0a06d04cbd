#include "check.h"
#include "codec/json_read.h"
#include "gateway/reply.h"

static char memory[1 << 16];
static struct arena arena = { memory, 0, sizeof(memory) };
static const struct target target = { STR("eu-west-1"), STR("deploy:live"),
	STR("eu-west-1/deploy:live") };
static const struct config standard = { .ack_type = STR("ephemeral") };

#define JSON_TYPE STR("application/json")
#define TEXT_TYPE STR("text/plain; charset=utf-8")

static void expect_reply(struct reply got, struct reply want)
{
	expect_int(got.status, want.status);
	expect_str(got.content_type, want.content_type);
	expect_str(got.body, want.body);
	expect_str(got.allow, want.allow);
	expect_int(got.no_retry, want.no_retry);
}

static struct reply answer_to(const struct config *c, const struct route *route,
	const struct slack_request *slack, const struct outcome *outcome, struct arena *a)
{
	struct reply r;
	reply_to(&r, c, route, slack, &target, outcome, a);
	return r;
}

static struct reply answer_to_bad_path(
	const struct slack_request *slack, struct str shown, struct arena *a)
{
	struct reply r;
	reply_to_bad_path(&r, slack, shown, a);
	return r;
}

static struct reply error(int status, struct str text, struct arena *a)
{
	struct reply r;
	reply_error(&r, status, text, a);
	return r;
}

static struct reply reply(const struct config *c, enum slack_kind kind, struct outcome outcome)
{
	struct slack_request slack = { .kind = kind };
	arena_reset(&arena);
	outcome.reason = guard_copy(outcome.reason);
	return answer_to(c, NULL, &slack, &outcome, &arena);
}

#define EPHEMERAL(text) STR("{\"response_type\":\"ephemeral\",\"text\":\"" text "\"}")
#define NAME "Lambda function deploy:live@eu-west-1"

TEST(reply_to_commands)
{
	static const struct {
		struct outcome outcome;
		struct str body;
	} cases[] = {
		{ { .fate = FATE_STARTED, .request_id = STR("1-2") },
			EPHEMERAL(NAME " has been started...") },
		{ { .fate = FATE_PENDING }, EPHEMERAL(NAME " is still being started...") },
		{ { .fate = FATE_ANNOUNCED }, EPHEMERAL(NAME " is being started...") },
		{ { .fate = FATE_NOT_STARTED, .reason = STR("AccessDeniedException: no") },
			EPHEMERAL(NAME " could not be started: AccessDeniedException: no") },
		{ { .fate = FATE_NOT_STARTED, .reason = STR("no"), .permanent = true },
			EPHEMERAL(NAME " could not be started: no") },
		{ { .fate = FATE_UNKNOWN, .reason = STR("no answer") },
			EPHEMERAL(NAME " may or may not have been started: no answer") },
		{ { .fate = FATE_NOT_STARTED,
			  .reason = STR("<!channel> & \"x\"\n<@U1|>\xf0\x9f\x9a\xa2\xff") },
			EPHEMERAL(NAME " could not be started: &lt;!channel&gt; &amp; "
						   "\\\"x\\\"\\n&lt;@U1|&gt;\xf0\x9f\x9a\xa2\xef\xbf\xbd") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_reply(reply(&standard, SLACK_COMMAND, cases[i].outcome),
			(struct reply){ .status = 200, .content_type = JSON_TYPE, .body = cases[i].body });
	}
}

/* Kinds that have no place for a message, with each fate. */
TEST(reply_to_other_kinds)
{
	static const enum slack_kind quiet_kinds[] = {
		SLACK_BLOCK_ACTIONS,
		SLACK_SHORTCUT,
		SLACK_MESSAGE_ACTION,
		SLACK_VIEW_SUBMISSION,
		SLACK_VIEW_CLOSED,
		SLACK_LEGACY,
		SLACK_UNKNOWN_KIND,
	};
	static const struct {
		struct outcome outcome;
		struct reply quiet, event;
	} cases[] = {
		{ { .fate = FATE_STARTED }, { .status = 200 }, { .status = 200 } },
		{ { .fate = FATE_ANNOUNCED }, { .status = 200 },
			{ .status = 503,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " is being started...") } },
		{ { .fate = FATE_PENDING }, { .status = 200 },
			{ .status = 503,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " is still being started...") } },
		{ { .fate = FATE_NOT_STARTED, .reason = STR("<a> & b") },
			{ .status = 500,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " could not be started: &lt;a&gt; &amp; b") },
			{ .status = 503,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " could not be started: &lt;a&gt; &amp; b") } },
		{ { .fate = FATE_NOT_STARTED, .reason = STR("no such function"), .permanent = true },
			{ .status = 500,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " could not be started: no such function") },
			{ .status = 403,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " could not be started: no such function"),
				.no_retry = true } },
		{ { .fate = FATE_UNKNOWN, .reason = STR("no answer") },
			{ .status = 500,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " may or may not have been started: no answer") },
			{ .status = 503,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " may or may not have been started: no answer") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		for (size_t j = 0; j < countof(quiet_kinds); j++) {
			context("case %zu, kind %zu", i, j);
			expect_reply(reply(&standard, quiet_kinds[j], cases[i].outcome), cases[i].quiet);
		}
		context("case %zu, an event", i);
		expect_reply(reply(&standard, SLACK_EVENT, cases[i].outcome), cases[i].event);
		context("case %zu, a block_suggestion", i);
		expect_reply(reply(&standard, SLACK_BLOCK_SUGGESTION, cases[i].outcome),
			(struct reply){
				.status = 200, .content_type = JSON_TYPE, .body = STR("{\"options\":[]}") });
	}
}

/* The operator's choice is for acknowledgements; a failure goes to the one who asked. */
TEST(reply_in_channel)
{
	static const struct config c = { .ack_type = STR("in_channel") };
	static const bool in_channel[] = {
		[FATE_STARTED] = true,
		[FATE_PENDING] = true,
		[FATE_ANNOUNCED] = true,
		[FATE_NOT_STARTED] = false,
		[FATE_UNKNOWN] = false,
	};
	for (size_t fate = 0; fate < countof(in_channel); fate++) {
		struct reply r = reply(
			&c, SLACK_COMMAND, (struct outcome){ .fate = (enum fate)fate, .reason = S("no") });
		context("fate %zu", fate);
		expect(str_starts(r.body,
			in_channel[fate] ? S("{\"response_type\":\"in_channel\",\"text\":\"Lambda")
							 : S("{\"response_type\":\"ephemeral\",\"text\":\"Lambda")));
	}
	arena_reset(&arena);
	struct slack_request slack = { .kind = SLACK_COMMAND };
	expect(str_starts(
		answer_to_bad_path(&slack, S("x"), &arena).body, S("{\"response_type\":\"ephemeral\",")));
}

TEST(reply_with_ack_text)
{
	static const struct slack_request slack = {
		.kind = SLACK_COMMAND,
		.command = STR("/de<ploy"),
		.text = STR("<!here> & \"co\""),
		.user_name = STR("lo>tte"),
	};
	static const struct {
		struct str template;
		enum fate fate;
		struct reply want;
	} cases[] = {
		{ STR("ok"), FATE_STARTED,
			{ .status = 200, .content_type = JSON_TYPE, .body = EPHEMERAL("ok") } },
		{ STR("{user_name}: {command} {text} on {function} in {region} as {request_id} {} {"),
			FATE_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL("lo&gt;tte: /de&lt;ploy &lt;!here&gt; &amp; \\\"co\\\" on "
								  "deploy:live in eu-west-1 as 1-2 {} {") } },
		{ STR("<@U1> & {text}"), FATE_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL("<@U1> & &lt;!here&gt; &amp; \\\"co\\\"") } },
		{ STR("ok"), FATE_ANNOUNCED,
			{ .status = 200, .content_type = JSON_TYPE, .body = EPHEMERAL("ok") } },
		{ STR("ok"), FATE_PENDING,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " is still being started...") } },
		{ STR("ok"), FATE_NOT_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " could not be started: no") } },
		{ STR("ok"), FATE_UNKNOWN,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " may or may not have been started: no") } },
		{ STR(""), FATE_STARTED, { .status = 200 } },
		{ STR(""), FATE_ANNOUNCED, { .status = 200 } },
		{ STR(""), FATE_NOT_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " could not be started: no") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct config c = { .ack_type = S("ephemeral"), .ack_text = guard_copy(cases[i].template) };
		struct outcome outcome = {
			.fate = cases[i].fate, .reason = S("no"), .request_id = S("1-2")
		};
		context("case %zu", i);
		arena_reset(&arena);
		expect_reply(answer_to(&c, NULL, &slack, &outcome, &arena), cases[i].want);
	}
}

TEST(reply_to_a_bad_path)
{
	static const struct {
		enum slack_kind kind;
		struct reply want;
	} cases[] = {
#define INVALID(path) "Invalid resource [" path "]. Expecting format [region/function-name]"
		{ SLACK_COMMAND,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(INVALID("&lt;!channel&gt;&amp;\\\"\\u0000")) } },
		{ SLACK_SHORTCUT,
			{ .status = 500,
				.content_type = TEXT_TYPE,
				.body = STR(INVALID("&lt;!channel&gt;&amp;\"\0")) } },
		{ SLACK_UNKNOWN_KIND, { .status = 200 } },
		{ SLACK_EVENT,
			{ .status = 404,
				.content_type = TEXT_TYPE,
				.body = STR(INVALID("&lt;!channel&gt;&amp;\"\0")),
				.no_retry = true } },
		{ SLACK_BLOCK_SUGGESTION,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"options\":[]}") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct slack_request slack = { .kind = cases[i].kind };
		context("case %zu", i);
		arena_reset(&arena);
		expect_reply(
			answer_to_bad_path(&slack, guard_copy(S("<!channel>&\"\0")), &arena), cases[i].want);
	}
}

/* Characters are counted, not bytes, and before anything is escaped. */
TEST(reply_cuts_the_path)
{
	static const struct {
		struct str unit, shown;
	} cases[] = {
		{ STR("a"), STR("a") },
		{ STR("\xc3\xa4"), STR("\xc3\xa4") },
		{ STR("\xf0\x9f\x9a\xa2"), STR("\xf0\x9f\x9a\xa2") },
		{ STR("&"), STR("&amp;") },
		{ STR("\xff"), STR("\xef\xbf\xbd") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		for (int n = 199; n <= 202; n++) {
			char path[1024], text[2048];
			struct buf b = BUF(path), want = BUF(text);
			struct slack_request slack = { .kind = SLACK_COMMAND };
			buf_put(&want, S("{\"response_type\":\"ephemeral\",\"text\":\"Invalid resource ["));
			for (int j = 0; j < n; j++) {
				buf_put(&b, cases[i].unit);
				buf_put(&want, j < 200 ? cases[i].shown : S(""));
			}
			buf_put(&want, S("]. Expecting format [region/function-name]\"}"));
			context("case %zu, %d characters", i, n);
			arena_reset(&arena);
			expect_str(
				answer_to_bad_path(&slack, guard_copy(buf_str(&b)), &arena).body, buf_str(&want));
		}
	}
}

TEST(reply_late_messages)
{
	static const struct {
		struct outcome outcome;
		struct str want;
	} cases[] = {
		{ { .fate = FATE_NOT_STARTED, .reason = STR("<no> \"x\"") },
			STR("{\"response_type\":\"ephemeral\",\"text\":\"" NAME
				" could not be started: &lt;no&gt; \\\"x\\\"\",\"replace_original\":false}") },
		{ { .fate = FATE_UNKNOWN, .reason = STR("no answer") },
			STR("{\"response_type\":\"ephemeral\",\"text\":\"" NAME
				" may or may not have been started: no answer\",\"replace_original\":false}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		arena_reset(&arena);
		expect_str(reply_late(&target, &cases[i].outcome, &arena), cases[i].want);
	}
}

TEST(reply_errors)
{
	arena_reset(&arena);
	expect_reply(error(401, S("say \"x\""), &arena),
		(struct reply){ .status = 401,
			.content_type = JSON_TYPE,
			.body = STR("{\"error\":\"say \\\"x\\\"\"}") });
}

TEST(reply_with_a_route)
{
	static const struct config c = { .ack_type = STR("ephemeral"),
		.ack_text = STR("from the configuration") };
	static const struct route with_text = { .ack_text = STR("{command}"),
		.ack_type = STR("in_channel") };
	static const struct route with_message = { .ack_message = STR("{\"blocks\":[]}") };
	static const struct route silent = { .ack_text = { "", 0 } };
	static const struct route plain = { 0 };
	static const struct {
		const struct route *route;
		enum slack_kind kind;
		enum fate fate;
		struct reply want;
	} cases[] = {
		{ &plain, SLACK_COMMAND, FATE_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL("from the configuration") } },
		{ &with_text, SLACK_COMMAND, FATE_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = STR("{\"response_type\":\"in_channel\",\"text\":\"/x\"}") } },
		{ &with_text, SLACK_COMMAND, FATE_NOT_STARTED,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " could not be started: no") } },
		{ &with_text, SLACK_COMMAND, FATE_FAILED,
			{ .status = 200, .content_type = JSON_TYPE, .body = EPHEMERAL(NAME " failed: no") } },
		{ &with_text, SLACK_SHORTCUT, FATE_STARTED, { .status = 200 } },
		{ &silent, SLACK_COMMAND, FATE_STARTED, { .status = 200 } },
		{ &with_message, SLACK_COMMAND, FATE_STARTED,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"blocks\":[]}") } },
		{ &with_message, SLACK_COMMAND, FATE_ANNOUNCED,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"blocks\":[]}") } },
		{ &with_message, SLACK_VIEW_SUBMISSION, FATE_STARTED,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"blocks\":[]}") } },
		{ &with_message, SLACK_EVENT, FATE_STARTED, { .status = 200 } },
		/* what is not settled yet is acknowledged like what is, but for a command, which can say it
		 */
		{ &with_message, SLACK_VIEW_SUBMISSION, FATE_PENDING,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"blocks\":[]}") } },
		{ &with_message, SLACK_COMMAND, FATE_PENDING,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " is still being started...") } },
		{ &with_message, SLACK_EVENT, FATE_PENDING,
			{ .status = 503,
				.content_type = TEXT_TYPE,
				.body = STR(NAME " is still being started...") } },
		{ &with_message, SLACK_COMMAND, FATE_UNKNOWN,
			{ .status = 200,
				.content_type = JSON_TYPE,
				.body = EPHEMERAL(NAME " may or may not have been started: no") } },
		{ &with_message, SLACK_BLOCK_SUGGESTION, FATE_STARTED,
			{ .status = 200, .content_type = JSON_TYPE, .body = STR("{\"options\":[]}") } },
		{ &plain, SLACK_SHORTCUT, FATE_FAILED,
			{ .status = 500, .content_type = TEXT_TYPE, .body = STR(NAME " failed: no") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct slack_request slack = { .kind = cases[i].kind, .command = S("/x") };
		struct outcome outcome = { .fate = cases[i].fate, .reason = S("no") };
		context("case %zu", i);
		arena_reset(&arena);
		expect_reply(answer_to(&c, cases[i].route, &slack, &outcome, &arena), cases[i].want);
	}
}

static void expect_json(struct str text)
{
	struct json v;
	size_t position;
	expect_int(json_check(&v, &position, text), OK);
}

/* However little memory there is, what claims to be JSON is JSON, and a command is answered. */
TEST(reply_without_memory)
{
	struct slack_request slack = { .kind = SLACK_COMMAND, .text = S("hello") };
	struct outcome outcome = { .fate = FATE_NOT_STARTED,
		.reason = S("a reason of some length, \"quoted\"") };
	struct config with_text = { .ack_type = S("in_channel"), .ack_text = S("{text}{text}{text}") };
	struct outcome started = { .fate = FATE_STARTED };
	for (size_t cap = 0; cap < 512; cap++) {
		struct arena a = { memory, 0, cap };
		context("%zu bytes", cap);
		expect_json(answer_to(&standard, NULL, &slack, &outcome, &a).body);
		arena_reset(&a);
		expect_json(answer_to(&with_text, NULL, &slack, &started, &a).body);
		arena_reset(&a);
		expect_json(answer_to_bad_path(&slack, S("a/b/c\"\xff"), &a).body);
		arena_reset(&a);
		expect_json(error(413, S("the body is larger than 1048576 bytes"), &a).body);
		arena_reset(&a);
		struct str late = reply_late(&target, &outcome, &a);
		if (late.n)
			expect_json(late);
	}
}
