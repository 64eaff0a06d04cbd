#include "aws/profile_in_use.h"

#include "base/log.h"

#include <errno.h>

enum { SHOWN_MAX = 60 };

/* A missing file is an empty one, and so is one in a home that is somebody else's. */
static enum err load(struct str *out, struct str *path, const struct environment *env,
	const struct credential_host *host, const char *variable, struct str usual, struct fault *f)
{
	struct str named = environment_get(env, variable);
	*path = named.n ? named : usual;
	enum err e = host->load(host->ctx, out, *path, CREDENTIALS_FILE_MAX, f);
	if (e == OK)
		return OK;
	*out = S("");
	if (f->sys && (!named.n || f->sys == ENOENT))
		return OK;
	return named.n ? fault_lead(f, e, str_c(variable)) : e;
}

enum err profile_in_use_load(struct profile_in_use *out, const struct environment *env,
	const struct credential_host *host, struct fault *f)
{
	const char *variable = "AWS_PROFILE";
	struct str name = environment_get(env, variable);
	if (!name.n)
		name = environment_get(env, variable = "AWS_DEFAULT_PROFILE");
	*out = (struct profile_in_use){ .named = name.n > 0 };
	enum err e = load(&out->files.config, &out->files.config_path, env, host, "AWS_CONFIG_FILE",
		S("~/.aws/config"), f);
	if (e == OK)
		e = load(&out->files.credentials, &out->files.credentials_path, env, host,
			"AWS_SHARED_CREDENTIALS_FILE", S("~/.aws/credentials"), f);
	profile_find(&out->profile, &out->files, name.n ? name : S("default"));
	if (e == OK)
		e = profile_check(&out->profile, f);
	if (e == OK && out->named && !profile_exists(&out->profile))
		e = fault_set(f, E_CONFIG, 0,
			"%s: profile %s: there is no such profile in ~/.aws/config or ~/.aws/credentials",
			str_c(variable), str_sub(name, 0, SHOWN_MAX));
	if (e != OK)
		profile_in_use_unload(out, host);
	return e;
}

void profile_in_use_unload(struct profile_in_use *p, const struct credential_host *host)
{
	host->unload(host->ctx, p->files.config);
	host->unload(host->ctx, p->files.credentials);
	*p = (struct profile_in_use){ .named = false };
}

static void tell_bad_lines(struct str text, struct str file)
{
	size_t first, count = profile_bad_lines(&first, text);
	if (count)
		LOG(LOG_WARN, "lines of a profile file that cannot be read were passed over",
			"file first# count#", file, NUM(first), NUM(count));
}

void profile_in_use_tell(const struct profile_in_use *p)
{
	tell_bad_lines(p->files.config, S("config"));
	tell_bad_lines(p->files.credentials, S("credentials"));
}
