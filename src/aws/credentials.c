#include "aws/credentials.h"

static enum err read_variable(struct str *out, const struct environment *env, const char *name, size_t max, struct fault *f)
{
	struct str v = environment_get(env, name);
	if (v.n > max)
		return fault_set(f, E_CONFIG, 0, "% is longer than % bytes", str_c(name), NUM(max));
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return fault_set(f, E_CONFIG, 0, "% holds a blank, a line end or another byte that no key has",
				str_c(name));
	*out = v;
	return OK;
}

enum err credential_chain_init(struct credential_chain *c, const struct environment *env, struct fault *f)
{
	*c = (struct credential_chain){ .current = { .expires_ms = INT64_MAX, .source = S("environment") } };
	struct credentials *keys = &c->current;
	enum err e = read_variable(&keys->access_key_id, env, "AWS_ACCESS_KEY_ID", CREDENTIALS_ID_MAX, f);
	if (e == OK)
		e = read_variable(&keys->secret_access_key, env, "AWS_SECRET_ACCESS_KEY", CREDENTIALS_SECRET_MAX, f);
	if (e == OK)
		e = read_variable(&keys->session_token, env, "AWS_SESSION_TOKEN", CREDENTIALS_TOKEN_MAX, f);
	if (e == OK && keys->session_token.n == 0) /* its name before 2014, still set by some tools */
		e = read_variable(&keys->session_token, env, "AWS_SECURITY_TOKEN", CREDENTIALS_TOKEN_MAX, f);
	if (e)
		return e;
	bool id = keys->access_key_id.n > 0, secret = keys->secret_access_key.n > 0;
	if (id != secret)
		return fault_set(f, E_CONFIG, 0, "%",
			id ? S("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY") : S("AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"));
	c->from_environment = id;
	return OK;
}

enum err credentials_hold(const struct credentials **out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	(void)d; /* the environment is there at once */
	if (!c->from_environment)
		return fault_set(f, E_CONFIG, 0,
			"there are no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment");
	*out = &c->current;
	return OK;
}

void credentials_release(struct credential_chain *c, const struct credentials *held)
{
	check(held == &c->current);
}
