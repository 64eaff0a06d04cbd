#include "check.h"
#include "codec/base64.h"
#include "codec/json_read.h"
#include "gateway/front_door.h"

#include <string.h>

enum { MEBIBYTE = 1024 * 1024 };

static char memory[4 * MEBIBYTE];
static struct gateway_request request;
static struct fault fault;

static enum err read(struct str event)
{
	struct arena a = { memory, 0, sizeof(memory) };
	fault.n = 0;
	return front_door_read(&request, guard_copy(event), &a, &fault);
}

static struct str vector(const char *name)
{
	char path[128];
	struct buf b = BUF(path);
	buf_format(&b, "vectors/events/%s%s", str_c(name), S("\0"));
	return test_file(path);
}

static const char *const files[] = { "rest.json", "http1.json", "http2.json", "url.json",
	"alb.json", "alb_multi.json" };

TEST(front_door_reads_every_door)
{
	static const struct {
		enum front_door door;
		struct str path, stage;
		int64_t arrived_ms;
	} want[countof(files)] = {
		{ DOOR_REST, STR("eu-west-1/harbour-deploy"), STR("prod"), 1531420618123 },
		{ DOOR_REST, STR("eu-west-1/harbour-deploy"), STR("prod"), 1531420618123 },
		{ DOOR_HTTP, STR("eu-west-1/harbour-deploy"), STR(""), 1531420618234 },
		{ DOOR_HTTP, STR("/eu-west-1/harbour-deploy"), STR(""), 1531420618345 },
		{ DOOR_ALB, STR("/eu-west-1/harbour-deploy"), STR(""), 0 },
		{ DOOR_ALB_MULTI, STR("/eu-west-1/harbour-deploy"), STR(""), 0 },
	};
	struct str body = test_file("vectors/slack/command.form");
	for (size_t i = 0; i < countof(files); i++) {
		context("%s", files[i]);
		expect_int(read(vector(files[i])), OK);
		expect_int(request.door, want[i].door);
		expect_str(request.method, S("POST"));
		expect_str(request.path, want[i].path);
		expect_str(request.stage, want[i].stage);
		expect_str(request.query, S(""));
		expect(!request.ssl_check);
		expect_str(request.content_type, S("application/x-www-form-urlencoded"));
		expect_str(request.user_agent, S("Slackbot 1.0 (+https://api.slack.com/robots)"));
		expect_str(request.timestamp, S("1531420618"));
		expect_str(request.signature,
			S("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"));
		expect(!request.doubled);
		expect_str(request.retry_num, S(""));
		expect_str(request.retry_reason, S(""));
		expect_str(request.body, body);
		expect_int(request.arrived_ms, want[i].arrived_ms);
	}
}

/* Every beginning of an event is no event, and is not read past its end. */
TEST(front_door_refuses_beginnings)
{
	for (size_t i = 0; i < countof(files); i++) {
		struct str event = str_trim_lines(vector(files[i]));
		for (size_t n = 0; n < event.n; n++) {
			char text[128];
			struct buf b = BUF(text);
			buf_format(&b, "the event of %d bytes is not valid JSON at byte ", NUM(n));
			context("%s, %zu bytes", files[i], n);
			expect_int(read(str_sub(event, 0, n)), E_SYNTAX);
			expect(str_starts(fault_text(&fault), buf_str(&b)));
			expect_int(request.door, DOOR_NONE);
		}
	}
}

TEST(front_door_none)
{
	static const struct str events[] = {
		STR("{}"),
		STR("[]"),
		STR("null"),
		STR("true"),
		STR("0"),
		STR("-1.5e3"),
		STR("\"\""),
		STR("\"{}\""),
		STR(" {}\r\n"),
		STR("[{\"httpMethod\":\"POST\"}]"),
		STR("{\"source\":\"serverless-plugin-warmup\"}"),
		STR("{\"key1\":\"value1\",\"key2\":\"value2\",\"key3\":\"value3\"}"),
		STR("{\"version\":\"1.0\"}"),
		STR("{\"version\":\"0\"}"),
		STR("{\"version\":2.0}"),
		STR("{\"version\":\"2\"}"),
		STR("{\"version\":\"2.00\"}"),
		STR("{\"httpMethod\":null}"),
		STR("{\"httpMethod\":1}"),
		STR("{\"httpmethod\":\"POST\"}"),
		STR("{\"x\":{\"httpMethod\":\"POST\"}}"),
		STR("{\"requestContext\":null}"),
		STR("{\"requestContext\":[]}"),
		STR("{\"requestContext\":{\"elb\":null}}"),
		STR("{\"requestContext\":{\"elb\":\"arn\"}}"),
		STR("{\"requestContext\":\"elb\"}"),
		STR("{\"httpMethod\":\"POST\",\"httpMethod\":null}"),
	};
	static const char *const others[] = { "schedule.json", "queue.json", "destination.json" };
	for (size_t i = 0; i < countof(events); i++) {
		context("%s", events[i].p);
		expect_int(read(events[i]), OK);
		expect_int(request.door, DOOR_NONE);
	}
	for (size_t i = 0; i < countof(others); i++) {
		context("%s", others[i]);
		expect_int(read(vector(others[i])), OK);
		expect_int(request.door, DOOR_NONE);
	}
}

/* Doors that are not served say so, instead of being taken for others. */
TEST(front_door_foreign)
{
	static const struct {
		struct str event;
		const char *beginning;
	} cases[] = {
		{ STR("{\"raw_path\":\"/eu-west-1/"
			  "x\",\"method\":\"POST\",\"headers\":{},\"body\":\"x\",\"is_base64_encoded\":false}"),
			"the event is from VPC Lattice" },
		{ STR("{\"version\":\"2.0\",\"path\":\"/"
			  "\",\"method\":\"POST\",\"headers\":{\"a\":[\"b\"]},\"requestContext\":{"
			  "\"serviceNetworkArn\":\"arn:aws:vpc-lattice:x\",\"serviceArn\":\"x\"},\"body\":"
			  "\"x\"}"),
			"the event is from VPC Lattice" },
		{ STR("{\"messageVersion\":\"1.0\",\"agent\":{\"name\":\"x\"},\"apiPath\":\"/"
			  "\",\"httpMethod\":\"POST\",\"actionGroup\":\"x\"}"),
			"the event is from a Bedrock agent" },
		{ STR("{\"messageVersion\":\"1.0\",\"agent\":{},\"function\":\"x\",\"actionGroup\":\"x\"}"),
			"the event is from a Bedrock agent" },
		{ STR("{\"type\":\"REQUEST\",\"methodArn\":\"arn:x\",\"httpMethod\":\"POST\",\"path\":\"/"
			  "\",\"headers\":{}}"),
			"the event asks an API Gateway authorizer" },
		{ STR("{\"type\":\"TOKEN\",\"methodArn\":\"arn:x\",\"authorizationToken\":\"x\"}"),
			"the event asks an API Gateway authorizer" },
		{ STR("{\"version\":\"2.0\",\"type\":\"REQUEST\",\"routeArn\":\"arn:x\",\"requestContext\":"
			  "{\"http\":{\"method\":\"POST\"}}}"),
			"the event asks an API Gateway authorizer" },
		{ STR("{\"requestContext\":{\"connectionId\":\"x=\",\"eventType\":\"MESSAGE\"},\"body\":"
			  "\"x\"}"),
			"the event is from a WebSocket API" },
		{ STR("{\"Records\":[{\"cf\":{\"request\":{\"method\":\"POST\"}}}]}"),
			"the event is from CloudFront" },
		{ STR("{\"body-json\":{},\"params\":{\"header\":{}},\"context\":{}}"),
			"the event is from an API Gateway integration" },
		{ STR("{\"token\":\"x\",\"type\":\"event_callback\",\"event\":{}}"),
			"the event is from an API Gateway integration" },
		{ STR("{\"token\":\"x\",\"type\":\"url_verification\",\"challenge\":\"x\"}"),
			"the event is from an API Gateway integration" },
		{ STR("{\"headers\":{\"X-Slack-Signature\":\"x\"},\"body\":\"command=%2Fx\"}"),
			"the event is from an API Gateway integration" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].event), OK);
		expect_int(request.door, DOOR_FOREIGN);
		expect(str_starts(request.advice, str_c(cases[i].beginning)));
		expect_str(request.method, S(""));
	}
}

/* An HTTP API puts a stage that has a name before every path; what it matched with {proxy+} has
 * none. */
TEST(front_door_takes_the_stage_off)
{
	static const struct {
		const char *path, *stage, *proxy, *want;
	} cases[] = {
		{ "/prod/eu-west-1/x", "prod", "", "/eu-west-1/x" },
		{ "/prod/deploy", "prod", "", "/deploy" },
		{ "/prod", "prod", "", "" },
		{ "//prod/deploy", "prod", "", "/deploy" },
		{ "/eu-west-1/x", "eu-west-1", "", "/x" },
		{ "/product/x", "prod", "", "/product/x" },
		{ "/prod/x", "$default", "", "/prod/x" },
		{ "/$default/x", "$default", "", "/$default/x" },
		{ "/prod/prod/x", "prod", "prod/x", "prod/x" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char event[512];
		struct buf b = BUF(event);
		buf_format(&b,
			"{\"version\":\"2.0\",\"rawPath\":\"%s\",\"requestContext\":{\"stage\":\"%s\"}",
			str_c(cases[i].path), str_c(cases[i].stage));
		if (*cases[i].proxy)
			buf_format(&b, ",\"pathParameters\":{\"proxy\":\"%s\"}", str_c(cases[i].proxy));
		buf_put(&b, S("}"));
		context("%s at stage %s", cases[i].path, cases[i].stage);
		expect_int(read(buf_str(&b)), OK);
		expect_str(request.path, str_c(cases[i].want));
		expect_str(request.stage, S(""));
	}
}

TEST(front_door_not_json)
{
	static const struct {
		struct str event, message;
	} cases[] = {
		{ STR(""), STR("the event of 0 bytes is not valid JSON at byte 0") },
		{ STR("ping"), STR("the event of 4 bytes is not valid JSON at byte 0") },
		{ STR("{\"httpMethod\":\"POST\",}"),
			STR("the event of 22 bytes is not valid JSON at byte 21") },
		{ STR("{\"httpMethod\":\"POST\"} x"),
			STR("the event of 23 bytes is not valid JSON at byte 22") },
		{ STR("{\"httpMethod\":\"POST\xff\"}"),
			STR("the event of 22 bytes is not valid JSON at byte 19") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].event), E_SYNTAX);
		expect_int(request.door, DOOR_NONE);
		expect_str(fault_text(&fault), cases[i].message);
	}
}

#define REST(more) STR("{\"httpMethod\":\"POST\"," more "}")
#define HTTP(more)                                                                                 \
	STR("{\"version\":\"2.0\",\"requestContext\":{\"http\":{\"method\":\"POST\"}}," more "}")
#define ALB(more) STR("{\"requestContext\":{\"elb\":{}},\"httpMethod\":\"POST\"," more "}")

/* Fields that are missing, null or of another type count as not there, and cost nothing but
 * themselves. */
TEST(front_door_odd_members)
{
	static const struct {
		struct str event;
		struct gateway_request want;
	} cases[] = {
		{ REST("\"path\":\"/"
			   "a\",\"headers\":null,\"multiValueHeaders\":null,\"queryStringParameters\":null,"
			   "\"multiValueQueryStringParameters\":null,\"pathParameters\":null,"
			   "\"stageVariables\":null,\"requestContext\":null,\"body\":null"),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("/a") } },
		{ REST("\"path\":1,\"headers\":1,\"multiValueHeaders\":\"x\",\"queryStringParameters\":[],"
			   "\"pathParameters\":[\"proxy\"],"
			   "\"requestContext\":7,\"body\":{},\"isBase64Encoded\":\"true\""),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"path\":\"/a\",\"pathParameters\":{\"proxy\":null}"),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("/a") } },
		{ REST("\"path\":\"/a\",\"pathParameters\":{\"proxy\":\"b/c\"}"),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("b/c") } },
		{ REST("\"path\":\"/a\",\"pathParameters\":{\"other\":\"b/c\"}"),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("/a") } },
		{ REST("\"path\":\"/a\",\"rawPath\":\"/b\",\"version\":\"1.0\""),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("/a") } },
		{ REST("\"path\":\"\\/a\\u002fb\",\"p\\u0061th\":\"/c\\/d\""),
			{ .door = DOOR_REST, .method = STR("POST"), .path = STR("/c/d") } },
		{ REST("\"requestContext\":{\"stage\":\"s\",\"requestTimeEpoch\":\"1\",\"timeEpoch\":2}"),
			{ .door = DOOR_REST, .method = STR("POST"), .stage = STR("s") } },
		{ REST("\"requestContext\":{\"requestTimeEpoch\":1.5e3}"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"requestContext\":{\"requestTimeEpoch\":-9223372036854775808}"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"requestContext\":{\"requestTimeEpoch\":9223372036854775808}"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"requestContext\":{\"requestTimeEpoch\":9223372036854775807}"),
			{ .door = DOOR_REST, .method = STR("POST"), .arrived_ms = INT64_MAX } },
		{ REST("\"body\":\"eA==\""),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("eA==") } },
		{ REST("\"body\":\"eA==\",\"isBase64Encoded\":null"),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("eA==") } },
		{ REST("\"body\":\"eA==\",\"isBase64Encoded\":false"),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("eA==") } },
		{ REST("\"body\":\"eA==\",\"isBase64Encoded\":true"),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("x") } },
		{ REST("\"body\":\"eA\",\"isBase64Encoded\":true"),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("x") } },
		{ REST("\"body\":\"\",\"isBase64Encoded\":true"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"body\":null,\"isBase64Encoded\":true"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"body\":\"a\\n\\u0000\\ud83d\\udea2\\\"\""),
			{ .door = DOOR_REST, .method = STR("POST"), .body = STR("a\n\0\xf0\x9f\x9a\xa2\"") } },
		{ REST("\"headers\":{\"content-TYPE\":\"a\",\"USER-agent\":\"b\",\"x-Slack-retry-Num\":"
			   "\"1\",\"X-SLACK-RETRY-REASON\":\"http_timeout\","
			   "\"X-Slack-Signature\":\"c\",\"x-slack-request-timestamp\":\"2\",\"x-slack-"
			   "signatures\":\"d\",\"slack-signature\":\"e\"}"),
			{ .door = DOOR_REST,
				.method = STR("POST"),
				.content_type = STR("a"),
				.user_agent = STR("b"),
				.retry_num = STR("1"),
				.retry_reason = STR("http_timeout"),
				.signature = STR("c"),
				.timestamp = STR("2") } },
		{ REST("\"headers\":{\"X-Slack-S\\u0069gnature\":\"v0\\u003d\"}"),
			{ .door = DOOR_REST, .method = STR("POST"), .signature = STR("v0=") } },
		{ REST("\"headers\":{\"X-Slack-Signature\":null,\"Content-Type\":5,\"User-Agent\":{}}"),
			{ .door = DOOR_REST, .method = STR("POST") } },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\"],\"Content-Type\":[],\"User-"
			   "Agent\":[\"b\",\"c\"]}"),
			{ .door = DOOR_REST,
				.method = STR("POST"),
				.signature = STR("a"),
				.user_agent = STR("c") } },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":\"a\"}"),
			{ .door = DOOR_REST, .method = STR("POST"), .signature = STR("a") } },
		{ HTTP("\"rawPath\":\"/a\",\"path\":\"/"
			   "b\",\"httpMethod\":\"GET\",\"rawQueryString\":\"c=d\""),
			{ .door = DOOR_HTTP, .method = STR("POST"), .path = STR("/a"), .query = STR("c=d") } },
		{ HTTP("\"rawPath\":\"/a\",\"pathParameters\":{\"proxy\":\"b\"}"),
			{ .door = DOOR_HTTP, .method = STR("POST"), .path = STR("b") } },
		{ STR("{\"version\":\"2.0\"}"), { .door = DOOR_HTTP } },
		{ STR("{\"version\":\"2.0\",\"requestContext\":{\"http\":null,\"stage\":\"$default\","
			  "\"timeEpoch\":-1}}"),
			{ .door = DOOR_HTTP } },
		{ STR("{\"vers\\u0069on\":\"2\\u002e0\",\"rawPath\":\"/a\"}"),
			{ .door = DOOR_HTTP, .path = STR("/a") } },
		{ ALB("\"path\":\"/a\",\"headers\":{}"),
			{ .door = DOOR_ALB, .method = STR("POST"), .path = STR("/a") } },
		{ ALB("\"path\":\"/a\",\"headers\":null,\"multiValueHeaders\":{}"),
			{ .door = DOOR_ALB_MULTI, .method = STR("POST"), .path = STR("/a") } },
		{ ALB("\"path\":\"/a\",\"headers\":null,\"multiValueHeaders\":null"),
			{ .door = DOOR_ALB, .method = STR("POST"), .path = STR("/a") } },
		{ ALB("\"version\":\"2.0\",\"path\":\"/a\""),
			{ .door = DOOR_ALB, .method = STR("POST"), .path = STR("/a") } },
		{ STR("{\"requestContext\":{\"elb\":{}}}"), { .door = DOOR_ALB } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		const struct gateway_request *want = &cases[i].want;
		context("case %zu: %s", i, cases[i].event.p);
		expect_int(read(cases[i].event), OK);
		expect_int(request.door, want->door);
		expect_str(request.method, want->method);
		expect_str(request.path, want->path);
		expect_str(request.stage, want->stage);
		expect_str(request.query, want->query);
		expect_str(request.content_type, want->content_type);
		expect_str(request.user_agent, want->user_agent);
		expect_str(request.timestamp, want->timestamp);
		expect_str(request.signature, want->signature);
		expect_str(request.retry_num, want->retry_num);
		expect_str(request.retry_reason, want->retry_reason);
		expect_str(request.body, want->body);
		expect_int(request.arrived_ms, want->arrived_ms);
		expect(!request.doubled);
		expect(!request.ssl_check);
	}
}

/* Where two values could be meant, no reader may pick one. */
TEST(front_door_doubled_signature)
{
	static const struct {
		struct str event;
		bool want;
	} cases[] = {
		{ REST("\"headers\":{\"X-Slack-Signature\":\"a\",\"x-slack-signature\":\"b\"}"), true },
		{ REST("\"headers\":{\"X-Slack-Signature\":\"a\",\"X-Slack-Signature\":\"a\"}"), true },
		{ REST("\"headers\":{\"X-Slack-Signature\":\"a\",\"X-Slack-Signatur\\u0065\":\"a\"}"),
			true },
		{ REST("\"headers\":{\"X-Slack-Signature\":\"\",\"x-slack-signature\":\"b\"}"), true },
		{ REST("\"headers\":{\"X-Slack-Request-Timestamp\":\"1\",\"x-slack-REQUEST-timestamp\":"
			   "\"1\"}"),
			true },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\",\"b\"]}"), true },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\",\"a\"]}"), true },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\",null]}"), true },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\"],\"x-slack-signature\":[\"a\"]"
			   "}"),
			true },
		{ REST("\"multiValueHeaders\":{\"X-Slack-Request-Timestamp\":[\"1\",\"2\"]},\"headers\":{"
			   "\"X-Slack-Request-Timestamp\":\"2\"}"),
			true },
		{ ALB("\"multiValueHeaders\":{\"x-slack-signature\":[\"a\",\"b\"]}"), true },
		{ HTTP("\"headers\":{\"x-slack-signature\":\"a\",\"X-Slack-Signature\":\"a\"}"), true },
		/* both maps say the same thing, and other headers may come as they like */
		{ REST("\"multiValueHeaders\":{\"X-Slack-Signature\":[\"a\"],\"X-Slack-Request-Timestamp\":"
			   "[\"1\"]},"
			   "\"headers\":{\"X-Slack-Signature\":\"a\",\"X-Slack-Request-Timestamp\":\"1\"}"),
			false },
		{ REST("\"headers\":{\"User-Agent\":\"a\",\"user-agent\":\"b\"},\"multiValueHeaders\":{"
			   "\"Content-Type\":[\"a\",\"b\"]}"),
			false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].event), OK);
		expect_int(request.doubled, cases[i].want);
	}
}

TEST(front_door_ssl_check)
{
	static const struct {
		struct str event;
		bool want;
	} cases[] = {
		{ REST("\"queryStringParameters\":{\"ssl_check\":\"1\"}"), true },
		{ REST("\"queryStringParameters\":{\"token\":\"t\",\"ssl_check\":\"1\"},"
			   "\"multiValueQueryStringParameters\":null"),
			true },
		{ REST("\"multiValueQueryStringParameters\":{\"ssl_check\":[\"1\"]}"), true },
		{ HTTP(
			  "\"rawQueryString\":\"ssl_check=1\",\"queryStringParameters\":{\"ssl_check\":\"1\"}"),
			true },
		{ ALB("\"headers\":{},\"queryStringParameters\":{\"ssl_check\":\"1\"}"), true },
		{ ALB("\"multiValueHeaders\":{},\"multiValueQueryStringParameters\":{\"ssl_check\":[\"1\"]"
			  "}"),
			true },
		{ REST("\"queryStringParameters\":{\"ssl_check\":\"0\"}"), false },
		{ REST("\"queryStringParameters\":{\"ssl_check\":1}"), false },
		{ REST("\"queryStringParameters\":{\"ssl_check\":\"11\"}"), false },
		{ REST("\"queryStringParameters\":{\"ssl_check\":null}"), false },
		{ REST("\"queryStringParameters\":{\"SSL_CHECK\":\"1\"}"), false },
		{ REST("\"multiValueQueryStringParameters\":{\"ssl_check\":[]}"), false },
		{ REST("\"multiValueQueryStringParameters\":{\"ssl_check\":[\"0\"]}"), false },
		{ REST("\"headers\":{\"ssl_check\":\"1\"}"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].event), OK);
		expect_int(request.ssl_check, cases[i].want);
	}
}

static enum err read_body_of(struct str body, bool base64)
{
	static char text[2 * MEBIBYTE];
	struct buf b = BUF(text);
	buf_put(&b, S("{\"httpMethod\":\"POST\",\"body\":\""));
	if (base64)
		base64_encode(&b, body);
	else
		buf_put(&b, body);
	buf_format(&b, "\",\"isBase64Encoded\":%s}", base64 ? S("true") : S("false"));
	expect(!b.full);
	return read(buf_str(&b));
}

TEST(front_door_limits_the_body)
{
	static char body[MEBIBYTE + 3];
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)('a' + test_random(26));
	for (int base64 = 0; base64 <= 1; base64++) {
		for (size_t n = MEBIBYTE - 2; n <= sizeof(body); n++) {
			struct str sent = { body, n };
			context("%zu bytes, base64 %d", n, base64);
			expect_int(read_body_of(sent, base64), n <= MEBIBYTE ? OK : E_LIMIT);
			expect_int(request.door, DOOR_REST);
			if (n <= MEBIBYTE)
				expect_str(request.body, sent);
			else
				expect_str(fault_text(&fault), S("the body is larger than 1048576 bytes"));
		}
	}
	context("far more");
	static char large[3 * MEBIBYTE];
	struct buf b = BUF(large);
	buf_put(&b, S("{\"httpMethod\":\"POST\",\"isBase64Encoded\":true,\"body\":\""));
	memset(large + b.n, 'A', sizeof(large) - b.n);
	memcpy(large + sizeof(large) - 2, "\"}", 2);
	expect_int(read((struct str){ large, sizeof(large) }), E_LIMIT);
	expect_str(fault_text(&fault), S("the body is larger than 1048576 bytes"));
}

TEST(front_door_refuses_wrong_base64)
{
	static const struct str bodies[] = {
		STR("%"),
		STR("eA= ="),
		STR("eA==\\n"),
		STR("e"),
		STR("eA==eA=="),
		STR("eB=="),
		STR("e-_="),
		STR("=="),
		STR("token=x&command=/y"),
	};
	for (size_t i = 0; i < countof(bodies); i++) {
		char text[128];
		struct buf b = BUF(text);
		buf_format(&b, "{\"version\":\"2.0\",\"isBase64Encoded\":true,\"body\":\"%s\"}", bodies[i]);
		context("%s", bodies[i].p);
		expect_int(read(buf_str(&b)), E_SYNTAX);
		expect_int(request.door, DOOR_HTTP);
		expect_str(
			fault_text(&fault), S("the body is not valid base64 although the event says so"));
		expect_str(request.body, S(""));
	}
}

/* However little memory there is: the whole request or none of it. */
TEST(front_door_without_memory)
{
	static const struct str event =
		REST("\"p\\u0061th\":\"\\u002fa\",\"headers\":{\"X-Slack-S\\u0069gnature\":\"v0\\u003d\"},"
			 "\"body\":\"aGVsbG8\\u003d\",\"isBase64Encoded\":true");
	static const struct str no_body = REST("\"path\":\"\\u002fa\"");
	enum err e = E_LIMIT;
	for (size_t cap = 0; e != OK && cap < 4096; cap++) {
		struct arena a = { memory, 0, cap };
		context("%zu bytes", cap);
		e = front_door_read(&request, event, &a, &fault);
		expect(e == OK || (e == E_LIMIT && fault.code == E_LIMIT));
		a = (struct arena){ memory, 0, cap };
		if (e != OK)
			expect_int(front_door_read(&request, no_body, &a, &fault), cap < 2 ? E_LIMIT : OK);
	}
	expect_int(e, OK);
	expect_int(read(event), OK);
	expect_str(request.signature, S("v0="));
	expect_str(request.body, S("hello"));
}

TEST(front_door_answers)
{
	static const struct {
		enum front_door door;
		struct reply reply;
		struct str want;
	} cases[] = {
#define JSON_REPLY                                                                                 \
	{ .status = 200,                                                                               \
		.content_type = STR("application/json"),                                                   \
		.body = STR("{\"text\":\"\xc3\xa4\"}") }
#define JSON_BODY "\"body\":\"{\\\"text\\\":\\\"\xc3\xa4\\\"}\",\"isBase64Encoded\":false}"
		{ DOOR_REST, JSON_REPLY,
			STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":\"application/"
				"json\"}," JSON_BODY) },
		{ DOOR_HTTP, JSON_REPLY,
			STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":\"application/"
				"json\"}," JSON_BODY) },
		{ DOOR_NONE, JSON_REPLY,
			STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":\"application/"
				"json\"}," JSON_BODY) },
		{ DOOR_ALB, JSON_REPLY,
			STR("{\"statusCode\":200,\"statusDescription\":\"200 "
				"OK\",\"headers\":{\"Content-Type\":\"application/json\"}," JSON_BODY) },
		{ DOOR_ALB_MULTI, JSON_REPLY,
			STR("{\"statusCode\":200,\"statusDescription\":\"200 "
				"OK\",\"multiValueHeaders\":{\"Content-Type\":[\"application/"
				"json\"]}," JSON_BODY) },
		{ DOOR_REST, { .status = 200 },
			STR("{\"statusCode\":200,\"headers\":{},\"body\":\"\",\"isBase64Encoded\":false}") },
		{ DOOR_ALB_MULTI, { .status = 200 },
			STR("{\"statusCode\":200,\"statusDescription\":\"200 "
				"OK\",\"multiValueHeaders\":{},\"body\":\"\",\"isBase64Encoded\":false}") },
		{ DOOR_HTTP,
			{ .status = 405,
				.content_type = STR("a/b"),
				.allow = STR("POST"),
				.body = STR("\n\"\\\0\x7f") },
			STR("{\"statusCode\":405,\"headers\":{\"Content-Type\":\"a/"
				"b\",\"Allow\":\"POST\"},\"body\":\"\\n\\\"\\\\\\u0000\x7f\",\"isBase64Encoded\":"
				"false}") },
		{ DOOR_HTTP, { .status = 403, .no_retry = true, .body = STR("\xff") },
			STR("{\"statusCode\":403,\"headers\":{\"x-slack-no-retry\":\"1\"},\"body\":\"/"
				"w==\",\"isBase64Encoded\":true}") },
		{ DOOR_ALB, { .status = 503 },
			STR("{\"statusCode\":503,\"statusDescription\":\"503 Service "
				"Unavailable\",\"headers\":{},\"body\":\"\",\"isBase64Encoded\":false}") },
		{ DOOR_ALB_MULTI,
			{ .status = 404, .content_type = STR("a/b"), .allow = STR("POST"), .no_retry = true },
			STR("{\"statusCode\":404,\"statusDescription\":\"404 Not "
				"Found\",\"multiValueHeaders\":{\"Content-Type\":[\"a/b\"],"
				"\"Allow\":[\"POST\"],\"x-slack-no-retry\":[\"1\"]},\"body\":\"\","
				"\"isBase64Encoded\":false}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[512];
		struct buf b = BUF(text);
		context("case %zu", i);
		front_door_answer(&b, cases[i].door, &cases[i].reply);
		expect_str(buf_str(&b), cases[i].want);
		expect(!b.full);
	}
}

/* A load balancer is told the reason of every status that is ever given. */
TEST(front_door_describes_every_status)
{
	static const int statuses[] = { 200, 400, 401, 403, 404, 405, 413, 500, 503 };
	for (size_t i = 0; i < countof(statuses); i++) {
		char text[512], beginning[64];
		struct buf b = BUF(text), want = BUF(beginning);
		struct reply reply = { .status = statuses[i] };
		struct json answer;
		size_t position;
		context("%d", statuses[i]);
		front_door_answer(&b, DOOR_ALB, &reply);
		expect_int(json_check(&answer, &position, buf_str(&b)), OK);
		buf_format(&want, "\"%d ", NUM(statuses[i]));
		struct str description = json_member(answer, S("statusDescription")).text;
		expect(str_starts(description, buf_str(&want)) && description.n > want.n + 1);
	}
}
