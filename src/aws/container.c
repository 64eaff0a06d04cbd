#include "aws/credential_sources.h"
#include "aws/metadata.h"
#include "aws/refusal.h"

/* https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */

enum { PATIENCE_MS = 2000, ATTEMPTS = 3 };

#define SOURCE S("container credentials")

/* Keys travel in plain text only to the machine itself and to the addresses of ECS and EKS. */
static bool may_be_plain(struct str host)
{
	static const struct str hosts[] = {
		STR("localhost"), STR("::1"), STR("169.254.170.2"), STR("169.254.170.23"), STR("fd00:ec2::23"),
	};
	for (size_t i = 0; i < countof(hosts); i++)
		if (str_eq(host, hosts[i]))
			return true;
	for (size_t i = 0; i < host.n; i++)
		if (!is_digit((unsigned char)host.p[i]) && host.p[i] != '.')
			return false;
	return str_starts(host, S("127."));
}

/* The URL, from whichever variable has it. */
static enum err find_server(struct endpoint *out, struct buf *url, const struct environment *env, struct fault *f)
{
	struct str relative = environment_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	struct str full = environment_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (!relative.n && !full.n)
		return E_MORE;
	buf_format(url, "%%", relative.n ? S("http://169.254.170.2") : full, relative);
	struct str variable = relative.n ? S("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") : S("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (url->full || (relative.n && relative.p[0] != '/') || endpoint_from_url(out, buf_str(url), f) != OK)
		return fault_set(f, E_CONFIG, 0, "% cannot be used: it is no % without a query", variable,
			relative.n ? S("path") : S("URL"));
	if (!out->secure && !may_be_plain(out->host))
		return fault_set(f, E_CONFIG, 0, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used: http:// is for loopback addresses and "
			"those of ECS and EKS, anything else must be https://");
	return OK;
}

/* The token's file wins; it is read anew every time, for it is replaced from time to time. */
static enum err read_token(struct str *out, struct credential_chain *c, struct fault *f)
{
	struct str path = environment_get(&c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	*out = environment_get(&c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (!path.n)
		return OK;
	struct buf b = arena_rest(&c->scratch);
	enum err e = c->host->read_file(c->host->ctx, &b, path, f);
	*out = str_trim_lines(arena_keep(&c->scratch, &b));
	return e == OK ? OK : fault_set(f, e, 0, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %", fault_text(f));
}

enum err container_fetch(struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct endpoint server;
	char url_memory[ENDPOINT_URL_MAX], name[REFUSAL_NAME_MAX];
	struct buf url = BUF(url_memory);
	struct str token, body;
	int status;
	enum err e = find_server(&server, &url, &c->env, f);
	if (e == OK)
		e = read_token(&token, c, f);
	if (e != OK)
		return e;
	e = metadata_ask(&body, &status, c->client, &(struct metadata_request){
		.method = S("GET"), .server = &server, .path = str_ends(buf_str(&url), S("/")) ? S("/") : S(""),
		.field = S("Authorization"), .value = token, .patience_ms = PATIENCE_MS, .attempts = ATTEMPTS,
	}, &c->scratch, d, f);
	if (e == OK && status == 200)
		return credentials_set_from_json(out, body, &c->scratch, SOURCE, f);
	if (e == OK)
		refusal_read(name, f, status, NULL, body, S(""));
	return fault_set(f, e == OK ? E_REFUSED : e, 0, "%: %", SOURCE, fault_text(f));
}
