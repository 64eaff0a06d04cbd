#include "aws/credential_sources.h"
#include "aws/metadata.h"

/* Version 2 with a token; version 1 without one only where the token cannot be had, as in the SDKs.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */

#define SOURCE S("EC2 instance metadata")
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum { PATIENCE_S = 1, PATIENCE_MAX_S = 60, ATTEMPTS_MAX = 10, ROLE_MAX = 128 };

struct instance {
	struct credential_chain *chain;
	struct endpoint server;
	struct metadata_request request; /* the next one. A token as its value; empty: version 1 */
};

static uint64_t number(const struct environment *env, const char *name, uint64_t usual, uint64_t max)
{
	uint64_t n;
	return str_to_u64(&n, environment_get(env, name), max) && n > 0 ? n : usual;
}

static bool is_true(const struct environment *env, const char *name)
{
	return str_eq_nocase(environment_get(env, name), S("true"));
}

static enum err find_server(struct instance *i, const struct environment *env, struct fault *f)
{
	struct str url = environment_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	bool v6 = str_eq_nocase(environment_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), S("IPv6"));
	if (!url.n)
		url = v6 ? S("http://[fd00:ec2::254]") : S("http://169.254.169.254");
	i->request = (struct metadata_request){
		.aws = i->chain->aws, .scratch = &i->chain->scratch, .server = &i->server, .field = S("x-aws-ec2-metadata-token"),
		.patience_ms = (int)number(env, "AWS_METADATA_SERVICE_TIMEOUT", PATIENCE_S, PATIENCE_MAX_S) * 1000,
		.attempts = (int)number(env, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1, ATTEMPTS_MAX),
	};
	if (endpoint_from_url(&i->server, url, f) != OK)
		return fault_lead(f, E_CONFIG, S("AWS_EC2_METADATA_SERVICE_ENDPOINT cannot be used"));
	return OK;
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
	if (without && !is_true(&i->chain->env, "AWS_EC2_METADATA_V1_DISABLED"))
		return OK;
	return e == E_TIMEOUT ? E_MORE : fault_set(f, E_REFUSED, 0, "it answered %d when it was asked for a token", NUM(status));
}

/* With a new token once, if the old one has expired. */
static enum err get(struct str *body, struct instance *i, struct str path, struct deadline *d, struct fault *f)
{
	int status;
	struct metadata_request *r = &i->request;
	r->path = path;
	enum err e = metadata_ask(body, &status, r, d, f);
	if (e == OK && status == 401 && r->value.n && (e = get_token(i, d, f)) == OK)
		e = metadata_ask(body, &status, r, d, f);
	if (e == E_TIMEOUT && !r->value.n)
		return E_MORE;
	if (e == OK && status == 404)
		return fault_set(f, E_CONFIG, 0, "this instance has no IAM role");
	if (e == OK && status != 200)
		return fault_set(f, E_REFUSED, 0, "it answered %d", NUM(status));
	return e;
}

static enum err read_document(struct str *out, struct instance *i, struct deadline *d, struct fault *f)
{
	struct str role, rest;
	char memory[sizeof(ROLES) + ROLE_MAX];
	struct buf path = BUF(memory);
	enum err e = find_server(i, &i->chain->env, f);
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
		return fault_set(f, E_SYNTAX, 0, "what it answered is no name of a role");
	return get(out, i, buf_str(&path), d, f);
}

enum err instance_metadata_fetch(struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct instance i = { .chain = c };
	struct str document;
	if (is_true(&c->env, "AWS_EC2_METADATA_DISABLED")) {
		fault_set(f, E_CONFIG, 0, "EC2 instance metadata is switched off");
		return E_MORE;
	}
	enum err e = read_document(&document, &i, d, f);
	if (e == OK)
		return credentials_set_from_json(out, document, &c->scratch, SOURCE, f);
	return e == E_MORE ? e : fault_lead(f, e, SOURCE);
}
