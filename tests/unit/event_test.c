#include "check.h"
#include "codec/json_read.h"
#include "gateway/event.h"
#include "gateway/front_door.h"

static char memory[1 << 20];

static struct event_request request_of(
	const struct event_field *fields, size_t count, struct str body)
{
	return (struct event_request){
		.method = S("POST"),
		.path = S("/eu-west-1/my-fn"),
		.query = S(""),
		.protocol = S("HTTP/1.1"),
		.source_ip = S("1.2.3.4"),
		.request_id = S("id-1"),
		.time_ms = 1583348638390,
		.fields = fields,
		.fields_count = count,
		.body = body,
	};
}

static struct str written(const struct event_request *req)
{
	static char text[1 << 18];
	struct buf b = BUF(text);
	struct json v;
	size_t position;
	event_write(&b, req);
	expect(!b.full);
	expect_int(json_check(&v, &position, buf_str(&b)), OK);
	return buf_str(&b);
}

static struct json member(struct str text, struct str name)
{
	struct json v = { 0 };
	size_t position;
	expect_int(json_check(&v, &position, text), OK);
	return json_member(v, name);
}

TEST(event_whole)
{
	static const struct event_field fields[] = {
		{ STR("Host"), STR("gw.example.com:8443") },
		{ STR("User-Agent"), STR("Slackbot 1.0") },
		{ STR("Content-Type"), STR("application/x-www-form-urlencoded") },
		{ STR("X-Slack-Signature"), STR("v0=00") },
	};
	struct event_request req = request_of(fields, countof(fields), S("command=%2Fx"));
	req.query = S("a=1&b=%20+c");
	expect_str(written(&req),
		S("{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"/eu-west-1/"
		  "my-fn\",\"rawQueryString\":\"a=1&b=%20+c\","
		  "\"headers\":{\"host\":\"gw.example.com:8443\",\"user-agent\":\"Slackbot "
		  "1.0\",\"content-type\":\"application/x-www-form-urlencoded\","
		  "\"x-slack-signature\":\"v0=00\"},\"queryStringParameters\":{\"a\":\"1\",\"b\":\"  c\"},"
		  "\"requestContext\":{\"accountId\":\"anonymous\",\"apiId\":\"gateway\",\"domainName\":"
		  "\"gw.example.com:8443\",\"domainPrefix\":\"gw\","
		  "\"http\":{\"method\":\"POST\",\"path\":\"/eu-west-1/my-fn\",\"protocol\":\"HTTP/"
		  "1.1\",\"sourceIp\":\"1.2.3.4\",\"userAgent\":\"Slackbot 1.0\"},"
		  "\"requestId\":\"id-1\",\"routeKey\":\"$default\",\"stage\":\"$default\",\"time\":\"04/"
		  "Mar/2020:19:03:58 +0000\",\"timeEpoch\":1583348638390},"
		  "\"body\":\"Y29tbWFuZD0lMkZ4\",\"isBase64Encoded\":true}"));
}

TEST(event_bodies)
{
	static const struct {
		struct str type, body, member, base64;
	} cases[] = {
		{ STR("application/json"), STR("{\"a\":\"\xc3\xbc\"}"),
			STR("\"{\\\"a\\\":\\\"\xc3\xbc\\\"}\""), STR("false") },
		{ STR("Application/JSON ; charset=utf-8"), STR("{}"), STR("\"{}\""), STR("false") },
		{ STR("text/plain"), STR("a\r\n\x01"), STR("\"a\\r\\n\\u0001\""), STR("false") },
		{ STR("TEXT/x"), STR("a"), STR("\"a\""), STR("false") },
		/* what JSON cannot carry as it is */
		{ STR("application/json"), STR("\"\xff\""), STR("\"Iv8i\""), STR("true") },
		{ STR("text/plain"), STR("\xed\xa0\x80"), STR("\"7aCA\""), STR("true") },
		{ STR("application/x-www-form-urlencoded"), STR("a=b"), STR("\"YT1i\""), STR("true") },
		{ STR("application/jsonp"), STR("a"), STR("\"YQ==\""), STR("true") },
		{ STR("text"), STR("a"), STR("\"YQ==\""), STR("true") },
		{ STR(""), STR("a"), STR("\"YQ==\""), STR("true") },
		{ STR("application/json"), STR(""), STR(""), STR("false") },
		{ STR(""), STR(""), STR(""), STR("false") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct event_field type = { STR("Content-Type"), cases[i].type };
		struct event_request req = request_of(&type, 1, guard_copy(cases[i].body));
		context("case %zu", i);
		expect_str(member(written(&req), S("body")).text, cases[i].member);
		expect_str(member(written(&req), S("isBase64Encoded")).text, cases[i].base64);
	}
}

TEST(event_fields_that_stand_twice)
{
	static const struct event_field fields[] = {
		{ STR("X-A"), STR("1") },
		{ STR("COOKIE"), STR("a=b;  c=\"d\";;") },
		{ STR("x-a"), STR("") },
		{ STR("x-B"), STR("\"\\\xff") },
		{ STR("X-a"), STR("3, 4") },
		{ STR("Cookie"), STR("e") },
	};
	struct event_request req = request_of(fields, countof(fields), S(""));
	req.query = S("a=1&&a=2&A=3&b&%61=4&%zz=%4&=");
	struct str event = written(&req);
	expect_str(member(event, S("headers")).text,
		S("{\"x-a\":\"1,,3, 4\",\"x-b\":\"\\\"\\\\\xef\xbf\xbd\"}"));
	expect_str(member(event, S("cookies")).text, S("[\"a=b\",\"c=\\\"d\\\"\",\"e\"]"));
	expect_str(member(event, S("queryStringParameters")).text,
		S("{\"a\":\"1,2,4\",\"A\":\"3\",\"b\":\"\",\"%zz\":\"%4\",\"\":\"\"}"));
	expect_str(member(event, S("rawQueryString")).text, S("\"a=1&&a=2&A=3&b&%61=4&%zz=%4&=\""));
	req = request_of(NULL, 0, S(""));
	event = written(&req);
	expect_str(member(event, S("headers")).text, S("{}"));
	expect_int(json_type(member(event, S("cookies"))), JSON_ABSENT);
	expect_int(json_type(member(event, S("queryStringParameters"))), JSON_ABSENT);
	expect_str(json_member(member(event, S("requestContext")), S("domainName")).text, S("\"\""));
}

/* What a function sees, a gateway as its destination understands again: the request as it was
 * signed. */
TEST(event_is_a_front_doors)
{
	static char body[40000];
	static const struct str types[] = { STR("application/json"),
		STR("application/x-www-form-urlencoded"), STR("") };
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)test_random(256);
	for (size_t n = 0; n < sizeof(body); n = 2 * n + 1) {
		for (size_t i = 0; i < countof(types); i++) {
			struct event_field fields[] = {
				{ S("Content-Type"), types[i] },
				{ S("X-Slack-Signature"), S("v0=0") },
				{ S("X-Slack-Request-Timestamp"), S("1") },
				{ S("X-Slack-Retry-Num"), S("2") },
				{ S("X-Slack-Retry-Reason"), S("http_error") },
				{ S("User-Agent"), S("a/b") },
			};
			struct event_request req = request_of(fields, countof(fields), (struct str){ body, n });
			struct arena a = { memory, 0, sizeof(memory) };
			struct gateway_request read;
			struct fault f;
			req.query = S("ssl_check=1");
			context("%zu bytes, %s", n, types[i].p);
			expect_int(front_door_read(&read, written(&req), &a, &f), OK);
			expect_int(read.door, DOOR_HTTP);
			expect_str(read.method, req.method);
			expect_str(read.path, req.path);
			expect_str(read.query, req.query);
			expect(read.ssl_check && !read.doubled);
			expect_str(read.content_type, types[i]);
			expect_str(read.signature, S("v0=0"));
			expect_str(read.timestamp, S("1"));
			expect_str(read.retry_num, S("2"));
			expect_str(read.retry_reason, S("http_error"));
			expect_str(read.user_agent, S("a/b"));
			expect_str(read.body, req.body);
			expect_int(read.arrived_ms, req.time_ms);
		}
	}
}

TEST(event_without_memory)
{
	static const struct event_field fields[] = { { STR("Cookie"), STR("a=b") },
		{ STR("X"), STR("y") } };
	struct event_request req = request_of(fields, countof(fields), S("a"));
	size_t whole = written(&req).n;
	for (size_t cap = 0; cap <= whole; cap++) {
		struct buf b = { memory, 0, cap, false };
		event_write(&b, &req);
		context("%zu bytes", cap);
		expect_int(b.full, cap < whole);
	}
}
