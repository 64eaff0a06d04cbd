#include "aws/endpoint.h"

#include "aws/names.h"
#include "codec/form.h"

/* What a region's name begins with, and the domain of its partition; the first match counts. */
static const struct {
	char prefix[9], domain[18];
} partitions[] = {
	{ "cn-", "amazonaws.com.cn" },
	{ "eusc-", "amazonaws.eu" },
	{ "us-iso-", "c2s.ic.gov" },
	{ "us-isob-", "sc2s.sgov.gov" },
	{ "eu-isoe-", "cloud.adc-e.uk" },
	{ "us-isof-", "csp.hci.ic.gov" },
	{ "", "amazonaws.com" },
};

static struct str domain_of(struct str region)
{
	size_t i = 0;
	while (!str_starts(region, str_c(partitions[i].prefix)))
		i++;
	return str_c(partitions[i].domain);
}

void endpoint_of_service(struct endpoint *out, struct str service, struct str region)
{
	check(aws_region_ok(region));
	struct buf b = BUF(out->memory);
	buf_format(&b, "%.%.%", service, region, domain_of(region));
	check(!b.full);
	out->secure = true;
	out->port = 443;
	out->host = out->authority = buf_str(&b);
	out->base_path = S("");
}

/* Letters, digits and `marks`, nothing else. */
static bool made_of(struct str s, struct str marks)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum((unsigned char)s.p[i]) && str_find(marks, s.p[i]) == marks.n)
			return false;
	return true;
}

/* An address in brackets is looked at closely only when it is connected to. */
static bool host_ok(struct str host)
{
	struct str label, rest = host;
	if (str_starts(host, S("[")))
		return host.n > 4 && str_ends(host, S("]")) && made_of(str_sub(host, 1, host.n - 1), S(":."));
	for (bool more = true; more;) {
		more = str_cut(&label, &rest, rest, '.');
		if (label.n == 0 || label.n > 63 || !made_of(label, S("-_")))
			return false;
	}
	return host.n <= 253;
}

static enum err refuse(struct fault *f, struct str why)
{
	return fault_set(f, E_CONFIG, 0,
		"%; what is wanted is http:// or https://, a host name or address, and perhaps a port and a path", why);
}

static void put_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_put_char(b, (char)lower((unsigned char)s.p[i]));
}

enum err endpoint_from_url(struct endpoint *out, struct str url, struct fault *f)
{
	struct str scheme = str_sub(url, 0, str_find(url, ':'));
	out->secure = str_eq_nocase(scheme, S("https"));
	if ((!out->secure && !str_eq_nocase(scheme, S("http"))) || !str_starts(str_skip(url, scheme.n), S("://")))
		return refuse(f, S("it does not begin with http:// or https://"));
	if (url.n > ENDPOINT_URL_MAX)
		return refuse(f, S("it is too long"));
	if (str_find(url, '@') < url.n || str_find(url, '?') < url.n || str_find(url, '#') < url.n)
		return refuse(f, S("it has user information, a query or a fragment"));

	struct str rest = str_skip(url, scheme.n + 3);
	struct str authority = str_sub(rest, 0, str_find(rest, '/')), path = str_skip(rest, authority.n);
	bool bracket = str_starts(authority, S("["));
	struct str host = str_sub(authority, 0, bracket ? str_find(authority, ']') + 1 : str_find(authority, ':'));
	if (!host_ok(host))
		return refuse(f, S("it has no usable host"));
	uint64_t usual = out->secure ? 443 : 80, port = usual;
	struct str behind = str_skip(authority, host.n);
	if (behind.n && (behind.p[0] != ':' || !str_to_u64(&port, str_skip(behind, 1), 65535) || port == 0))
		return refuse(f, S("it has a port outside 1 to 65535"));
	while (str_ends(path, S("/")))
		path.n--;
	if (!made_of(path, S("-._~%/!$&'()*+,;=:")) || !form_check(path))
		return refuse(f, S("it has a path with bytes that must be percent-encoded"));

	struct buf b = BUF(out->memory);
	put_lower(&b, host);
	out->host = bracket ? str_sub(buf_str(&b), 1, b.n - 1) : buf_str(&b);
	if (port != usual)
		buf_format(&b, ":%", NUM(port));
	out->authority = buf_str(&b);
	buf_put(&b, path);
	check(!b.full); /* nothing in it is longer than in the URL */
	out->base_path = str_skip(buf_str(&b), out->authority.n);
	out->port = (uint16_t)port;
	return OK;
}
