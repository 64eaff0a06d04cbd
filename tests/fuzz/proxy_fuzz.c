/* Three lines: a proxy's URL, a list of exceptions, a target. What is read from the URL makes the
 * same URL again, and fits a request line; who is excepted does not depend on case, and no list
 * reaches this machine through a proxy. */
#include "net/dial.h"

#include "net/address.h"
#include "net/dns.h"

#include <string.h>

enum { TEXT_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *ctx, const char *name)
{
	return strcmp(name, "https_proxy") == 0 ? ctx : NULL;
}

static enum err read_url(
	struct proxy *p, char text[static TEXT_MAX], struct str url, struct fault *f)
{
	struct buf b = { text, 0, TEXT_MAX, false };
	buf_put(&b, url);
	buf_put_char(&b, 0);
	if (b.full)
		return E_LIMIT;
	proxy_read(p, &(struct environment){ get, text });
	return proxy_check(&p->servers[true], f);
}

static void check_url(struct str url)
{
	char text[TEXT_MAX], same[TEXT_MAX], memory[TEXT_MAX], field[PROXY_FIELD_MAX];
	struct proxy p, again;
	struct proxy_server *s = &p.servers[true];
	struct address literal;
	struct fault f;
	struct buf b = BUF(memory), authorization = BUF(field);
	if (read_url(&p, text, url, &f) != OK || !s->host.n)
		return;
	check((address_parse(&literal, s->host) || dns_is_name(s->host)) && s->port > 0 &&
		s->port <= 65535);
	bool v6 = str_find(s->host, ':') < s->host.n;
	/* Blanks at the beginning of a value do not count, those of a user behind a scheme do. */
	buf_format(&b, v6 ? "%s%s%s[%s]:%d" : "%s%s%s%s:%d",
		s->secure ? S("https://") : S("http://"), s->user, s->user.n ? S("@") : S(""), s->host,
		NUM(s->port));
	check(read_url(&again, same, buf_str(&b), &f) == OK);
	check(str_eq(again.servers[true].host, s->host) && str_eq(again.servers[true].user, s->user) &&
		again.servers[true].port == s->port);
	check(again.servers[true].secure == s->secure);
	proxy_put_field(&authorization, s);
	check(!authorization.full && (s->user.n > 0) == (authorization.n > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, url, list;
	struct address a;
	char upper[512];
	str_cut(&url, &rest, rest, '\n');
	str_cut(&list, &rest, rest, '\n');
	check_url(url);
	struct proxy p = { { { .host = S("plain"), .port = 80 }, { .host = S("secure"), .port = 80 } },
		list, NULL };
	struct dial_target to = { .host = rest, .port = 443, .secure = true, .proxy = &p };
	bool straight = dial_via(&to) == NULL, literal = address_parse(&a, rest);
	check(straight ||
		(literal ? !address_is_loopback(&a)
				 : dns_is_name(str_sub(rest, 0, rest.n - str_ends(rest, S("."))))));
	for (size_t i = 0; i < list.n && i < sizeof(upper); i++)
		upper[i] = list.p[i] >= 'a' && list.p[i] <= 'z' ? (char)(list.p[i] - 32) : list.p[i];
	p.except.p = upper;
	check(list.n > sizeof(upper) || (dial_via(&to) == NULL) == straight);
	return 0;
}
