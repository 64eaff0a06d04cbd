#include "listener/config.h"

#include "net/place.h"

static enum err read_number(size_t *out, const struct environment *env, const char *name,
                            size_t least, size_t most, struct fault *f)
{
	struct str v = environment_get(env, name);
	uint64_t number;
	if (!v.n)
		return OK;
	if (!str_to_u64(&number, v, most) || number < least)
		return fault_set(f, E_CONFIG, 0, "%s=%s cannot be used: it must be a number from %d to %d",
			str_c(name), str_sub(v, 0, 60), NUM(least), NUM(most));
	*out = (size_t)number;
	return OK;
}

static enum err read_address(
	struct listener_config *c, const struct environment *env, struct fault *f)
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

/* As far as their names tell. */
static bool is_inside(struct str path, struct str directory)
{
	while (directory.n > 1 && str_ends(directory, S("/")))
		directory.n--;
	return path.n && directory.n && str_starts(path, directory) &&
		(path.n == directory.n || path.p[directory.n] == '/' || str_eq(directory, S("/")));
}

static enum err read_tls(struct listener_config *c, const struct environment *env, struct fault *f)
{
	c->tls_cert = environment_get(env, "GATEWAY_TLS_CERT");
	c->tls_key = environment_get(env, "GATEWAY_TLS_KEY");
	if ((c->tls_cert.n > 0) == (c->tls_key.n > 0))
		return OK;
	return fault_set(f, E_CONFIG, 0,
		"%s is missing: HTTPS needs both GATEWAY_TLS_CERT and GATEWAY_TLS_KEY, paths of PEM files",
		c->tls_cert.n ? S("GATEWAY_TLS_KEY") : S("GATEWAY_TLS_CERT"));
}

static enum err read_proxies(
	struct listener_config *c, const struct environment *env, struct fault *f)
{
	struct str entry, list = environment_get(env, "GATEWAY_TRUSTED_PROXIES");
	while (list.n) {
		str_next(&entry, &list, ',');
		if (c->proxies.count == TRUSTED_PROXIES_MAX)
			return fault_set(f, E_CONFIG, 0, "GATEWAY_TRUSTED_PROXIES has more than %d entries",
				NUM(TRUSTED_PROXIES_MAX));
		if (!address_block_parse(&c->proxies.list[c->proxies.count++], str_trim(entry)))
			return fault_set(f, E_CONFIG, 0,
				"GATEWAY_TRUSTED_PROXIES=%s cannot be used: it must be a list of ADDRESS or "
				"ADDRESS/BITS, separated by commas",
				str_sub(str_trim(entry), 0, 60));
	}
	return OK;
}

static enum err read_numbers(
	struct listener_config *c, const struct environment *env, struct fault *f)
{
	const struct {
		const char *name;
		size_t *out, least, most;
	} numbers[] = {
		{ "GATEWAY_WORKERS", &c->workers, 1, WORKERS_MAX },
		{ "GATEWAY_CONNECTIONS", &c->connections, CONNECTIONS_MIN, CONNECTIONS_MAX },
		{ "GATEWAY_IDLE_TIMEOUT", &c->idle_s, 1, 86400 },
		{ "GATEWAY_FUNCTION_TIMEOUT", &c->function_timeout_s, 1, 86400 },
		{ "GATEWAY_FUNCTION_LIMIT", &c->function_limit, 1, 1024 },
	};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < countof(numbers); i++)
		e = read_number(numbers[i].out, env, numbers[i].name, numbers[i].least, numbers[i].most, f);
	return e;
}

static enum err check_address(struct str address, const char *variable, struct fault *f)
{
	struct place place;
	enum err e = address.n ? place_parse(&place, address, f) : OK;
	return e == OK ? OK : fault_lead(f, e, str_c(variable));
}

enum err listener_config_read(
	struct listener_config *c, const struct environment *env, struct fault *f)
{
	*c = (struct listener_config){
		.workers = WORKERS_DEFAULT,
		.function_timeout_s = 900,
		.function_limit = 16,
		.idle_s = IDLE_DEFAULT_S,
		.metrics_address = environment_get(env, "GATEWAY_METRICS_LISTEN"),
		.admin_address = environment_get(env, "GATEWAY_ADMIN_LISTEN"),
		.functions = environment_get(env, "GATEWAY_FUNCTIONS"),
		.function_env = environment_get(env, "GATEWAY_FUNCTION_ENV"),
		.function_user = environment_get(env, "GATEWAY_FUNCTION_USER"),
		.journal = environment_get(env, "GATEWAY_JOURNAL"),
	};
	enum err e = read_address(c, env, f);
	if (e == OK)
		e = read_numbers(c, env, f);
	if (e == OK)
		e = read_tls(c, env, f);
	if (e == OK)
		e = read_proxies(c, env, f);
	if (e == OK)
		e = check_address(c->address, "GATEWAY_LISTEN", f);
	if (e == OK)
		e = check_address(c->metrics_address, "GATEWAY_METRICS_LISTEN", f);
	if (e == OK)
		e = check_address(c->admin_address, "GATEWAY_ADMIN_LISTEN", f);
	if (!c->connections)
		c->connections = c->tls_cert.n ? CONNECTIONS_TLS_DEFAULT : CONNECTIONS_DEFAULT;
	if (e == OK && is_inside(c->journal, c->functions))
		e = fault_set(f, E_CONFIG, 0, "GATEWAY_JOURNAL must not lie in GATEWAY_FUNCTIONS");
	return e;
}
