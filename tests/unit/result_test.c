#include "check.h"
#include "codec/json_read.h"
#include "gateway/result.h"

static char memory[1 << 20];
static struct result result;

static enum err read_result(
	const struct function_result *returned, enum slack_kind kind, bool in_time, bool has_url)
{
	struct arena a = { memory, 0, sizeof(memory) };
	const struct result_use use = {
		.kind = kind,
		.in_time = in_time,
		.has_url = has_url,
		.function = { S("eu-west-1"), S("my-fn"), S("eu-west-1/my-fn") },
	};
	return result_read(&result, returned, &use, &a);
}

static void read_json(struct str json, enum slack_kind kind, bool in_time)
{
	struct json v;
	size_t position;
	expect_int(
		read_result(&(struct function_result){ .json = guard_copy(json) }, kind, in_time, true),
		OK);
	if (result.message.n)
		expect_int(json_check(&v, &position, result.message), OK);
}

#define NOT_REPLACED ",\"replace_original\":false}"
#define FAILED(why)                                                                                \
	"{\"response_type\":\"ephemeral\",\"text\":\"Lambda function my-fn@eu-west-1 failed: " why     \
	"\",\"replace_original\":false}"

/* What goes through a response_url, by the table of what a function may return. */
TEST(result_messages)
{
	static const struct {
		enum slack_kind kind;
		struct str json, message;
		bool failed;
	} cases[] = {
#define C SLACK_COMMAND
#define V SLACK_VIEW_SUBMISSION
		{ C, STR("null"), STR(""), false },
		{ C, STR("{}"), STR(""), false },
		{ C, STR(" { } "), STR(""), false },
		{ C, STR("\"\""), STR(""), false },
		{ C, STR("\"done <#C1>\""), STR("{\"text\":\"done <#C1>\"" NOT_REPLACED), false },
		{ C, STR("\"gr\\u00fc\\ud83d\\ude00\\n\\u0000\""),
			STR("{\"text\":\"gr\xc3\xbc\xf0\x9f\x98\x80\\n\\u0000\"" NOT_REPLACED), false },
		{ C, STR("4.20"), STR("{\"text\":\"4.20\"" NOT_REPLACED), false },
		{ C, STR("true"), STR("{\"text\":\"true\"" NOT_REPLACED), false },
		{ C, STR("false"), STR("{\"text\":\"false\"" NOT_REPLACED), false },
		/* what looks like JSON in a string is a text all the same */
		{ C, STR("\"{\\\"text\\\":\\\"x\\\"}\""),
			STR("{\"text\":\"{\\\"text\\\":\\\"x\\\"}\"" NOT_REPLACED), false },
		{ C, STR("{ \"text\" : \"x\", \"response_type\":\"in_channel\" }"),
			STR("{\"text\" : \"x\", \"response_type\":\"in_channel\"" NOT_REPLACED), false },
		{ C, STR("{\"blocks\":[]}"), STR("{\"blocks\":[]" NOT_REPLACED), false },
		{ C, STR("{\"attachments\":[]}"), STR("{\"attachments\":[]" NOT_REPLACED), false },
		{ C, STR("{\"delete_original\":true}"), STR("{\"delete_original\":true}"), false },
		{ C, STR("{\"text\":\"x\",\"replace_original\":true}"),
			STR("{\"text\":\"x\",\"replace_original\":true}"), false },
		/* any other JSON */
		{ C, STR("[1, \"a\"]"), STR("{\"text\":\"```[1, \\\"a\\\"]```\"" NOT_REPLACED), false },
		{ C, STR("{\"ok\":true}"), STR("{\"text\":\"```{\\\"ok\\\":true}```\"" NOT_REPLACED),
			false },
		{ C, STR("{\"response_type\":\"in_channel\"}"),
			STR("{\"text\":\"```{\\\"response_type\\\":\\\"in_channel\\\"}```\"" NOT_REPLACED),
			false },
		{ C, STR("{\"response_action\":\"clear\"}"),
			STR("{\"text\":\"```{\\\"response_action\\\":\\\"clear\\\"}```\"" NOT_REPLACED),
			false },
		{ C, STR("[\"<!here>&\"]"),
			STR("{\"text\":\"```[\\\"&lt;!here&gt;&amp;\\\"]```\"" NOT_REPLACED), false },
		{ C, STR("[\"```\", \"`````\"]"),
			STR("{\"text\":\"```[\\\"``\xe2\x80\x8b`\\\", "
				"\\\"``\xe2\x80\x8b``\xe2\x80\x8b`\\\"]```\"" NOT_REPLACED),
			false },
		{ C, STR("{\"statusCode\":\"abc\"}"),
			STR("{\"text\":\"```{\\\"statusCode\\\":\\\"abc\\\"}```\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":99}"),
			STR("{\"text\":\"```{\\\"statusCode\\\":99}```\"" NOT_REPLACED), false },
		/* of a function that was written for an HTTP front door */
		{ C, STR("{\"statusCode\":200,\"body\":\"done\"}"), STR("{\"text\":\"done\"" NOT_REPLACED),
			false },
		{ C, STR("{\"statusCode\":\"200\",\"headers\":{},\"body\":\"done\"}"),
			STR("{\"text\":\"done\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"{\\\"text\\\": \\\"\\u00fc\\\"}\"}"),
			STR("{\"text\": \"\xc3\xbc\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":{\"blocks\":[]}}"),
			STR("{\"blocks\":[]" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"\\\"Hello from Lambda!\\\"\"}"),
			STR("{\"text\":\"Hello from Lambda!\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"[1]\"}"), STR("{\"text\":\"[1]\"" NOT_REPLACED),
			false },
		{ C, STR("{\"statusCode\":200,\"body\":\"{oops\"}"),
			STR("{\"text\":\"{oops\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"{\\\"ok\\\":1}\"}"),
			STR("{\"text\":\"```{\\\"ok\\\":1}```\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"\"}"), STR(""), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"null\"}"), STR(""), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"{}\"}"), STR(""), false },
		{ C, STR("{\"statusCode\":200,\"body\":null}"), STR(""), false },
		{ C, STR("{\"statusCode\":204}"), STR(""), false },
		{ C, STR("{\"statusCode\":200,\"body\":5}"), STR("{\"text\":\"5\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"aGVsbG8=\",\"isBase64Encoded\":true}"),
			STR("{\"text\":\"hello\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"eyJ0ZXh0IjoieCJ9\",\"isBase64Encoded\":true}"),
			STR("{\"text\":\"x\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":200,\"body\":\"/w==\",\"isBase64Encoded\":true}"),
			STR("{\"text\":\"(The function returned data that is not text.)\"" NOT_REPLACED),
			false },
		{ C, STR("{\"statusCode\":200,\"body\":{\"statusCode\":200,\"body\":\"x\"}}"),
			STR("{\"text\":\"x\"" NOT_REPLACED), false },
		{ C, STR("{\"statusCode\":302,\"body\":\"x\"}"), STR("{\"text\":\"x\"" NOT_REPLACED),
			false },
		/* failures that only the status tells */
		{ C, STR("{\"statusCode\":500,\"body\":\"oops <x>\"}"), STR(FAILED("oops &lt;x&gt;")),
			true },
		{ C, STR("{\"statusCode\":\"404\",\"body\":{\"message\":\"no\"}}"),
			STR(FAILED("{\\\"message\\\":\\\"no\\\"}")), true },
		{ C, STR("{\"statusCode\":400,\"body\":\"{\\\"text\\\":\\\"no\\\"}\"}"), STR(FAILED("no")),
			true },
		{ C, STR("{\"statusCode\":500}"),
			STR(FAILED("it answered with the status 500 Internal Server Error")), true },
		{ C, STR("{\"statusCode\":418,\"body\":\"\"}"),
			STR(FAILED("it answered with the status 418 I'm a Teapot")), true },
		{ C, STR("{\"statusCode\":200,\"body\":\"%\",\"isBase64Encoded\":true}"),
			STR(FAILED(
				"what it returned cannot be used: its body is not valid base64")),
			true },
		{ C, STR("{oops"), STR(FAILED("what it returned cannot be used: it is not JSON")), true },
		/* modals, too late for an answer */
		{ V, STR("\"\""), STR(""), false },
		{ V, STR("\"saved\""), STR("{\"text\":\"saved\"" NOT_REPLACED), false },
		{ V, STR("{\"text\":\"saved\"}"), STR("{\"text\":\"saved\"" NOT_REPLACED), false },
		{ V,
			STR("{\"response_action\":\"errors\",\"errors\":{\"a\":\"too <short>\",\"b\":\"no "
				"\\u00fc\",\"c\":1}}"),
			STR("{\"text\":\"The form had closed, but what you entered was not "
				"accepted:\\n\xe2\x80\xa2 too &lt;short&gt;\\n\xe2\x80\xa2 no "
				"\xc3\xbc\"" NOT_REPLACED),
			false },
		{ V,
			STR("\"{\\\"response_action\\\":\\\"errors\\\",\\\"errors\\\":{\\\"a\\\":\\\"no\\\"}}"
				"\""),
			STR("{\"text\":\"The form had closed, but what you entered was not "
				"accepted:\\n\xe2\x80\xa2 no\"" NOT_REPLACED),
			false },
		{ SLACK_BLOCK_ACTIONS, STR("{\"text\":\"x\"}"), STR("{\"text\":\"x\"" NOT_REPLACED),
			false },
		{ SLACK_UNKNOWN_KIND, STR("\"x\""), STR("{\"text\":\"x\"" NOT_REPLACED), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu: %s", i, cases[i].json.p);
		read_json(cases[i].json, cases[i].kind, false);
		expect_str(result.message, cases[i].message);
		expect_int(result.failed, cases[i].failed);
		expect_int(result.reply.status, 0);
		expect_str(result.unseen, S(""));
	}
	expect_int(read_result(&(struct function_result){ .text = S("a line\nand \"another\" \xff") },
				   C, false, true),
		OK);
	expect_str(
		result.message, S("{\"text\":\"a line\\nand \\\"another\\\" \xef\xbf\xbd\"" NOT_REPLACED));
	expect_int(read_result(&(struct function_result){ 0 }, C, false, true), OK);
	expect_str(result.message, S(""));
	expect_int(read_result(&(struct function_result){ .failed = true,
							   .json = S("\"x\""),
							   .reason = S("TypeError: <!channel> & co") },
				   C, false, true),
		OK);
	expect_str(result.message, S(FAILED("TypeError: &lt;!channel&gt; &amp; co")));
}

/* What nobody sees is told, for the log. */
TEST(result_unseen)
{
	static const struct {
		enum slack_kind kind;
		bool has_url;
		struct str json, unseen;
	} cases[] = {
		{ V, true, STR("{\"response_action\":\"update\",\"view\":{}}"),
			STR("the modal had closed when its function answered") },
		{ V, false, STR("{\"response_action\":\"errors\",\"errors\":{\"a\":\"no\"}}"),
			STR("the modal had closed, and there is no response_url") },
		{ V, false, STR("\"saved\""), STR("the modal had closed, and there is no response_url") },
		{ V, false, STR("null"), STR("") },
		{ C, false, STR("\"x\""), STR("the request has no response_url") },
		{ SLACK_EVENT, false, STR("{\"ok\":true}"), STR("") },
		{ SLACK_BLOCK_SUGGESTION, true, STR("{\"options\":[]}"),
			STR("the options came too late to be shown") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_result(&(struct function_result){ .json = cases[i].json }, cases[i].kind,
					   false, cases[i].has_url),
			OK);
		expect_str(result.unseen, cases[i].unseen);
		expect_str(result.message, S(""));
	}
}

/* What Slack is answered while it waits. */
TEST(result_in_time)
{
	static const struct {
		enum slack_kind kind;
		struct str json;
		int status;
		struct str type, body, message;
		bool failed;
	} cases[] = {
#define JSON STR("application/json")
#define NONE STR("")
#define S_ SLACK_BLOCK_SUGGESTION
#define B SLACK_BLOCK_ACTIONS
		{ C, STR("{\"text\":\"a\"}"), 200, JSON, STR("{\"text\":\"a\"}"), NONE, false },
		{ C, STR(" { \"text\" : \"\\u00fc\" }\n"), 200, JSON, STR("{ \"text\" : \"\\u00fc\" }"),
			NONE, false },
		{ C, STR("{\"response_type\":\"in_channel\"}"), 200, JSON,
			STR("{\"response_type\":\"in_channel\"}"), NONE, false },
		{ C, STR("\"hello\""), 200, JSON, STR("{\"text\":\"hello\"}"), NONE, false },
		{ C, STR("5"), 200, JSON, STR("{\"text\":\"5\"}"), NONE, false },
		{ C, STR("[1,null]"), 200, JSON, STR("{\"text\":\"```[1,null]```\"}"), NONE, false },
		{ C, STR("null"), 200, NONE, NONE, NONE, false },
		{ C, STR("{}"), 200, NONE, NONE, NONE, false },
		{ C, STR("\"\""), 200, NONE, NONE, NONE, false },
		{ C, STR("{\"statusCode\":200}"), 200, JSON, NONE, NONE, false },
		{ C, STR("{\"statusCode\":\"201\",\"body\":\"{\\\"a\\\":1}\"}"), 201, JSON,
			STR("{\"a\":1}"), NONE, false },
		{ C, STR("{\"statusCode\":200,\"body\":{\"a\":1}}"), 200, JSON, STR("{\"a\":1}"), NONE,
			false },
		{ C,
			STR("{\"statusCode\":200,\"headers\":{\"CONTENT-type\":\"text/"
				"plain\"},\"body\":\"no\"}"),
			200, STR("text/plain"), STR("no"), NONE, false },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":5},\"body\":\"a\"}"), 200, JSON,
			STR("a"), NONE, false },
		{ C, STR("{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"aGVsbG8=\"}"), 200, JSON,
			STR("hello"), NONE, false },
		{ C, STR("{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"%\"}"), 0, NONE, NONE,
			NONE, true },
		{ C, STR("{\"statusCode\":422,\"body\":\"no\"}"), 422, JSON, STR("no"), NONE, true },
		{ C, STR("{\"statusCode\":599}"), 599, JSON, NONE, NONE, true },
		{ C, STR("{\"statusCode\":199}"), 0, NONE, NONE, NONE, true },
		{ C, STR("{\"statusCode\":600}"), 200, JSON,
			STR("{\"text\":\"```{\\\"statusCode\\\":600}```\"}"), NONE, false },
		/* a body where there must be none would be taken for the next response */
		{ C, STR("{\"statusCode\":204,\"body\":\"HTTP/1.1 200 OK\"}"), 204, JSON, NONE, NONE,
			false },
		{ C, STR("{\"statusCode\":304,\"body\":\"HTTP/1.1 200 OK\"}"), 304, JSON, NONE, NONE,
			false },
		/* a listener writes headers into its response's head */
		{ C, STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":\"a/b\\r\\nX-Evil: 1\"}}"), 0,
			NONE, NONE, NONE, true },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"X\":\"a\\u0000\"}}"), 0, NONE, NONE, NONE,
			true },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"X\":\"a\\u007f\"}}"), 0, NONE, NONE, NONE,
			true },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"X Y\":\"a\"}}"), 0, NONE, NONE, NONE, true },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"X:\":\"a\"}}"), 0, NONE, NONE, NONE, true },
		{ C, STR("{\"statusCode\":200,\"headers\":{\"\":\"a\"}}"), 0, NONE, NONE, NONE, true },
		/* modals */
		{ V, STR("{\"response_action\":\"clear\"}"), 200, JSON,
			STR("{\"response_action\":\"clear\"}"), NONE, false },
		{ V, STR("\"{\\\"response_action\\\":\\\"clear\\\"}\""), 200, JSON,
			STR("{\"response_action\":\"clear\"}"), NONE, false },
		{ V, STR("{\"statusCode\":200,\"body\":\"{\\\"response_action\\\":\\\"clear\\\"}\"}"), 200,
			JSON, STR("{\"response_action\":\"clear\"}"), NONE, false },
		{ V, STR("null"), 200, NONE, NONE, NONE, false },
		{ V, STR("{}"), 200, NONE, NONE, NONE, false },
		{ V, STR("\"saved\""), 200, NONE, NONE, STR("{\"text\":\"saved\"" NOT_REPLACED), false },
		{ V, STR("{\"x\":1}"), 200, JSON, STR("{\"x\":1}"), NONE, false },
		/* options */
		{ S_, STR("{\"options\":[]}"), 200, JSON, STR("{\"options\":[]}"), NONE, false },
		{ S_, STR("{\"option_groups\":[]}"), 200, JSON, STR("{\"option_groups\":[]}"), NONE,
			false },
		{ S_, STR("\"{\\\"options\\\":[1]}\""), 200, JSON, STR("{\"options\":[1]}"), NONE, false },
		{ S_, STR("null"), 200, JSON, STR("{\"options\":[]}"), NONE, false },
		{ S_, STR("\"x\""), 200, JSON, STR("{\"options\":[]}"), NONE, false },
		/* buttons and their like */
		{ B, STR("{\"text\":\"x\"}"), 200, NONE, NONE, STR("{\"text\":\"x\"" NOT_REPLACED), false },
		{ B, STR("{\"text\":\"x\",\"replace_original\":true}"), 200, NONE, NONE,
			STR("{\"text\":\"x\",\"replace_original\":true}"), false },
		{ B, STR("{\"statusCode\":200,\"body\":\"x\"}"), 200, NONE, NONE,
			STR("{\"text\":\"x\"" NOT_REPLACED), false },
		{ B, STR("{}"), 200, NONE, NONE, NONE, false },
		{ B, STR("{\"statusCode\":500,\"body\":\"x\"}"), 500, JSON, STR("x"), NONE, true },
		{ SLACK_MESSAGE_ACTION, STR("\"x\""), 200, NONE, NONE, STR("{\"text\":\"x\"" NOT_REPLACED),
			false },
		{ SLACK_SHORTCUT, STR("null"), 200, NONE, NONE, NONE, false },
		/* what is not known, or of old */
		{ SLACK_UNKNOWN_KIND, STR("{\"x\":1}"), 200, JSON, STR("{\"x\":1}"), NONE, false },
		{ SLACK_UNKNOWN_KIND, STR("\"x\""), 200, JSON, STR("\"x\""), NONE, false },
		{ SLACK_LEGACY, STR("{\"errors\":[]}"), 200, JSON, STR("{\"errors\":[]}"), NONE, false },
		{ SLACK_EVENT, STR("{\"ok\":true}"), 200, JSON, STR("{\"ok\":true}"), NONE, false },
		{ SLACK_EVENT, STR("null"), 200, NONE, NONE, NONE, false },
		{ SLACK_EVENT, STR("{\"statusCode\":500}"), 500, JSON, NONE, NONE, true },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu: %s", i, cases[i].json.p);
		read_json(cases[i].json, cases[i].kind, true);
		expect_int(result.failed, cases[i].failed);
		expect_int(result.reply.status, cases[i].status);
		expect_str(result.message, cases[i].message);
		if (!cases[i].status)
			continue;
		expect_str(result.reply.content_type, cases[i].type);
		expect_str(result.reply.body, cases[i].body);
	}
}

TEST(result_headers)
{
	read_json(S("{\"statusCode\":200,\"headers\":{\"X-One\":\"a\",\"content-length\":\"9\","
				"\"Date\":\"x\",\"TE\":\"x\",\"Connection\":\"close\","
				"\"Keep-Alive\":\"x\",\"Upgrade\":\"x\",\"Trailer\":\"x\",\"Transfer-Encoding\":"
				"\"chunked\",\"x-two\":2,\"x-three\":true,"
				"\"x-four\":null,\"x-five\":[\"a\"],\"Content-Type\":\"a/b\"},\"body\":\"x\"}"),
		C, true);
	expect_int(result.reply.headers_count, 3);
	expect_str(result.reply.headers[0].name, S("X-One"));
	expect_str(result.reply.headers[0].value, S("a"));
	expect_str(result.reply.headers[1].value, S("2"));
	expect_str(result.reply.headers[2].value, S("true"));
	expect_str(result.reply.content_type, S("a/b"));

	static char text[4096];
	for (int n = REPLY_HEADERS_MAX; n <= REPLY_HEADERS_MAX + 1; n++) {
		struct buf b = BUF(text);
		buf_put(&b, S("{\"statusCode\":200,\"headers\":{"));
		for (int i = 0; i < n; i++)
			buf_format(&b, "%s\"x-%d\":\"y\"", i ? S(",") : S(""), NUM(i));
		buf_put(&b, S("}}"));
		context("%d headers", n);
		read_json(buf_str(&b), C, true);
		expect_int(result.failed, n > REPLY_HEADERS_MAX);
	}
}

TEST(result_long_texts)
{
	static char text[6 * 41000 + 2];
	static const size_t lengths[] = { 3000, 3001, 4001, 39999, 40000, 40001, 41000 };
	for (int wide = 0; wide < 2; wide++) {
		for (size_t i = 0; i < countof(lengths); i++) {
			struct buf b = BUF(text);
			struct str note =
				S("\\n(cut off: Slack takes 40000 characters)\",\"replace_original\":false}");
			buf_put(&b, S("\""));
			for (size_t n = 0; n < lengths[i]; n++)
				buf_put(&b, wide ? S("\xf0\x9f\x98\x80") : S("x"));
			buf_put(&b, S("\""));
			read_json(buf_str(&b), C, false);
			struct str message = result.message;
			bool cut = lengths[i] > MESSAGE_TEXT_MAX;
			context("%zu characters, %s", lengths[i], wide ? "wide" : "plain");
			expect_int(str_ends(message, note), cut);
			size_t characters = 0;
			for (size_t j = 9; j < message.n - sizeof(NOT_REPLACED); j++)
				characters += ((unsigned char)message.p[j] & 0xc0) != 0x80;
			/* The line feed before the note takes two. */
			expect(cut ? characters > 39900 && characters <= MESSAGE_TEXT_MAX + 1
					   : characters == lengths[i]);
		}
	}
	struct buf b = BUF(text);
	buf_put(&b, S("[\""));
	for (int i = 0; i < 4000; i++)
		buf_put(&b, S("\xc3\xbc"));
	buf_put(&b, S("\"]"));
	read_json(buf_str(&b), C, false);
	expect(str_ends(result.message, S("\xc3\xbc\xe2\x80\xa6```\"" NOT_REPLACED)));
	expect_int(result.message.n,
		sizeof("{\"text\":\"```[\\\"\xe2\x80\xa6```\"" NOT_REPLACED) - 1 +
			(CODE_BLOCK_MAX - 2) * 2);
}

/* However little memory there is: what comes out is whole. */
TEST(result_without_memory)
{
	static const struct str results[] = {
		STR("\"d\\u00f6ne\""),
		STR("{\"statusCode\":200,\"headers\":{\"\\u0061\":\"b\"},\"body\":\"{\\\"text\\\":"
			"\\\"x\\\"}\"}"),
		STR("[\"a\"]"),
		STR("{\"statusCode\":500,\"body\":\"eA==\",\"isBase64Encoded\":true}"),
		STR("{\"text\":\"x\"}"),
		STR("{\"response_action\":\"errors\",\"errors\":{\"a\":\"\\u00fc\"}}"),
	};
	struct json v;
	size_t position;
	for (size_t i = 0; i < countof(results); i++) {
		for (size_t cap = 0; cap < 4096; cap += 8) {
			struct arena a = { memory, 0, cap };
			const struct result_use use = {
				.kind = i & 1 ? C : V, .in_time = cap % 16 == 0, .has_url = true
			};
			context("case %zu, %zu bytes", i, cap);
			enum err e =
				result_read(&result, &(struct function_result){ .json = results[i] }, &use, &a);
			expect(e == OK || e == E_LIMIT);
			expect(cap < 2048 || e == OK);
			expect(e != OK || !result.message.n || json_check(&v, &position, result.message) == OK);
		}
	}
}

TEST(result_failures)
{
	static char text[8192];
	static const struct {
		struct str json, want;
	} cases[] = {
		{ STR("{\"errorType\":\"E\",\"errorMessage\":\"m\"}"), STR("E: m") },
		{ STR("{\"errorType\":\"E\"}"), STR("E") },
		{ STR("{\"errorMessage\":\"m\"}"), STR("m") },
		{ STR("{\"errorType\":\"\",\"errorMessage\":\"\"}"), STR("otherwise") },
		{ STR("{\"errorType\":1,\"errorMessage\":[]}"), STR("otherwise") },
		{ STR("\"x\""), STR("otherwise") },
		{ STR("null"), STR("otherwise") },
		{ STR(""), STR("otherwise") },
		{ STR("{\"errorType\":"), STR("otherwise") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct arena a = { memory, 0, sizeof(memory) };
		context("case %zu", i);
		expect_str(result_failure(guard_copy(cases[i].json), S("otherwise"), &a), cases[i].want);
	}
	/* Long ones are cut between characters. */
	struct arena a = { memory, 0, sizeof(memory) };
	struct buf b = BUF(text);
	buf_put(&b, S("{\"errorType\":\""));
	for (int i = 0; i < 200; i++)
		buf_put(&b, S("\xc3\xbc"));
	buf_put(&b, S("\",\"errorMessage\":\""));
	for (int i = 0; i < 600; i++)
		buf_put(&b, S("\xf0\x9f\x98\x80"));
	buf_put(&b, S("\"}"));
	expect_int(result_failure(buf_str(&b), S(""), &a).n, 100 * 2 + 2 + 500 * 4);
}
