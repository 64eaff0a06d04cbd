#include "check.h"
#include "peer.h"

#include "base/clock.h"
#include "net/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Plain streams; tls_test.c does the same and more under TLS. */

static struct resolver resolver;
static struct fault fault;

static struct stream connected(const struct peer *p)
{
	struct stream s = stream_none(NULL);
	struct dial_target to = { .host = S("127.0.0.1"), .port = p->port, .resolver = &resolver };
	struct deadline d = deadline_in(60000);
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, "/nonexistent", "/nonexistent");
	expect_int(dial(&s, &to, &d, &fault), OK);
	return s;
}

static enum err write_all(struct stream *s, const struct str *parts, size_t count)
{
	struct deadline d = deadline_in(2000);
	return stream_write(s, parts, count, &d, &fault);
}

static enum err read_some(struct stream *s, size_t *got, char *p, size_t cap)
{
	struct deadline d = deadline_in(2000);
	return stream_read(s, got, p, cap, &d, &fault);
}

/* Reads exactly `n` bytes. */
static struct str read_whole(struct stream *s, char *p, size_t n)
{
	size_t have = 0, got = 0;
	while (have < n && expect_int(read_some(s, &got, p + have, n - have), OK))
		have += got;
	return (struct str){ p, have };
}

/* Polls until the connection's fitness is as wanted: what the peer did takes a moment to arrive. */
static bool becomes_idle(struct stream *s, bool want)
{
	for (int i = 0; i < 200 && stream_is_idle(s) != want; i++)
		clock_sleep_ms(5);
	return stream_is_idle(s) == want;
}

TEST(stream_writes_parts_in_order)
{
	struct peer p;
	char back[64];
	size_t got;
	peer_start(&p, peer_echo, NULL);
	struct stream s = connected(&p);
	const struct str parts[] = { STR("GET "), { NULL, 0 }, STR("/"), STR(""), STR(" HTTP/1.1\r\n"),
		STR("") };
	expect_int(write_all(&s, parts, countof(parts)), OK);
	expect_str(read_whole(&s, back, 16), S("GET / HTTP/1.1\r\n"));
	expect_int(write_all(&s, parts, 0), OK);
	expect(stream_is_idle(&s));
	struct deadline d = deadline_in(30);
	expect_int(stream_read(&s, &got, back, sizeof(back), &d, &fault), E_TIMEOUT);
	expect_str(fault_text(&fault), S("the peer sent nothing in time"));
	stream_close(&s);
	stream_close(&s);
	expect_int(s.fd, -1);
	peer_stop(&p);
}

TEST(stream_writes_many_parts)
{
	enum { COUNT = 100 };
	struct peer p;
	struct str parts[COUNT];
	char bytes[COUNT], back[COUNT];
	peer_start(&p, peer_echo, NULL);
	struct stream s = connected(&p);
	for (size_t i = 0; i < COUNT; i++) {
		bytes[i] = (char)i;
		parts[i] = (struct str){ bytes + i, i % 3 != 0 };
	}
	expect_int(write_all(&s, parts, COUNT), OK);
	struct str all = read_whole(&s, back, 66);
	for (size_t i = 0, at = 0; i < COUNT && all.n == 66; i++)
		if (i % 3 != 0)
			expect_int(back[at++], i);
	stream_close(&s);
	peer_stop(&p);
}

/* Reads one byte at a time, slowly at first, then all. */
static void read_slowly(int fd, struct peer *p)
{
	size_t *total = p->arg, n = 0;
	char bytes[65536];
	clock_sleep_ms(50);
	while (n < 100 && recv(fd, bytes, 1, 0) == 1)
		n++;
	for (ssize_t got; (got = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i] != (char)((n + (size_t)i) % 251))
				return;
		n += (size_t)got;
	}
	*total = n;
}

TEST(stream_writes_more_than_the_socket_takes)
{
	enum { SIZE = 8 << 20 };
	struct peer p;
	size_t total = 0;
	char *bytes = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i % 251);
	peer_start(&p, read_slowly, &total);
	struct stream s = connected(&p);
	const struct str parts[] = { { bytes, 1000 }, { bytes + 1000, SIZE - 2000 },
		{ bytes + SIZE - 1000, 1000 } };
	struct deadline d = deadline_in(5000);
	expect_int(stream_write(&s, parts, countof(parts), &d, &fault), OK);
	stream_close(&s);
	peer_stop(&p);
	expect_int(total, SIZE);
	free(bytes);
}

TEST(stream_write_ends_at_the_deadline)
{
	enum { SIZE = 16 << 20 };
	struct peer p;
	char *bytes = calloc(1, SIZE);
	peer_start(&p, peer_hang, NULL);
	struct stream s = connected(&p);
	struct deadline d = deadline_in(100);
	expect_int(stream_write(&s, &(struct str){ bytes, SIZE }, 1, &d, &fault), E_TIMEOUT);
	expect_str(fault_text(&fault), S("the peer did not take the data in time"));
	peer_reset(s.fd); /* or the peer would not hear of the end before it has read all */
	stream_close(&s);
	peer_stop(&p);
	free(bytes);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void answer_late(int fd, struct peer *p)
{
	(void)p;
	clock_sleep_ms(200);
	send(fd, "late", 4, MSG_NOSIGNAL);
	peer_hang(fd, p);
}

TEST(stream_read_serves_the_soft_deadline_and_goes_on)
{
	struct peer p;
	int calls = 0;
	char back[16];
	size_t got;
	peer_start(&p, answer_late, NULL);
	struct stream s = connected(&p);
	struct deadline d = deadline_in(2000);
	d.soft = clock_mono_ms() + 50;
	d.on_soft = count;
	d.arg = &calls;
	expect_int(stream_read(&s, &got, back, sizeof(back), &d, &fault), OK);
	expect_str(((struct str){ back, got }), S("late"));
	expect_int(calls, 1);
	stream_close(&s);
	peer_stop(&p);
}

/* Sends for as long as anybody takes it. */
static void babble(int fd, struct peer *p)
{
	char bytes[4096] = { 0 };
	(void)p;
	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
}

TEST(stream_endless_data_does_not_hold_up_the_deadline)
{
	struct peer p;
	char back[512];
	size_t got;
	peer_start(&p, babble, NULL);
	struct stream s = connected(&p);
	struct deadline d = deadline_in(50);
	enum err e;
	do
		e = stream_read(&s, &got, back, sizeof(back), &d, &fault);
	while (e == OK);
	expect_int(e, E_TIMEOUT);
	stream_close(&s);
	peer_stop(&p);
}

static void say_goodbye(int fd, struct peer *p)
{
	(void)p;
	send(fd, "bye", 3, MSG_NOSIGNAL);
}

/* Once it was asked to: a reset that comes before connect(2) was looked at looks like a refusal. */
static void reset(int fd, struct peer *p)
{
	char byte;
	(void)p;
	recv(fd, &byte, 1, 0);
	peer_reset(fd);
}

TEST(stream_end_and_reset)
{
	struct peer p;
	char back[16];
	size_t got;
	peer_start(&p, say_goodbye, NULL);
	struct stream s = connected(&p);
	expect_str(read_whole(&s, back, 3), S("bye"));
	expect_int(read_some(&s, &got, back, sizeof(back)), E_CLOSED);
	expect_int(got, 0);
	expect_str(fault_text(&fault), S("the peer closed the connection"));
	stream_close(&s);
	peer_stop(&p);

	peer_start(&p, reset, NULL);
	s = connected(&p);
	expect_int(write_all(&s, &S("x"), 1), OK);
	expect_int(read_some(&s, &got, back, sizeof(back)), E_CLOSED);
	expect_int(fault.sys, ECONNRESET);
	/* A second write at the latest fails, without SIGPIPE. */
	enum err e = write_all(&s, &S("x"), 1);
	expect_int(e, E_CLOSED);
	stream_close(&s);
	peer_stop(&p);
}

/* Answers before it has read all, and closes: the rest of the request meets a reset. */
static void refuse_early(int fd, struct peer *p)
{
	char byte;
	(void)p;
	recv(fd, &byte, 1, 0);
	send(fd, "413", 3, MSG_NOSIGNAL);
}

TEST(stream_reads_what_came_before_a_failed_write)
{
	enum { SIZE = 16 << 20 };
	struct peer p;
	char *bytes = calloc(1, SIZE), back[16];
	peer_start(&p, refuse_early, NULL);
	struct stream s = connected(&p);
	expect_int(write_all(&s, &(struct str){ bytes, SIZE }, 1), E_CLOSED);
	expect_str(read_whole(&s, back, 3), S("413"));
	stream_close(&s);
	peer_stop(&p);
	free(bytes);
}

static void speak_unasked(int fd, struct peer *p)
{
	send(fd, "x", 1, MSG_NOSIGNAL);
	peer_hang(fd, p);
}

TEST(stream_is_idle_only_while_nothing_happens)
{
	static const struct {
		const char *what;
		void (*serve)(int fd, struct peer *p);
		bool want;
	} cases[] = {
		{ "quiet", peer_hang, true },
		{ "closed", peer_close, false },
		{ "reset", reset, false },
		{ "spoke", speak_unasked, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct peer p;
		peer_start(&p, cases[i].serve, NULL);
		struct stream s = connected(&p);
		context("%s", cases[i].what);
		if (cases[i].serve == reset)
			expect_int(write_all(&s, &S("x"), 1), OK);
		clock_sleep_ms(cases[i].want ? 50 : 0);
		expect(becomes_idle(&s, cases[i].want));
		stream_close(&s);
		peer_stop(&p);
	}
}

TEST(dial_failures)
{
	static const struct {
		const char *host;
		uint16_t port;
		enum err want;
		const char *text;
	} cases[] = {
		{ "127.0.0.1", 1, E_CONNECT, "cannot connect to 127.0.0.1:1: Connection refused" },
		{ "localhost", 1, E_CONNECT, "cannot connect to localhost:1: Connection refused" },
		{ "", 1, E_NAME, "`` cannot be a host name" },
		{ "a b", 1, E_NAME, "`a b` cannot be a host name" },
	};
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, "/nonexistent", "/nonexistent");
	for (size_t i = 0; i < countof(cases); i++) {
		struct stream s = stream_none(NULL);
		struct dial_target to = {
			.host = str_c(cases[i].host), .port = cases[i].port, .resolver = &resolver
		};
		struct deadline d = deadline_in(2000);
		context("%s", cases[i].host);
		expect_int(dial(&s, &to, &d, &fault), cases[i].want);
		expect_str(fault_text(&fault), str_c(cases[i].text));
		expect_int(s.fd, -1);
	}
}
