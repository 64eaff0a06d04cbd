#include "aws/credential_sources.h"
#include "aws/profile.h"
#include "aws/sts.h"
#include "codec/json_read.h"

#include <errno.h>

/* https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */

enum { IN_A_ROW_MAX = 6, SHOWN_MAX = 60, OUTPUT_MAX = 64 * 1024 };

#define NAMES "aws_access_key_id aws_secret_access_key aws_session_token role_arn role_session_name external_id duration_seconds " \
	"web_identity_token_file source_profile credential_source mfa_serial credential_process sso_session sso_start_url login_session"

/* In the order of NAMES. */
enum {
	ID, SECRET, TOKEN, ROLE_ARN, SESSION_NAME, EXTERNAL_ID, DURATION_SECONDS,
	TOKEN_FILE, SOURCE_PROFILE, CREDENTIAL_SOURCE, MFA_SERIAL, PROCESS, SSO_SESSION, SSO_START_URL, LOGIN_SESSION, SETTINGS
};

struct walk {
	struct credential_chain *chain;
	struct profile_in_use first;
	struct str profile; /* whose turn it is */
};

static enum err profile_keys(struct credential_set *out, struct walk *w, struct str profile, int depth, struct deadline *d, struct fault *f);

/* A missing file is an empty one, and so is one in a home that is somebody else's. */
static enum err read_text(struct str *out, const struct environment *env, const struct credential_host *host, struct arena *arena,
                          const char *variable, struct str usual, struct fault *f)
{
	struct str named = environment_get(env, variable), path = named.n ? named : usual;
	struct buf b = arena_rest(arena);
	enum err e = host->read_file(host->ctx, &b, path, f);
	*out = arena_keep(arena, &b);
	if (e == OK)
		return profile_check(*out, path, f);
	*out = S("");
	if (f->sys && (!named.n || f->sys == ENOENT))
		return OK;
	return fault_set(f, e, 0, "%s: %s", str_c(variable), fault_text(f));
}

enum err profile_in_use_read(struct profile_in_use *out, const struct environment *env, const struct credential_host *host,
                             struct arena *arena, struct fault *f)
{
	out->name = environment_get(env, "AWS_PROFILE");
	if (!out->name.n)
		out->name = environment_get(env, "AWS_DEFAULT_PROFILE");
	out->named = out->name.n > 0;
	if (!out->named)
		out->name = S("default");
	enum err e = read_text(&out->files.config, env, host, arena, "AWS_CONFIG_FILE", S("~/.aws/config"), f);
	if (e == OK)
		e = read_text(&out->files.credentials, env, host, arena, "AWS_SHARED_CREDENTIALS_FILE", S("~/.aws/credentials"), f);
	return e;
}

static enum err named_source(struct credential_set *out, struct credential_chain *c, struct str name, struct deadline *d, struct fault *f)
{
	enum err e = E_MORE;
	if (str_eq(name, S("Ec2InstanceMetadata")))
		e = instance_metadata_fetch(out, c, d, f);
	else if (str_eq(name, S("EcsContainer")))
		e = container_fetch(out, c, d, f);
	/* Environment: its keys would have been used right away. */
	return e != E_MORE ? e : fault_set(f, E_CONFIG, 0, "its credential_source has no keys");
}

static enum err assumed_role(struct credential_set *out, struct walk *w, const struct str *v, int depth, struct deadline *d, struct fault *f)
{
	const struct sts_role role = {
		.arn = v[ROLE_ARN], .session_name = v[SESSION_NAME], .external_id = v[EXTERNAL_ID],
		.duration_seconds = v[DURATION_SECONDS], .web_identity_token_file = v[TOKEN_FILE],
	};
	struct str self = w->profile;
	if (v[TOKEN_FILE].n)
		return sts_assume_role(out, w->chain, &role, NULL, d, f);
	if (v[MFA_SERIAL].n)
		return fault_set(f, E_CONFIG, 0, "mfa_serial needs somebody who types a code");
	if (!v[SOURCE_PROFILE].n == !v[CREDENTIAL_SOURCE].n)
		return fault_set(f, E_CONFIG, 0, "role_arn needs one of source_profile and credential_source");
	enum err e = v[SOURCE_PROFILE].n ? profile_keys(out, w, v[SOURCE_PROFILE], depth + 1, d, f) :
		named_source(out, w->chain, v[CREDENTIAL_SOURCE], d, f);
	w->profile = e == OK ? self : w->profile;
	return e == OK ? sts_assume_role(out, w->chain, &role, &out->keys, d, f) : e;
}

static enum err printed_keys(struct credential_set *out, struct credential_chain *c, struct str command, struct deadline *d, struct fault *f)
{
	struct buf output = arena_buf(&c->scratch, OUTPUT_MAX);
	struct json v;
	size_t position;
	int64_t version;
	enum err e = c->host->run(c->host->ctx, &output, command, d, f);
	if (e != OK)
		return e;
	if (json_check(&v, &position, buf_str(&output)) != OK || !json_int(&version, json_member(v, S("Version"))) || version != 1)
		return fault_set(f, E_SYNTAX, 0, "credential_process must print a JSON object with \"Version\": 1");
	return credentials_set_from_json(out, buf_str(&output), &c->scratch, S("credential_process"), f);
}

static enum err profile_keys(struct credential_set *out, struct walk *w, struct str profile, int depth, struct deadline *d, struct fault *f)
{
	struct str v[SETTINGS], name, names = S(NAMES);
	w->profile = profile;
	if ((depth || w->first.named) && !profile_exists(&w->first.files, profile))
		return fault_set(f, E_CONFIG, 0, "there is no such profile in ~/.aws/config or ~/.aws/credentials");
	if (depth == IN_A_ROW_MAX)
		return fault_set(f, E_CONFIG, 0, "source_profile leads in a circle, or too far");
	for (size_t i = 0; i < SETTINGS; i++) {
		str_next(&name, &names, ' ');
		v[i] = profile_get(&w->first.files, profile, name);
	}
	bool keys = v[ID].n || v[SECRET].n;
	/* The keys of a profile that is the source of another one, or of itself, come before its own role. */
	if (v[ROLE_ARN].n && !(depth && keys))
		return assumed_role(out, w, v, depth, d, f);
	if (keys)
		return credentials_set(out, v[ID], v[SECRET], v[TOKEN], S(""), S("profile"), f);
	if (v[PROCESS].n)
		return printed_keys(out, w->chain, v[PROCESS], d, f);
	if (v[SSO_SESSION].n || v[SSO_START_URL].n || v[LOGIN_SESSION].n)
		return fault_set(f, E_CONFIG, 0, "it needs a browser; use credential_process = "
			"aws configure export-credentials --profile %s", str_sub(profile, 0, SHOWN_MAX));
	return depth ? fault_set(f, E_CONFIG, 0, "it has no keys") : E_MORE;
}

enum err profile_fetch(struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct walk w = { .chain = c };
	enum err e = profile_in_use_read(&w.first, &c->env, c->host, &c->scratch, f);
	if (e != OK)
		return e;
	e = profile_keys(out, &w, w.first.name, 0, d, f);
	return e == OK || e == E_MORE ? e : fault_set(f, e, 0, "profile %s: %s", str_sub(w.profile, 0, SHOWN_MAX), fault_text(f));
}
