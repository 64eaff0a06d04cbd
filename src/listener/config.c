#include "listener/config.h"

#include "net/listen.h"

static enum err read_number(size_t *out, const struct environment *env, const char *name,
                            size_t least, size_t most, struct fault *f)
{
	struct str v = environment_get(env, name);
	uint64_t number;
	if (!v.n)
		return OK;
	if (!str_to_u64(&number, v, most) || number < least)
		return fault_set(f, E_CONFIG, 0, "%s=%s cannot be used: it is a number from %d to %d", str_c(name),
			str_sub(v, 0, 60), NUM(least), NUM(most));
	*out = (size_t)number;
	return OK;
}

static enum err read_address(struct listener_config *c, const struct environment *env, struct fault *f)
{
	size_t port = 0;
	struct buf b = BUF(c->address_memory);
	c->address = environment_get(env, "GATEWAY_LISTEN");
	if (c->address.n)
		return OK;
	struct str text = environment_get(env, "PORT");
	enum err e = read_number(&port, env, "PORT", 0, 65535, f);
	buf_format(&b, "0.0.0.0:%s", text);
	c->address = text.n ? buf_str(&b) : S("127.0.0.1:8080");
	return e;
}

enum err listener_config_read(struct listener_config *c, const struct environment *env, struct fault *f)
{
	struct str cert = environment_get(env, "GATEWAY_TLS_CERT"), key = environment_get(env, "GATEWAY_TLS_KEY");
	*c = (struct listener_config){ .workers = WORKERS_DEFAULT, .function_timeout_s = 900, .function_limit = 16 };
	enum err e = read_address(c, env, f);
	if (e == OK)
		e = read_number(&c->workers, env, "GATEWAY_WORKERS", 1, WORKERS_MAX, f);
	if (e == OK)
		e = read_number(&c->function_timeout_s, env, "GATEWAY_FUNCTION_TIMEOUT", 1, 86400, f);
	if (e == OK)
		e = read_number(&c->function_limit, env, "GATEWAY_FUNCTION_LIMIT", 1, 1024, f);
	if (e == OK && (cert.n > 0) != (key.n > 0))
		e = fault_set(f, E_CONFIG, 0,
			"%s is missing: HTTPS needs both GATEWAY_TLS_CERT and GATEWAY_TLS_KEY, paths of PEM files",
			cert.n ? S("GATEWAY_TLS_KEY") : S("GATEWAY_TLS_CERT"));
	c->tls_cert = cert.n ? cert.p : NULL;
	c->tls_key = key.n ? key.p : NULL;
	c->metrics_address = environment_get(env, "GATEWAY_METRICS_LISTEN");
	if (e == OK && (e = listen_check(c->address, f)) != OK)
		e = fault_lead(f, e, S("GATEWAY_LISTEN"));
	if (e == OK && c->metrics_address.n && (e = listen_check(c->metrics_address, f)) != OK)
		e = fault_lead(f, e, S("GATEWAY_METRICS_LISTEN"));
	c->functions = environment_get(env, "GATEWAY_FUNCTIONS");
	c->function_env = environment_get(env, "GATEWAY_FUNCTION_ENV");
	return e;
}
