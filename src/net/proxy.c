#include "net/proxy.h"

#include "codec/authority.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "crypto/ct.h"
#include "net/address.h"
#include "net/dns.h"

/* ---- settings ---- */

static bool read_server(struct proxy_server *s, struct str url)
{
	struct address literal;
	uint64_t port = 80;
	struct str rest = str_skip(url, str_starts(url, S("http://")) ? 7 : 0);
	rest.n -= str_ends(rest, S("/"));
	/* A password may have an '@' of its own, a host may not. */
	size_t at = rest.n;
	while (at > 0 && rest.p[at - 1] != '@')
		at--;
	s->user = str_sub(rest, 0, at ? at - 1 : 0);
	if (!authority_split(&s->host, &port, str_skip(rest, at)) || !(address_parse(&literal, s->host) || dns_is_name(s->host)))
		return false;
	s->port = (uint16_t)port;
	return s->user.n == 0 || (s->user.n <= PROXY_USER_MAX && form_check(s->user) && str_find(s->user, '/') == s->user.n &&
	                          str_find(s->user, ':') < s->user.n);
}

/* The value in lower case or else in upper case; *name is the variable that has it. */
static struct str either(const char **name, const struct environment *env, const char names[2][12])
{
	struct str value = environment_get(env, *name = names[0]);
	return value.n ? value : environment_get(env, *name = names[1]);
}

enum err proxy_read(struct proxy *p, const struct environment *env, struct fault *f)
{
	static const char names[][2][12] = {
		{ "http_proxy", "HTTP_PROXY" }, { "https_proxy", "HTTPS_PROXY" }, { "no_proxy", "NO_PROXY" },
	};
	const char *name;
	*p = (struct proxy){ 0 };
	for (size_t i = 0; i < countof(p->servers); i++) {
		struct str value = either(&name, env, names[i]);
		if (!value.n || (name == names[0][1] && environment_get(env, "REQUEST_METHOD").n))
			continue;
		if (!read_server(&p->servers[i], value))
			return fault_set(f, E_CONFIG, 0,
				"%s must be http://[user:password@]host[:port], percent-encoded; https:// and socks proxies are not supported", str_c(name));
		p->except = either(&name, env, names[2]);
	}
	return OK;
}

/* ---- for whom ---- */

struct place {
	struct str host; /* without a dot at the end */
	uint16_t port;
	bool literal;
	struct address ip; /* if it is a literal */
};

static bool same_block(const struct address *a, const struct address *b, bool block, struct str bits)
{
	bool v4 = address_is_v4(a);
	uint64_t n = v4 ? 32 : 128;
	if (v4 != address_is_v4(b) || (block && !str_to_u64(&n, bits, n)))
		return false;
	n += v4 ? 96 : 0;
	size_t i = 0;
	while (i < n && !((a->ip.s6_addr[i / 8] ^ b->ip.s6_addr[i / 8]) >> (7 - i % 8) & 1))
		i++;
	return i == n;
}

static bool in_domain(struct str host, struct str domain)
{
	domain = str_skip(domain, str_starts(domain, S(".")));
	struct str end = str_skip(host, host.n - domain.n);
	return domain.n && domain.n <= host.n && str_eq_nocase(end, domain) && (end.p == host.p || end.p[-1] == '.');
}

static bool matches(struct str entry, const struct place *to)
{
	struct address ip;
	struct str text, bits;
	uint64_t port = to->port;
	entry = str_skip(entry, str_starts(entry, S("*")));
	if (!entry.n)
		return true;
	bool block = str_cut(&text, &bits, entry, '/');
	/* An IPv6 address without brackets has colons of its own. */
	if (!address_parse(&ip, text) && (!authority_split(&text, &port, text) || port != to->port))
		return false;
	if (to->literal)
		return address_parse(&ip, text) && same_block(&ip, &to->ip, block, bits);
	return !block && in_domain(to->host, text);
}

static bool listed(struct str list, const struct place *to)
{
	for (size_t n; list.n; list = str_skip(list, n + 1)) {
		for (n = 0; n < list.n && list.p[n] != ',' && list.p[n] != ' ' && list.p[n] != '\t';)
			n++;
		if (n && matches(str_sub(list, 0, n), to))
			return true;
	}
	return false;
}

const struct proxy_server *proxy_for(const struct proxy *p, struct str host, uint16_t port, bool secure)
{
	if (!p || !p->servers[secure].host.n)
		return NULL;
	struct place place = { .host = str_sub(host, 0, host.n - str_ends(host, S("."))), .port = port };
	place.literal = address_parse(&place.ip, host);
	bool straight = !(place.literal || dns_is_name(place.host)) || listed(p->except, &place) ||
	                listed(S("localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::/32"), &place);
	return straight ? NULL : &p->servers[secure];
}

/* ---- what it is asked ---- */

void proxy_put_field(struct buf *b, const struct proxy_server *via)
{
	char memory[PROXY_USER_MAX];
	struct arena arena = { memory, 0, sizeof(memory) };
	struct str user;
	if (!via || !via->user.n)
		return;
	check(percent_decode(&user, via->user, &arena) == OK);
	buf_put(b, S("Proxy-Authorization: Basic "));
	base64_encode(b, user);
	buf_put(b, S("\r\n"));
	ct_wipe(memory, sizeof(memory));
}

static enum err refused(int status, struct fault *f)
{
	return fault_set(f, status / 100 == 5 ? E_CONNECT : E_REFUSED, 0, "it answered %d to CONNECT%s", NUM(status),
		status == 407 ? S(": HTTPS_PROXY needs the right user:password@ before the host") : S(""));
}

/* Byte by byte, for what follows the empty line belongs to TLS. A line may end without CR. Fields do not matter, not even a
 * length, which means nothing here. */
static enum err read_answer(struct stream *s, struct deadline *d, struct fault *f)
{
	static const char form[12] = "HTTP/1.# ###";
	int status = 0;
	char c, last = 0;
	for (size_t got, i = 0; i < PROXY_ANSWER_MAX; i++) {
		enum err e = stream_read(s, &got, &c, 1, d, f);
		if (e != OK)
			return e;
		if (i < sizeof(form) && (form[i] == '#' ? !is_digit((unsigned char)c) : form[i] != c))
			break;
		if (i > 8 && i < sizeof(form))
			status = status * 10 + (c - '0');
		if (i == sizeof(form) && status / 100 != 2)
			return refused(status, f);
		if (c == '\n' && last == '\n')
			return OK;
		last = c == '\r' ? last : c;
	}
	return fault_set(f, E_REFUSED, 0, "what answers there is no HTTP proxy");
}

enum err proxy_open(struct stream *s, const struct proxy_server *via, struct str host, uint16_t port, struct deadline *d,
                    struct fault *f)
{
	char memory[2 * (DNS_NAME_MAX + 32) + PROXY_FIELD_MAX];
	struct buf head = BUF(memory);
	buf_put(&head, S("CONNECT "));
	size_t start = head.n;
	buf_format(&head, str_find(host, ':') < host.n ? "[%s]:%d" : "%s:%d", host, NUM(port));
	buf_format(&head, " HTTP/1.1\r\nHost: %s\r\n", str_skip(buf_str(&head), start));
	proxy_put_field(&head, via);
	buf_put(&head, S("\r\n"));
	check(!head.full);
	enum err e = stream_write(s, (struct str[]){ buf_str(&head) }, 1, d, f);
	ct_wipe(memory, sizeof(memory));
	return e == OK ? read_answer(s, d, f) : e;
}
