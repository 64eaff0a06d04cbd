/* The peer is a scripted Lambda on the loopback address, spoken to in plain through an endpoint
 * override. */
#include "aws/credential_sources.h"
#include "aws/invoke.h"

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "net/resolve.h"
#include "no_files.h"
#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* LEAVES: closes, and nobody listens any more. */
enum ending { KEEPS, CLOSES, RESETS, HANGS, DAWDLES, LEAVES };

/* What the peer does with one request. */
struct act {
	struct str answer;
	enum ending then;
	size_t reads; /* so much of the request and no more; 0: all of it */
};

enum { ACTS_MAX = 8, SLOTS = 2 };

static struct act acts[ACTS_MAX];
static size_t acts_count, requests; /* requests: begun to be read, each takes an act */
static char seen[ACTS_MAX][16384];  /* their heads, cut to what fits */
static struct peer peer;

static struct resolver resolver;
static struct credential_chain chain = {
	.from_environment = { STR("AKIDEXAMPLE"), STR("secret"), STR("token"), INT64_MAX, STR("test"),
		0 },
	.fixed = true,
};
static char url_memory[64];
static struct endpoint endpoint; /* what the override says */
static struct endpoints endpoints;
static struct aws_context client;
static struct invoker invoker;
static struct invoke_result result;
static char answer_memory[65536];
static struct buf answer;

#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n"
static const struct str started = STR(STATUS("202 Accepted") "x-amzn-RequestId: 7a2b-11\r\n\r\n");

/* Reads a request, or its first bytes. False when the connection ended before it began. */
static bool take_request(int fd, const struct act *act)
{
	static char bytes[1 << 16];
	char *head = seen[requests];
	size_t got = 0, wanted = act->reads ? act->reads : SIZE_MAX;
	memset(head, 0, sizeof(seen[0]));
	while (got < wanted) {
		size_t room = wanted - got < sizeof(bytes) ? wanted - got : sizeof(bytes);
		ssize_t n = recv(fd, bytes, room, 0);
		if (n <= 0)
			return got > 0;
		for (ssize_t i = 0; i < n && got + (size_t)i < sizeof(seen[0]) - 1; i++)
			head[got + (size_t)i] = bytes[i];
		got += (size_t)n;
		struct str text = str_c(head);
		size_t end = str_find_str(text, S("\r\n\r\n")),
			   length = str_find_str(text, S("Content-Length: ")) + 16;
		uint64_t body;
		struct str digits = str_sub(text, length, length + str_find(str_skip(text, length), '\r'));
		if (!act->reads && end < text.n && str_to_u64(&body, digits, UINT32_MAX))
			wanted = end + 4 + (size_t)body;
	}
	return true;
}

static void serve(int fd, struct peer *p)
{
	while (requests < acts_count) {
		const struct act *act = &acts[requests];
		if (!take_request(fd, act))
			return;
		requests++;
		for (struct str s = act->answer; s.n;) {
			ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
			if (n <= 0)
				return;
			s = str_skip(s, (size_t)n);
		}
		if (act->then == RESETS)
			peer_reset(fd);
		if (act->then == LEAVES)
			shutdown(p->listener, SHUT_RDWR);
		if (act->then == HANGS)
			peer_hang(fd, p);
		if (act->then == DAWDLES)
			clock_sleep_ms(500);
		if (act->then != KEEPS)
			return;
	}
	peer_hang(fd, p);
}

static void use_port(int port)
{
	struct fault f;
	struct buf url = BUF(url_memory);
	buf_format(&url, "http://127.0.0.1:%d", NUM(port));
	endpoints = (struct endpoints){ .urls = { [AWS_LAMBDA] = buf_str(&url) } };
	check(endpoint_from_url(&endpoint, buf_str(&url), &f) == OK);
}

static void set_up(const struct act *script, size_t count)
{
	static struct http_pool *pool;
	if (!pool) {
		void *memory = mmap(NULL, http_pool_size(SLOTS), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(memory != MAP_FAILED);
		static struct http_pool only_pool;
		http_pool_init(&only_pool, memory, SLOTS);
		pool = &only_pool;
		memset(&resolver, 0, sizeof(resolver));
		resolver_init(&resolver, "/dev/null", "/dev/null");
	}
	check(count <= ACTS_MAX);
	memcpy(acts, script, count * sizeof(acts[0]));
	acts_count = count;
	requests = 0;
	peer_start(&peer, serve, NULL);
	use_port(peer.port);
	client = (struct aws_context){ .pool = pool, .resolver = &resolver, .endpoints = &endpoints };
	invoker = (struct invoker){ .aws = &client, .credentials = &chain };
	answer = BUF(answer_memory);
}
#define SET_UP(...)                                                                                \
	set_up((const struct act[]){ __VA_ARGS__ },                                                    \
		sizeof((const struct act[]){ __VA_ARGS__ }) / sizeof(struct act))

static struct dial_target target(void)
{
	return (
		struct dial_target){ .host = endpoint.host, .port = endpoint.port, .resolver = &resolver };
}

static void tear_down(void)
{
	struct dial_target to = target();
	struct http_client *c = http_pool_take(client.pool, &to, false);
	http_client_close(c);
	http_pool_give(client.pool, c);
	peer_stop(&peer);
}

static void run_with(enum invoke_type type, struct str payload, struct deadline *d)
{
	struct invocation in = {
		.type = type, .region = S("eu-west-1"), .function = S("my-fn:live"), .payload = payload
	};
	memset(&result, 'x', sizeof(result));
	invoke(&invoker, &result, &in, type == INVOKE_REQUEST_RESPONSE ? &answer : NULL, d);
}

static void run(int64_t ms)
{
	struct deadline d = deadline_in(ms);
	run_with(INVOKE_EVENT, S("{}"), &d);
}

static bool says(struct str s)
{
	struct str text = fault_text(&result.fault);
	return expect(str_find_str(text, s) < text.n) || expect_str(text, s);
}

static struct str seen_text(size_t i)
{
	return str_c(seen[i]);
}

static bool saw(size_t i, struct str s)
{
	return str_find_str(seen_text(i), s) < seen_text(i).n;
}

TEST(invoke_starts_a_function)
{
	SET_UP({ started, KEEPS, 0 });
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.status, 202);
	expect_int(result.attempts, 1);
	expect_str(str_c(result.request_id), S("7a2b-11"));
	expect_str(str_c(result.error_name), S(""));
	expect_int(result.fault.n, 0);
	expect(result.refusal != REFUSAL_EXPIRED && !result.permanent);
	tear_down();
	expect(str_starts(seen_text(0),
		S("POST /2015-03-31/functions/my-fn%3Alive/invocations HTTP/1.1\r\nHost: 127.0.0.1:")));
	expect(saw(0, S("\r\nx-amz-invocation-type: Event\r\n")));
	expect(saw(0, S("\r\nx-amz-security-token: token\r\n")));
	expect(str_ends(seen_text(0), S("\r\n\r\n{}")));
}

/* What is sent after one refusal and no other. */
TEST(invoke_judges_each_status)
{
	static const struct {
		struct str answer;
		enum invoke_outcome outcome;
		bool permanent, again;
		struct str error_name, text;
	} cases[] = {
		/* emulators, which ran it at once */
		{ STR(STATUS("200 OK") "\r\n"), INVOKE_STARTED, false, false, STR(""), STR("") },
		{ STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Amz-Function-Error: "
			  "Unhandled\r\nContent-Length: 2\r\n\r\n{}"),
			INVOKE_STARTED, false, false, STR("Unhandled"), STR("") },
		{ STR(STATUS("200 OK") "Content-Type: Text/HTML; charset=utf-8\r\n\r\n"), INVOKE_UNKNOWN,
			false, false, STR(""), STR("answered 200 instead of 202") },
		{ STR(STATUS("201 Created") "\r\n"), INVOKE_UNKNOWN, false, false, STR(""),
			STR("answered 201 instead of 202") },
		{ STR("HTTP/1.1 204 No Content\r\n\r\n"), INVOKE_UNKNOWN, false, false, STR(""),
			STR("answered 204 instead of 202") },
		{ STR(STATUS("301 Moved") "Location: http://127.0.0.1:9/\r\n\r\n"), INVOKE_NOT_STARTED,
			true, false, STR(""), STR("redirects are not followed") },
		{ STR(STATUS("307 Moved") "Location: /\r\n\r\n"), INVOKE_NOT_STARTED, true, false, STR(""),
			STR("answered 307; redirects") },
		{ STR(STATUS("400 Bad") "x-amzn-ErrorType: InvalidRequestContentException\r\n\r\n"),
			INVOKE_NOT_STARTED, true, false, STR("InvalidRequestContentException"),
			STR("InvalidRequestContentException") },
		{ STR(STATUS("400 Bad") "x-amzn-ErrorType: ThrottlingException\r\n\r\n"),
			INVOKE_NOT_STARTED, false, true, STR("ThrottlingException"),
			STR("ThrottlingException; it is being throttled") },
		{ STR(STATUS("403 No") "x-amzn-ErrorType: AccessDeniedException\r\n\r\n"),
			INVOKE_NOT_STARTED, true, false, STR("AccessDeniedException"),
			STR("lambda:InvokeFunction") },
		{ STR("HTTP/1.1 404 Not Found\r\nx-amzn-ErrorType: "
			  "ResourceNotFoundException\r\nContent-Length: 33\r\n\r\n"
			  "{\"Message\":\"Function not found.\"}"),
			INVOKE_NOT_STARTED, true, false, STR("ResourceNotFoundException"),
			STR("ResourceNotFoundException: Function not found; check its name") },
		{ STR(STATUS("413 Large") "\r\n"), INVOKE_NOT_STARTED, true, false, STR(""),
			STR("larger than AWS takes") },
		{ STR(STATUS("408 Timeout") "\r\n"), INVOKE_NOT_STARTED, false, false, STR(""),
			STR("answered 408") },
		{ STR(STATUS("409 Conflict") "x-amzn-ErrorType: ResourceConflictException\r\n\r\n"),
			INVOKE_NOT_STARTED, false, true, STR("ResourceConflictException"),
			STR("ResourceConflictException") },
		{ STR(STATUS("409 Conflict") "x-amzn-ErrorType: SnapStartNotReadyException\r\n\r\n"),
			INVOKE_NOT_STARTED, false, true, STR("SnapStartNotReadyException"),
			STR("SnapStartNotReadyException") },
		{ STR(STATUS("409 Conflict") "x-amzn-ErrorType: CodeArtifactUserDeletedException\r\n\r\n"),
			INVOKE_NOT_STARTED, false, false, STR("CodeArtifactUserDeletedException"),
			STR("CodeArtifact") },
		{ STR(STATUS("429 Slow") "\r\n"), INVOKE_NOT_STARTED, false, true, STR(""),
			STR("throttled") },
		{ STR(STATUS("500 Oops") "x-amzn-ErrorType: ServiceException\r\n\r\n"), INVOKE_NOT_STARTED,
			false, true, STR("ServiceException"), STR("ServiceException") },
		{ STR(STATUS("502 Bad") "\r\n"), INVOKE_NOT_STARTED, false, true, STR(""),
			STR("answered 502") },
		{ STR(STATUS("503 Busy") "\r\n"), INVOKE_NOT_STARTED, false, true, STR(""),
			STR("answered 503") },
		{ STR(STATUS("504 Late") "\r\n"), INVOKE_UNKNOWN, false, false, STR(""),
			STR("answered 504") },
		{ STR(STATUS("505 What") "\r\n"), INVOKE_NOT_STARTED, false, false, STR(""),
			STR("answered 505") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%.12s", cases[i].answer.p);
		/* No pause fits into 40 ms; on a busy machine no answer does, now and then. */
		for (int tries = 0; tries == 0 || (tries < 50 && result.status == 0); tries++) {
			if (tries)
				tear_down();
			SET_UP({ cases[i].answer, KEEPS, 0 }, { started, KEEPS, 0 });
			struct deadline d = deadline_in(40);
			run_with(INVOKE_EVENT, S("{}"), &d);
		}
		expect_int(result.outcome, cases[i].outcome);
		expect_int(result.attempts, 1);
		expect_int(result.permanent, cases[i].permanent);
		expect_str(str_c(result.error_name), cases[i].error_name);
		expect(result.refusal != REFUSAL_EXPIRED);
		if (cases[i].text.n)
			says(cases[i].text);
		else
			expect_int(result.fault.n, 0);
		tear_down();

		SET_UP({ cases[i].answer, KEEPS, 0 }, { started, KEEPS, 0 });
		run(5000);
		expect_int(result.attempts, cases[i].again ? 2 : 1);
		expect_int(result.outcome, cases[i].again ? INVOKE_STARTED : cases[i].outcome);
		if (cases[i].again)
			expect(result.fault.n == 0 && result.error_name[0] == 0);
		tear_down();
		expect_int(requests, cases[i].again ? 2 : 1);
	}
}

TEST(invoke_gives_up_after_four_attempts)
{
	struct str busy = S(STATUS("503 Busy") "\r\n");
	SET_UP({ busy, KEEPS, 0 }, { busy, CLOSES, 0 }, { busy, KEEPS, 0 }, { busy, KEEPS, 0 },
		{ started, KEEPS, 0 });
	int64_t before = clock_mono_ms();
	run(5000);
	int64_t took = clock_mono_ms() - before;
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 4);
	expect_int(result.status, 503);
	expect(took >= 150 && took < 2000);
	tear_down();
	expect_int(requests, 4);
}

TEST(invoke_gives_up_at_once_when_a_pause_does_not_fit)
{
	int64_t least = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		SET_UP({ S(STATUS("503 Busy") "\r\n"), KEEPS, 0 });
		int64_t before = clock_mono_ms();
		run(49);
		int64_t took = clock_mono_ms() - before;
		least = took < least ? took : least;
		expect_int(result.attempts, 1);
		tear_down();
	}
	expect(least < 40);
}

TEST(invoke_waits_as_long_as_throttling_asks_for)
{
	struct str throttled = S(STATUS("429 Slow") "Retry-After: 1\r\n\r\n");
	SET_UP({ throttled, KEEPS, 0 }, { started, KEEPS, 0 });
	int64_t before = clock_mono_ms();
	run(5000);
	expect(clock_mono_ms() - before >= 1000);
	expect_int(result.outcome, INVOKE_STARTED);
	tear_down();

	context("once");
	SET_UP(
		{ throttled, KEEPS, 0 }, { S(STATUS("503 Busy") "\r\n"), KEEPS, 0 }, { started, KEEPS, 0 });
	before = clock_mono_ms();
	run(5000);
	int64_t took = clock_mono_ms() - before;
	expect(took >= 1000 && took < 2000);
	expect_int(result.outcome, INVOKE_STARTED);
	tear_down();

	context("does not fit");
	SET_UP({ throttled, KEEPS, 0 }, { started, KEEPS, 0 });
	before = clock_mono_ms();
	run(900);
	expect(clock_mono_ms() - before < 700);
	expect_int(result.outcome, INVOKE_STARTED);
	tear_down();

	static const struct str odd[] = { STR("-1"), STR("61"), STR("99999999999999999999"),
		STR("Thu, 01 Jan 2026 00:00:00 GMT"), STR("") };
	for (size_t i = 0; i < countof(odd); i++) {
		char memory[128];
		struct buf b = BUF(memory);
		context("%s", odd[i].p);
		buf_format(&b, "%s%s\r\n\r\n", S(STATUS("429 Slow") "Retry-After: "), odd[i]);
		SET_UP({ buf_str(&b), KEEPS, 0 }, { started, KEEPS, 0 });
		before = clock_mono_ms();
		run(100000);
		expect(clock_mono_ms() - before < 1000);
		expect_int(result.outcome, INVOKE_STARTED);
		tear_down();
	}
}

/* A success is cut at every byte, on a fresh connection and on a kept one, in both ways a
 * connection can end. */
TEST(invoke_judges_a_cut_answer_by_its_status_line)
{
	size_t line = str_find_str(started, S("\r\n")) + 2;
	for (size_t cut = 0; cut <= started.n; cut++) {
		for (int kept = 0; kept < 2; kept++) {
			for (int reset = 0; reset < 2; reset++) {
				context(
					"cut at %zu, %s, %s", cut, kept ? "kept" : "fresh", reset ? "reset" : "closed");
				struct act act = { str_sub(started, 0, cut), reset ? RESETS : CLOSES, 0 };
				if (kept)
					SET_UP({ started, KEEPS, 0 }, act, { started, KEEPS, 0 });
				else
					SET_UP(act, { started, KEEPS, 0 });
				if (kept)
					run(5000);
				run(5000);
				/* A reset may overtake what was sent before it. */
				bool dead = kept && (cut == 0 || (reset && result.attempts == 2));
				if (cut >= line || dead) {
					expect_int(result.outcome, INVOKE_STARTED);
					expect_int(result.attempts, dead ? 2 : 1);
				} else {
					expect_int(result.outcome, INVOKE_UNKNOWN);
					expect_int(result.attempts, 1);
					expect_int(result.status, 0);
					expect(result.fault.n > 0);
				}
				tear_down();
			}
		}
	}
}

TEST(invoke_judges_a_cut_refusal_by_its_status_line)
{
	static const struct str refusal = STR("HTTP/1.1 404 Not Found\r\nx-amzn-ErrorType: "
										  "ResourceNotFoundException\r\nContent-Length: 23\r\n\r\n"
										  "{\"Message\":\"not found\"}\n");
	size_t line = str_find_str(refusal, S("\r\n")) + 2,
		   head = str_find_str(refusal, S("\r\n\r\n")) + 4;
	for (size_t cut = line; cut < refusal.n; cut++) {
		context("cut at %zu", cut);
		SET_UP({ str_sub(refusal, 0, cut), CLOSES, 0 });
		run(5000);
		expect_int(result.outcome, INVOKE_NOT_STARTED);
		expect_int(result.status, 404);
		expect_int(result.attempts, 1);
		expect(result.permanent);
		expect_str(str_c(result.error_name), cut >= head ? S("ResourceNotFoundException") : S(""));
		says(cut >= head + 23 ? S("ResourceNotFoundException: not found;")
				: cut >= head ? S("ResourceNotFoundException; check")
							  : S("answered 404"));
		tear_down();
	}
}

TEST(invoke_does_not_repeat_what_may_have_been_done)
{
	static const struct {
		struct str answer;
		enum ending then;
		enum invoke_outcome outcome;
		int status;
	} cases[] = {
		{ STR("garbage\r\n\r\n"), CLOSES, INVOKE_UNKNOWN, 0 },
		{ STR("\x15\x03\x03\x00\x02\x02\x28"), CLOSES, INVOKE_UNKNOWN, 0 },
		{ STR("HTTP/1.1 202 Acc"), HANGS, INVOKE_UNKNOWN, 0 },
		{ STR("HTTP/2 202\r\n\r\n"), HANGS, INVOKE_UNKNOWN, 0 },
		{ STR("HTTP/1.1 100 Continue\r\n\r\n"), CLOSES, INVOKE_UNKNOWN, 0 },
		{ STR("HTTP/1.1 100 Continue\r\n\r\n"), HANGS, INVOKE_UNKNOWN, 0 },
		{ STR(""), HANGS, INVOKE_UNKNOWN, 0 },
		{ STR("HTTP/1.1 202 Accepted\r\n"), HANGS, INVOKE_STARTED, 202 },
		{ STR("HTTP/1.1 202 Accepted\r\nbroken head\r\n\r\n"), HANGS, INVOKE_STARTED, 202 },
		{ STR("HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nab"), HANGS, INVOKE_STARTED, 202 },
		{ STR("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz"), HANGS,
			INVOKE_STARTED, 202 },
		{ STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"),
			KEEPS, INVOKE_STARTED, 202 },
		{ STR("HTTP/1.1 403 No\r\nbroken head\r\n\r\n"), HANGS, INVOKE_NOT_STARTED, 403 },
		{ STR("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nab"), HANGS, INVOKE_NOT_STARTED, 403 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		for (int kept = 0; kept < 2; kept++) {
			if (kept && cases[i].answer.n == 0 && cases[i].then != HANGS)
				continue;
			context("case %zu, %s", i, kept ? "kept" : "fresh");
			struct act act = { cases[i].answer, cases[i].then, 0 };
			if (kept)
				SET_UP({ started, KEEPS, 0 }, act, { started, KEEPS, 0 });
			else
				SET_UP(act, { started, KEEPS, 0 });
			if (kept)
				run(5000);
			int64_t before = clock_mono_ms();
			run(cases[i].status ? 5000
								: 100); /* with a status, the rest is not waited for as long */
			expect(clock_mono_ms() - before < 1000);
			expect_int(result.outcome, cases[i].outcome);
			expect_int(result.status, cases[i].status);
			expect_int(result.attempts, 1);
			expect_int(result.fault.n > 0, cases[i].outcome != INVOKE_STARTED);
			tear_down();
		}
	}
}

TEST(invoke_says_for_how_long_there_was_no_answer)
{
	SET_UP({ S(""), HANGS, 0 });
	run(120);
	expect_int(result.outcome, INVOKE_UNKNOWN);
	says(S("no answer from 127.0.0.1:"));
	says(S(" ms"));
	tear_down();
	SET_UP({ S(""), HANGS, 0 });
	run(1100);
	says(S(" within 1 s"));
	tear_down();
}

TEST(invoke_repeats_what_did_not_arrive_whole)
{
	static char payload[32 << 20]; /* more than the kernel takes for a peer that does not read */
	struct deadline d = deadline_in(60000);
	SET_UP({ S(""), RESETS, 1000 }, { S(""), CLOSES, 1 }, { started, KEEPS, 0 });
	run_with(INVOKE_EVENT, (struct str){ payload, sizeof(payload) }, &d);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.attempts, 3);
	tear_down();

	SET_UP({ S(""), RESETS, 1000 }, { S(""), RESETS, 1000 }, { S(""), RESETS, 1 },
		{ S(""), RESETS, 100000 }, { started, KEEPS, 0 });
	d = deadline_in(60000);
	run_with(INVOKE_EVENT, (struct str){ payload, sizeof(payload) }, &d);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 4);
	expect_int(result.status, 0);
	says(S("sending the request"));
	tear_down();

	context("no time left");
	SET_UP({ S(""), DAWDLES, 1000 }, { started, KEEPS, 0 });
	d = deadline_in(300);
	run_with(INVOKE_EVENT, (struct str){ payload, sizeof(payload) }, &d);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 1);
	expect_int(result.fault.code, E_TIMEOUT);
	tear_down();
}

/* Serves one connection on a socket that is bound, but not yet listening. */
static void *come_late(void *bound)
{
	clock_sleep_ms(100); /* three pauses of 50 ms end later */
	check(listen(*(int *)bound, 16) == 0);
	int fd = accept(*(int *)bound, NULL, NULL);
	serve(fd, &peer);
	close(fd);
	return NULL;
}

TEST(invoke_tries_to_connect_again)
{
	SET_UP({ started, KEEPS, 0 });
	tear_down();

	context("nobody there");
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 4);
	expect_int(result.status, 0);
	expect_int(result.fault.code, E_CONNECT);
	expect(!result.permanent);

	context("no time");
	run(40);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 1);

	context("somebody comes");
	SET_UP({ started, CLOSES, 0 });
	peer_stop(&peer);
	int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	pthread_t late;
	check(bind(bound, (struct sockaddr *)&at, n) == 0 &&
		getsockname(bound, (struct sockaddr *)&at, &n) == 0);
	use_port(ntohs(at.sin_port));
	check(pthread_create(&late, NULL, come_late, &bound) == 0);
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	expect(result.attempts > 1);
	check(pthread_join(late, NULL) == 0);
	close(bound);
}

TEST(invoke_does_not_know_after_a_kept_connection_died_and_nobody_came)
{
	SET_UP({ started, KEEPS, 0 }, { S(""), LEAVES, 0 });
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	run(5000);
	expect_int(result.outcome, INVOKE_UNKNOWN);
	expect_int(result.attempts, 4);
	tear_down();

	context("a refusal in between");
	SET_UP({ started, KEEPS, 0 }, { S(""), CLOSES, 0 },
		{ S(STATUS("503 Busy") "x-amzn-ErrorType: ServiceException\r\nx-amzn-RequestId: "
							   "1\r\nConnection: close\r\n\r\n"),
			LEAVES, 0 });
	run(5000);
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 4);
	expect_int(result.status, 0);
	expect_str(str_c(result.error_name), S(""));
	expect_str(str_c(result.request_id), S(""));
	tear_down();
}

TEST(invoke_trusts_no_other_kept_connection_once_one_was_dead)
{
	SET_UP({ S(""), CLOSES, 0 }, { started, KEEPS, 0 });
	struct dial_target to = target();
	struct http_client *kept[SLOTS];
	struct fault f;
	struct deadline d = deadline_in(5000);
	for (size_t i = 0; i < SLOTS; i++) {
		kept[i] = http_pool_take(client.pool, &to, true);
		expect_int(dial(&kept[i]->stream, &to, &d, &f), OK);
	}
	for (size_t i = SLOTS; i-- > 0;
		 clock_sleep_ms(5)) /* the first one, which is served first, last: so it is taken */
		http_pool_give(client.pool, kept[i]);
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.attempts, 2);
	tear_down();
	expect_int(peer.connections, SLOTS + 1);
}

TEST(invoke_uses_a_connection_again)
{
	SET_UP({ started, KEEPS, 0 }, { started, KEEPS, 0 }, { started, KEEPS, 0 });
	for (int i = 0; i < 3; i++) {
		run(5000);
		expect_int(result.outcome, INVOKE_STARTED);
		expect_int(result.attempts, 1);
	}
	expect_int(peer.connections, 1);
	tear_down();
}

TEST(invoke_finds_the_connection_that_was_warmed_up)
{
	struct fault f;
	struct deadline d = deadline_in(5000);
	SET_UP({ started, KEEPS, 0 });
	expect_int(invoke_warm_up(&invoker, S("eu-west-1"), &d, &f), OK);
	expect_int(invoke_warm_up(&invoker, S("eu-west-1"), &d, &f), OK);
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(peer.connections, 1);
	tear_down();

	context("dead by then");
	SET_UP({ S(""), CLOSES, 0 }, { started, KEEPS, 0 });
	expect_int(invoke_warm_up(&invoker, S("eu-west-1"), &d, &f), OK);
	run(5000);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.attempts, 2);
	expect_int(peer.connections, 2);
	tear_down();

	context("nobody there");
	expect_int(invoke_warm_up(&invoker, S("eu-west-1"), &d, &f), E_CONNECT);
}

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(invoke_serves_the_soft_moment_once_and_goes_on)
{
	struct str busy = S(STATUS("503 Busy") "\r\n");
	int calls = 0;
	SET_UP({ busy, KEEPS, 0 }, { busy, KEEPS, 0 }, { started, KEEPS, 0 });
	struct deadline d = deadline_in(5000);
	d.soft = clock_mono_ms() + 20;
	d.on_soft = count;
	d.arg = &calls;
	run_with(INVOKE_EVENT, S("{}"), &d);
	expect_int(calls, 1);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.attempts, 3);
	tear_down();
}

static struct str refusal_at(char memory[static 256], const char *name, int64_t seconds)
{
	struct buf b = { memory, 0, 256, false };
	buf_format(&b, "%s%s\r\nDate: ", S(STATUS("403 Forbidden") "x-amzn-ErrorType: "), str_c(name));
	utc_put(&b, seconds, UTC_HTTP_DATE);
	buf_put(&b, S("\r\n\r\n"));
	check(!b.full);
	return buf_str(&b);
}

/* The time that a request was signed with. */
static int64_t signed_at(size_t i)
{
	struct str date = str_skip(seen_text(i), str_find_str(seen_text(i), S("x-amz-date: ")) + 12);
	static const size_t at[] = { 0, 4, 6, 9, 11, 13 };
	uint64_t v[6] = { 0 };
	for (size_t k = 0; k < 6; k++)
		expect(str_to_u64(&v[k], str_sub(date, at[k], at[k] + (k ? 2 : 4)), 9999));
	return utc_to_seconds(
		(struct utc){ (int)v[0], (int)v[1], (int)v[2], (int)v[3], (int)v[4], (int)v[5] });
}

TEST(invoke_corrects_a_wrong_clock_once)
{
	static const struct {
		const char *name;
		int off_s;
		bool again;
	} cases[] = {
		{ "InvalidSignatureException", 3600, true },
		{ "InvalidSignatureException", -3600, true },
		{ "SignatureDoesNotMatch", 300, true },
		{ "InvalidSignatureException", 200, false },
		{ "InvalidSignatureException", 0, false },
		{ "RequestTimeTooSkewed", 3600, true },
		{ "RequestExpired", 60, true },
		{ "RequestInTheFuture", -60, true },
		{ "AccessDeniedException", 3600, false },
		{ "ExpiredTokenException", 3600, false },
	};
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s %d", cases[i].name, cases[i].off_s);
		char memory[256];
		int64_t now = clock_wall_ms() / 1000;
		struct str refusal = refusal_at(memory, cases[i].name, now + cases[i].off_s);
		SET_UP({ refusal, KEEPS, 0 }, { started, KEEPS, 0 }, { started, KEEPS, 0 });
		run(5000);
		expect_int(result.outcome, cases[i].again ? INVOKE_STARTED : INVOKE_NOT_STARTED);
		expect_int(result.attempts, cases[i].again ? 2 : 1);
		int64_t off = client.skew_ms / 1000 - (cases[i].again ? cases[i].off_s : 0);
		expect(off >= -2 && off <= 2);
		if (cases[i].again) {
			run(5000);
			expect_int(result.attempts, 1);
		}
		tear_down();
		for (size_t k = 1; cases[i].again && k < 3; k++) {
			int64_t late = signed_at(k) - signed_at(0) - cases[i].off_s;
			expect(late >= -2 && late <= 2);
		}
	}

	context("refused again");
	char memory[2][256];
	int64_t now = clock_wall_ms() / 1000;
	SET_UP({ refusal_at(memory[0], "RequestTimeTooSkewed", now + 3600), KEEPS, 0 },
		{ refusal_at(memory[1], "RequestTimeTooSkewed", now + 7200), KEEPS, 0 },
		{ started, KEEPS, 0 });
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 2);
	tear_down();

	context("no date");
	SET_UP({ S(STATUS("403 No") "x-amzn-ErrorType: RequestTimeTooSkewed\r\n\r\n"), KEEPS, 0 },
		{ started, KEEPS, 0 });
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 1);
	tear_down();
	log_set_level(LOG_INFO);
}

TEST(invoke_tells_that_the_keys_have_expired)
{
	static const struct {
		struct str answer;
		bool expired;
	} cases[] = {
		{ STR(STATUS("403 No") "x-amzn-ErrorType: ExpiredTokenException\r\n\r\n"), true },
		{ STR("HTTP/1.1 403 No\r\nContent-Length: 25\r\n\r\n{\"__type\":\"ExpiredToken\"}"), true },
		{ STR(STATUS("403 No") "x-amzn-ErrorType: UnrecognizedClientException\r\n\r\n"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		SET_UP({ cases[i].answer, KEEPS, 0 }, { started, KEEPS, 0 });
		run(5000);
		expect_int(result.outcome, INVOKE_NOT_STARTED);
		expect_int(result.attempts, 1);
		expect_int(result.refusal == REFUSAL_EXPIRED, cases[i].expired);
		expect_int(result.permanent, !cases[i].expired);
		tear_down();
	}
}

TEST(invoke_fetches_the_answer_of_a_function)
{
	static const struct {
		struct str answer;
		enum invoke_outcome outcome;
		struct str body, error_name;
	} cases[] = {
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"), INVOKE_STARTED,
			STR("{\"a\":1}"), STR("") },
		{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			  "chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"),
			INVOKE_STARTED, STR("{\"a\":1}"), STR("") },
		{ STR("HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: 2\r\n\r\n{}"),
			INVOKE_STARTED, STR("{}"), STR("Unhandled") },
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\""), INVOKE_UNKNOWN, STR(""),
			STR("") },
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"), INVOKE_UNKNOWN, STR(""),
			STR("") },
		{ STR("HTTP/1.1 404 No\r\nx-amzn-ErrorType: ResourceNotFoundException\r\nContent-Length: "
			  "17\r\n\r\n{\"message\":\"one\"}"),
			INVOKE_NOT_STARTED, STR(""), STR("ResourceNotFoundException") },
		{ STR(STATUS("202 Accepted") "\r\n"), INVOKE_UNKNOWN, STR(""), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		SET_UP({ cases[i].answer, CLOSES, 0 });
		struct deadline d = deadline_in(5000);
		buf_put(&answer, S("before "));
		run_with(INVOKE_REQUEST_RESPONSE, S("{}"), &d);
		expect_int(result.outcome, cases[i].outcome);
		expect_int(result.attempts, 1);
		expect(str_starts(buf_str(&answer), S("before ")));
		expect_str(str_skip(buf_str(&answer), 7), cases[i].body);
		expect_str(str_c(result.error_name), cases[i].error_name);
		expect_int(result.fault.n > 0, cases[i].outcome != INVOKE_STARTED);
		tear_down();
		expect(saw(0, S("\r\nx-amz-invocation-type: RequestResponse\r\n")));
	}

	context("after a refusal");
	SET_UP({ S("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"), KEEPS, 0 },
		{ cases[0].answer, KEEPS, 0 });
	struct deadline d = deadline_in(5000);
	run_with(INVOKE_REQUEST_RESPONSE, S("{}"), &d);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_str(buf_str(&answer), S("{\"a\":1}"));
	tear_down();
}

TEST(invoke_asks_whether_it_would_be_allowed)
{
	SET_UP({ S("HTTP/1.1 204 No Content\r\n\r\n"), KEEPS, 0 });
	struct deadline d = deadline_in(5000);
	run_with(INVOKE_DRY_RUN, S("{}"), &d);
	expect_int(result.outcome, INVOKE_STARTED);
	expect_int(result.status, 204);
	tear_down();
	expect(saw(0, S("\r\nx-amz-invocation-type: DryRun\r\n")));
}

static const char *no_metadata(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "AWS_EC2_METADATA_DISABLED") == 0 ? "true" : NULL;
}

TEST(invoke_says_what_it_lacks)
{
	SET_UP({ started, KEEPS, 0 });
	static _Alignas(16) char scratch[CREDENTIALS_SCRATCH];
	static struct credential_chain none;
	static const struct environment env = { no_metadata, NULL };
	static const struct credential_host host = {
		.read_file = no_file, .load = nothing_to_load, .unload = nothing_to_unload
	};
	struct fault f;
	expect_int(
		credential_chain_init(&none, &env, &client, &host, credential_sources_fetch, scratch, &f),
		OK);
	invoker.credentials = &none;
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 1);
	expect_int(result.fault.code, E_CONFIG);
	says(S("AWS_ACCESS_KEY_ID"));
	invoker.credentials = &chain;

	context("connections");
	struct dial_target to = target();
	struct http_client *lent[SLOTS];
	for (size_t i = 0; i < SLOTS; i++)
		lent[i] = http_pool_take(client.pool, &to, false);
	run(5000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	expect_int(result.attempts, 4);
	expect_int(result.fault.code, E_LIMIT);
	for (size_t i = 0; i < SLOTS; i++)
		http_pool_give(client.pool, lent[i]);

	context("a name server");
	endpoints = (struct endpoints){ 0 };
	run(3000);
	expect_int(result.outcome, INVOKE_NOT_STARTED);
	if (result.fault.code == E_NAME) {
		says(S("lambda.eu-west-1.amazonaws.com"));
		says(S("; is the region right?"));
	}
	tear_down();
}
