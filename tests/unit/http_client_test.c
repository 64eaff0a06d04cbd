/* The peer is the other end of a socket pair. Most of its lines are laid into the socket
 * beforehand, and the end of the stream behind them, so that no thread and no clock takes part.
 * SOCK_SEQPACKET keeps the cuts between them. */
#include "check.h"
#include "base/clock.h"
#include "base/version.h"
#include "http/client.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct http_client client;
static struct http_response response;
static struct http_progress progress;
static struct fault fault;
static char body_memory[8 << 20];
static struct buf body;
static int peer = -1;

/* How the peer goes after its last words: not at all, ending its side in good order, or by reset.
 */
enum ending { STAYS, ENDS, RESETS };

static bool mentions(const char *word)
{
	return str_find_str(fault_text(&fault), str_c(word)) < fault.n;
}

static void connect_pair(int type)
{
	int ends[2];
	memset(&client, '?', sizeof(client));
	http_client_init(&client, NULL, NULL);
	check(socketpair(AF_UNIX, type, 0, ends) == 0);
	check(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	client.stream.fd = ends[0];
	peer = ends[1];
}

/* False if nobody listens any more. */
static bool try_to_say(struct str s)
{
	for (ssize_t n; s.n; s = str_skip(s, (size_t)n))
		if ((n = send(peer, s.p, s.n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static void say(struct str s)
{
	check(try_to_say(s));
}

static void shut(void)
{
	check(shutdown(peer, SHUT_WR) == 0);
}

static void drop(void)
{
	close(peer);
	peer = -1;
}

/* Runs while the exchange does; joined by hang_up. */
static pthread_t thread;
static bool running;
static void meanwhile(void *(*run)(void *))
{
	check(pthread_create(&thread, NULL, run, NULL) == 0);
	running = true;
}

static void await_request(void)
{
	struct pollfd p = { .fd = peer, .events = POLLIN };
	check(poll(&p, 1, 5000) == 1);
}

/* What the peer has not read when it closes makes a reset. */
static void *reset(void *none)
{
	await_request();
	drop();
	return none;
}

static void hang_up(void)
{
	if (running)
		check(pthread_join(thread, NULL) == 0);
	running = false;
	http_client_close(&client);
	if (peer >= 0)
		drop();
}

static const struct http_request simple = {
	.method = STR("POST"), .authority = STR("a"), .path = STR("/"), .body = STR("hello")
};

#define SIMPLE_HEAD                                                                                \
	"POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: slack-lambda-gateway/" VERSION                      \
	"\r\nContent-Length: 5\r\n\r\n"

static enum err exchange(size_t limit, int64_t ms)
{
	struct deadline d = deadline_in(ms);
	body = (struct buf){ body_memory, 0, limit, false };
	fault = (struct fault){ 0 };
	return http_exchange(&client, &response, &progress, &simple, &body, &d, &fault);
}

TEST(client_exchanges)
{
	connect_pair(SOCK_STREAM);
	char got[256];
	for (int i = 0; i < 3; i++) {
		context("request %d", i);
		say(S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-n: v\r\n\r\nhi"));
		expect_int(exchange(100, 1000), OK);
		expect(progress.written && progress.answered);
		expect_int(progress.status, 200);
		expect_str(response.body, S("hi"));
		expect_str(http_field_get(&response.head, S("X-N")), S("v"));
		ssize_t n = recv(peer, got, sizeof(got), 0);
		expect_str(((struct str){ got, (size_t)n }), S(SIMPLE_HEAD "hello"));
	}
	hang_up();
}

/* What a peer says, all at once, and what comes of it. */
static const struct {
	struct str says;
	enum ending ending;
	enum err want;
	int status;
	struct str body;
	bool kept;
	const char *mentions;
} answers[] = {
	{ STR("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), STAYS, OK, 202, STR(""), true,
		NULL },
	{ STR("HTTP/1.1 204\r\n\r\n"), STAYS, OK, 204, STR(""), true, NULL },
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), ENDS, OK, 200, STR("hi"), true, NULL },
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"), STAYS, OK, 200,
		STR("hi"), false, NULL },
	{ STR("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"), STAYS, OK, 200, STR("hi"), false,
		NULL },
	{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nt: v\r\n\r\n"),
		STAYS, OK, 200, STR("hi"), true, NULL },
	{ STR("HTTP/1.1 200 OK\r\n\r\nhi"), ENDS, OK, 200, STR("hi"), false, NULL },
	{ STR("HTTP/1.1 301 Moved\r\nLocation: http://b/\r\nContent-Length: 0\r\n\r\n"), STAYS, OK, 301,
		STR(""), true, NULL },
	{ STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\nHTTP/1.1 200 "
		  "OK\r\nContent-Length: 2\r\n\r\nhi"),
		STAYS, OK, 200, STR("hi"), true, NULL },
	/* more than was asked for */
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: "
		  "2\r\n\r\nho"),
		STAYS, OK, 200, STR("hi"), false, NULL },
	{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nH"), STAYS, OK,
		200, STR("hi"), false, NULL },
	{ STR("HTTP/1.1 204\r\nContent-Length: 2\r\n\r\nhi"), STAYS, OK, 204, STR(""), false, NULL },
	/* no HTTP */
	{ STR("\x15\x03\x03\0\2\2\x28"), STAYS, E_SYNTAX, 0, STR(""), false, "not HTTP" },
	{ STR("SSH-2.0-x\r\n"), STAYS, E_SYNTAX, 0, STR(""), false, "not HTTP" },
	{ STR("HTTP/2 200\r\n"), STAYS, E_SYNTAX, 0, STR(""), false, "not HTTP" },
	{ STR("HTTP/1.1 2002 OK\r\n\r\n"), STAYS, E_SYNTAX, 0, STR(""), false, "not HTTP" },
	{ STR("HTTP/1.1 202 Accepted\r\na: \1\r\n\r\n"), STAYS, E_SYNTAX, 202, STR(""), false,
		"control byte" },
	{ STR("HTTP/1.1 202 Accepted\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), STAYS,
		E_SYNTAX, 202, STR(""), false, "Content-Length" },
	{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx"), STAYS, E_SYNTAX, 200,
		STR("hi"), false, "chunk" },
	/* too much */
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\nhi"), STAYS, E_LIMIT, 200, STR(""), false,
		"larger than 100 bytes" },
	{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n63\r\n"), STAYS, E_LIMIT,
		200, STR("hi"), false, "larger than 100 bytes" },
	/* cut */
	{ STR(""), ENDS, E_CLOSED, 0, STR(""), false, "waiting for the answer" },
	{ STR(""), RESETS, E_CLOSED, 0, STR(""), false, NULL },
	{ STR("HTTP/1.1 202 Acc"), ENDS, E_CLOSED, 0, STR(""), false, "answer's head" },
	{ STR("HTTP/1.1 100 Continue\r\n\r\n"), ENDS, E_CLOSED, 0, STR(""), false,
		"waiting for the answer" },
	{ STR("HTTP/1.1 202 Accepted\r\n"), ENDS, E_CLOSED, 202, STR(""), false, "answer's head" },
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"), ENDS, E_CLOSED, 200, STR("hi"), false,
		"answer's body" },
	{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"), ENDS, E_CLOSED,
		200, STR("hi"), false, "answer's body" },
	{ STR("HTTP/1.1 200 OK\r\n\r\nhi"), RESETS, E_CLOSED, 200, STR("hi"), false, "answer's body" },
	/* nothing more */
	{ STR(""), STAYS, E_TIMEOUT, 0, STR(""), false, "waiting for the answer" },
	{ STR("HTTP/1.1 202 Accepted\r\n"), STAYS, E_TIMEOUT, 202, STR(""), false, "answer's head" },
	{ STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"), STAYS, E_TIMEOUT, 200, STR("hi"),
		false, "answer's body" },
	{ STR("HTTP/1.1 200 OK\r\n\r\nhi"), STAYS, E_TIMEOUT, 200, STR("hi"), false, "answer's body" },
};

TEST(client_answers)
{
	for (size_t i = 0; i < countof(answers); i++) {
		context("case %zu", i);
		connect_pair(SOCK_STREAM);
		say(answers[i].says);
		if (answers[i].ending == ENDS)
			shut();
		else if (answers[i].ending == RESETS)
			meanwhile(reset);
		expect_int(exchange(100, answers[i].want == E_TIMEOUT ? 20 : 5000), answers[i].want);
		expect_int(progress.status, answers[i].status);
		expect_int(progress.answered, answers[i].says.n > 0);
		expect(progress.written);
		expect_str(response.body, answers[i].body);
		expect_int(client.stream.fd >= 0, answers[i].kept);
		expect_int(fault.sys != 0, answers[i].ending == RESETS);
		if (answers[i].mentions)
			expect(mentions(answers[i].mentions));
		hang_up();
	}
}

/* Ended behind any byte, whole answers are whole, cut ones are cut, and the status is known from
 * its line on. */
TEST(client_every_cut)
{
	static const struct {
		struct str says;
		int status;
		size_t line, whole; /* how many bytes tell the status; how many are enough */
	} cases[] = {
		{ STR("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), 202, 23, 44 },
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, 17, 43 },
		{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: "
			  "y\r\n\r\n"),
			200, 17, 68 },
		{ STR("HTTP/1.1 200 OK\r\n\r\nhello"), 200, 17, 19 },
		{ STR("HTTP/1.1 100\r\n\r\nHTTP/1.1 503\r\n\r\nhello"), 503, 30, 32 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		for (size_t n = 0; n <= cases[i].says.n; n++) {
			context("case %zu, %zu bytes", i, n);
			connect_pair(SOCK_STREAM);
			say(str_sub(cases[i].says, 0, n));
			shut();
			expect_int(exchange(100, 5000), n >= cases[i].whole ? OK : E_CLOSED);
			expect_int(progress.status, n >= cases[i].line ? cases[i].status : 0);
			expect_int(progress.answered, n > 0);
			expect(response.head.status == 0 || response.head.status == cases[i].status);
			expect(n >= cases[i].whole || client.stream.fd < 0);
			hang_up();
		}
	}
}

/* In single bytes and in random pieces, answers are what they are in one. */
TEST(client_any_pieces)
{
	for (size_t i = 0; i < countof(answers); i++) {
		if (answers[i].ending == RESETS || answers[i].want == E_TIMEOUT)
			continue;
		for (size_t most = 1; most <= 12; most += 11) {
			context("case %zu, pieces of at most %d", i, (int)most);
			connect_pair(SOCK_SEQPACKET);
			struct str rest = answers[i].says;
			for (size_t n; rest.n; rest = str_skip(rest, n)) {
				n = 1 + test_random(most);
				say(str_sub(rest, 0, n));
			}
			if (answers[i].ending == ENDS)
				shut();
			expect_int(exchange(100, 5000), answers[i].want);
			expect_int(progress.status, answers[i].status);
			expect_str(response.body, answers[i].body);
			hang_up();
		}
	}
}

TEST(client_of_a_head_request)
{
	connect_pair(SOCK_STREAM);
	say(S("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
	struct http_request request = { .method = S("HEAD"), .authority = S("a"), .path = S("/") };
	struct deadline d = deadline_in(1000);
	body = (struct buf){ NULL, 0, 0, false };
	expect_int(http_exchange(&client, &response, &progress, &request, &body, &d, &fault), OK);
	expect_int(response.body.n, 0);
	expect(client.stream.fd >= 0);
	hang_up();
}

/* Bodies that fill the caller's buffer to the last byte, and one more; it is appended to what
 * stands there. */
TEST(client_body_limits)
{
	static char says[4096], content[2048], memory[2048];
	memset(content, 'x', sizeof(content));
	for (size_t n = 500; n <= 1100; n += 50) {
		for (int kind = 0; kind < 3; kind++) {
			for (size_t lack = 0; lack < 2; lack++) {
				struct buf b = BUF(says);
				struct str text = { content, n };
				context("%zu bytes, kind %d, lacking %zu", n, kind, lack);
				if (kind == 0)
					buf_format(&b, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", NUM(n), text);
				else if (kind == 1)
					buf_format(&b, "HTTP/1.1 200 OK\r\n\r\n%s", text);
				else
					buf_format(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
				for (size_t at = 0; kind == 2 && at < n; at += 10)
					buf_format(&b, "a\r\n%s\r\n", str_sub(text, at, at + 10));
				if (kind == 2)
					buf_format(&b, "0\r\n\r\n");
				connect_pair(SOCK_SEQPACKET);
				for (size_t at = 0; at < b.n; at += 100)
					say(str_sub(buf_str(&b), at, at + 100));
				shut();

				memset(memory, '?', sizeof(memory));
				struct buf out = { memory, 3, 3 + n - lack, false };
				struct deadline d = deadline_in(5000);
				enum err e =
					http_exchange(&client, &response, &progress, &simple, &out, &d, &fault);
				expect_int(e, lack ? E_LIMIT : OK);
				expect_int(out.full, lack > 0);
				if (e == OK)
					expect_str(response.body, text);
				expect_str(((struct str){ memory, 3 }), S("???"));
				expect_int(memory[out.cap], '?');
				hang_up();
			}
		}
	}
}

TEST(client_head_limit)
{
	static char says[3 * HTTP_HEAD_MAX];
	for (size_t size = HTTP_HEAD_MAX - 1; size <= HTTP_HEAD_MAX + 1; size++) {
		struct buf b = BUF(says);
		context("a head of %zu bytes", size);
		buf_format(&b, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: ");
		while (b.n < size - 4)
			buf_put_char(&b, 'x');
		buf_format(&b, "\r\n\r\nhello");
		connect_pair(SOCK_STREAM);
		say(buf_str(&b));
		expect_int(exchange(5, 5000), size <= HTTP_HEAD_MAX ? OK : E_LIMIT);
		expect_int(progress.status, 200);
		expect_int(response.head.status, size <= HTTP_HEAD_MAX ? 200 : 0);
		hang_up();
	}
	expect(mentions("16384"));
}

TEST(client_interim_answers)
{
	for (int n = 8; n <= 9; n++) {
		context("%d of them", n);
		connect_pair(SOCK_STREAM);
		for (int i = 0; i < n; i++)
			say(S("HTTP/1.1 102 Processing\r\n\r\n"));
		say(S("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
		expect_int(exchange(100, 5000), n == 8 ? OK : E_LIMIT);
		expect_int(progress.status, n == 8 ? 202 : 0);
		hang_up();
	}
}

/* The peer hung up before the request came; what it said before that is heard. */
TEST(client_hears_last_words)
{
	static const struct {
		struct str says;
		enum err want;
		int status;
	} cases[] = {
		{ STR(""), E_CLOSED, 0 },
		{ STR("HTTP/1.1 408 Req"), E_CLOSED, 0 },
		{ STR("HTTP/1.1 408 Request Timeout\r\n"), E_CLOSED, 408 },
		{ STR("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), OK, 413 },
		{ STR("HTTP/1.1 413 Too Large\r\n\r\nno"), OK, 413 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		connect_pair(SOCK_STREAM);
		say(cases[i].says);
		drop();
		expect_int(exchange(100, 5000), cases[i].want);
		expect_int(progress.status, cases[i].status);
		expect_int(progress.answered, cases[i].says.n > 0);
		expect(!progress.written && client.stream.fd < 0);
		expect_str(response.body, cases[i].want == OK ? S("no") : S(""));
		if (cases[i].want != OK)
			expect(mentions("sending the request"));
		hang_up();
	}
}

static size_t reads; /* how much of a request the peer takes before it goes */

static void *read_and_go(void *none)
{
	static char sink[1 << 16];
	for (size_t left = reads; left;) {
		ssize_t n = recv(peer, sink, left < sizeof(sink) ? left : sizeof(sink), 0);
		check(n > 0);
		left -= (size_t)n;
	}
	drop();
	return none;
}

/* A request larger than what the kernel holds, to a peer that goes in the middle of it. */
TEST(client_is_left_while_writing)
{
	enum { HEAD = sizeof(SIMPLE_HEAD) - 1 + 6 }; /* the length has as many digits more */
	struct http_request request = simple;
	request.body = (struct str){ body_memory, 4 << 20 };
	size_t points[] = { 0, 1, HEAD - 1, HEAD, HEAD + 1, 1 << 20, 2 << 20 };
	for (size_t i = 0; i < countof(points); i++) {
		struct deadline d = deadline_in(5000);
		context("after %zu bytes", points[i]);
		connect_pair(SOCK_STREAM);
		reads = points[i];
		meanwhile(read_and_go);
		body = (struct buf){ body_memory, 0, 100, false };
		expect_int(
			http_exchange(&client, &response, &progress, &request, &body, &d, &fault), E_CLOSED);
		expect(!progress.written && !progress.answered && client.stream.fd < 0);
		hang_up();
	}
}

enum { LARGE = 6 << 20 };

static void *say_large(void *none)
{
	static char chunk[20000];
	char hex[16], digits[] = "0123456789abcdef";
	await_request();
	say(S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
	for (size_t at = 0, n; at < LARGE; at += n) {
		n = 1 + (size_t)test_random(at % 3 ? sizeof(chunk) : 20);
		n = n < LARGE - at ? n : LARGE - at;
		for (size_t i = 0; i < n; i++)
			chunk[i] = (char)((at + i) % 251);
		struct buf b = BUF(hex);
		for (int shift = 16; shift >= 0; shift -= 4)
			buf_put_char(&b, digits[n >> shift & 15]);
		buf_format(&b, "\r\n");
		say(buf_str(&b));
		say((struct str){ chunk, n });
		say(S("\r\n"));
	}
	say(S("0\r\n\r\n"));
	return none;
}

TEST(client_large_chunked)
{
	connect_pair(SOCK_STREAM);
	meanwhile(say_large);
	expect_int(exchange(LARGE, 30000), OK);
	expect_int(response.body.n, LARGE);
	size_t wrong = 0;
	for (size_t i = 0; i < response.body.n; i++)
		wrong += (unsigned char)response.body.p[i] != i % 251;
	expect_int(wrong, 0);
	expect(client.stream.fd >= 0);
	hang_up();
}

static void *drip(void *none)
{
	struct str s = S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	for (size_t i = 0; i < s.n; i++) {
		clock_sleep_ms(2);
		say(str_sub(s, i, i + 1));
	}
	return none;
}

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(client_soft_deadline_in_a_drip)
{
	int calls = 0;
	connect_pair(SOCK_STREAM);
	meanwhile(drip);
	struct http_request request = simple;
	request.rest_ms = 4000;
	struct deadline d = deadline_in(5000);
	d.soft = clock_mono_ms() + 30;
	d.on_soft = count;
	d.arg = &calls;
	body = (struct buf){ body_memory, 0, 100, false };
	expect_int(http_exchange(&client, &response, &progress, &request, &body, &d, &fault), OK);
	expect_str(response.body, S("hello"));
	expect_int(calls, 1);
	expect(d.soft == DEADLINE_NEVER);
	hang_up();
}

static void *say_late(void *none)
{
	struct str rest = S("Content-Length: 0\r\nx: drip, drip, drip\r\n\r\n");
	clock_sleep_ms(60);
	say(S("HTTP/1.1 202 Accepted\r\n"));
	while (rest.n && try_to_say(str_sub(rest, 0, 1))) {
		clock_sleep_ms(5);
		rest = str_skip(rest, 1);
	}
	return none;
}

/* The wait for all that follows the status line is bounded, the wait for the line itself is not. */
TEST(client_waits_shortly_for_the_rest)
{
	int calls = 0;
	connect_pair(SOCK_STREAM);
	meanwhile(say_late);
	struct http_request request = simple;
	request.rest_ms = 30;
	int64_t start = clock_mono_ms();
	struct deadline d = {
		.hard = start + 5000, .soft = start + 4000, .on_soft = count, .arg = &calls
	};
	body = (struct buf){ body_memory, 0, 100, false };
	expect_int(
		http_exchange(&client, &response, &progress, &request, &body, &d, &fault), E_TIMEOUT);
	expect_int(progress.status, 202);
	int64_t took = clock_mono_ms() - start;
	expect(took >= 89 && took < 2000);
	expect(d.hard == start + 5000 && d.soft == start + 4000);
	expect_int(calls, 0);
	hang_up();
}

static bool knows(struct str secret)
{
	struct str all = { (const char *)&client, sizeof(client) };
	return str_find_str(all, secret) < all.n;
}

/* Bodies may hold keys. They come with the head, behind it, and in the last bytes that the caller
 * has room for. */
TEST(client_keeps_no_body)
{
	static const struct str secret = STR("wJalrXUtnFEMI");
	connect_pair(SOCK_SEQPACKET);
	say(S("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n.wJalrXUtnFEMI."));
	say(S(".wJalrXUtnFEMI."));
	expect_int(exchange(30, 5000), OK);
	expect_int(response.body.n, 30);
	expect(!knows(secret));
	say(S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n"));
	say(S("wJalrXUtnFEMI\r\n0\r\n\r\n"));
	expect_int(exchange(30, 5000), OK);
	expect_str(response.body, secret);
	expect(!knows(secret));
	hang_up();
}

/* Also when it comes after the head, at the end of the body. */
TEST(client_does_not_keep_one_that_says_more)
{
	static const struct {
		struct str head, rest;
	} cases[] = {
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), STR("hi!") },
		{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
			STR("2\r\nhi\r\n0\r\n\r\n!") },
	};
	for (size_t limit = 2; limit <= 1000; limit += 998) {
		for (size_t i = 0; i < countof(cases); i++) {
			context("case %zu, limit %zu", i, limit);
			connect_pair(SOCK_SEQPACKET);
			say(cases[i].head);
			say(cases[i].rest);
			expect_int(exchange(limit, 5000), OK);
			expect_str(response.body, S("hi"));
			expect(client.stream.fd < 0);
			hang_up();
		}
	}
}
