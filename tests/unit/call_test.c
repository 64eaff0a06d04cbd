#include "aws/call.h"

#include "aws_service.h"
#include "base/clock.h"
#include "base/log.h"
#include "check.h"

#include <string.h>

static const struct credentials keys = { STR("AKIDEXAMPLE"), STR("secret"), STR("token"), INT64_MAX,
	STR("test"), 0 };
static char memory[2 * AWS_CALL_ANSWER_MAX];
static struct arena arena;
static struct aws_answer answer;
static struct fault fault;

static enum err call_with(struct aws_call *call, int64_t ms)
{
	struct deadline d = deadline_in(ms);
	arena = (struct arena){ memory, 0, sizeof(memory) };
	memset(&answer, 'x', sizeof(answer));
	return aws_call(&answer, &aws_service_context, call, &arena, &d, &fault);
}

static enum err call(int64_t ms)
{
	static const struct http_field fields[] = { { STR("content-type"), STR("text/x") },
		{ STR("x-amz-target"), STR("T.Op") } };
	struct aws_call c = {
		.service = AWS_SSM, .action = S("ssm:GetParameter"),
		.post = {
			.keys = &keys, .region = S("eu-west-1"), .path = S("/"), .fields = fields,
			.fields_count = 2, .payload = S("{}"),
		},
	};
	return call_with(&c, ms);
}

#define HEAD(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n"
#define GOOD STR(HEAD("200 OK", "2") "\r\nok")
#define BUSY STR("HTTP/1.1 503 Slow Down\r\n\r\n<html>")
#define THROTTLED STR("HTTP/1.1 400 Bad Request\r\n\r\n{\"__type\":\"x#ThrottlingException\"}")

TEST(call_is_sent_again_if_that_may_help)
{
	static const struct {
		const char *what;
		struct str answers[3];
		size_t requests;
		enum err want;
		struct str says;
	} cases[] = {
		{ "at once", { GOOD }, 1, OK, STR("") },
		{ "created", { STR(HEAD("201 Created", "2") "\r\nok") }, 1, OK, STR("") },
		{ "cut off", { STR(""), STR(HEAD("210 Cut", "3") "\r\nok"), GOOD }, 3, OK, STR("") },
		{ "passing", { BUSY, STR("HTTP/1.1 429 Too Many\r\n\r\n"), GOOD }, 3, OK, STR("") },
		{ "throttled", { THROTTLED, THROTTLED, GOOD }, 3, OK, STR("") },
		{ "for too long", { BUSY, BUSY, BUSY }, 3, E_REFUSED, STR("answered 503") },
		{ "refused",
			{ STR("HTTP/1.1 400 Bad "
				  "Request\r\n\r\n{\"__type\":\"ParameterNotFound\",\"message\":\"none\"}") },
			1, E_REFUSED, STR("ParameterNotFound: none") },
		{ "not allowed",
			{ STR("HTTP/1.1 400 Bad Request\r\n\r\n{\"__type\":\"AccessDeniedException\"}") }, 1,
			E_REFUSED,
			STR("AccessDeniedException; the gateway's role needs ssm:GetParameter on it") },
		{ "too large", { STR(HEAD("200 OK", "32769") "\r\n") }, 1, E_LIMIT, STR("") },
		{ "not HTTP", { STR("HTTP/1.1 200 OK\r\nbad\r\n\r\n") }, 1, E_SYNTAX, STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].what);
		aws_service_start(cases[i].answers, cases[i].requests);
		expect_int(call(3000), cases[i].want);
		expect_int(aws_service_requests(), cases[i].requests);
		if (cases[i].want == OK)
			expect_str(answer.body, S("ok"));
		else if (cases[i].says.n)
			expect_str(fault_text(&fault), cases[i].says);
		aws_service_stop();
	}
}

TEST(call_names_the_error)
{
	static const struct str refusal =
		STR("HTTP/1.1 400 Bad Request\r\n\r\n{\"__type\":\"ParameterNotFound\"}");
	const struct str answers[] = { GOOD, refusal };
	aws_service_start(answers, 2);
	expect_int(call(3000), OK);
	expect_str(str_c(answer.error_name), S(""));
	expect_int(call(3000), E_REFUSED);
	expect_str(str_c(answer.error_name), S("ParameterNotFound"));
	aws_service_stop();
}

TEST(call_outlives_a_kept_connection)
{
	const struct str answers[] = { GOOD, S(""), GOOD };
	aws_service_start(answers, 3);
	expect_int(call(3000), OK);
	int64_t before = clock_mono_ms();
	expect_int(call(3000), OK);
	expect(clock_mono_ms() - before < 50);
	expect_int(aws_service_requests(), 3);
	aws_service_stop();
}

TEST(call_ends_with_its_deadline)
{
	aws_service_start(NULL, 0);
	expect_int(call(150), E_TIMEOUT);
	expect_int(aws_service_requests(), 1);
	aws_service_stop();
}

TEST(call_corrects_the_clock_once)
{
	static const struct str wrong =
		STR("HTTP/1.1 400 Bad Request\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n"
			"{\"__type\":\"InvalidSignatureException\"}\n");
	const struct str answers[] = { wrong, wrong };
	aws_service_start(answers, 2);
	log_set_level(LOG_ERROR);
	expect_int(call(3000), E_REFUSED);
	log_set_level(LOG_INFO);
	expect_int(aws_service_requests(), 2);
	expect(str_find_str(aws_service_request(0), S("x-amz-date: 20260101T")) ==
		aws_service_request(0).n);
	expect(str_find_str(aws_service_request(1), S("x-amz-date: 20260101T")) <
		aws_service_request(1).n);
	aws_service_stop();
}

TEST(call_is_signed_if_there_are_keys)
{
	struct aws_call c = {
		.service = AWS_STS,
		.post = { .region = S("us-gov-west-1"),
			.path = S("/p"),
			.query = S("a=b"),
			.payload = S("body") },
	};
	const struct str answers[] = { GOOD, GOOD };
	aws_service_start(answers, 2);
	expect_int(call_with(&c, 3000), OK);
	c.post.keys = &keys;
	expect_int(call_with(&c, 3000), OK);
	struct str plain = aws_service_request(0), with_keys = aws_service_request(1);
	expect(str_starts(plain, S("POST /p?a=b HTTP/1.1\r\n")) && str_ends(plain, S("\r\n\r\nbody")));
	expect(str_find_str(plain, S("authorization")) == plain.n &&
		str_find_str(plain, S("x-amz-security-token")) == plain.n);
	expect(str_find_str(with_keys,
			   S("/us-gov-west-1/sts/aws4_request, "
				 "SignedHeaders=host;x-amz-date;x-amz-security-token, ")) < with_keys.n);
	aws_service_stop();
}

TEST(call_needs_a_region_and_memory)
{
	struct aws_call c = { .service = AWS_STS,
		.post = { .region = S("x.evil.com/"), .path = S("/") } };
	struct deadline d = deadline_in(1000);
	expect_int(call_with(&c, 1000), E_CONFIG);
	c.post.region = S("eu-west-1");
	arena = (struct arena){ memory, 0, AWS_CALL_ANSWER_MAX - 1 };
	expect_int(aws_call(&answer, &aws_service_context, &c, &arena, &d, &fault), E_LIMIT);
}
