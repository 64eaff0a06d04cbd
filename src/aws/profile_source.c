#include "aws/credential_sources.h"
#include "aws/profile_in_use.h"
#include "aws/sts.h"
#include "codec/json_read.h"

/* https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */

enum { IN_A_ROW_MAX = 6, SHOWN_MAX = 60, OUTPUT_MAX = 64 * 1024 };

enum setting {
	ROLE_ARN,
	SESSION_NAME,
	EXTERNAL_ID,
	DURATION_SECONDS,
	TOKEN_FILE,
	SOURCE_PROFILE,
	CREDENTIAL_SOURCE,
	MFA_SERIAL,
	PROCESS,
	SSO_ACCOUNT,
	SSO_ROLE,
	SSO_SESSION,
	SSO_START_URL,
	LOGIN_SESSION,
	SETTINGS
};

static const char names[SETTINGS][24] = {
	[ROLE_ARN] = "role_arn",
	[SESSION_NAME] = "role_session_name",
	[EXTERNAL_ID] = "external_id",
	[DURATION_SECONDS] = "duration_seconds",
	[TOKEN_FILE] = "web_identity_token_file",
	[SOURCE_PROFILE] = "source_profile",
	[CREDENTIAL_SOURCE] = "credential_source",
	[MFA_SERIAL] = "mfa_serial",
	[PROCESS] = "credential_process",
	[SSO_ACCOUNT] = "sso_account_id",
	[SSO_ROLE] = "sso_role_name",
	[SSO_SESSION] = "sso_session",
	[SSO_START_URL] = "sso_start_url",
	[LOGIN_SESSION] = "login_session",
};

struct walk {
	struct credential_chain *chain;
	const struct profile_in_use *first;
	struct str profile; /* whose turn it is */
};

static enum err profile_keys(struct credential_set *out, struct walk *w, struct str name, int depth,
	struct deadline *d, struct fault *f);

static enum err named_source(struct credential_set *out, struct credential_chain *c,
	struct str name, struct deadline *d, struct fault *f)
{
	enum err e = E_MORE;
	if (str_eq_nocase(name, S("Ec2InstanceMetadata")))
		e = instance_metadata_fetch(out, c, d, f);
	else if (str_eq_nocase(name, S("EcsContainer")))
		e = container_fetch(out, c, d, f);
	/* Environment: its keys would have been used right away. */
	return e != E_MORE ? e : fault_set(f, E_CONFIG, 0, "its credential_source has no keys");
}

static enum err assumed_role(struct credential_set *out, struct walk *w, const struct str *v,
	int depth, struct deadline *d, struct fault *f)
{
	const struct sts_role role = {
		.arn = v[ROLE_ARN], .session_name = v[SESSION_NAME], .external_id = v[EXTERNAL_ID],
		.duration_seconds = v[DURATION_SECONDS], .web_identity_token_file = v[TOKEN_FILE],
	};
	struct str self = w->profile;
	if (!v[ROLE_ARN].n)
		return fault_set(f, E_CONFIG, 0, "web_identity_token_file needs role_arn");
	if (v[TOKEN_FILE].n)
		return sts_assume_role(out, w->chain, &role, NULL, d, f);
	if (v[MFA_SERIAL].n)
		return fault_set(f, E_CONFIG, 0, "mfa_serial needs a person to type a code");
	if (!v[SOURCE_PROFILE].n == !v[CREDENTIAL_SOURCE].n)
		return fault_set(
			f, E_CONFIG, 0, "role_arn needs one of source_profile and credential_source");
	enum err e = v[SOURCE_PROFILE].n ? profile_keys(out, w, v[SOURCE_PROFILE], depth + 1, d, f) :
		named_source(out, w->chain, v[CREDENTIAL_SOURCE], d, f);
	if (e == E_TIMEOUT && !d)
		e = OK;
	w->profile = e == OK ? self : w->profile;
	return e == OK ? sts_assume_role(out, w->chain, &role, &out->keys, d, f) : e;
}

static enum err printed_keys(struct credential_set *out, struct credential_chain *c,
	struct str command, struct deadline *d, struct fault *f)
{
	struct buf output = arena_buf(&c->scratch, OUTPUT_MAX);
	struct json v;
	size_t position;
	int64_t version;
	if (!d)
		return c->host->run(c->host->ctx, &output, command, NULL, f);
	struct deadline own = deadline_within(d, CREDENTIAL_PROCESS_MS);
	enum err e = c->host->run(c->host->ctx, &output, command, &own, f);
	deadline_leave(d, &own);
	if (e != OK)
		return e;
	if (json_check(&v, &position, buf_str(&output)) != OK ||
		!json_int(&version, json_member(v, S("Version"))) || version != 1)
		return fault_set(
			f, E_SYNTAX, 0, "credential_process must print a JSON object with \"Version\": 1");
	return credentials_set_from_json(
		out, buf_str(&output), &c->scratch, S("credential_process"), f);
}

static bool has_keys(const struct profile_section *s)
{
	return profile_section_get(s, S("aws_access_key_id")).n ||
		profile_section_get(s, S("aws_secret_access_key")).n;
}

/* A token goes with the keys beside it, never with those of the other file. */
static enum err written_keys(
	struct credential_set *out, const struct profile_section *s, struct fault *f)
{
	struct str token = profile_section_get(
		s, S("aws_security_token")); /* its name before 2014, which botocore prefers */
	if (!token.n)
		token = profile_section_get(s, S("aws_session_token"));
	return credentials_set(out, profile_section_get(s, S("aws_access_key_id")),
		profile_section_get(s, S("aws_secret_access_key")), token, S(""), S("profile"), f);
}

static enum err needs_a_browser(const struct profile *p, struct fault *f)
{
	return fault_set(f, E_CONFIG, 0,
		"it needs a browser; use credential_process = aws configure export-credentials --profile "
		"%s",
		str_sub(p->name, 0, SHOWN_MAX));
}

/* In the order of botocore: roles, single sign-on, the credentials file, a login, a process, the
 * config file. */
static enum err own_keys(struct credential_set *out, struct walk *w, const struct profile *p,
	int depth, struct deadline *d, struct fault *f)
{
	struct str v[SETTINGS];
	for (size_t i = 0; i < SETTINGS; i++)
		v[i] = profile_get(p, str_c(names[i]));
	bool in_credentials = has_keys(&p->credentials), in_config = has_keys(&p->config);
	/* The keys of a profile that is the source of another one, or of itself, come before its own
	 * role. */
	if (v[TOKEN_FILE].n || (v[ROLE_ARN].n && !(depth && (in_credentials || in_config))))
		return assumed_role(out, w, v, depth, d, f);
	bool signs_on = v[SSO_ACCOUNT].n || v[SSO_ROLE].n;
	if (in_credentials && !signs_on)
		return written_keys(out, &p->credentials, f);
	if (signs_on || v[LOGIN_SESSION].n)
		return needs_a_browser(p, f);
	if (v[PROCESS].n)
		return printed_keys(out, w->chain, v[PROCESS], d, f);
	if (in_config)
		return written_keys(out, &p->config, f);
	if (v[SSO_SESSION].n || v[SSO_START_URL].n)
		return needs_a_browser(p, f);
	return depth ? fault_set(f, E_CONFIG, 0, "it has no keys") : E_MORE;
}

static enum err profile_keys(struct credential_set *out, struct walk *w, struct str name, int depth,
	struct deadline *d, struct fault *f)
{
	struct profile p;
	w->profile = name;
	if (depth == IN_A_ROW_MAX)
		return fault_set(f, E_CONFIG, 0, "source_profile leads in a circle, or too far");
	profile_find(&p, &w->first->files, name);
	enum err e = profile_check(&p, f);
	if (e == OK && depth && !profile_exists(&p))
		e = fault_set(
			f, E_CONFIG, 0, "there is no such profile in ~/.aws/config or ~/.aws/credentials");
	return e == OK ? own_keys(out, w, &p, depth, d, f) : e;
}

static enum err fetch_profile(struct credential_set *out, struct credential_chain *c, bool named,
	struct deadline *d, struct fault *f)
{
	struct profile_in_use use;
	if (named !=
		(environment_get(&c->env, "AWS_PROFILE").n ||
			environment_get(&c->env, "AWS_DEFAULT_PROFILE").n))
		return E_MORE;
	enum err e = profile_in_use_load(&use, &c->env, c->host, f);
	if (e != OK)
		return e;
	struct walk w = { .chain = c, .first = &use };
	e = profile_keys(out, &w, use.profile.name, 0, d, f);
	if (e != OK && e != E_MORE)
		fault_set(f, e, 0, "profile %s: %s", str_sub(w.profile, 0, SHOWN_MAX), fault_text(f));
	profile_in_use_unload(&use, c->host);
	return e;
}

enum err named_profile_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	return fetch_profile(out, c, true, d, f);
}

enum err default_profile_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	return fetch_profile(out, c, false, d, f);
}
