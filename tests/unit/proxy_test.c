#include "net/dial.h"

#include "check.h"
#include "peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- settings ---- */

struct variable {
	const char *name, *value;
};

static const char *get(void *ctx, const char *name)
{
	for (const struct variable *v = ctx; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v->value;
	return NULL;
}

static void read_all(struct proxy *p, struct variable *variables)
{
	struct environment env = { get, variables };
	proxy_read(p, &env);
}

/* Whether it can be used. */
static enum err read_one(struct proxy *p, const char *value, struct fault *f)
{
	read_all(p, (struct variable[]){ { "HTTPS_PROXY", value }, { NULL, NULL } });
	expect(!p->servers[true].unusable || !p->servers[true].host.n);
	return proxy_check(&p->servers[true], f);
}

TEST(proxy_reads_its_address)
{
	static const struct {
		const char *value;
		struct str host;
		uint16_t port;
		struct str user;
		bool secure;
	} cases[] = {
		{ "https://proxy.example:3128", STR("proxy.example"), 3128, STR(""), true },
		{ "HTTPS://u:p@proxy.example", STR("proxy.example"), 443, STR("u:p"), true },
		{ "https://[fd00::1]/", STR("fd00::1"), 443, STR(""), true },
		{ "HTTP://proxy.example:3128", STR("proxy.example"), 3128, STR(""), false },
		{ "Http://proxy.example/\n", STR("proxy.example"), 80, STR(""), false },
		{ " \t proxy:3128 \r\n\n", STR("proxy"), 3128, STR(""), false },
		{ "http://u@proxy", STR("proxy"), 80, STR("u"), false },
		{ "u%40corp@proxy:1", STR("proxy"), 1, STR("u%40corp"), false },
		{ "http://proxy.example:3128", STR("proxy.example"), 3128, STR(""), false },
		{ "http://proxy.example:3128/", STR("proxy.example"), 3128, STR(""), false },
		{ "http://proxy.example", STR("proxy.example"), 80, STR(""), false },
		{ "http://proxy.example/", STR("proxy.example"), 80, STR(""), false },
		{ "proxy.example:3128", STR("proxy.example"), 3128, STR(""), false },
		{ "proxy", STR("proxy"), 80, STR(""), false },
		{ "10.0.0.1:8080", STR("10.0.0.1"), 8080, STR(""), false },
		{ "http://[fd00::1]:8080", STR("fd00::1"), 8080, STR(""), false },
		{ "[::1]", STR("::1"), 80, STR(""), false },
		{ "http://u:p@proxy:1", STR("proxy"), 1, STR("u:p"), false },
		{ "u:p@proxy:65535", STR("proxy"), 65535, STR("u:p"), false },
		{ "http://u:@proxy", STR("proxy"), 80, STR("u:"), false },
		{ "http://:p@proxy", STR("proxy"), 80, STR(":p"), false },
		{ "http://@proxy", STR("proxy"), 80, STR(""), false },
		{ "http://u:p@ss@proxy", STR("proxy"), 80, STR("u:p@ss"), false },
		{ "http://u:a:b%40%3a@[::1]:2/", STR("::1"), 2, STR("u:a:b%40%3a"), false },
		{ "http://corp\\u:p@under_score.example", STR("under_score.example"), 80, STR("corp\\u:p"),
			false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct proxy p;
		struct fault f;
		context("%s", cases[i].value);
		if (!expect_int(read_one(&p, cases[i].value, &f), OK))
			continue;
		expect_str(p.servers[true].host, cases[i].host);
		expect_int(p.servers[true].port, cases[i].port);
		expect_str(p.servers[true].user, cases[i].user);
		expect_int(p.servers[true].secure, cases[i].secure);
		expect_str(p.servers[false].host, S(""));
	}
}

TEST(proxy_refuses_what_is_no_address)
{
	static const char *const cases[] = {
		"socks5://proxy:1080",
		"https:/proxy",
		"https://",
		"http://https://proxy",
		"socks5://u:p@proxy",
		"ftp://proxy",
		"http:/proxy",
		"http://",
		"http:///",
		"/",
		":3128",
		"http://:3128",
		"proxy:",
		"proxy:0",
		"proxy:65536",
		"proxy:http",
		"proxy:-1",
		"proxy: 1",
		"proxy:3128:1",
		"a..b",
		".proxy",
		"-:-",
		"proxy:80/path",
		"proxy/path",
		"proxy?x",
		"proxy:1?x",
		"pro xy",
		"pro\nxy",
		"127.1",
		"1.2.3.4.5",
		"256.1.1.1",
		"::1",
		"::1:3128",
		"[::1",
		"[::1]x",
		"[proxy]",
		"[]",
		"u:p@",
		"u:p@:80",
		"u:%@proxy",
		"u:%4@proxy",
		"u:%zz@proxy",
		"u:a/b@proxy",
		"pr\xc3\xb6zy",
		"*",
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct proxy p;
		struct fault f;
		context("%s", cases[i]);
		expect_int(read_one(&p, cases[i], &f), E_CONFIG);
		expect_str(fault_text(&f),
			S("HTTPS_PROXY must be [http://|https://][user:password@]host[:port], with user and "
			  "password "
			  "percent-encoded; SOCKS proxies are not supported"));
	}
}

TEST(proxy_limits_the_user)
{
	char value[PROXY_USER_MAX + 16];
	struct proxy p;
	struct fault f;
	memset(value, 'p', sizeof(value));
	memcpy(value, "u:", 2);
	memcpy(value + PROXY_USER_MAX, "@proxy", 7);
	expect_int(read_one(&p, value, &f), OK);
	expect_int(p.servers[true].user.n, PROXY_USER_MAX);
	memcpy(value + PROXY_USER_MAX, "p@proxy", 8);
	expect_int(read_one(&p, value, &f), E_CONFIG);
}

TEST(proxy_chooses_among_variables)
{
	static const struct {
		struct variable variables[6];
		struct str plain, secure, except;
	} cases[] = {
		{ { { NULL, NULL } }, STR(""), STR(""), STR("") },
		{ { { "HTTPS_PROXY", "" }, { "https_proxy", "" }, { "HTTP_PROXY", "" } }, STR(""), STR(""),
			STR("") },
		{ { { "HTTPS_PROXY", "upper" } }, STR(""), STR("upper"), STR("") },
		{ { { "HTTPS_PROXY", "upper" }, { "https_proxy", "lower" } }, STR(""), STR("lower"),
			STR("") },
		{ { { "HTTPS_PROXY", "upper" }, { "https_proxy", "" } }, STR(""), STR("upper"), STR("") },
		{ { { "HTTPS_PROXY", "socks5://not.used" }, { "https_proxy", "lower" } }, STR(""),
			STR("lower"), STR("") },
		{ { { "HTTP_PROXY", "upper" } }, STR("upper"), STR(""), STR("") },
		{ { { "HTTP_PROXY", "upper" }, { "http_proxy", "lower" } }, STR("lower"), STR(""),
			STR("") },
		{ { { "HTTP_PROXY", "upper" }, { "REQUEST_METHOD", "GET" } }, STR(""), STR(""), STR("") },
		{ { { "HTTP_PROXY", "socks5://upper" }, { "REQUEST_METHOD", "GET" } }, STR(""), STR(""),
			STR("") },
		{ { { "HTTP_PROXY", "upper" }, { "REQUEST_METHOD", "GET" }, { "ALL_PROXY", "a" } },
			STR("a"), STR("a"), STR("") },
		{ { { "http_proxy", "lower" }, { "REQUEST_METHOD", "GET" } }, STR("lower"), STR(""),
			STR("") },
		{ { { "HTTPS_PROXY", "upper" }, { "REQUEST_METHOD", "GET" }, { "NO_PROXY", "b" } }, STR(""),
			STR("upper"), STR("b") },
		{ { { "HTTP_PROXY", "a" }, { "HTTPS_PROXY", "b" }, { "NO_PROXY", "c" },
			  { "no_proxy", "d" } },
			STR("a"), STR("b"), STR("d") },
		{ { { "https_prox", "c" }, { "https_proxy_", "d" } }, STR(""), STR(""), STR("") },
		{ { { "ALL_PROXY", "a" }, { "all_proxy", "b" } }, STR("b"), STR("b"), STR("") },
		{ { { "ALL_PROXY", "a" }, { "https_proxy", "c" } }, STR("a"), STR("c"), STR("") },
		{ { { "ALL_PROXY", "a" }, { "http_proxy", "\n" } }, STR("a"), STR("a"), STR("") },
		{ { { "ALL_PROXY", "socks5h://a" }, { "http_proxy", "b" }, { "https_proxy", "c" } },
			STR("b"), STR("c"), STR("") },
		{ { { "NO_PROXY", " a,b\n" } }, STR(""), STR(""), STR("a,b") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct proxy p;
		struct fault f;
		struct variable variables[7] = { 0 };
		context("case %zu", i);
		memcpy(variables, cases[i].variables, sizeof(cases[i].variables));
		read_all(&p, variables);
		expect_int(proxy_check(&p.servers[false], &f), OK);
		expect_int(proxy_check(&p.servers[true], &f), OK);
		expect_str(p.servers[false].host, cases[i].plain);
		expect_str(p.servers[true].host, cases[i].secure);
		expect_str(p.except, cases[i].except);
	}
}

TEST(proxy_names_the_variable_that_is_wrong)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
		"all_proxy", "ALL_PROXY" };
	for (size_t i = 0; i < countof(names); i++) {
		struct proxy p;
		struct fault f;
		context("%s", names[i]);
		read_all(
			&p, (struct variable[]){ { names[i], "socks5://user:hunter2@proxy" }, { NULL, NULL } });
		bool secure = names[i][4] != '_';
		/* It stops only what would go through it. */
		expect_int(proxy_check(proxy_for(&p, S("example.com"), 443, secure), &f), E_CONFIG);
		expect_int(
			proxy_check(proxy_for(&p, S("localhost"), 443, secure), &(struct fault){ 0 }), OK);
		expect_int(proxy_check(NULL, &(struct fault){ 0 }), OK);
		expect(str_starts(fault_text(&f), str_c(names[i])));
		expect(str_find_str(fault_text(&f), S("hunter2")) == f.n);
	}
}

/* ---- for whom ---- */

static struct proxy both(struct str except)
{
	return (struct proxy){
		{ { .host = S("plain"), .port = 80 }, { .host = S("secure"), .port = 3128 } }, except, NULL
	};
}

static struct dial_target target(const struct proxy *p, struct str host, uint16_t port, bool secure)
{
	return (struct dial_target){ .host = host, .port = port, .secure = secure, .proxy = p };
}

TEST(proxy_follows_from_the_target)
{
	struct proxy p = both(S("")), none = { 0 };
	struct dial_target to = target(&p, S("example.com"), 443, true);
	expect(dial_via(&to) == &p.servers[true]);
	to.secure = false;
	expect(dial_via(&to) == &p.servers[false]);
	p.servers[false] = (struct proxy_server){ 0 };
	expect(dial_via(&to) == NULL);
	to.proxy = &none;
	expect(dial_via(&to) == NULL);
	to.proxy = NULL;
	expect(dial_via(&to) == NULL);
}

TEST(proxy_is_not_for_this_machine)
{
	static const struct {
		struct str host;
		bool straight;
	} cases[] = {
		{ STR("localhost"), true },
		{ STR("LOCALHOST"), true },
		{ STR("localhost."), true },
		{ STR("a.localhost"), true },
		{ STR("127.0.0.1"), true },
		{ STR("127.255.255.255"), true },
		{ STR("127.0.0.1."), true },
		{ STR("::1"), true },
		{ STR("0:0:0:0:0:0:0:1"), true },
		{ STR("::ffff:127.0.0.1"), true },
		{ STR("169.254.169.254"), true },
		{ STR("169.254.170.2"), true },
		{ STR("::ffff:169.254.169.254"), true },
		{ STR("fd00:ec2::254"), true },
		{ STR("FD00:EC2::23"), true },
		/* What resolve will refuse. */
		{ STR(""), true },
		{ STR("127.1"), true },
		{ STR("2130706433"), true },
		{ STR("a b"), true },
		{ STR("a..b"), true },
		{ STR("x\r\nHost: y"), true },
		{ STR("[::1]"), true },
		{ STR("."), true },
		{ STR("10.0.0.1."), true },
		{ STR("fd00::1."), true },
		{ STR("localhost.example.com"), false },
		{ STR("notlocalhost"), false },
		{ STR("128.0.0.1"), false },
		{ STR("126.255.255.255"), false },
		{ STR("169.253.0.1"), false },
		{ STR("169.255.0.1"), false },
		{ STR("fd00:ec3::1"), false },
		{ STR("::2"), false },
		{ STR("10.0.0.1"), false },
		{ STR("127.0.0.1.example.com"), false },
		{ STR("metadata"), false },
		{ STR("fd00:ec2::.example.com"), true },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct proxy p = both(S(""));
		context("%s", cases[i].host.p);
		struct dial_target to = target(&p, guard_copy(cases[i].host), 443, true);
		expect((dial_via(&to) == NULL) == cases[i].straight);
	}
}

TEST(proxy_is_not_for_what_is_listed)
{
	static const struct {
		struct str list, host;
		uint16_t port;
		bool straight;
	} cases[] = {
		{ STR("*"), STR("example.com"), 443, true },
		{ STR("a,*"), STR("10.0.0.1"), 443, true },
		{ STR("*"), STR("fd00::1"), 443, true },
		{ STR("example.com"), STR("example.com"), 443, true },
		{ STR("example.com"), STR("EXAMPLE.com"), 443, true },
		{ STR("Example.COM"), STR("a.example.com"), 443, true },
		{ STR("example.com"), STR("a.b.example.com"), 443, true },
		{ STR("example.com"), STR("badexample.com"), 443, false },
		{ STR("example.com"), STR("example.com.evil"), 443, false },
		{ STR("example.com"), STR("com"), 443, false },
		{ STR("example.com"), STR("example.com."), 443, true },
		{ STR(".example.com"), STR("a.example.com"), 443, true },
		{ STR(".example.com"), STR("example.com"), 443, true },
		{ STR(".example.com"), STR("badexample.com"), 443, false },
		{ STR("*.example.com"), STR("a.example.com"), 443, true },
		{ STR("*.example.com"), STR("badexample.com"), 443, false },
		{ STR("a.example.com"), STR("example.com"), 443, false },
		{ STR("com"), STR("example.com"), 443, true },
		{ STR("."), STR("example.com"), 443, false },
		{ STR(""), STR("example.com"), 443, false },
		{ STR("example.com:443"), STR("a.example.com"), 443, true },
		{ STR("example.com:443"), STR("a.example.com"), 8443, false },
		{ STR("example.com:0"), STR("a.example.com"), 443, false },
		{ STR("example.com:x"), STR("example.com"), 443, false },
		{ STR("x, .example.com ,y"), STR("example.com"), 443, true },
		{ STR("x example.com"), STR("example.com"), 443, true },
		{ STR("x,\texample.com"), STR("example.com"), 443, true },
		{ STR(",, ,"), STR("example.com"), 443, false },
		{ STR("example.com/24"), STR("example.com"), 443, false },
		{ STR("http://example.com"), STR("example.com"), 443, false },
		{ STR("\xc3\xbc.example"), STR("example"), 443, false },
		{ STR("10.1.2.3"), STR("10.1.2.3"), 443, true },
		{ STR("10.1.2.3"), STR("10.1.2.4"), 443, false },
		{ STR("10.1.2.3"), STR("::ffff:10.1.2.3"), 443, true },
		{ STR("1.2.3"), STR("10.1.2.3"), 443, false },
		{ STR("2.3"), STR("10.1.2.3"), 443, false },
		{ STR("10.1.2.3:443"), STR("10.1.2.3"), 443, true },
		{ STR("10.1.2.3:80"), STR("10.1.2.3"), 443, false },
		{ STR("10.0.0.0/8"), STR("10.255.0.1"), 443, true },
		{ STR("10.9.9.9/8"), STR("10.255.0.1"), 443, true },
		{ STR("10.0.0.0/8"), STR("11.0.0.1"), 443, false },
		{ STR("10.0.0.0/9"), STR("10.127.255.255"), 443, true },
		{ STR("10.0.0.0/9"), STR("10.128.0.0"), 443, false },
		{ STR("10.1.2.0/31"), STR("10.1.2.1"), 443, true },
		{ STR("10.1.2.0/31"), STR("10.1.2.2"), 443, false },
		{ STR("10.1.2.3/32"), STR("10.1.2.3"), 443, true },
		{ STR("10.1.2.3/32"), STR("10.1.2.2"), 443, false },
		{ STR("10.1.2.3/33"), STR("10.1.2.3"), 443, false },
		{ STR("10.1.2.3/"), STR("10.1.2.3"), 443, false },
		{ STR("10.1.2.3/x"), STR("10.1.2.3"), 443, false },
		{ STR("10.0.0.0/8:443"), STR("10.1.2.3"), 443, true },
		{ STR("10.0.0.0/8:443"), STR("10.1.2.3"), 8443, false },
		{ STR("10.0.0.0/8:"), STR("10.1.2.3"), 443, false },
		{ STR("10.0.0.0/8:x"), STR("10.1.2.3"), 443, false },
		{ STR("[fd00::]/8:443"), STR("fdff::1"), 443, true },
		{ STR("[fd00::]/8:80"), STR("fdff::1"), 443, false },
		{ STR("example.com."), STR("example.com"), 443, true },
		{ STR("example.com."), STR("a.example.com."), 443, true },
		{ STR(".example.com.:443"), STR("a.example.com"), 443, true },
		{ STR("\"example.com,x\""), STR("example.com"), 443, true },
		{ STR("'x','example.com'"), STR("example.com"), 443, true },
		{ STR("x\nexample.com\r\ny"), STR("example.com"), 443, true },
		{ STR("\"*\""), STR("example.com"), 443, true },
		{ STR("\"\""), STR("example.com"), 443, false },
		{ STR("0.0.0.0/0"), STR("10.1.2.3"), 443, true },
		{ STR("0.0.0.0/0"), STR("fd00::1"), 443, false },
		{ STR("0.0.0.0/0"), STR("example.com"), 443, false },
		{ STR("::/0"), STR("fd00::1"), 443, true },
		{ STR("::/0"), STR("10.1.2.3"), 443, false },
		{ STR("fd00::1"), STR("fd00:0::1"), 443, true },
		{ STR("[fd00::1]"), STR("fd00::1"), 443, true },
		{ STR("[fd00::1]:443"), STR("fd00::1"), 443, true },
		{ STR("[fd00::1]:80"), STR("fd00::1"), 443, false },
		{ STR("fd00::/8"), STR("fdff::1"), 443, true },
		{ STR("[fd00::]/8"), STR("fdff::1"), 443, true },
		{ STR("fd00::/8"), STR("fe00::1"), 443, false },
		{ STR("fd00::/9"), STR("fd80::1"), 443, false },
		{ STR("fd00::1/128"), STR("fd00::1"), 443, true },
		{ STR("fd00::1/129"), STR("fd00::1"), 443, false },
		{ STR("fd00::1"), STR("fd00::2"), 443, false },
		{ STR("10.0.0.1"), STR("a.10.0.0.1.example"), 443, false },
		{ STR("fd00"), STR("fd00::1"), 443, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct proxy p = both(guard_copy(cases[i].list));
		context("%s for %s", cases[i].list.p, cases[i].host.p);
		struct dial_target to = target(&p, guard_copy(cases[i].host), cases[i].port, true);
		expect((dial_via(&to) == NULL) == cases[i].straight);
		to.secure = false;
		expect((dial_via(&to) == NULL) == cases[i].straight);
	}
}

/* ---- what it is asked ---- */

TEST(proxy_writes_its_field)
{
	static const struct {
		struct str user, field;
	} cases[] = {
		{ STR(""), STR("") },
		{ STR("Aladdin:open%20sesame"),
			STR("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n") },
		{ STR("Aladdin:open sesame"),
			STR("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n") },
		{ STR("u:a+%2b%0a%C3%a9"), STR("Proxy-Authorization: Basic dTphKysKw6k=\r\n") },
		{ STR(":"), STR("Proxy-Authorization: Basic Og==\r\n") },
		{ STR("u"), STR("Proxy-Authorization: Basic dTo=\r\n") },
		{ STR("%75%40x"), STR("Proxy-Authorization: Basic dUB4Og==\r\n") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[PROXY_FIELD_MAX];
		struct buf b = BUF(memory);
		struct proxy_server via = {
			.host = S("proxy"), .port = 80, .user = guard_copy(cases[i].user)
		};
		context("%s", cases[i].user.p);
		proxy_put_field(&b, &via);
		expect_str(buf_str(&b), cases[i].field);
	}
	char memory[PROXY_FIELD_MAX], user[PROXY_USER_MAX];
	struct buf b = BUF(memory);
	memset(user, ':', sizeof(user));
	proxy_put_field(&b,
		&(struct proxy_server){ .host = S("proxy"), .port = 80, .user = { user, sizeof(user) } });
	expect(!b.full && b.n < PROXY_FIELD_MAX);
	buf_reset(&b);
	proxy_put_field(&b, NULL);
	expect_int(b.n, 0);
}

/* A proxy that takes one head, keeps it, and answers with these bytes, so many at once. */
struct script {
	struct str answer;
	size_t at_once;
	bool hang;
	char head[4096];
	size_t n;
};

static void serve(int fd, struct peer *p)
{
	struct script *s = p->arg;
	s->n = 0;
	for (ssize_t got; str_find_str((struct str){ s->head, s->n }, S("\r\n\r\n")) == s->n;
		 s->n += (size_t)got)
		if ((got = recv(fd, s->head + s->n, sizeof(s->head) - s->n, 0)) <= 0)
			return;
	for (struct str rest = s->answer; rest.n; rest = str_skip(rest, s->at_once))
		if (send(fd, rest.p, rest.n < s->at_once ? rest.n : s->at_once, MSG_NOSIGNAL) < 0)
			return;
	if (s->hang)
		peer_hang(fd, p);
}

struct tunnel {
	struct peer peer;
	struct stream stream;
	struct script script;
	struct proxy_server via;
	struct fault fault;
};

static enum err open_tunnel(
	struct tunnel *t, struct str host, struct str answer, size_t at_once, int hang_ms)
{
	static struct resolver resolver;
	struct deadline d = deadline_in(10000);
	t->script = (struct script){ .answer = answer, .at_once = at_once, .hang = hang_ms };
	peer_start(&t->peer, serve, &t->script);
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, "/nonexistent", "/nonexistent");
	struct dial_target here = {
		.host = S("127.0.0.1"), .port = t->peer.port, .resolver = &resolver
	};
	t->stream = stream_none(NULL);
	expect_int(dial(&t->stream, &here, &d, &t->fault), OK);
	d = deadline_in(hang_ms ? hang_ms : 10000);
	return proxy_open(&t->stream, &t->via, host, 443, &d, &t->fault);
}

static void close_tunnel(struct tunnel *t)
{
	stream_close(&t->stream);
	peer_stop(&t->peer);
}

TEST(proxy_is_asked_to_connect)
{
	static const struct {
		struct str host, user, head;
	} cases[] = {
		{ STR("example.com"), STR(""),
			STR("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n") },
		{ STR("10.0.0.1"), STR(""),
			STR("CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n") },
		{ STR("fd00::1"), STR("u:p"),
			STR("CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\nProxy-Authorization: "
				"Basic dTpw\r\n\r\n") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct tunnel t = { .via = { .host = S("proxy"), .port = 80, .user = cases[i].user } };
		context("%s", cases[i].host.p);
		expect_int(open_tunnel(&t, cases[i].host, S("HTTP/1.1 200 OK\r\n\r\n"), 1, 0), OK);
		struct str head = { t.script.head, t.script.n };
		expect_str(head, cases[i].head);
		close_tunnel(&t);
	}
}

TEST(proxy_asks_for_the_longest_name)
{
	char name[254], user[PROXY_USER_MAX];
	memset(name, 'a', sizeof(name));
	memset(user, ':', sizeof(user));
	name[63] = name[127] = name[191] = name[253] = '.';
	struct tunnel t = { .via = { .host = S("proxy"), .port = 80, .user = { user, sizeof(user) } } };
	expect_int(
		open_tunnel(&t, (struct str){ name, sizeof(name) }, S("HTTP/1.1 200 OK\r\n\r\n"), 100, 0),
		OK);
	close_tunnel(&t);
}

TEST(proxy_answers_are_read_to_the_byte)
{
	static const struct str heads[] = {
		STR("HTTP/1.1 200 Connection established\r\n\r\n"),
		STR("HTTP/1.0 200\r\n\r\n"),
		STR("HTTP/1.1 204 \r\nA: b\r\nC: d\r\n\r\n"),
		STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
		STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		STR("HTTP/1.1 200 OK\n\n"),
		STR("HTTP/1.1 200 OK\nA: b\n\n"),
		STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
		STR("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\n\nHTTP/1.0 200 "
			"OK\nA: b\n\n"),
	};
	for (size_t i = 0; i < countof(heads); i++) {
		for (size_t at_once = 1; at_once < 80; at_once += 13) {
			char memory[256], c;
			struct buf answer = BUF(memory);
			size_t got;
			struct tunnel t = { .via = { .host = S("proxy"), .port = 80 } };
			struct deadline d = deadline_in(2000);
			context("%s, %zu at once", heads[i].p, at_once);
			buf_format(&answer, "%s\x16\r\n\r\n", heads[i]);
			expect_int(open_tunnel(&t, S("example.com"), buf_str(&answer), at_once, 0), OK);
			expect_int(stream_read(&t.stream, &got, &c, 1, &d, &t.fault), OK);
			expect_int(c, 0x16);
			close_tunnel(&t);
		}
	}
}

TEST(proxy_answers_that_are_none)
{
	static const char none[] = "what answers there is not an HTTP proxy";
	static const struct {
		struct str answer;
		bool hang;
		enum err e;
		const char *text;
	} cases[] = {
		{ STR(""), false, E_CLOSED, "the peer closed the connection" },
		{ STR("HTTP/1.1 20"), false, E_CLOSED, "the peer closed the connection" },
		{ STR("HTTP/1.1 200 OK\r\nA: b"), false, E_CLOSED, "the peer closed the connection" },
		{ STR("HTTP/1.1 200 OK\r\n\r"), false, E_CLOSED, "the peer closed the connection" },
		{ STR(""), true, E_TIMEOUT, "the peer sent nothing in time" },
		{ STR("HTTP/1.1 200 OK\r\n"), true, E_TIMEOUT, "the peer sent nothing in time" },
		{ STR("SSH-2.0-OpenSSH\r\n"), true, E_REFUSED, none },
		{ STR("\x15\x03\x01"), true, E_REFUSED, none },
		{ STR("<html>"), true, E_REFUSED, none },
		{ STR("HTTP/2.0 200 OK\r\n\r\n"), true, E_REFUSED, none },
		{ STR("HTTP/1.1 2x0 OK\r\n\r\n"), true, E_REFUSED, none },
		{ STR("HTTP/1.1  200 OK\r\n\r\n"), true, E_REFUSED, none },
		{ STR("\r\nHTTP/1.1 200 OK\r\n\r\n"), true, E_REFUSED, none },
		{ STR("HTTP/1.1 407 Auth\r\n"), true, E_REFUSED,
			"it answered 407 to CONNECT: HTTPS_PROXY needs the right user:password@ before the "
			"host" },
		{ STR("HTTP/1.1 403 No\r\n\r\n<html>"), true, E_REFUSED, "it answered 403 to CONNECT" },
		{ STR("HTTP/1.1 302 Found\r\n\r\n"), true, E_REFUSED, "it answered 302 to CONNECT" },
		{ STR("HTTP/1.1 407 Auth\r\nProxy-Authenticate: "
			  "Negotiate\r\nproxy-authenticate:NTLM\r\n\r\n"),
			true, E_REFUSED,
			"it answered 407 to CONNECT: it wants Negotiate, NTLM, and only Basic is supported" },
		{ STR("HTTP/1.1 407 Auth\nProxy-Authenticate: Digest realm=\"x\", nonce=\"y\"\n\n"), true,
			E_REFUSED, "it answered 407 to CONNECT: it wants Digest, and only Basic is supported" },
		{ STR("HTTP/1.1 407 Auth\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: basic "
			  "realm=\"x\"\r\n\r\n"),
			true, E_REFUSED,
			"it answered 407 to CONNECT: HTTPS_PROXY needs the right user:password@ before the "
			"host" },
		{ STR("HTTP/1.1 407 Auth\r\nProxy-Authenticate: NTLM\r\nX"), false, E_REFUSED,
			"it answered 407 to CONNECT: it wants NTLM, and only Basic is supported" },
		{ STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n"), true, E_REFUSED,
			"it answered 403 to CONNECT" },
		{ STR("HTTP/1.1 100 Continue\r\n\r\nnonsense"), true, E_REFUSED, none },
		{ STR("HTTP/1.1 101 Switching\r\n\r\n"), true, E_REFUSED, "it answered 101 to CONNECT" },
		{ STR("HTTP/1.1 000 \r\n\r\n"), true, E_REFUSED, "it answered 0 to CONNECT" },
		{ STR("HTTP/1.1 502 Bad\r\n\r\n"), true, E_CONNECT, "it answered 502 to CONNECT" },
		{ STR("HTTP/1.1 503 Bad\r\n\r\n"), true, E_CONNECT, "it answered 503 to CONNECT" },
		{ STR("HTTP/1.1 504 Bad\r\n\r\n"), true, E_CONNECT, "it answered 504 to CONNECT" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct tunnel t = { .via = { .host = S("proxy"), .port = 80 } };
		context("%s", cases[i].answer.p);
		expect_int(open_tunnel(&t, S("example.com"), cases[i].answer, 3,
					   !cases[i].hang                ? 0
						   : cases[i].e == E_TIMEOUT ? 100
													 : 10000),
			cases[i].e);
		expect_str(fault_text(&t.fault), str_c(cases[i].text));
		close_tunnel(&t);
	}
}

TEST(proxy_answers_without_end)
{
	static char memory[PROXY_ANSWER_MAX + 100];
	for (size_t n = PROXY_ANSWER_MAX - 1; n <= PROXY_ANSWER_MAX + 1; n++) {
		struct buf answer = BUF(memory);
		struct tunnel t = { .via = { .host = S("proxy"), .port = 80 } };
		context("%zu bytes", n);
		buf_put(&answer, S("HTTP/1.1 200 OK\r\nA: "));
		while (answer.n < n - 4)
			buf_put_char(&answer, 'a');
		buf_put(&answer, S("\r\n\r\n"));
		expect_int(open_tunnel(&t, S("example.com"), buf_str(&answer), 1000, 0),
			n <= PROXY_ANSWER_MAX ? OK : E_REFUSED);
		close_tunnel(&t);
	}
}
