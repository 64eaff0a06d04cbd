#include "http/retry.h"

#include "base/clock.h"
#include "check.h"

#include <string.h>

static struct http_client client;

/* How far an attempt came: no connection free; nothing connected; and so on. */
enum reached { NO_PLACE, NOTHING, WRITING, WRITTEN, ANSWERED };

static struct http_attempt attempt_that(enum reached reached, bool kept)
{
	struct http_attempt a;
	memset(&a, 0, sizeof(a));
	a.client = reached == NO_PLACE ? NULL : &client;
	a.kept = kept;
	a.progress.written = reached >= WRITTEN;
	a.progress.answered = reached >= ANSWERED;
	return a;
}

TEST(retry_failures)
{
	static const struct {
		enum reached reached;
		bool kept;
		enum err e;
		enum http_again invoke, call, answer; /* for the three kinds of what may be repeated */
	} cases[] = {
		{ NO_PLACE, false, E_LIMIT, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ NOTHING, false, E_NAME, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ NOTHING, false, E_CONNECT, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ NOTHING, false, E_TLS, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ NOTHING, false, E_CERT, HTTP_SETTLED, HTTP_SETTLED, HTTP_SETTLED },
		{ NOTHING, false, E_REFUSED, HTTP_SETTLED, HTTP_SETTLED, HTTP_SETTLED },
		{ NOTHING, false, E_TIMEOUT, HTTP_SETTLED, HTTP_AGAIN_LATER, HTTP_SETTLED },
		{ WRITING, false, E_CLOSED, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ WRITING, false, E_LIMIT, HTTP_SETTLED, HTTP_SETTLED, HTTP_SETTLED },
		{ WRITING, true, E_CLOSED, HTTP_AGAIN_AT_ONCE, HTTP_AGAIN_AT_ONCE, HTTP_AGAIN_AT_ONCE },
		{ WRITING, true, E_LIMIT, HTTP_SETTLED, HTTP_SETTLED, HTTP_SETTLED },
		{ WRITTEN, false, E_CLOSED, HTTP_SETTLED, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ WRITTEN, false, E_TIMEOUT, HTTP_SETTLED, HTTP_AGAIN_LATER, HTTP_SETTLED },
		{ WRITTEN, true, E_CLOSED, HTTP_AGAIN_AT_ONCE, HTTP_AGAIN_AT_ONCE, HTTP_AGAIN_AT_ONCE },
		{ WRITTEN, true, E_TIMEOUT, HTTP_SETTLED, HTTP_AGAIN_LATER, HTTP_SETTLED },
		{ ANSWERED, true, E_CLOSED, HTTP_SETTLED, HTTP_AGAIN_LATER, HTTP_AGAIN_LATER },
		{ ANSWERED, false, E_SYNTAX, HTTP_SETTLED, HTTP_SETTLED, HTTP_SETTLED },
	};
	static const enum http_sender senders[] = { HTTP_SENDER_INVOKE, HTTP_SENDER_CALL,
		HTTP_SENDER_ANSWER };
	for (size_t i = 0; i < countof(cases); i++)
		for (size_t j = 0; j < countof(senders); j++) {
			struct http_retry r = http_retry(senders[j]);
			struct http_attempt a = attempt_that(cases[i].reached, cases[i].kept);
			const enum http_again want[] = { cases[i].invoke, cases[i].call, cases[i].answer };
			context("case %zu, sender %zu", i, j);
			expect_int(http_retry_failure(&r, &a, cases[i].e), want[j]);
			expect(r.fresh);
		}
}

TEST(retry_statuses)
{
	static const struct {
		int status;
		bool invoke, call;
	} cases[] = {
		{ 200, false, false },
		{ 301, false, false },
		{ 400, false, false },
		{ 408, false, false },
		{ 409, false, false },
		{ 429, true, true },
		{ 499, false, false },
		{ 500, true, true },
		{ 501, false, true },
		{ 502, true, true },
		{ 503, true, true },
		{ 504, false, true },
		{ 599, false, true },
	};
	struct http_retry invoke = http_retry(HTTP_SENDER_INVOKE), call = http_retry(HTTP_SENDER_CALL);
	for (size_t i = 0; i < countof(cases); i++) {
		context("%d", cases[i].status);
		expect_int(http_retry_status(&invoke, cases[i].status),
			cases[i].invoke ? HTTP_AGAIN_LATER : HTTP_SETTLED);
		expect_int(http_retry_status(&call, cases[i].status),
			cases[i].call ? HTTP_AGAIN_LATER : HTTP_SETTLED);
	}
}

TEST(retry_heeds_what_an_answer_asks_for)
{
	static const struct {
		struct str value;
		int64_t invoke_ms, message_ms; /* -1: longer than anybody waits */
	} cases[] = {
		{ STR(""), 0, 1000 },
		{ STR("0"), 0, 0 },
		{ STR("1"), 1000, 1000 },
		{ STR("60"), 60000, 60000 },
		{ STR("61"), 0, 61000 },
		{ STR("900"), 0, 900000 },
		{ STR("901"), 0, -1 },
		{ STR("soon"), 0, -1 },
		{ STR("-1"), 0, -1 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_head head = { .count = 1, .fields = { { S("retry-after"), cases[i].value } } };
		struct http_retry invoke = http_retry(HTTP_SENDER_INVOKE),
						  message = http_retry(HTTP_SENDER_MESSAGE);
		context("%.*s", (int)cases[i].value.n, cases[i].value.p);
		http_retry_heed(&invoke, &head, 0);
		http_retry_heed(&message, &head, 1);
		expect_int(invoke.wish_ms, cases[i].invoke_ms);
		if (cases[i].message_ms >= 0)
			expect_int(message.wish_ms, cases[i].message_ms);
		else
			expect(message.wish_ms > INT_MAX);
	}
	struct http_retry cut_off = http_retry(HTTP_SENDER_MESSAGE);
	http_retry_heed(&cut_off, NULL, 1);
	expect_int(cut_off.wish_ms, 1000);
}

/* How long was waited, or -1 when it was not. */
static int64_t waited(struct http_retry *r, enum http_again again, int64_t left_ms)
{
	struct deadline d = deadline_in(left_ms);
	int64_t start = clock_mono_ms();
	return http_retry_wait(r, again, &d) ? clock_mono_ms() - start : -1;
}

TEST(retry_waits)
{
	struct http_retry r = http_retry(HTTP_SENDER_INVOKE);
	struct deadline d = deadline_in(60000);
	for (int i = 1; i <= 4; i++) {
		struct deadline own = http_retry_attempt(&r, &d);
		expect_int(own.hard, d.hard);
		expect_int(r.attempts, i);
		context("attempt %d", i);
		expect_int(waited(&r, HTTP_SETTLED, 60000), -1);
		int64_t ms = waited(&r, i == 2 ? HTTP_AGAIN_AT_ONCE : HTTP_AGAIN_LATER, 60000);
		expect(i == 4 ? ms == -1 : i == 2 ? ms >= 0 : ms >= 50);
	}
	r = http_retry(HTTP_SENDER_INVOKE);
	(void)http_retry_attempt(&r, &d);
	context("no time");
	expect_int(waited(&r, HTTP_AGAIN_LATER, 40), -1);
	expect_int(waited(&r, HTTP_AGAIN_AT_ONCE, 0), -1);
	context("a wish that does not fit is passed over, or ends it");
	r.wish_ms = 30000;
	expect(waited(&r, HTTP_AGAIN_LATER, 10000) >= 50);
	r.policy.retry_after_binds = true;
	expect_int(waited(&r, HTTP_AGAIN_LATER, 10000), -1);
	r.wish_ms = 210;
	expect(waited(&r, HTTP_AGAIN_LATER, 60000) >= 210);
	context("patience");
	r = http_retry(HTTP_SENDER_CALL);
	struct deadline own = http_retry_attempt(&r, &d);
	expect(own.hard < d.hard && own.hard >= clock_mono_ms() + 3000);
}
