#include "aws/credential_sources.h"
#include "aws/metadata.h"
#include "aws/profile_in_use.h"

/* Version 2 with a token; version 1 without one only where the token cannot be had, as in the SDKs.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */

#define SOURCE S("EC2 instance metadata")
#define HOPS "; in a container on an instance, raise HttpPutResponseHopLimit to 2"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum { PATIENCE_S = 1, PATIENCE_MAX_S = 60, ATTEMPTS_MAX = 10, ROLE_MAX = 128 };

struct instance {
	struct credential_chain *chain;
	struct endpoint server;
	struct metadata_request request; /* the next one. A token as its value; empty: version 1 */
	bool only_with_token;
};

/* What is set about it, by variables or else by the profile in use. */
struct settings {
	struct str endpoint, mode, timeout, attempts, v1_disabled;
};

/* In a profile a setting has the name of the variable without AWS_, in lower case. */
static struct str setting(
	const struct environment *env, const char *variable, const struct profile *profile)
{
	struct str v = environment_get(env, variable);
	return v.n || !profile ? v : profile_get(profile, str_c(variable + 4));
}

static struct settings read_settings(const struct environment *env, const struct profile *profile)
{
	return (struct settings){
		.endpoint = setting(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", profile),
		.mode = setting(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", profile),
		.timeout = setting(env, "AWS_METADATA_SERVICE_TIMEOUT", profile),
		.attempts = setting(env, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", profile),
		.v1_disabled = setting(env, "AWS_EC2_METADATA_V1_DISABLED", profile),
	};
}

static int number(struct str text, uint64_t usual, uint64_t max)
{
	uint64_t n;
	return (int)(str_to_u64(&n, text, max) && n > 0 ? n : usual);
}

static bool is_true(struct str text)
{
	return str_eq_nocase(text, S("true"));
}

static enum err find_server(struct endpoint *out, const struct settings *s, struct fault *f)
{
	bool v6 = str_eq_nocase(s->mode, S("IPv6"));
	if (s->mode.n && !v6 && !str_eq_nocase(s->mode, S("IPv4")))
		return fault_set(f, E_CONFIG, 0,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, in a profile too");
	struct str usual = v6 ? S("http://[fd00:ec2::254]") : S("http://169.254.169.254");
	if (endpoint_from_url(out, s->endpoint.n ? s->endpoint : usual, f) != OK)
		return fault_lead(f, E_CONFIG, S("AWS_EC2_METADATA_SERVICE_ENDPOINT cannot be used"));
	return OK;
}

enum err instance_metadata_check(
	const struct environment *env, const struct profile *profile, struct fault *f)
{
	struct endpoint e;
	struct settings s = read_settings(env, profile);
	return s.endpoint.n || s.mode.n ? find_server(&e, &s, f) : OK;
}

/* What is left to say of it when the files of profiles cannot be read was said when they were. */
static enum err prepare(struct instance *i, struct fault *f)
{
	struct credential_chain *c = i->chain;
	struct profile_in_use use;
	bool known = profile_in_use_load(&use, &c->env, c->host, f) == OK;
	struct settings s = read_settings(&c->env, known ? &use.profile : NULL);
	i->request = (struct metadata_request){
		.aws = c->aws,
		.scratch = &c->scratch,
		.server = &i->server,
		.field = S("x-aws-ec2-metadata-token"),
		.patience_ms = number(s.timeout, PATIENCE_S, PATIENCE_MAX_S) * 1000,
		.attempts = number(s.attempts, 1, ATTEMPTS_MAX),
	};
	i->only_with_token = is_true(s.v1_disabled);
	enum err e = find_server(&i->server, &s, f);
	if (known)
		profile_in_use_unload(&use, c->host);
	return e;
}

/* E_MORE if nobody is there at all. */
static enum err get_token(struct instance *i, struct deadline *d, struct fault *f)
{
	struct str body;
	int status;
	struct metadata_request r = i->request;
	r.puts = true;
	r.path = S("/latest/api/token");
	r.field = S("x-aws-ec2-metadata-token-ttl-seconds");
	r.value = S("21600");
	enum err e = metadata_ask(&body, &status, &r, d, f);
	bool given = e == OK && status == 200 && body.n;
	i->request.value = given ? body : S("");
	if (given)
		return OK;
	if (e != OK && e != E_TIMEOUT)
		return E_MORE;
	/* In a container the answer may have one hop too many: then nothing comes back. */
	bool without = e == E_TIMEOUT || status == 403 || status == 404 || status == 405;
	if (without && !i->only_with_token)
		return OK;
	if (e != E_TIMEOUT)
		return fault_set(
			f, E_REFUSED, 0, "it answered %d when it was asked for a token", NUM(status));
	fault_set(f, e, 0, "%s gave no token in time%s", SOURCE, S(HOPS));
	return E_MORE;
}

/* With a new token once, if the old one has expired. */
static enum err get(
	struct str *body, struct instance *i, struct str path, struct deadline *d, struct fault *f)
{
	int status;
	struct metadata_request *r = &i->request;
	r->path = path;
	enum err e = metadata_ask(body, &status, r, d, f);
	if (e == OK && status == 401 && r->value.n && (e = get_token(i, d, f)) == OK)
		e = metadata_ask(body, &status, r, d, f);
	if (e == E_TIMEOUT && !r->value.n) {
		fault_set(f, e, 0, "%s does not answer%s", SOURCE, S(HOPS));
		return E_MORE;
	}
	if (e == OK && status == 401 && !r->value.n)
		return fault_set(f, E_REFUSED, 0, "it wants a token, and gave none in time%s", S(HOPS));
	if (e == OK && status == 404)
		return fault_set(f, E_CONFIG, 0, "this instance has no IAM role");
	if (e == OK && status != 200)
		return fault_set(f, E_REFUSED, 0, "it answered %d", NUM(status));
	return e;
}

static enum err read_document(
	struct str *out, struct instance *i, struct deadline *d, struct fault *f)
{
	struct str role, rest;
	char memory[sizeof(ROLES) + ROLE_MAX];
	struct buf path = BUF(memory);
	enum err e = prepare(i, f);
	if (e == OK)
		e = get_token(i, d, f);
	if (e == OK)
		e = get(&rest, i, S(ROLES), d, f);
	if (e != OK)
		return e;
	str_next(&role, &rest, '\n');
	buf_format(&path, ROLES "%s", role);
	for (size_t n = 0; n < role.n; n++)
		if (!is_alnum((unsigned char)role.p[n]) && str_find(S("+=,.@-_"), role.p[n]) == 7)
			path.full = true;
	if (!role.n || path.full)
		return fault_set(f, E_SYNTAX, 0, "its answer is not the name of a role");
	return get(out, i, buf_str(&path), d, f);
}

enum err instance_metadata_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct instance i = { .chain = c };
	struct str document;
	if (is_true(environment_get(&c->env, "AWS_EC2_METADATA_DISABLED"))) {
		fault_set(f, E_CONFIG, 0, "EC2 instance metadata is switched off");
		return E_MORE;
	}
	if (!d)
		return E_TIMEOUT;
	enum err e = read_document(&document, &i, d, f);
	if (e == OK)
		return credentials_set_from_json(out, document, &c->scratch, SOURCE, f);
	return e == E_MORE ? e : fault_lead(f, e, SOURCE);
}
