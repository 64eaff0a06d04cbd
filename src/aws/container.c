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

static bool is_query(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return true;
}

/* The server, and appended to `path` what is asked of it. An endpoint knows no query, and no '/' at its end. */
static enum err find_server(struct endpoint *out, struct buf *path, const struct environment *env, struct fault *f)
{
	struct str relative = environment_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	struct str full = environment_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	char memory[ENDPOINT_URL_MAX];
	struct buf url = BUF(memory);
	struct str base, query;
	if (!relative.n && !full.n)
		return E_MORE;
	buf_format(&url, "%%", relative.n ? S("http://169.254.170.2") : full, relative);
	bool asks = str_cut(&base, &query, buf_str(&url), '?');
	struct str variable = relative.n ? S("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") : S("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (url.full || (relative.n && relative.p[0] != '/') || !is_query(query) || endpoint_from_url(out, base, f) != OK)
		return fault_set(f, E_CONFIG, 0, "% cannot be used: it is no %", variable, relative.n ? S("path") : S("URL"));
	if (!out->secure && !may_be_plain(out->host))
		return fault_set(f, E_CONFIG, 0, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used: http:// is for loopback addresses and "
			"those of ECS and EKS, anything else must be https://");
	buf_format(path, "%%%", !out->base_path.n || str_ends(base, S("/")) ? S("/") : S(""), asks ? S("?") : S(""), query);
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
	char path_memory[ENDPOINT_URL_MAX + 1], name[REFUSAL_NAME_MAX];
	struct buf path = BUF(path_memory);
	struct str token, body;
	int status;
	enum err e = find_server(&server, &path, &c->env, f);
	if (e == OK)
		e = read_token(&token, c, f);
	if (e != OK)
		return e;
	e = metadata_ask(&body, &status, c->client, &(struct metadata_request){
		.method = S("GET"), .server = &server, .path = buf_str(&path),
		.field = S("Authorization"), .value = token, .patience_ms = PATIENCE_MS, .attempts = ATTEMPTS,
	}, &c->scratch, d, f);
	if (e == OK && status == 200)
		return credentials_set_from_json(out, body, &c->scratch, SOURCE, f);
	if (e == OK)
		refusal_read(name, f, status, NULL, body, S(""));
	return fault_set(f, e == OK ? E_REFUSED : e, 0, "%: %", SOURCE, fault_text(f));
}
