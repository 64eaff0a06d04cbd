#include "gateway/response_url.h"

#include "codec/authority.h"

/* An address as a whole: 127.example.com is a name, and 127.1 may be one. */
static bool is_loopback(struct str host)
{
	struct str number, rest = host;
	uint64_t value;
	if (str_eq(host, S("localhost")) || str_eq(host, S("::1")))
		return true;
	for (int i = 0; i < 4; i++) {
		bool more = str_next(&number, &rest, '.');
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
		return authority_split(&host, &port, str_skip(entry, 7)) && port && is_loopback(host);
	return authority_split(&host, &port, entry);
}

static bool entry_admits(struct str entry, const struct response_url *url)
{
	struct str host;
	uint64_t port = 443;
	bool secure = !str_starts(entry, S("http://"));
	return authority_split(&host, &port, secure ? entry : str_skip(entry, 7)) &&
		secure == url->secure && str_eq_nocase(host, url->host) && port == url->port;
}

bool response_url_read(struct response_url *out, struct str url, struct str hosts)
{
	struct str entry, path;
	out->secure = str_starts(url, S("https://"));
	if ((!out->secure && !str_starts(url, S("http://"))) || !str_is_visible(url) ||
		str_find(url, '#') < url.n)
		return false;
	url = str_skip(url, out->secure ? 8 : 7);
	str_cut(&out->authority, &path, url, '/');
	out->path = str_skip(url, out->authority.n);
	uint64_t port = out->secure ? 443 : 80;
	if (!authority_split(&out->host, &port, out->authority) || out->path.n == 0)
		return false;
	out->port = (uint16_t)port;
	while (hosts.n) {
		str_next(&entry, &hosts, ',');
		if (entry_admits(str_trim(entry), out))
			return true;
	}
	return false;
}
