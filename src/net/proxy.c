#include "net/proxy.h"

#include "codec/authority.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "crypto/ct.h"
#include "net/address.h"
#include "net/dns.h"

#include <string.h>

enum {
	STATUS_AT = 9, STATUS_END = 12, /* in "HTTP/1.1 200" */
	REASONS_MS = 500,
};

/* ---- settings ---- */

static bool take_scheme(struct str *url, struct str scheme)
{
	bool taken = str_eq_nocase(str_sub(*url, 0, scheme.n), scheme);
	*url = str_skip(*url, taken ? scheme.n : 0);
	return taken;
}

static bool user_ok(struct str user)
{
	return user.n <= PROXY_USER_MAX && form_check(user) && str_find(user, '/') == user.n;
}

static bool read_server(struct proxy_server *s, struct str rest)
{
	struct address literal;
	s->secure = take_scheme(&rest, S("https://"));
	if (!s->secure)
		take_scheme(&rest, S("http://"));
	rest.n -= str_ends(rest, S("/"));
	/* A password may have an '@' of its own, a host may not. */
	size_t at = rest.n;
	while (at > 0 && rest.p[at - 1] != '@')
		at--;
	uint64_t port = s->secure ? 443 : 80;
	struct str host;
	s->user = str_sub(rest, 0, at ? at - 1 : 0);
	if (!user_ok(s->user) || !authority_split(&host, &port, str_skip(rest, at)) ||
	    !(address_parse(&literal, host) || dns_is_name(host)))
		return false;
	s->host = host;
	s->port = (uint16_t)port;
	return true;
}

/* The value in lower case or else in upper case; *name is the variable that has it. */
static struct str either(const char **name, const struct environment *env, const char names[2][12])
{
	struct str value = environment_get(env, *name = names[0]);
	return value.n ? value : environment_get(env, *name = names[1]);
}

void proxy_read(struct proxy *p, const struct environment *env)
{
	static const char names[][2][12] = {
		{ "http_proxy", "HTTP_PROXY" },
		{ "https_proxy", "HTTPS_PROXY" },
		{ "all_proxy", "ALL_PROXY" },
		{ "no_proxy", "NO_PROXY" },
	};
	const char *name;
	*p = (struct proxy){ .except = either(&name, env, names[3]) };
	for (size_t i = 0; i < countof(p->servers); i++) {
		struct str value = either(&name, env, names[i]);
		if (name == names[0][1] && environment_get(env, "REQUEST_METHOD").n)
			value = S("");
		if (!value.n)
			value = either(&name, env, names[2]);
		if (!value.n)
			continue;
		p->servers[i].variable = name;
		p->servers[i].unusable = !read_server(&p->servers[i], value);
	}
}

enum err proxy_check(const struct proxy_server *via, struct fault *f)
{
	if (!via || !via->unusable)
		return OK;
	return fault_set(f, E_CONFIG, 0,
		"%s must be [http://|https://][user:password@]host[:port], with user and password "
		"percent-encoded; SOCKS proxies are not "
		"supported",
		str_c(via->variable));
}

/* ---- for whom ---- */

struct target_address {
	struct str host; /* without a dot at the end */
	uint16_t port;
	bool literal;
	struct address ip; /* if it is a literal */
};

static bool in_domain(struct str host, struct str domain)
{
	domain = str_skip(domain, str_starts(domain, S(".")));
	struct str end = str_skip(host, host.n - domain.n);
	return domain.n && domain.n <= host.n && str_eq_nocase(end, domain) &&
		(end.p == host.p || end.p[-1] == '.');
}

/* Cuts the port off behind a block, as in 10.0.0.0/8:443. */
static bool cut_port(struct str *bits, uint64_t *port)
{
	struct str text;
	return !str_cut(bits, &text, *bits, ':') || str_to_u64(port, text, 65535);
}

static bool matches(struct str entry, const struct target_address *to)
{
	struct address ip;
	struct address_block block;
	struct str text, bits;
	uint64_t port = to->port;
	entry = str_skip(entry, str_starts(entry, S("*")));
	if (!entry.n)
		return true;
	bool is_block = str_cut(&text, &bits, entry, '/');
	if (is_block && !cut_port(&bits, &port))
		return false;
	/* An IPv6 address without brackets has colons of its own. */
	if (!address_parse(&ip, text) && !authority_split(&text, &port, text))
		return false;
	if (port != to->port)
		return false;
	if (to->literal)
		return address_block_parse(&block, text) &&
			(!is_block || address_block_widen(&block, bits)) && address_block_has(&block, &to->ip);
	return !is_block && in_domain(to->host, str_sub(text, 0, text.n - str_ends(text, S("."))));
}

static bool is_mark(char c, struct str marks)
{
	return str_find(marks, c) < marks.n;
}

static bool listed(struct str list, const struct target_address *to)
{
	struct str between = S(", \t\r\n\"'");
	for (size_t n; list.n; list = str_skip(list, n + 1)) {
		for (n = 0; n < list.n && !is_mark(list.p[n], between);)
			n++;
		if (n && matches(str_sub(list, 0, n), to))
			return true;
	}
	return false;
}

const struct proxy_server *proxy_for(
	const struct proxy *p, struct str host, uint16_t port, bool secure)
{
	if (!p || (!p->servers[secure].host.n && !p->servers[secure].unusable))
		return NULL;
	struct target_address place = { .host = str_sub(host, 0, host.n - str_ends(host, S("."))),
		.port = port };
	place.literal = address_parse(&place.ip, host);
	bool straight = !(place.literal || dns_is_name(place.host)) || listed(p->except, &place) ||
	                listed(S("localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::/32"), &place);
	return straight ? NULL : &p->servers[secure];
}

/* ---- what it is asked ---- */

static struct str add_colon(char memory[static PROXY_USER_MAX + 1], struct str user)
{
	memmove(memory, user.p, user.n);
	memory[user.n] = ':';
	return (struct str){ memory, user.n + 1 };
}

void proxy_put_field(struct buf *b, const struct proxy_server *via)
{
	char memory[PROXY_USER_MAX + 1];
	struct arena arena = { memory, 0, PROXY_USER_MAX };
	struct str user;
	if (!via || !via->user.n)
		return;
	check(percent_decode(&user, via->user, &arena) == OK);
	bool alone = str_find(via->user, ':') == via->user.n;
	if (alone) /* without a password, which is not the same as without a colon */
		user = add_colon(memory, user);
	buf_put(b, S("Proxy-Authorization: Basic "));
	base64_encode(b, user);
	buf_put(b, S("\r\n"));
	ct_wipe(memory, sizeof(memory));
}

/* ---- what it answers ---- */

/* The next line of a head, without its end. */
static bool next_line(struct str *line, struct str *head)
{
	if (!str_cut(line, head, *head, '\n'))
		return false;
	line->n -= str_ends(*line, S("\r"));
	return line->n > 0;
}

/* Which ways to say who one is a 407 offers: their names, with commas between them, unless Basic is
 * among them. */
static void put_other_schemes(struct buf *b, struct str head)
{
	struct str line, name, value;
	while (next_line(&line, &head)) {
		if (!str_cut(&name, &value, line, ':') || !str_eq_nocase(name, S("Proxy-Authenticate")))
			continue;
		value = str_trim(value);
		struct str scheme = str_sub(value, 0, str_find(value, ' '));
		scheme = str_sub(scheme, 0, str_find(scheme, ','));
		if (str_eq_nocase(scheme, S("Basic"))) {
			buf_reset(b);
			return;
		}
		if (scheme.n && str_is_visible(scheme))
			buf_format(b, "%s%s", b->n ? S(", ") : S(""), str_sub(scheme, 0, 20));
	}
}

static enum err refused(
	int status, const struct proxy_server *via, struct str head, struct fault *f)
{
	char text[64];
	struct buf others = BUF(text);
	if (status != 407)
		return fault_set(f, status / 100 == 5 ? E_CONNECT : E_REFUSED, 0,
			"it answered %d to CONNECT", NUM(status));
	put_other_schemes(&others, head);
	if (others.n)
		return fault_set(f, E_REFUSED, 0,
			"it answered 407 to CONNECT: it wants %s, and only Basic is supported",
			buf_str(&others));
	return fault_set(f, E_REFUSED, 0,
		"it answered 407 to CONNECT: %s needs the right user:password@ before the host",
		via->variable ? str_c(via->variable) : S("HTTPS_PROXY"));
}

/* Whether `line`, which may not be complete yet, can be a status line. */
static bool is_status_line(struct str line)
{
	static const char form[STATUS_END] = "HTTP/1.# ###";
	for (size_t i = 0; i < sizeof(form) && i < line.n; i++)
		if (form[i] == '#' ? !is_digit((unsigned char)line.p[i]) : form[i] != line.p[i])
			return false;
	return true;
}

static bool is_whole(struct str head)
{
	return str_ends(head, S("\n\r\n")) || str_ends(head, S("\n\n"));
}

/* Reads a head byte by byte, for what follows the empty line belongs to TLS; not beyond `most`
 * bytes. A line may end without CR. Fields do not matter, not even a length, which means nothing
 * here. */
static enum err read_answer_head(
	struct stream *s, struct buf *head, size_t most, struct deadline *d, struct fault *f)
{
	while (head->n < most && !is_whole(buf_str(head))) {
		size_t got;
		if (head->n == head->cap)
			return fault_set(f, E_REFUSED, 0, "what answers there is not an HTTP proxy");
		enum err e = stream_read(s, &got, head->p + head->n, 1, d, f);
		if (e != OK)
			return e;
		head->n++;
		if (!is_status_line(buf_str(head)))
			return fault_set(f, E_REFUSED, 0, "what answers there is not an HTTP proxy");
	}
	return OK;
}

/* What else it says when it wants to know who one is, if that comes soon: that it said no is known.
 */
static void read_reasons(struct stream *s, struct buf *head, struct deadline *d)
{
	struct fault ignored;
	struct deadline inner = deadline_within(d, REASONS_MS);
	(void)!read_answer_head(s, head, SIZE_MAX, &inner, &ignored);
	deadline_leave(d, &inner);
}

static enum err read_answer(
	struct stream *s, const struct proxy_server *via, struct deadline *d, struct fault *f)
{
	char memory[PROXY_ANSWER_MAX];
	struct buf head = BUF(memory);
	uint64_t status = 0;
	for (;;) {
		enum err e = read_answer_head(s, &head, STATUS_END, d, f);
		bool told =
			e == OK && str_to_u64(&status, str_sub(buf_str(&head), STATUS_AT, STATUS_END), 999);
		bool passes = told && status / 100 == 1 && status != 101;
		if (told && (passes || status / 100 == 2))
			e = read_answer_head(s, &head, SIZE_MAX, d, f);
		if (e != OK || !told)
			return e != OK ? e
						   : fault_set(f, E_REFUSED, 0, "what answers there is not an HTTP proxy");
		if (status / 100 == 2)
			return OK;
		if (!passes)
			break;
		head.p += head.n, head.cap -= head.n, head.n = 0;
	}
	if (status == 407)
		read_reasons(s, &head, d);
	return refused((int)status, via, buf_str(&head), f);
}

enum err proxy_open(struct stream *s, const struct proxy_server *via, struct str host,
	uint16_t port, struct deadline *d, struct fault *f)
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
	return e == OK ? read_answer(s, via, d, f) : e;
}
