#include "service/respond.h"

#include "aws_service.h"
#include "base/clock.h"
#include "check.h"
#include "gateway/response_url.h"
#include "service/destination.h"

/* Slack's hooks and the services of AWS are the same to a client: one scripted server. */
static struct services services;
static char hosts[64], url[128];
static char memory[1 << 20];
static struct fault fault;

static void start(const struct str *answers, size_t count)
{
	aws_service_start(answers, count);
	struct buf h = BUF(hosts), u = BUF(url);
	buf_put(&h, aws_service_context.endpoints->urls[0]);
	buf_format(&u, "%s/commands/T1/2/x%s", buf_str(&h), (struct str){ "", 1 });
	buf_put(&h, (struct str){ "", 1 });
	h.n--;
	services = (struct services){
		.config = { .response_hosts = buf_str(&h), .skip_verify = true },
		.pool = *aws_service_context.pool, /* the same connections */
	};
	resolver_init(&services.resolver, "/dev/null", "/dev/null");
}

/* Closes what was kept, which the service would wait for. */
static void stop(void)
{
	struct response_url u;
	check(response_url_read(&u, str_c(url), str_c(hosts)));
	const struct dial_target to = { .host = u.host,
		.port = u.port,
		.trust = &services.slack_trust,
		.resolver = &services.resolver,
		.proxy = &services.proxy };
	struct http_client *c = http_pool_take(&services.pool, &to, false);
	http_client_close(c);
	http_pool_give(&services.pool, c);
	aws_service_stop();
}

static enum err post(int64_t ms)
{
	struct deadline d = deadline_in(ms);
	return respond(&services, str_c(url), S("{\"text\":\"done\"}"), &d, &fault);
}

#define HEAD(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n"
#define GOOD STR(HEAD("200 OK", "2") "\r\nok")
#define BUSY STR(HEAD("503 Slow Down", "0") "\r\n")

TEST(respond_is_sent_again_if_that_may_help)
{
	static const struct {
		const char *what;
		struct str answers[5];
		size_t requests;
		enum err want;
		struct str says;
	} cases[] = {
		{ "at once", { GOOD }, 1, OK, STR("") },
		{ "JSON that says yes", { STR(HEAD("200 OK", "11") "\r\n{\"ok\":true}") }, 1, OK, STR("") },
		{ "JSON that says no",
			{ STR(HEAD("200 OK", "33") "\r\n{\"ok\":false,\"error\":\"used_url\"}\r\n") }, 1,
			E_REFUSED, STR("Slack answered 200 used_url to the message") },
		{ "no for a reason that is no word",
			{ STR(HEAD("200 OK", "33") "\r\n{\"ok\":false,\"error\":\"used url\"}\r\n") }, 1,
			E_REFUSED, STR("Slack answered 200 to the message") },
		{ "later", { BUSY, STR(HEAD("429 Too Many", "0") "Retry-After: 0\r\n\r\n"), GOOD }, 3, OK,
			STR("") },
		{ "later than there is time", { BUSY }, 1, E_BUSY,
			STR("Slack answered 503 to the message") },
		{ "gone", { STR(HEAD("404 Not Found", "8") "\r\nno_team\n") }, 1, E_REFUSED,
			STR("Slack answered 404 no_team to the message") },
		{ "elsewhere", { STR(HEAD("302 Found", "0") "Location: http://127.0.0.1/\r\n\r\n") }, 1,
			E_REFUSED, STR("Slack answered 302 to the message") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].what);
		start(cases[i].answers, cases[i].requests);
		expect_int(post(cases[i].want == E_BUSY ? 200 : 5000), cases[i].want);
		expect_int(aws_service_requests(), cases[i].requests);
		struct str request = aws_service_request(0);
		expect(str_starts(request, S("POST /commands/T1/2/x HTTP/1.1\r\n")));
		expect(str_ends(request, S("\r\n\r\n{\"text\":\"done\"}")));
		if (cases[i].says.n)
			expect_str(fault_text(&fault), cases[i].says);
		stop();
	}
}

TEST(respond_posts_nowhere_else)
{
	start(NULL, 0);
	services.config.response_hosts = S("hooks.slack.com");
	expect_int(post(1000), E_REFUSED);
	expect_str(fault_text(&fault),
		S("the request's response_url is not one that GATEWAY_RESPONSE_HOSTS allows"));
	expect_int(aws_service_requests(), 0);
	stop();
}

TEST(respond_gives_up_in_time)
{
	int64_t before = clock_mono_ms();
	start(NULL, 0); /* nobody says anything */
	expect_int(post(150), E_TIMEOUT);
	expect(clock_mono_ms() - before >= 150);
	stop();
}

/* A worker's result that went to the gateway as its destination. */
static struct str record_with(struct str result)
{
	static char text[4096];
	struct buf b = BUF(text);
	buf_format(&b,
		"{\"version\":\"1.0\",\"requestContext\":{\"requestId\":\"id-1\",\"functionArn\":"
		"\"arn:aws:lambda:eu-west-1:123456789012:function:f\",\"condition\":\"Success\"},"
		"\"requestPayload\":{\"type\":\"slash_command\",\"response_url\":\"%s\",\"gateway\":{"
		"\"received_at\":1531420618000}},\"responseContext\":{\"statusCode\":200},"
		"\"responsePayload\":%s}",
		str_c(url), result);
	return buf_str(&b);
}

/* In SQS's envelope: as a string, in which quotes are escaped. */
static struct str in_queue(struct str record)
{
	static char text[8192];
	struct buf b = BUF(text);
	buf_put(&b, S("{\"Records\":[{\"eventSource\":\"aws:sqs\",\"messageId\":\"m-1\",\"body\":\""));
	for (size_t i = 0; i < record.n; i++) {
		if (record.p[i] == '"' || record.p[i] == '\\')
			buf_put(&b, S("\\"));
		buf_put(&b, str_sub(record, i, i + 1));
	}
	buf_put(&b, S("\"}]}"));
	return buf_str(&b);
}

static bool run(struct str *answer, struct str event, int64_t ms)
{
	struct deadline d = deadline_in(ms);
	struct arena arena = { memory, 0, sizeof(memory) };
	return destination_run(&services, answer, event, S("r-1"), 1531420618, &d, &arena);
}

TEST(destination_posts_what_was_returned)
{
	static const struct {
		const char *what;
		bool queue;
		struct str result, answer, posted; /* posted empty: nothing is */
		struct str want;                   /* what Lambda or SQS is told */
	} cases[] = {
		{ "a text", false, STR("\"done\""), GOOD, STR("\"text\":\"done\""), STR("{}") },
		{ "nothing", false, STR("null"), GOOD, STR(""), STR("{}") },
		{ "from a queue", true, STR("\"done\""), GOOD, STR("\"text\":\"done\""),
			STR("{\"batchItemFailures\":[]}") },
		{ "from a queue, refused", true, STR("\"done\""), STR(HEAD("404 Not Found", "0") "\r\n"),
			STR("\"text\":\"done\""), STR("{\"batchItemFailures\":[]}") },
		{ "from a queue, for later", true, STR("\"done\""), BUSY, STR("\"text\":\"done\""),
			STR("{\"batchItemFailures\":[{\"itemIdentifier\":\"m-1\"}]}") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str answer;
		context("%s", cases[i].what);
		start(&cases[i].answer, 1);
		struct str record = record_with(cases[i].result);
		static const struct str busy = BUSY;
		bool later = str_eq(cases[i].answer, busy);
		expect(run(&answer, cases[i].queue ? in_queue(record) : record, later ? 200 : 5000));
		expect_str(answer, cases[i].want);
		expect_int(aws_service_requests() > 0, cases[i].posted.n > 0);
		if (cases[i].posted.n)
			expect(
				str_find_str(aws_service_request(0), cases[i].posted) < aws_service_request(0).n);
		stop();
	}
}

TEST(destination_passes_over_what_is_none)
{
	struct str answer;
	start(NULL, 0);
	expect(!run(&answer, S("{\"a\":1}"), 1000));
	expect_str(answer, S("{}"));
	expect_int(aws_service_requests(), 0);
	stop();
}
