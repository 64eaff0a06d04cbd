#include "aws/credential_sources.h"
#include "aws/metadata.h"
#include "aws/names.h"
#include "aws/refusal.h"

/* https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */

#define SOURCE S("container credentials")

/* Keys travel in plain text only to the machine itself and to the addresses of ECS and EKS. */
static bool may_be_plain(struct str host)
{
	if (aws_name_listed(S("localhost,::1,169.254.170.2,169.254.170.23,fd00:ec2::23"), host))
		return true;
	for (size_t i = 0; i < host.n; i++)
		if (!is_digit((unsigned char)host.p[i]) && host.p[i] != '.')
			return false;
	return str_starts(host, S("127."));
}

/* Of a path with its query. */
static bool can_be_sent(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return true;
}

/* The server, and what is asked of it. */
static enum err find_server(
	struct endpoint *out, struct str *path, const struct environment *env, struct fault *f)
{
	const char *variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
	struct str server = S("http://169.254.170.2");
	*path = environment_get(env, variable);
	bool relative = path->n > 0;
	if (!relative) {
		variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
		server = environment_get(env, variable);
		struct str behind = str_skip(server, str_find_str(server, S("//")) + 2);
		*path = str_skip(behind, str_find(behind, '/'));
		server.n -= path->n;
	}
	if (!server.n)
		return E_MORE;
	if (!path->n)
		*path = S("/");
	if (path->p[0] != '/' || !can_be_sent(*path) || endpoint_from_url(out, server, f) != OK)
		return fault_set(f, E_CONFIG, 0, "%s cannot be used: it is no %s", str_c(variable),
			relative ? S("path") : S("URL"));
	if (!out->secure && !may_be_plain(out->host))
		return fault_set(f, E_CONFIG, 0,
			"%s cannot be used: http:// is for loopback addresses and those of ECS and EKS, "
			"anything else must be https://",
			str_c(variable));
	return OK;
}

/* The token's file wins; it is read anew every time, for it is replaced from time to time. */
static enum err read_token(
	struct str *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct str path = environment_get(&c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	*out = environment_get(&c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (!path.n)
		return OK;
	enum err e = credentials_read_token(out, c, path, CREDENTIALS_TOKEN_MAX, d, f);
	return e == OK ? OK : fault_lead(f, e, S("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
}

enum err container_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct endpoint server;
	char name[REFUSAL_NAME_MAX];
	struct str path, token, body;
	int status;
	enum err e = find_server(&server, &path, &c->env, f);
	if (e == OK)
		e = read_token(&token, c, d, f);
	if (e != OK)
		return e;
	e = metadata_ask(&body, &status, &(struct metadata_request){
		.aws = c->aws, .scratch = &c->scratch, .server = &server, .path = path,
		.field = S("Authorization"), .value = token,
	}, d, f);
	if (e == OK && status == 200)
		return credentials_set_from_json(out, body, &c->scratch, SOURCE, f);
	if (e == OK)
		refusal_read(name, f, status, NULL, body, S(""));
	return fault_lead(f, e == OK ? E_REFUSED : e, SOURCE);
}
