#include "check.h"

#include "base/clock.h"
#include "net/etc.h"
#include "net/resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a name server ---- */

enum { A = 1, AAAA = 28 };

/* Listens on 127.0.0.1, or on the other addresses of 127/8 for more of them on one port. */
struct server {
	/* Writes an answer to `query`; 0: none. `nth` counts the questions from 1. */
	size_t (*answer)(char *out, struct str query, unsigned nth, bool tcp);
	atomic_uint asked;
	uint16_t port;
	int udp, tcp, stop[2];
	pthread_t thread;
};

static unsigned type_of(struct str query)
{
	return (unsigned char)query.p[query.n - 3];
}

/* The query as an answer without records. */
static struct buf begin(char *out, struct str query, unsigned status)
{
	struct buf b = { out, 0, 512, false };
	buf_put(&b, query);
	out[2] = (char)0x81;
	out[3] = (char)(0x80 | status);
	return b;
}

static void add_record(struct buf *b, unsigned type, unsigned ttl, struct str data)
{
	b->p[7]++;
	buf_format(b, "%s%s%s%s%s", S("\xc0\x0c\0"), (struct str){ (char[]){ (char)type }, 1 }, S("\0\1\0\0"),
		(struct str){ (char[]){ (char)(ttl >> 8), (char)ttl, 0, (char)data.n }, 4 }, data);
}

static void serve_tcp(struct server *s)
{
	char query[512], out[2 + 512];
	int fd = accept(s->tcp, NULL, NULL);
	ssize_t n = recv(fd, query, sizeof(query), 0);
	if (n > 2) {
		size_t m = s->answer(out + 2, (struct str){ query + 2, (size_t)n - 2 }, atomic_fetch_add(&s->asked, 1) + 1, true);
		out[0] = (char)(m >> 8);
		out[1] = (char)m;
		/* In two pieces. */
		send(fd, out, 1, MSG_NOSIGNAL);
		send(fd, out + 1, m + 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static void serve_udp(struct server *s)
{
	char query[512], out[1024];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	ssize_t n = recvfrom(s->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &from_n);
	if (n <= 0)
		return;
	size_t m = s->answer(out, (struct str){ query, (size_t)n }, atomic_fetch_add(&s->asked, 1) + 1, false);
	if (m > 0)
		sendto(s->udp, out, m, 0, (struct sockaddr *)&from, from_n);
}

static void *run(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[] = { { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 }, { s->stop[0], POLLIN, 0 } };
	while (poll(fds, countof(fds), -1) > 0 && !fds[2].revents) {
		if (fds[0].revents)
			serve_udp(s);
		if (fds[1].revents)
			serve_tcp(s);
	}
	return NULL;
}

static bool listen_on(struct server *s, uint32_t ip, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port) };
	socklen_t n = sizeof(at);
	s->udp = socket(AF_INET, SOCK_DGRAM, 0);
	s->tcp = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->udp, (struct sockaddr *)&at, sizeof(at)) == 0 && getsockname(s->udp, (struct sockaddr *)&at, &n) == 0 &&
	    bind(s->tcp, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(s->tcp, 4) == 0) {
		s->port = ntohs(at.sin_port);
		return true;
	}
	close(s->udp);
	close(s->tcp);
	return false;
}

/* `port` 0: any; otherwise false when it is taken. */
static bool server_start(struct server *s, uint32_t last_byte, uint16_t port,
                         size_t (*answer)(char *out, struct str query, unsigned nth, bool tcp))
{
	bool ok = false;
	s->answer = answer;
	atomic_init(&s->asked, 0);
	for (int tries = 0; tries < 20 && !ok; tries++)
		ok = listen_on(s, 0x7f000000 + last_byte, port);
	if (!ok && port)
		return false;
	if (!ok || pipe(s->stop) || pthread_create(&s->thread, NULL, run, s)) {
		perror("name server");
		exit(2);
	}
	return true;
}

static void server_stop(struct server *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->udp);
	close(s->tcp);
}

/* ---- answers ---- */

static size_t both(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)nth, (void)tcp;
	struct buf b = begin(out, query, 0);
	if (type_of(query) == A) {
		add_record(&b, A, 100, S("\xc0\0\2\1"));
		add_record(&b, A, 100, S("\xc0\0\2\2"));
	} else {
		add_record(&b, AAAA, 100, S("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
	}
	return b.n;
}

static size_t v4_only(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == A ? both(out, query, nth, tcp) : begin(out, query, 0).n;
}

static size_t silent(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)out, (void)query, (void)nth, (void)tcp;
	return 0;
}

static size_t silent_at_first(char *out, struct str query, unsigned nth, bool tcp)
{
	return nth <= 2 ? 0 : both(out, query, nth, tcp);
}

static size_t silent_about_v6(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == A ? both(out, query, nth, tcp) : 0;
}

static size_t no_such_name(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)nth, (void)tcp;
	return begin(out, query, 3).n;
}

static size_t nothing(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)nth, (void)tcp;
	return begin(out, query, 0).n;
}

static size_t failure(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)nth, (void)tcp;
	return begin(out, query, 2).n;
}

static size_t failure_about_v6(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == A ? both(out, query, nth, tcp) : failure(out, query, nth, tcp);
}

/* To the first question about IPv4 no answer, while the other one fails at once. */
static size_t failure_about_v6_and_lost(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == A && nth < 3 ? 0 : failure_about_v6(out, query, nth, tcp);
}

static size_t truncated(char *out, struct str query, unsigned nth, bool tcp)
{
	if (tcp)
		return both(out, query, nth, tcp);
	struct buf b = begin(out, query, 0);
	out[2] |= 2;
	return b.n;
}

static size_t truncated_everywhere(char *out, struct str query, unsigned nth, bool tcp)
{
	return tcp ? 0 : truncated(out, query, nth, tcp);
}

/* Wrong ones first: with another id, to another question. */
static size_t forged_at_first(char *out, struct str query, unsigned nth, bool tcp)
{
	size_t n = both(out, query, nth, tcp);
	if (nth <= 2)
		out[nth == 1 ? 0 : 13] ^= 1;
	return n;
}

/* Only names that end in the second domain of the search list. */
static size_t in_two(char *out, struct str query, unsigned nth, bool tcp)
{
	bool there = str_find_str(query, S("\3two\4test")) < query.n;
	return there ? both(out, query, nth, tcp) : no_such_name(out, query, nth, tcp);
}

/* ---- the tests' resolver ---- */

static char conf_path[] = "/tmp/resolve_test.conf.XXXXXX", hosts_path[] = "/tmp/resolve_test.hosts.XXXXXX";
static struct resolver resolver;
static struct addresses found;
static struct fault fault;

static void write_file(char *path, const char *text)
{
	size_t n = strlen(path);
	memcpy(path + n - 6, "XXXXXX", 6);
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(2);
	}
	close(fd);
}

static void set_up(uint16_t port, const char *conf, const char *hosts)
{
	write_file(conf_path, conf);
	write_file(hosts_path, hosts);
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, conf_path, hosts_path);
	resolver.port = port;
	memset(&found, 0, sizeof(found));
	memset(&fault, 0, sizeof(fault));
}

static void tear_down(void)
{
	unlink(conf_path);
	unlink(hosts_path);
}

static enum err ask_within(int64_t ms, const char *host)
{
	struct deadline d = deadline_in(ms);
	return resolve(&resolver, &found, guard_copy(str_c(host)), &d, &fault);
}

static enum err ask(const char *host)
{
	return ask_within(4000, host);
}

/* The addresses found, with blanks between them. */
static struct str shown(void)
{
	static char text[512];
	struct buf b = BUF(text);
	for (size_t i = 0; i < found.count; i++) {
		buf_put(&b, i ? S(" ") : S(""));
		address_put(&b, &found.list[i]);
	}
	return buf_str(&b);
}

#define ONE "nameserver 127.0.0.1\n"
#define TWO "nameserver 127.0.0.1\nnameserver 127.0.0.2\n"

/* ---- what needs no server ---- */

TEST(resolve_literals_and_localhost_need_no_files)
{
	static const struct {
		const char *host, *addresses;
	} cases[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8::7", "2001:db8::7" },
		{ "localhost", "::1 127.0.0.1" },
		{ "LOCALHOST", "::1 127.0.0.1" },
		{ "localhost.", "::1 127.0.0.1" },
		{ "api.localhost", "::1 127.0.0.1" },
	};
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, NULL, NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].host);
		expect_int(ask(cases[i].host), OK);
		expect_str(shown(), str_c(cases[i].addresses));
	}
}

TEST(resolve_refuses_what_is_no_name)
{
	static const char *const hosts[] = { "", ".", "..", "a..", "a b", "127.1", "1.2.3.4.", "[::1]", "user@host", "host/x", "a\nb" };
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, NULL, NULL);
	for (size_t i = 0; i < countof(hosts); i++) {
		context("%s", hosts[i]);
		expect_int(ask(hosts[i]), E_NAME);
		expect(str_ends(fault_text(&fault), S("cannot be a host name")));
	}
}

TEST(resolve_hosts_file)
{
	char overlong[ETC_LINE_MAX + 200], text[sizeof(overlong) + 400];
	memset(overlong, 'x', sizeof(overlong) - 1);
	overlong[sizeof(overlong) - 1] = 0;
	snprintf(text, sizeof(text), "# comment\n10.0.0.1\tone One.Example # two\r\n  10.0.0.2 two\n10.0.0.3 %s three\nbad two\n"
	         "2001:db8::2  other two\n\n10.0.0.4 four", overlong);
	set_up(1, "", text);
	expect_int(ask("one"), OK);
	expect_str(shown(), S("10.0.0.1"));
	expect_int(ask("ONE.example."), OK);
	expect_str(shown(), S("10.0.0.1"));
	expect_int(ask("two"), OK);
	expect_str(shown(), S("10.0.0.2 2001:db8::2"));
	expect_int(ask("four"), OK);
	expect_str(shown(), S("10.0.0.4"));
	tear_down();
	/* Kept: the files are gone. */
	expect_int(ask("two"), OK);
	expect_str(shown(), S("10.0.0.2 2001:db8::2"));
	expect_int(ask("three"), E_NAME);
}

TEST(resolve_conf_file)
{
	struct resolv_conf c;
	set_up(1, "", "");
	etc_read_resolv_conf(&c, conf_path);
	expect_int(c.servers.count, 1);
	expect(address_is_loopback(&c.servers.list[0]));
	expect_int(c.search_n, 0);
	expect_int(c.attempts, 2);
	expect_int(c.timeout_s, 5);
	tear_down();

	set_up(1, "# nameserver 9.9.9.9\n;nameserver 9.9.9.9\n nameserver\t10.0.0.1 # first\nnameserver fe80::1%eth0\nnameserver ::1\n"
	          "nameserver 10.0.0.3\nnameserver 10.0.0.4\nsearch a.test b.test\ndomain c.test\nsearch\t d.test  e.test \n"
	          "options ndots:5 timeout:1 attempts:9 rotate\noptions timeout:x\nnonsense", "");
	etc_read_resolv_conf(&c, conf_path);
	found = c.servers;
	expect_str(shown(), S("10.0.0.1 ::1 10.0.0.3"));
	expect_str(((struct str){ c.search, c.search_n }), S("d.test  e.test"));
	expect_int(c.attempts, 5);
	expect_int(c.timeout_s, 1);
	tear_down();

	etc_read_resolv_conf(&c, "/nonexistent");
	expect_int(c.servers.count, 1);
}

/* ---- what does ---- */

TEST(resolve_asks_for_both_families_and_keeps_the_answer)
{
	struct server s;
	server_start(&s, 1, 0, both);
	set_up(s.port, ONE, "");
	expect_int(ask("example.com"), OK);
	expect_str(shown(), S("2001:db8::1 192.0.2.1 192.0.2.2"));
	expect_int(atomic_load(&s.asked), 2);
	tear_down();
	expect_int(ask("EXAMPLE.com"), OK);
	expect_str(shown(), S("2001:db8::1 192.0.2.1 192.0.2.2"));
	expect_int(atomic_load(&s.asked), 2);
	server_stop(&s);
}

TEST(resolve_outcomes)
{
	static const struct {
		const char *what;
		size_t (*answer)(char *out, struct str query, unsigned nth, bool tcp);
		enum err want;
		const char *text; /* addresses or the fault's */
		int least_ms, most_ms;
	} cases[] = {
		{ "IPv4 only", v4_only, OK, "192.0.2.1 192.0.2.2", 0, 500 },
		{ "first packets lost", silent_at_first, OK, "2001:db8::1 192.0.2.1 192.0.2.2", RESOLVE_PATIENCE_MS - 5, 1150 },
		{ "no answer about IPv6", silent_about_v6, OK, "192.0.2.1 192.0.2.2", 45, 500 },
		{ "trouble with IPv6", failure_about_v6, OK, "192.0.2.1 192.0.2.2", 0, 500 },
		{ "trouble with IPv6, packets lost", failure_about_v6_and_lost, OK, "192.0.2.1 192.0.2.2", RESOLVE_PATIENCE_MS - 5, 1150 },
		{ "no such name", no_such_name, E_NAME, "there is no host named host.example", 0, 500 },
		{ "no address", nothing, E_NAME, "host.example has no address", 0, 500 },
		{ "server failure", failure, E_NAME, "the name server could not look up host.example (RCODE 2)", 0, 500 },
		{ "too long for UDP", truncated, OK, "2001:db8::1 192.0.2.1 192.0.2.2", 0, 500 },
		{ "too long, TCP closed", truncated_everywhere, E_NAME, "no name server answered when asked for host.example", 0, 500 },
		{ "forged answers", forged_at_first, OK, "2001:db8::1 192.0.2.1 192.0.2.2", RESOLVE_PATIENCE_MS - 5, 1150 },
		{ "silence", silent, E_NAME, "no name server answered when asked for host.example", RESOLVE_PATIENCE_MS + 990, 3000 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server s;
		server_start(&s, 1, 0, cases[i].answer);
		set_up(s.port, ONE "options timeout:1\n", "");
		context("%s", cases[i].what);
		int64_t before = clock_mono_ms();
		expect_int(ask("host.example"), cases[i].want);
		int64_t took = clock_mono_ms() - before;
		expect_str(cases[i].want == OK ? shown() : fault_text(&fault), str_c(cases[i].text));
		context("%s took %d ms", cases[i].what, (int)took);
		expect(took >= cases[i].least_ms && took <= cases[i].most_ms);
		tear_down();
		server_stop(&s);
	}
}

TEST(resolve_goes_on_to_the_next_server)
{
	static const struct {
		const char *what;
		size_t (*first)(char *out, struct str query, unsigned nth, bool tcp); /* NULL: nobody listens there */
		int least_ms, most_ms;
	} cases[] = {
		{ "nobody there", NULL, 0, 500 },
		{ "trouble", failure, 0, 500 },
		{ "silence", silent, RESOLVE_PATIENCE_MS - 5, 1150 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server bad, good;
		server_start(&good, 2, 0, both);
		while (cases[i].first && !server_start(&bad, 1, good.port, cases[i].first)) {
			server_stop(&good);
			server_start(&good, 2, 0, both);
		}
		set_up(good.port, TWO, "");
		context("%s", cases[i].what);
		int64_t before = clock_mono_ms();
		expect_int(ask("host.example"), OK);
		int64_t took = clock_mono_ms() - before;
		expect_int(found.count, 3);
		context("%s took %d ms", cases[i].what, (int)took);
		expect(took >= cases[i].least_ms && took <= cases[i].most_ms);
		tear_down();
		server_stop(&good);
		if (cases[i].first)
			server_stop(&bad);
	}
}

TEST(resolve_uses_the_search_list)
{
	static const struct {
		const char *host;
		enum err want;
		unsigned asked;
		const char *text;
	} cases[] = {
		{ "short", OK, 4, "" },
		{ "with.dot", OK, 6, "" },
		{ "short.", E_NAME, 2, "there is no host named short" },
		{ "with.dot.", E_NAME, 2, "there is no host named with.dot" },
		{ "there.two.test", OK, 2, "" },
	};
	struct server s;
	server_start(&s, 1, 0, in_two);
	for (size_t i = 0; i < countof(cases); i++) {
		set_up(s.port, ONE "search one.test two.test. three.test\n", "");
		atomic_store(&s.asked, 0);
		context("%s", cases[i].host);
		expect_int(ask(cases[i].host), cases[i].want);
		expect_int(atomic_load(&s.asked), cases[i].asked);
		if (cases[i].want != OK)
			expect_str(fault_text(&fault), str_c(cases[i].text));
		tear_down();
	}
	server_stop(&s);
}

/* ---- time ---- */

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(resolve_ends_at_the_deadline_and_serves_the_soft_one_once)
{
	struct server s;
	int calls = 0;
	server_start(&s, 1, 0, silent);
	set_up(s.port, ONE, "");
	struct deadline d = deadline_in(300);
	d.soft = clock_mono_ms() + 100;
	d.on_soft = count;
	d.arg = &calls;
	int64_t before = clock_mono_ms();
	expect_int(resolve(&resolver, &found, S("host.example"), &d, &fault), E_TIMEOUT);
	int64_t took = clock_mono_ms() - before;
	expect_str(fault_text(&fault), S("looking up host.example took too long"));
	expect(took >= 299 && took < 600);
	expect_int(calls, 1);
	tear_down();
	server_stop(&s);
}

TEST(resolve_with_no_time_left)
{
	struct server s;
	server_start(&s, 1, 0, silent);
	set_up(s.port, ONE, "10.0.0.1 known\n");
	expect_int(ask_within(0, "host.example"), E_TIMEOUT);
	/* What needs no waiting is found all the same. */
	expect_int(ask_within(0, "known"), OK);
	tear_down();
	server_stop(&s);
}

TEST(resolve_lets_one_ask_again_while_others_use_what_is_old)
{
	struct server s;
	server_start(&s, 1, 0, both);
	set_up(s.port, ONE, "");
	expect_int(ask("host.example"), OK);
	expect(resolver.cache[0].until > clock_mono_ms() + 99000 && resolver.cache[0].until <= clock_mono_ms() + 100000);
	s.answer = silent;
	resolver.cache[0].until = clock_mono_ms();
	expect_int(ask_within(50, "host.example"), E_TIMEOUT);
	expect_int(ask_within(50, "host.example"), OK);
	resolver.cache[0].until = clock_mono_ms();
	s.answer = v4_only;
	expect_int(ask("host.example"), OK);
	expect_int(found.count, 2);
	expect_int(ask("host.example"), OK);
	expect_int(found.count, 2);
	tear_down();
	server_stop(&s);
}

TEST(resolve_forgets_what_ends_first)
{
	struct server s;
	char host[] = "host-a.example";
	server_start(&s, 1, 0, both);
	set_up(s.port, ONE, "");
	for (int i = 0; i < RESOLVE_CACHE_SIZE; i++) {
		host[5] = (char)('a' + i);
		expect_int(ask(host), OK);
	}
	resolver.cache[3].until -= 1000;
	expect_int(ask("one-more.example"), OK);
	atomic_store(&s.asked, 0);
	for (int i = 0; i < RESOLVE_CACHE_SIZE; i++) {
		host[5] = (char)('a' + i);
		if (i != 3)
			expect_int(ask(host), OK);
	}
	expect_int(ask("one-more.example"), OK);
	expect_int(atomic_load(&s.asked), 0);
	expect_int(ask("host-d.example"), OK);
	expect_int(atomic_load(&s.asked), 2);
	tear_down();
	server_stop(&s);
}

/* ---- threads ---- */

static void *ask_often(void *arg)
{
	atomic_uint *failures = arg;
	for (int i = 0; i < 50; i++) {
		struct addresses mine;
		struct fault f;
		struct deadline d = deadline_in(4000);
		char host[] = "host-a.example";
		host[5] = (char)('a' + i % 20);
		if (resolve(&resolver, &mine, str_c(host), &d, &f) != OK || mine.count != 3)
			atomic_fetch_add(failures, 1);
	}
	return NULL;
}

TEST(resolve_from_many_threads)
{
	struct server s;
	pthread_t threads[8];
	atomic_uint failures;
	atomic_init(&failures, 0);
	server_start(&s, 1, 0, both);
	set_up(s.port, ONE, "");
	for (size_t i = 0; i < countof(threads); i++)
		if (pthread_create(&threads[i], NULL, ask_often, &failures))
			exit(2);
	for (size_t i = 0; i < countof(threads); i++)
		pthread_join(threads[i], NULL);
	expect_int(atomic_load(&failures), 0);
	tear_down();
	server_stop(&s);
}
