#include "gateway/response_url.h"

#include "codec/hex.h"

static bool is_host_byte(unsigned char c, bool bracketed)
{
	return bracketed ? hex_digit(c) >= 0 || c == ':' || c == '.' : is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* Splits HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT; *port keeps its value when none is given. */
static bool split_authority(struct str *host, uint64_t *port, struct str s)
{
	struct str rest;
	bool bracketed = str_starts(s, S("["));
	if (bracketed && (!str_cut(host, &rest, str_skip(s, 1), ']') || (rest.n && rest.p[0] != ':')))
		return false;
	if (bracketed)
		rest = str_skip(rest, 1);
	else
		str_cut(host, &rest, s, ':');
	bool has_port = s.n > host->n + (bracketed ? 2 : 0);
	if (has_port && (!str_to_u64(port, rest, 65535) || *port == 0))
		return false;
	for (size_t i = 0; i < host->n; i++)
		if (!is_host_byte((unsigned char)host->p[i], bracketed))
			return false;
	return bracketed ? str_find(*host, ':') < host->n : host->n > 0;
}

/* An address as a whole: 127.example.com is a name, and 127.1 may be one. */
static bool is_loopback(struct str host)
{
	struct str number, rest = host;
	uint64_t value;
	if (str_eq(host, S("localhost")) || str_eq(host, S("::1")))
		return true;
	for (int i = 0; i < 4; i++) {
		bool more = str_cut(&number, &rest, rest, '.');
		if (more != (i < 3) || !str_to_u64(&value, number, 255))
			return false;
	}
	return str_starts(host, S("127."));
}

bool response_host_entry_ok(struct str entry)
{
	struct str host;
	uint64_t port = 0;
	if (str_starts(entry, S("http://")))
		return split_authority(&host, &port, str_skip(entry, 7)) && port && is_loopback(host);
	return split_authority(&host, &port, entry);
}

static bool entry_admits(struct str entry, const struct response_url *url)
{
	struct str host;
	uint64_t port = 443;
	bool secure = !str_starts(entry, S("http://"));
	return split_authority(&host, &port, secure ? entry : str_skip(entry, 7)) && secure == url->secure &&
	       str_eq_nocase(host, url->host) && port == url->port;
}

static bool is_visible_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

bool response_url_read(struct response_url *out, struct str url, struct str hosts)
{
	struct str entry, path;
	out->secure = str_starts(url, S("https://"));
	if ((!out->secure && !str_starts(url, S("http://"))) || !is_visible_ascii(url) || str_find(url, '#') < url.n)
		return false;
	url = str_skip(url, out->secure ? 8 : 7);
	str_cut(&out->authority, &path, url, '/');
	out->path = str_skip(url, out->authority.n);
	uint64_t port = out->secure ? 443 : 80;
	if (!split_authority(&out->host, &port, out->authority) || out->path.n == 0)
		return false;
	out->port = (uint16_t)port;
	while (hosts.n) {
		str_cut(&entry, &hosts, hosts, ',');
		if (entry_admits(str_trim(entry), out))
			return true;
	}
	return false;
}
