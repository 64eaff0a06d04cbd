#include "gateway/config.h"

#include "aws/names.h"
#include "gateway/pattern.h"
#include "gateway/response_url.h"
#include "gateway/template.h"

const struct str config_names =
	STR("ALLOW,ACK,ACK_TEXT,ACK_TYPE,BASE_PATH,CONFIG,INSECURE_SKIP_VERIFY,LOG_LEVEL,LOG_FORMAT,"
		"PAYLOAD,RESPONSE_HOSTS,"
		"TIMEOUT_MS,LISTEN,METRICS_LISTEN,ADMIN_LISTEN,TLS_CERT,TLS_KEY,CONNECTIONS,IDLE_TIMEOUT,"
		"TRUSTED_PROXIES,WORKERS,"
		"FUNCTIONS,FUNCTION_ENV,FUNCTION_LIMIT,FUNCTION_TIMEOUT,FUNCTION_USER,JOURNAL,"
		"ROLESANYWHERE_CERT,ROLESANYWHERE_KEY,ROLESANYWHERE_PROFILE_ARN,ROLESANYWHERE_ROLE_ARN,"
		"ROLESANYWHERE_TRUST_ANCHOR_ARN");

/* For a Service named gateway or gateway-x, Kubernetes puts GATEWAY_SERVICE_HOST,
 * GATEWAY_X_PORT_80_TCP_ADDR and their like into every container of the namespace; for a link named
 * so, Docker puts GATEWAY_NAME=/web/gateway and GATEWAY_ENV_... into one; CGI has
 * GATEWAY_INTERFACE=CGI/1.1. */
static bool made_by_others(struct str name, struct str value)
{
	if (str_starts(name, S("GATEWAY_ENV_")) ||
		(str_ends(name, S("_NAME")) && str_starts(value, S("/"))) ||
		(str_eq(name, S("GATEWAY_INTERFACE")) && str_starts(value, S("CGI"))))
		return true;
	if (str_ends(name, S("_SERVICE_HOST")) || str_find_str(name, S("_SERVICE_PORT")) < name.n)
		return true;
	if (str_ends(name, S("_PORT")) && str_starts(value, S("tcp://")))
		return true;
	/* GATEWAY_PORT_80_TCP; of a Service that is itself called gateway-port:
	 * GATEWAY_PORT_PORT_80_TCP. */
	for (size_t at; (at = str_find_str(name, S("_PORT_"))) < name.n;) {
		struct str number, protocol;
		uint64_t n;
		name = str_skip(name, at + 5);
		str_cut(&number, &protocol, str_skip(name, 1), '_');
		if (str_to_u64(&n, number, 65535) && str_starts(protocol, S("TCP")))
			return true;
	}
	return false;
}

bool config_name_ok(struct str name, struct str value)
{
	if (!str_starts(name, S("GATEWAY_")) || aws_name_listed(config_names, str_skip(name, 8)))
		return true;
	return made_by_others(name, value);
}

enum { VALUE_SHOWN_MAX = 60 };

/* Values long enough to hide the rest of the sentence are cut; those of AWS_ variables may be
 * somebody's keys. */
static enum err refuse_value(
	struct fault *f, struct str name, struct str value, struct str allowed)
{
	if (str_starts(name, S("AWS_")))
		return fault_set(f, E_CONFIG, 0, "%s cannot be used: %s", name, allowed);
	return fault_set(f, E_CONFIG, 0, "%s=%s cannot be used: %s", name,
		str_sub(value, 0, VALUE_SHOWN_MAX), allowed);
}

/* Anything that begins otherwise is the secret itself. */
static const struct str schemes[] = {
	[SECRET_LITERAL] = STR(""),
	[SECRET_FILE] = STR("file:"),
	[SECRET_SSM] = STR("ssm:"),
	[SECRET_SECRETS_MANAGER] = STR("secretsmanager:"),
};

/* Whether there is a name, and one that may stand in a request as it is. */
static bool reference_ok(enum secret_kind kind, struct str name)
{
	struct str id, key;
	if (kind <= SECRET_FILE)
		return name.n > 0;
	bool keyed = str_cut(&id, &key, name, '#');
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] >= 0x7f || id.p[i] == '"' || id.p[i] == '\\')
			return false;
	return id.n > 0 && id.n <= SECRET_NAME_MAX && keyed == (key.n > 0) &&
		(!keyed || kind == SECRET_SECRETS_MANAGER);
}

/* `text` is not empty. */
static enum err add_source(struct config *c, struct str text, struct str app, struct fault *f)
{
	size_t kind = countof(schemes) - 1;
	while (!str_starts(text, schemes[kind]))
		kind--;
	struct str name = str_skip(text, schemes[kind].n);
	struct str variable = app.n ? S("GATEWAY_CONFIG: apps.") : S("SLACK_SIGNING_SECRET");
	struct str fault = kind == SECRET_LITERAL ? slack_secret_fault(text) : S("");
	if (fault.n)
		return fault_set(f, E_CONFIG, 0, "%s%s: the secret %s", variable, app, fault);
	if (!reference_ok((enum secret_kind)kind, name))
		return fault_set(f, E_CONFIG, 0,
			"%s%s: %s must be followed by the name of what holds the secret", variable, app,
			schemes[kind]);
	if (c->sources_count == SECRET_SOURCES_MAX)
		return fault_set(f, E_CONFIG, 0,
			"there are more than %d secrets in SLACK_SIGNING_SECRET and GATEWAY_CONFIG",
			NUM(SECRET_SOURCES_MAX));
	c->sources[c->sources_count++] =
		(struct secret_source){ (enum secret_kind)kind, text, name, app };
	return OK;
}

static enum err add_sources(struct config *c, struct str list, struct str app, struct fault *f)
{
	struct str secret;
	enum err e = OK;
	size_t before = c->sources_count;
	while (e == OK && list.n) {
		str_next(&secret, &list, ',');
		secret = str_trim_text(secret);
		if (secret.n)
			e = add_source(c, secret, app, f);
	}
	/* An app that is listed without a secret would take everybody's. */
	if (e == OK && app.n && c->sources_count == before)
		e = fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: apps.%s has no secret", app);
	return e;
}

static enum err read_secrets(struct config *c, const struct environment *env, struct fault *f)
{
	return add_sources(c, environment_get(env, "SLACK_SIGNING_SECRET"), S(""), f);
}

enum err config_read_routes(struct config *c, struct str text, struct arena *arena, struct fault *f)
{
	enum err e = routes_read(&c->routes, text, c->payload, arena, f);
	for (size_t i = 0; e == OK && i < c->routes.apps_count; i++)
		e = add_sources(c, c->routes.apps[i].secret, c->routes.apps[i].id, f);
	return e;
}

enum err config_check_secrets(const struct config *c, struct fault *f)
{
	if (c->sources_count || c->skip_verify)
		return OK;
	return fault_set(f, E_CONFIG, 0,
		"SLACK_SIGNING_SECRET is not set: copy the Signing Secret from \"Basic Information\" of "
		"your Slack app, or set GATEWAY_INSECURE_SKIP_VERIFY=1 to verify nothing");
}

static enum err read_flag(
	bool *out, const struct environment *env, const char *name, struct fault *f)
{
	struct str v = environment_get(env, name);
	if (v.n && !str_eq(v, S("0")) && !str_eq(v, S("1")))
		return refuse_value(f, str_c(name), v, S("it must be 1 (on), 0 or empty (off)"));
	*out = str_eq(v, S("1"));
	return OK;
}

/* A word that a setting may be, and what it means. */
struct word {
	char text[12];
	int meaning;
};

/* Sets *out to the meaning of the value, one of `words`, or leaves it when the variable is not set.
 */
static enum err read_choice(int *out, const struct environment *env, const char *name,
	const struct word *words, size_t count, struct fault *f)
{
	char text[80];
	struct buf allowed = BUF(text);
	struct str v = environment_get(env, name);
	if (v.n == 0)
		return OK;
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(v, str_c(words[i].text))) {
			*out = words[i].meaning;
			return OK;
		}
	buf_put(&allowed, S("it must be one of "));
	for (size_t i = 0; i < count; i++)
		buf_format(&allowed, "%s%s", i ? S(", ") : S(""), str_c(words[i].text));
	return refuse_value(f, str_c(name), v, buf_str(&allowed));
}

static enum err read_log(struct config *c, const struct environment *env, struct fault *f)
{
	/* Lambda's own variable may say more than those before the last two. */
	static const struct word levels[] = {
		{ "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warn", LOG_WARN }, { "error", LOG_ERROR },
		{ "fatal", LOG_ERROR }, { "trace", LOG_DEBUG },
	};
	int level = LOG_INFO;
	enum err e = read_choice(&level, env, "AWS_LAMBDA_LOG_LEVEL", levels, countof(levels), f);
	if (e == OK)
		e = read_choice(&level, env, "GATEWAY_LOG_LEVEL", levels, countof(levels) - 2, f);
	static const struct word styles[] = { { "auto", LOG_AUTO }, { "json", LOG_JSON },
		{ "text", LOG_TEXT } };
	int style = LOG_AUTO;
	if (e == OK)
		e = read_choice(&style, env, "GATEWAY_LOG_FORMAT", styles, countof(styles), f);
	c->log_style = (enum log_style)style;
	c->log_level = (enum log_level)level;
	return e;
}

static enum err read_allow(struct config *c, const struct environment *env, struct fault *f)
{
	struct str pattern, rest = environment_get(env, "GATEWAY_ALLOW");
	c->allow = rest;
	while (rest.n) {
		str_next(&pattern, &rest, ',');
		if (!allow_pattern_ok(str_trim(pattern)))
			return refuse_value(f, S("GATEWAY_ALLOW"), pattern,
				S("each entry is region/function, where * stands for any run of characters but "
				  "'/', as in eu-west-1/deploy-*"));
	}
	return OK;
}

static enum err read_ack(struct config *c, const struct environment *env, struct fault *f)
{
	static const struct word whens[] = { { "confirmed", ACK_CONFIRMED }, { "first", ACK_FIRST } };
	static const struct word types[] = { { "ephemeral", false }, { "in_channel", true } };
	int ack = ACK_CONFIRMED, in_channel = false;
	enum err e = read_choice(&ack, env, "GATEWAY_ACK", whens, countof(whens), f);
	if (e == OK)
		e = read_choice(&in_channel, env, "GATEWAY_ACK_TYPE", types, countof(types), f);
	c->ack = (enum ack_when)ack;
	c->ack_type = in_channel ? S("in_channel") : S("ephemeral");
	const char *text = env->get(env->ctx, "GATEWAY_ACK_TEXT");
	if (text)
		c->ack_text = str_c(text);
	enum template_name name;
	struct str piece, rest = c->ack_text;
	while (e == OK && template_next(&name, &piece, &rest))
		if (name == TEMPLATE_UNKNOWN)
			e = fault_set(f, E_CONFIG, 0,
				"GATEWAY_ACK_TEXT names {%s}: it may name " TEMPLATE_NAMES,
				str_sub(piece, 0, 40));
	return e;
}

static enum err read_payload(struct config *c, const struct environment *env, struct fault *f)
{
	static const struct word payloads[] = { { "event", PAYLOAD_EVENT },
		{ "slack", PAYLOAD_SLACK } };
	int payload = PAYLOAD_EVENT;
	enum err e = read_choice(&payload, env, "GATEWAY_PAYLOAD", payloads, countof(payloads), f);
	c->payload = (enum payload)payload;
	return e;
}

static enum err read_timeout(struct config *c, const struct environment *env, struct fault *f)
{
	uint64_t ms = TIMEOUT_MS_DEFAULT;
	struct str v = environment_get(env, "GATEWAY_TIMEOUT_MS");
	if (v.n && (!str_to_u64(&ms, v, TIMEOUT_MS_MAX) || ms < TIMEOUT_MS_MIN))
		return fault_set(f, E_CONFIG, 0,
			"GATEWAY_TIMEOUT_MS=%s cannot be used: it must be a number of milliseconds from %d to "
			"%d",
			str_sub(v, 0, VALUE_SHOWN_MAX), NUM(TIMEOUT_MS_MIN), NUM(TIMEOUT_MS_MAX));
	c->timeout_ms = (int64_t)ms;
	return OK;
}

static enum err read_base_path(struct config *c, const struct environment *env, struct fault *f)
{
	struct str v = environment_get(env, "GATEWAY_BASE_PATH");
	struct str path = path_trim(v);
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] <= ' ' || (unsigned char)path.p[i] >= 0x7f ||
			path.p[i] == '?' || path.p[i] == '#')
			return refuse_value(f, S("GATEWAY_BASE_PATH"), v,
				S("it must be the beginning of a URL path, such as /slack"));
	c->base_path = path;
	return OK;
}

static enum err read_response_hosts(
	struct config *c, const struct environment *env, struct fault *f)
{
	struct str entry, rest = environment_get(env, "GATEWAY_RESPONSE_HOSTS");
	c->response_hosts_default = rest.n == 0;
	c->response_hosts = rest.n ? rest : S("hooks.slack.com,hooks.slack-gov.com");
	while (rest.n) {
		str_next(&entry, &rest, ',');
		if (!response_host_entry_ok(str_trim(entry)))
			return refuse_value(f, S("GATEWAY_RESPONSE_HOSTS"), entry,
				S("each entry is host, host:port, or http://ADDRESS:PORT with a loopback address"));
	}
	return OK;
}

enum err config_read(struct config *c, const struct environment *env, struct fault *f)
{
	static enum err (*const readers[])(
		struct config *, const struct environment *, struct fault *) = {
		read_log,
		read_secrets,
		read_allow,
		read_ack,
		read_timeout,
		read_base_path,
		read_response_hosts,
		read_payload,
	};
	enum err e = read_flag(&c->skip_verify, env, "GATEWAY_INSECURE_SKIP_VERIFY", f);
	for (size_t i = 0; e == OK && i < countof(readers); i++)
		e = readers[i](c, env, f);
	return e;
}
