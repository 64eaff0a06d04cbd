#include "aws/endpoint.h"

#include "aws/names.h"
#include "codec/authority.h"
#include "codec/form.h"

#include <string.h>

/* What a region's name begins with, and the domains of its partition, the second one for dual
 * stack; the first match counts. */
static const struct {
	char prefix[9], domain[18], dual_domain[28];
} partitions[] = {
	{ "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
	{ "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
	{ "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
	{ "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
	{ "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
	{ "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
	{ "", "amazonaws.com", "api.aws" },
};

/* A service as it is called in host names and signatures, and in variables, where the SDKs derive
 * that from another name; in a profile the latter is in lower case. */
static const struct {
	char name[16], variable[16];
} services[] = {
	[AWS_LAMBDA] = { "lambda", "LAMBDA" },
	[AWS_STS] = { "sts", "STS" },
	[AWS_SSM] = { "ssm", "SSM" },
	[AWS_SECRETS_MANAGER] = { "secretsmanager", "SECRETS_MANAGER" },
	[AWS_ROLES_ANYWHERE] = { "rolesanywhere", "ROLESANYWHERE" },
};

struct str aws_service_name(enum aws_service service)
{
	return str_c(services[service].name);
}

static struct str partition_domain(size_t i, bool dual)
{
	const char *domain = dual ? partitions[i].dual_domain : partitions[i].domain;
	return (struct str){ domain,
		strnlen(domain, dual ? sizeof(partitions->dual_domain) : sizeof(partitions->domain)) };
}

static void by_partition(struct endpoint *out, const struct endpoints *endpoints,
	enum aws_service service, struct str region)
{
	size_t i = 0;
	while (!str_starts(region, str_c(partitions[i].prefix)))
		i++;
	/* Secrets Manager's usual names have IPv6 addresses too, but for some partitions, and in China
	 * those of FIPS. In GovCloud the usual endpoints of two services are the FIPS ones. */
	bool own_dual = str_find_str(region, S("-iso")) < region.n || str_starts(region, S("eusc-")) ||
	                (endpoints->fips && str_starts(region, S("cn-")));
	bool dual = endpoints->dual_stack && (service != AWS_SECRETS_MANAGER || own_dual);
	bool plain =
		(service == AWS_STS || service == AWS_SSM) && !dual && str_starts(region, S("us-gov-"));
	struct buf b = BUF(out->memory);
	buf_format(&b, "%s%s.%s.%s", aws_service_name(service),
		endpoints->fips && !plain ? S("-fips") : S(""), region, partition_domain(i, dual));
	check(!b.full);
	out->secure = true;
	out->port = 443;
	out->host = out->authority = buf_str(&b);
	out->base_path = S("");
}

static bool is_below(struct str host, struct str domain)
{
	return str_ends(host, domain) && host.n > domain.n && host.p[host.n - domain.n - 1] == '.';
}

bool endpoint_is_foreign(const struct endpoint *e)
{
	for (size_t i = 0; i < countof(partitions); i++)
		if (is_below(e->host, partition_domain(i, false)) ||
			is_below(e->host, partition_domain(i, true)))
			return false;
	return true;
}

void endpoint_get(struct endpoint *out, const struct endpoints *endpoints, enum aws_service service,
	struct str region)
{
	struct fault f;
	check(aws_region_ok(region));
	if (endpoints->urls[service].n)
		check(endpoint_from_url(out, endpoints->urls[service], &f) ==
			OK); /* as it was when it was read */
	else
		by_partition(out, endpoints, service, region);
}

/* Letters, digits and `marks`, nothing else. */
static bool made_of(struct str s, struct str marks)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum((unsigned char)s.p[i]) && str_find(marks, s.p[i]) == marks.n)
			return false;
	return true;
}

static enum err refuse_url(struct fault *f, struct str why)
{
	return fault_set(f, E_CONFIG, 0,
		"%s; it must be http[s]://HOST[:PORT][/PATH]",
		why);
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
	if ((!out->secure && !str_eq_nocase(scheme, S("http"))) ||
		!str_starts(str_skip(url, scheme.n), S("://")))
		return refuse_url(f, S("it does not begin with http:// or https://"));
	if (url.n > ENDPOINT_URL_MAX)
		return refuse_url(f, S("it is too long"));

	struct str rest = str_skip(url, scheme.n + 3);
	struct str authority = str_sub(rest, 0, str_find(rest, '/')),
			   path = str_skip(rest, authority.n), host;
	uint64_t usual = out->secure ? 443 : 80, port = usual;
	if (!authority_split(&host, &port, authority))
		return refuse_url(f,
			S("it has no usable host, a port outside 1 to 65535, user information, a query or a "
			  "fragment"));
	while (str_ends(path, S("/")))
		path.n--;
	if (!made_of(path, S("-._~%/!$&'()*+,;=:")) || !form_check(path))
		return refuse_url(
			f, S("something follows its path, or it has bytes that must be percent-encoded"));

	struct buf b = BUF(out->memory);
	size_t bracket = host.p > authority.p;
	put_lower(&b, str_sub(authority, 0, host.n + 2 * bracket));
	out->host = str_sub(buf_str(&b), bracket, bracket + host.n);
	if (port != usual)
		buf_format(&b, ":%d", NUM(port));
	out->authority = buf_str(&b);
	buf_put(&b, path);
	check(!b.full); /* nothing in it is longer than in the URL */
	out->base_path = str_skip(buf_str(&b), out->authority.n);
	out->port = (uint16_t)port;
	return OK;
}

/* ---- settings ---- */

static struct str from_profile(const struct profile *profile, struct str key)
{
	return profile ? profile_get(profile, key) : S("");
}

/* In a profile it has the name of the variable without AWS_; capitals do not matter there. */
static enum err read_flag(bool *out, const struct environment *env, const char *variable,
	const struct profile *profile, struct fault *f)
{
	struct str v = environment_get(env, variable);
	if (!v.n)
		v = from_profile(profile, str_c(variable + 4));
	*out = str_eq_nocase(v, S("true"));
	return *out || !v.n || str_eq_nocase(v, S("false")) ? OK :
		fault_set(f, E_CONFIG, 0, "%s must be true or false, in a profile too", str_c(variable));
}

/* The first of the places where an override may stand that has one; *place names it. */
static struct str find_override(struct str *place, struct buf *variable,
	const struct environment *env, const struct profile *profile, size_t service)
{
	struct str url, name = str_c(services[service].variable);
	buf_format(variable, "AWS_ENDPOINT_URL_%s%s", name, (struct str){ "", 1 });
	*place = str_sub(buf_str(variable), 0, variable->n - 1);
	url = environment_get(env, variable->p);
	if (!url.n) {
		*place = S("AWS_ENDPOINT_URL");
		url = environment_get(env, place->p);
	}
	if (url.n || !profile)
		return url;
	*place = S("endpoint_url of a profile");
	url = profile_service_get(profile, name, S("endpoint_url"));
	return url.n ? url : from_profile(profile, S("endpoint_url"));
}

enum err endpoints_take_region(struct endpoints *e, struct str *region, struct fault *f)
{
	bool before = str_starts(*region, S("fips-")), behind = str_ends(*region, S("-fips"));
	if (!before && !behind)
		return OK;
	*region = before ? str_skip(*region, 5) : str_sub(*region, 0, region->n - 5);
	e->fips = true;
	for (size_t i = 0; i < AWS_SERVICES; i++)
		if (e->urls[i].n)
			return fault_set(f, E_CONFIG, 0,
				"a FIPS region cannot be combined with AWS_ENDPOINT_URL or its variants");
	return OK;
}

/* Regions that there were before STS had an endpoint in each. */
static bool is_old(struct str region)
{
	return str_index(S("ap-northeast-1,ap-south-1,ap-southeast-1,ap-southeast-2,aws-global,ca-"
					   "central-1,eu-central-1,eu-north-1,eu-west-1,"
					   "eu-west-2,eu-west-3,sa-east-1,us-east-1,us-east-2,us-west-1,us-west-2"),
			   region) >= 0;
}

bool endpoints_sts_is_global(const struct endpoints *e, struct str region)
{
	return !e->fips && !e->dual_stack && (!region.n || (e->sts_legacy && is_old(region)));
}

static enum err read_sts_mode(
	bool *legacy, const struct environment *env, const struct profile *profile, struct fault *f)
{
	struct str v = environment_get(env, "AWS_STS_REGIONAL_ENDPOINTS");
	if (!v.n)
		v = from_profile(profile, S("sts_regional_endpoints"));
	*legacy = str_eq_nocase(v, S("legacy"));
	return *legacy || !v.n || str_eq_nocase(v, S("regional"))
		? OK
		: fault_set(f, E_CONFIG, 0,
			  "AWS_STS_REGIONAL_ENDPOINTS must be regional or legacy, in a profile too");
}

enum err endpoints_read(struct endpoints *out, const struct environment *env,
	const struct profile *profile, struct fault *f)
{
	bool ignore;
	*out = (struct endpoints){ 0 };
	enum err e = read_flag(&out->fips, env, "AWS_USE_FIPS_ENDPOINT", profile, f);
	if (e == OK)
		e = read_flag(&out->dual_stack, env, "AWS_USE_DUALSTACK_ENDPOINT", profile, f);
	if (e == OK)
		e = read_flag(&ignore, env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", profile, f);
	if (e == OK)
		e = read_sts_mode(&out->sts_legacy, env, profile, f);
	for (size_t i = 0; e == OK && !ignore && i < AWS_SERVICES; i++) {
		struct endpoint tried;
		char memory[40];
		struct buf variable = BUF(memory);
		struct str place, url = find_override(&place, &variable, env, profile, i);
		if (url.n && (e = endpoint_from_url(&tried, url, f)) != OK)
			fault_set(f, e, 0, "%s cannot be used: %s", place, fault_text(f));
		else if (url.n && (out->fips || out->dual_stack))
			e = fault_set(f, E_CONFIG, 0,
				"%s cannot be combined with AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT",
				place);
		out->urls[i] = url;
	}
	return e;
}
