#include "check.h"
#include "peer.h"

#include "base/clock.h"
#include "net/tcp.h"

#include <netinet/tcp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static struct fault fault;

static struct addresses addresses(const char *const *texts, size_t count)
{
	struct addresses list = { .count = 0 };
	struct address a;
	for (size_t i = 0; i < count; i++)
		if (expect(address_parse(&a, str_c(texts[i]))))
			addresses_add(&list, a);
	return list;
}

#define ADDRESSES(...)                                                                             \
	addresses((const char *const[]){ __VA_ARGS__ }, countof(((const char *const[]){ __VA_ARGS__ })))

/* TCP cannot go there: fails at once, like IPv6 on a machine without it. */
#define NO_ROUTE "255.255.255.255"

/* A port of 127.0.0.1 whose queue of connections is full, so that the next one waits. */
struct full_port {
	int listener, queued[2];
	uint16_t port;
};

static void full_port_open(struct full_port *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	expect(bind(p->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(p->listener, 0) == 0 && getsockname(p->listener, (struct sockaddr *)&at, &n) == 0);
	p->port = ntohs(at.sin_port);
	for (size_t i = 0; i < countof(p->queued); i++) {
		p->queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		expect(
			connect(p->queued[i], (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS);
	}
}

static void full_port_close(struct full_port *p)
{
	close(p->listener);
	for (size_t i = 0; i < countof(p->queued); i++)
		close(p->queued[i]);
}

static int open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST(tcp_connects)
{
	struct peer p;
	struct addresses to = ADDRESSES("127.0.0.1");
	struct deadline d = deadline_in(1000);
	int fd, on = 0;
	peer_start(&p, peer_hang, NULL);
	expect_int(tcp_connect(&fd, &to, S("host"), p.port, &d, &fault), OK);
	expect(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &(socklen_t){ sizeof(on) }) == 0 && on);
	expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	peer_stop(&p);
}

TEST(tcp_goes_on_at_once_after_a_refusal)
{
	struct peer p;
	struct addresses to = ADDRESSES("127.0.0.2", NO_ROUTE, "::1", "127.0.0.3", "127.0.0.1");
	struct deadline d = deadline_in(1000);
	int files = open_files(), fd;
	peer_start(&p, peer_hang, NULL);
	int64_t before = clock_mono_ms();
	expect_int(tcp_connect(&fd, &to, S("host"), p.port, &d, &fault), OK);
	expect(clock_mono_ms() - before < CONNECT_STAGGER_MS);
	close(fd);
	peer_stop(&p);
	expect_int(open_files(), files);
}

TEST(tcp_refused_everywhere)
{
	/* What matters more is told, in whatever order it came. */
	static const char *const cases[][2] = { { "127.0.0.1", "127.0.0.2" }, { "127.0.0.1", NO_ROUTE },
		{ NO_ROUTE, "127.0.0.1" } };
	int files = open_files();
	for (size_t i = 0; i < countof(cases); i++) {
		struct addresses to = addresses(cases[i], 2);
		struct deadline d = deadline_in(1000);
		int fd;
		context("%s, %s", cases[i][0], cases[i][1]);
		expect_int(tcp_connect(&fd, &to, S("host.test"), 1, &d, &fault), E_CONNECT);
		expect_int(fd, -1);
		expect_str(fault_text(&fault), S("cannot connect to host.test:1: Connection refused"));
		expect_int(fault.sys, ECONNREFUSED);
	}
	expect_int(open_files(), files);
}

TEST(tcp_does_not_wait_for_a_slow_address)
{
	int fd, files = open_files();
	struct full_port slow;
	full_port_open(&slow);
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(slow.port), .sin_addr.s_addr = htonl(0x7f000002)
	};
	int good = socket(AF_INET, SOCK_STREAM, 0);
	expect(bind(good, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(good, 1) == 0);

	struct addresses to = ADDRESSES("127.0.0.1", "127.0.0.2");
	struct deadline d = deadline_in(5000);
	int64_t before = clock_mono_ms();
	expect_int(tcp_connect(&fd, &to, S("host"), slow.port, &d, &fault), OK);
	int64_t took = clock_mono_ms() - before;
	expect(took >= CONNECT_STAGGER_MS - 1 && took < CONNECT_STAGGER_MS + 500);
	close(fd);
	close(good);
	full_port_close(&slow);
	expect_int(open_files(), files);
}

static void count(void *arg)
{
	++*(int *)arg;
}

/* A soft moment that itself takes longer than what is left. */
static void linger(void *arg)
{
	count(arg);
	clock_sleep_ms(300);
}

TEST(tcp_connect_ends_at_the_deadline)
{
	struct full_port slow;
	int fd, calls = 0, files = open_files();
	struct addresses to = ADDRESSES("127.0.0.1", "127.0.0.1", "127.0.0.1");
	full_port_open(&slow);
	struct deadline d = deadline_in(400);
	d.soft = clock_mono_ms() + 100;
	d.on_soft = count;
	d.arg = &calls;
	int64_t before = clock_mono_ms();
	expect_int(tcp_connect(&fd, &to, S("host.test"), slow.port, &d, &fault), E_TIMEOUT);
	int64_t took = clock_mono_ms() - before;
	expect(took >= 399 && took < 600);
	expect_int(calls, 1);
	expect_int(fd, -1);
	char text[64];
	struct buf want = BUF(text);
	buf_format(&want, "connecting to host.test:%d took too long", NUM(slow.port));
	expect_str(fault_text(&fault), buf_str(&want));

	d = deadline_in(200);
	d.soft = clock_mono_ms() + 50;
	d.on_soft = linger;
	d.arg = &calls;
	before = clock_mono_ms();
	expect_int(tcp_connect(&fd, &to, S("host.test"), slow.port, &d, &fault), E_TIMEOUT);
	took = clock_mono_ms() - before;
	expect(took >= 349 && took < 600);
	expect_int(calls, 2);
	full_port_close(&slow);
	expect_int(open_files(), files);
}

static void on_alarm(int signal)
{
	(void)signal;
}

TEST(tcp_signals_do_not_end_a_wait)
{
	struct sigaction action = { .sa_handler = on_alarm }, old;
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
	int fds[2];
	expect(pipe(fds) == 0);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	struct deadline d = deadline_in(200);
	int64_t before = clock_mono_ms();
	expect_int(socket_wait(&(struct pollfd){ fds[0], POLLIN, 0 }, 1, &d, &fault), E_TIMEOUT);
	expect(clock_mono_ms() - before >= 199);
	d = deadline_in(5000);
	before = clock_mono_ms();
	expect_int(
		socket_wait_within(&(struct pollfd){ fds[0], POLLIN, 0 }, 1, 50, &d, &fault), E_MORE);
	expect(clock_mono_ms() - before < 1000);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	close(fds[0]);
	close(fds[1]);
}
