#include "check.h"

#include "base/clock.h"
#include "net/dns.h"
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
	buf_format(b, "%s%s%s%s%s", S("\xc0\x0c\0"), (struct str){ (char[]){ (char)type }, 1 },
		S("\0\1\0\0"), (struct str){ (char[]){ (char)(ttl >> 8), (char)ttl, 0, (char)data.n }, 4 },
		data);
}

static void serve_tcp(struct server *s)
{
	char query[512], out[2 + 512];
	int fd = accept(s->tcp, NULL, NULL);
	ssize_t n = recv(fd, query, sizeof(query), 0);
	if (n > 2) {
		size_t m = s->answer(out + 2, (struct str){ query + 2, (size_t)n - 2 },
			atomic_fetch_add(&s->asked, 1) + 1, true);
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
	size_t m =
		s->answer(out, (struct str){ query, (size_t)n }, atomic_fetch_add(&s->asked, 1) + 1, false);
	if (m > 0)
		sendto(s->udp, out, m, 0, (struct sockaddr *)&from, from_n);
}

static void *run(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[] = { { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 },
		{ s->stop[0], POLLIN, 0 } };
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
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port)
	};
	socklen_t n = sizeof(at);
	s->udp = socket(AF_INET, SOCK_DGRAM, 0);
	s->tcp = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->udp, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		getsockname(s->udp, (struct sockaddr *)&at, &n) == 0 &&
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

static size_t silent_about_v4(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == AAAA ? both(out, query, nth, tcp) : 0;
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

static size_t failure_about_v4(char *out, struct str query, unsigned nth, bool tcp)
{
	return type_of(query) == AAAA ? both(out, query, nth, tcp) : failure(out, query, nth, tcp);
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

static struct str lower_case(struct str query)
{
	static char bytes[512];
	for (size_t i = 0; i < query.n && i < sizeof(bytes); i++)
		bytes[i] = (char)lower((unsigned char)query.p[i]);
	return (struct str){ bytes, query.n };
}

/* Only names that end in the second domain of the search list. */
static size_t in_two(char *out, struct str query, unsigned nth, bool tcp)
{
	bool there = str_find_str(lower_case(query), S("\3two\4test")) < query.n;
	return there ? both(out, query, nth, tcp) : no_such_name(out, query, nth, tcp);
}

/* ---- the tests' resolver ---- */

static char conf_path[] = "/tmp/resolve_test.conf.XXXXXX",
			hosts_path[] = "/tmp/resolve_test.hosts.XXXXXX";
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
	resolver.aaaa_ms = 2000; /* both answers are on their way, however busy this machine is */
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
	return ask_within(20000, host);
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
	static const char *const hosts[] = { "", ".", "..", "a..", "a b", "127.1", "1.2.3.4.", "[::1]",
		"user@host", "host/x", "a\nb" };
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
	char overlong[5000], text[sizeof(overlong) + 400];
	memset(overlong, 'x', sizeof(overlong) - 1);
	overlong[sizeof(overlong) - 1] = 0;
	snprintf(text, sizeof(text),
		"# comment\n10.0.0.1\tone One.Example # two\r\n  10.0.0.2 two\n10.0.0.3 %s three # "
		"three\nbad two\n"
		"2001:db8::2  other two\n\n10.0.0.4 four",
		overlong);
	set_up(1, "", text);
	expect_int(ask("one"), OK);
	expect_str(shown(), S("10.0.0.1"));
	expect_int(ask("ONE.example."), OK);
	expect_str(shown(), S("10.0.0.1"));
	expect_int(ask("two"), OK);
	expect_str(shown(), S("10.0.0.2 2001:db8::2"));
	expect_int(ask("three"), OK);
	expect_str(shown(), S("10.0.0.3"));
	expect_int(ask("four"), OK);
	expect_str(shown(), S("10.0.0.4"));
	tear_down();
	/* Kept: the files are gone. */
	expect_int(ask("two"), OK);
	expect_str(shown(), S("10.0.0.2 2001:db8::2"));
}

static struct resolv_conf conf;
static struct environment env;

static const struct resolv_conf *read_conf(const char *text)
{
	set_up(1, text, "");
	expect_int(etc_read_resolv_conf(&conf, conf_path, &env, &fault), OK);
	tear_down();
	found = conf.servers;
	return &conf;
}

static struct str search_list(void)
{
	return (struct str){ conf.search, conf.search_n };
}

static struct str skipped(void)
{
	return (struct str){ conf.skipped, conf.skipped_n };
}

TEST(resolve_conf_defaults)
{
	for (int i = 0; i < 2; i++) {
		char host[256] = { 0 };
		if (i == 0)
			read_conf("");
		else
			expect_int(etc_read_resolv_conf(&conf, "/nonexistent", &env, &fault), OK);
		found = conf.servers;
		expect_str(shown(), S("127.0.0.1"));
		gethostname(host, sizeof(host) - 1);
		struct str own = str_skip(str_c(host), str_find(str_c(host), '.') + 1);
		expect(str_eq(search_list(), dns_is_name(own) ? own : S("")));
		expect_int(conf.ndots, 1);
		expect_int(conf.attempts, 2);
		expect_int(conf.timeout_s, 5);
		expect(!conf.rotate && !conf.use_tcp && !conf.no_aaaa && !conf.no_tld_query);
		expect_str(skipped(), S(""));
	}
}

TEST(resolve_conf_lines)
{
	read_conf("# nameserver 9.9.9.9\n;nameserver 9.9.9.9\n nameserver\t10.0.0.1 # "
			  "first\r\nnameserver ::1;\nnameserver ::1\n"
			  "nameserver 10.0.0.3\nnameserver 10.0.0.4\nsearch a.test b.test\ndomain "
			  "c.test\nsearch\t d.test.  e.test . # f.test\n"
			  "options ndots:99 timeout:1 attempts:9 rotate use-vc\noptions timeout:x no-aaaa "
			  "no-tld-query\nnonsense");
	expect_str(shown(), S("10.0.0.1 ::1 10.0.0.3"));
	expect_str(search_list(), S("d.test e.test ."));
	expect_int(conf.ndots, 15);
	expect_int(conf.attempts, 5);
	expect_int(conf.timeout_s, 1);
	expect(conf.rotate && conf.use_tcp && conf.no_aaaa && conf.no_tld_query);
	expect_str(skipped(), S("line 4: not an address; line 7: more than three name servers"));

	read_conf("\xef\xbb\xbfnameserver 10.0.0.1\nsearch a.test\ndomain b.test c.test\noptions "
			  "ndots:0 timeout:99 attempts:0");
	expect_str(shown(), S("10.0.0.1"));
	expect_str(search_list(), S("b.test"));
	expect_int(conf.ndots, 0);
	expect_int(conf.attempts, 1);
	expect_int(conf.timeout_s, 30);
}

static const char *search_variable, *options_variable;

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "LOCALDOMAIN") == 0 ? search_variable
		: strcmp(name, "RES_OPTIONS") == 0  ? options_variable
											: NULL;
}

TEST(resolve_conf_variables)
{
	static const struct {
		const char *text, *search, *options, *want, *skipped;
		unsigned ndots, attempts;
	} cases[] = {
		{ "search a.test\noptions ndots:2 attempts:3", NULL, NULL, "a.test", "", 2, 3 },
		{ "search a.test\noptions ndots:2 attempts:3", "b.test c.test.", "ndots:4", "b.test c.test",
			"", 4, 3 },
		{ "domain a.test", " b.test\td.test \n e.test", "attempts:1 timeout:x", "b.test d.test", "",
			1, 1 },
		{ "search a.test", "", "", "", "", 1, 2 },
		{ "", "", "", "", "", 1, 2 },
		{ "search a.test", "b..test c.test", "ndots:99", "c.test", "LOCALDOMAIN: not a domain", 15,
			2 },
	};
	env.get = look_up;
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		search_variable = cases[i].search;
		options_variable = cases[i].options;
		read_conf(cases[i].text);
		expect_str(search_list(), str_c(cases[i].want));
		expect_str(skipped(), str_c(cases[i].skipped));
		expect_int(conf.ndots, cases[i].ndots);
		expect_int(conf.attempts, cases[i].attempts);
	}
	env.get = NULL;
}

TEST(resolve_conf_invents_no_server)
{
	static const struct {
		const char *text, *servers, *skipped;
	} cases[] = {
		{ "nameserver\n", "127.0.0.1", "" },
		{ "nameserver dns.example\n", "", "line 1: not an address" },
		{ "\nnameserver 10.0.0.1.\n", "", "line 2: not an address" },
		{ "nameserver fe80::1%nosuch0", "",
			"line 1: not an address on an interface of this machine" },
		{ "nameserver 10.0.0.1%lo", "", "line 1: not an address on an interface of this machine" },
		{ "nameserver fe80::1%lo", "fe80::1%1", "" },
		{ "nameserver fe80::1%7", "fe80::1%7", "" },
		{ "search a..b\nnameserver 10.0.0.1", "10.0.0.1", "line 1: not a domain" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].text);
		read_conf(cases[i].text);
		expect_str(shown(), str_c(cases[i].servers));
		expect_str(skipped(), str_c(cases[i].skipped));
	}
	set_up(1, "nameserver fe80::1%nosuch0\n", "");
	expect_int(ask("host.example"), E_NAME);
	expect(str_find_str(fault_text(&fault),
			   S("can be used: line 1: not an address on an interface of this machine")) < fault.n);
	tear_down();
}

TEST(resolve_conf_keeps_what_fits)
{
	char text[4096] = "search", want[ETC_SEARCH_MAX];
	struct buf b = { text, 6, sizeof(text) - 1, false }, list = BUF(want);
	for (int i = 0; i < 200; i++) {
		buf_format(&b, " d%d.corp.example", NUM(100 + i));
		if (list.n + 18 <= ETC_SEARCH_MAX)
			buf_format(&list, "%sd%d.corp.example", list.n ? S(" ") : S(""), NUM(100 + i));
	}
	buf_put(&b, S(" z\nnameserver 10.0.0.1"));
	text[b.n] = 0;
	read_conf(text);
	expect_str(str_sub(search_list(), 0, list.n), buf_str(&list));
	expect_str(str_skip(search_list(), list.n), S(" z"));
	expect(str_starts(skipped(), S("line 1: the search list is too long; line 1")));
	expect_str(shown(), S("10.0.0.1"));
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
		{ "IPv4 only", v4_only, OK, "192.0.2.1 192.0.2.2", 0, 3500 },
		{ "first packets lost", silent_at_first, OK, "2001:db8::1 192.0.2.1 192.0.2.2",
			RESOLVE_PATIENCE_MS - 5, 3500 },
		{ "no answer about IPv6", silent_about_v6, OK, "192.0.2.1 192.0.2.2", 45, 3500 },
		{ "no answer about IPv4", silent_about_v4, OK, "2001:db8::1", 2 * RESOLVE_PATIENCE_MS - 5,
			3500 },
		{ "trouble with IPv4", failure_about_v4, OK, "2001:db8::1", 0, 3500 },
		{ "trouble with IPv6", failure_about_v6, OK, "192.0.2.1 192.0.2.2", 0, 3500 },
		{ "trouble with IPv6, packets lost", failure_about_v6_and_lost, OK, "192.0.2.1 192.0.2.2",
			RESOLVE_PATIENCE_MS - 5, 3500 },
		{ "no such name", no_such_name, E_NAME, "there is no host named host.example", 0, 3500 },
		{ "no address", nothing, E_NAME, "host.example has no address", 0, 3500 },
		{ "server failure", failure, E_NAME,
			"the name server could not look up host.example (RCODE 2)", 0, 3500 },
		{ "too long for UDP", truncated, OK, "2001:db8::1 192.0.2.1 192.0.2.2", 0, 3500 },
		{ "too long, TCP closed", truncated_everywhere, E_NAME,
			"no name server answered when asked for host.example", 0, 3500 },
		{ "forged answers", forged_at_first, OK, "2001:db8::1 192.0.2.1 192.0.2.2",
			RESOLVE_PATIENCE_MS - 5, 3500 },
		{ "silence", silent, E_NAME, "no name server answered when asked for host.example",
			RESOLVE_PATIENCE_MS + 990, 3500 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server s;
		server_start(&s, 1, 0, cases[i].answer);
		set_up(s.port, ONE "options timeout:1\n", "");
		if (cases[i].answer == silent_about_v6)
			resolver.aaaa_ms = RESOLVE_AAAA_MS;
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
		size_t (*first)(
			char *out, struct str query, unsigned nth, bool tcp); /* NULL: nobody listens there */
		int least_ms, most_ms;
	} cases[] = {
		{ "nobody there", NULL, 0, 3500 },
		{ "trouble", failure, 0, 3500 },
		{ "silence", silent, RESOLVE_PATIENCE_MS - 5, 3500 },
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

/* Every name exists as it is, and in the last domain; the first domain's servers fail, the second
 * one's say nothing. */
static size_t in_last_with_trouble(char *out, struct str query, unsigned nth, bool tcp)
{
	if (str_find_str(lower_case(query), S("\4fail\4test")) < query.n)
		return failure(out, query, nth, tcp);
	if (str_find_str(lower_case(query), S("\5quiet\4test")) < query.n)
		return 0;
	return both(out, query, nth, tcp);
}

TEST(resolve_search_does_not_end_at_trouble)
{
	static const struct {
		const char *what, *conf, *host;
		unsigned asked;
		enum err want;
		uint32_t ttl_s;
	} cases[] = {
		{ "servers that fail", "search fail.test last.test\noptions attempts:1", "host", 4, OK, 5 },
		{ "servers that say nothing", "search quiet.test last.test\noptions attempts:1", "host", 4,
			OK, 5 },
		{ "more dots than ndots", "search last.test", "a.host", 2, OK, 100 },
		{ "fewer dots than ndots", "search no.fail.test last.test\noptions ndots:2 attempts:1",
			"a.host", 4, OK, 5 },
		{ "the root in the list", "search . last.test\noptions ndots:5", "a.host", 2, OK, 100 },
		{ "no dot, ndots 0", "search last.test\noptions ndots:0", "host", 2, OK, 100 },
		{ "no query for a domain of the top", "search fail.test\noptions no-tld-query attempts:1",
			"host", 2, E_NAME, 0 },
		{ "no IPv6", "options no-aaaa", "host", 1, OK, 100 },
	};
	struct server s;
	server_start(&s, 1, 0, in_last_with_trouble);
	for (size_t i = 0; i < countof(cases); i++) {
		char text[128] = "nameserver 127.0.0.1\n";
		strcat(text, cases[i].conf);
		set_up(s.port, text, "");
		atomic_store(&s.asked, 0);
		context("%s", cases[i].what);
		expect_int(ask(cases[i].host), cases[i].want);
		expect_int(atomic_load(&s.asked), cases[i].asked);
		if (cases[i].want == OK && expect_int(resolver.cached, 1))
			expect((resolver.cache[0].until - clock_mono_ms() + 999) / 1000 == cases[i].ttl_s);
		tear_down();
	}
	server_stop(&s);
}

TEST(resolve_over_tcp_alone)
{
	struct server s;
	server_start(&s, 1, 0, truncated); /* over UDP */
	set_up(s.port, ONE "options use-vc\n", "");
	expect_int(ask("host.example"), OK);
	expect_str(shown(), S("2001:db8::1 192.0.2.1 192.0.2.2"));
	expect_int(atomic_load(&s.asked), 2);
	tear_down();
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
	expect(took >= 299 && took < 3500);
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
	expect(resolver.cache[0].until > clock_mono_ms() + 99000 &&
		resolver.cache[0].until <= clock_mono_ms() + 100000);
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

static const char *nth_host(int i)
{
	static char host[] = "host-aa.example";
	host[5] = (char)('a' + i / 16);
	host[6] = (char)('a' + i % 16);
	return host;
}

TEST(resolve_forgets_what_ends_first)
{
	struct server s;
	server_start(&s, 1, 0, both);
	set_up(s.port, ONE, "");
	for (int i = 0; i < RESOLVE_CACHE_SIZE; i++)
		expect_int(ask(nth_host(i)), OK);
	resolver.cache[3].until -= 1000;
	expect_int(ask("one-more.example"), OK);
	atomic_store(&s.asked, 0);
	for (int i = 0; i < RESOLVE_CACHE_SIZE; i++)
		if (i != 3)
			expect_int(ask(nth_host(i)), OK);
	expect_int(ask("one-more.example"), OK);
	expect_int(atomic_load(&s.asked), 0);
	expect_int(ask(nth_host(3)), OK);
	expect_int(atomic_load(&s.asked), 2);
	tear_down();
	server_stop(&s);
}

/* That nothing is there holds for 30 s. */
static size_t no_such_name_for_30_s(char *out, struct str query, unsigned nth, bool tcp)
{
	(void)nth, (void)tcp;
	struct buf b = begin(out, query, 3);
	b.p[9]++;
	/* The root's SOA: a TTL of 256 s, of which the minimum is 30 s. */
	buf_put(&b,
		S("\0\0\6\0\1\0\0\1\0\0\x16\0\0"
		  "\0\0\0\1"
		  "\0\0\0\1"
		  "\0\0\0\1"
		  "\0\0\0\1"
		  "\0\0\0\x1e"));
	return b.n;
}

TEST(resolve_keeps_that_nothing_is_there_for_as_long_as_the_zone_says)
{
	struct server s;
	server_start(&s, 1, 0, no_such_name_for_30_s);
	set_up(s.port, ONE "search a.test b.test\n", "");
	expect_int(ask("host"), E_NAME);
	expect_int(atomic_load(&s.asked), 6);
	for (size_t i = 0; i < resolver.cached; i++) {
		int64_t left = resolver.cache[i].until - clock_mono_ms();
		expect(left > 29000 && left <= 30000);
	}
	expect_int(ask("HOST"), E_NAME);
	expect_str(fault_text(&fault), S("there is no host named HOST"));
	expect_int(atomic_load(&s.asked), 6);
	/* It is kept of names, not of a search: others have their own. */
	expect_int(ask("host.a.test."), E_NAME);
	expect_int(atomic_load(&s.asked), 6);
	for (size_t i = 0; i < resolver.cached; i++)
		resolver.cache[i].until = clock_mono_ms();
	s.answer = both;
	expect_int(ask("host"), OK);
	tear_down();
	server_stop(&s);
}

TEST(resolve_keeps_no_silence_and_no_failure)
{
	struct server s;
	server_start(&s, 1, 0, no_such_name); /* without an SOA record */
	set_up(s.port, ONE "options timeout:1 attempts:1\n", "");
	expect_int(ask("host.example"), E_NAME);
	s.answer = failure;
	expect_int(ask("host.example"), E_NAME);
	s.answer = silent;
	expect_int(ask("host.example"), E_NAME);
	expect_int(atomic_load(&s.asked), 6);
	s.answer = both;
	expect_int(ask("host.example"), OK);
	tear_down();
	server_stop(&s);
}

/* ---- the case of letters ---- */

static atomic_bool folds; /* whether the server writes names in small letters */
static atomic_uint capitals;

static size_t folding(char *out, struct str query, unsigned nth, bool tcp)
{
	size_t n = both(out, query, nth, tcp);
	for (size_t i = 12; i < query.n - 4; i++) {
		atomic_fetch_add(&capitals, out[i] >= 'A' && out[i] <= 'Z');
		if (atomic_load(&folds))
			out[i] = (char)lower((unsigned char)out[i]);
	}
	return n;
}

TEST(resolve_holds_a_server_to_the_case_of_letters)
{
	struct server s;
	char host[] = "a-name-with-quite-a-few-letters-a.example";
	atomic_store(&folds, true);
	atomic_store(&capitals, 0);
	server_start(&s, 1, 0, folding);
	set_up(s.port, ONE "options timeout:1 attempts:1\n", "");
	/* One that never did it is believed. */
	expect_int(ask(host), OK);
	expect(atomic_load(&capitals) > 0);
	expect_int(resolver.echoes_n, 0);
	/* One that did is not, until it has failed at it. */
	atomic_store(&folds, false);
	host[32]++;
	expect_int(ask(host), OK);
	expect_int(resolver.echoes_n, 1);
	atomic_store(&folds, true);
	host[32]++;
	expect_int(ask(host), E_NAME);
	expect_str(str_sub(fault_text(&fault), 0, 23), S("no name server answered"));
	expect_int(resolver.echoes_n, 0);
	expect_int(ask(host), OK);
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
		struct deadline d = deadline_in(20000);
		char host[] = "host-aa.example";
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
