#include "aws/sts.h"

#include "aws/call.h"
#include "aws/credential_sources.h"
#include "codec/form.h"
#include "codec/xml.h"
#include "crypto/ct.h"

/* As documented. */
enum { TOKEN_MAX = 20000, DURATION_MIN_S = 900, DURATION_MAX_S = 43200 };

#define WEB_IDENTITY S("web identity")

static enum err read_token(struct str *out, struct credential_chain *c, struct str path,
	struct deadline *d, struct fault *f)
{
	enum err e = credentials_read_token(out, c, path, TOKEN_MAX, d, f);
	return e == OK ? OK
				   : fault_lead(f, e,
						 S("AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of a profile"));
}

static enum err write_form(struct str *out, const struct sts_role *role, struct str token,
	struct arena *arena, struct fault *f)
{
	static const char names[][17] = { "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId",
		"WebIdentityToken" };
	const struct str values[] = {
		role->arn,
		role->session_name.n ? role->session_name : S("slack-lambda-gateway"),
		role->duration_seconds,
		role->external_id,
		token,
	};
	struct buf form = arena_rest(arena);
	buf_format(
		&form, "Action=AssumeRole%s&Version=2011-06-15", token.n ? S("WithWebIdentity") : S(""));
	for (size_t i = 0; i < countof(values); i++)
		if (values[i].n)
			form_put(&form, str_c(names[i]), values[i]);
	*out = arena_keep(arena, &form);
	return form.full ? fault_set(f, E_LIMIT, 0, "the settings of the role are too long") : OK;
}

/* What STS would say no to whoever asks. */
static enum err check_role(const struct sts_role *role, struct fault *f)
{
	struct str name = role->session_name;
	uint64_t seconds = DURATION_MIN_S;
	if (!str_starts(role->arn, S("arn:")) || str_find_str(role->arn, S(":role/")) == role->arn.n)
		return fault_set(f, E_CONFIG, 0, "role_arn, or AWS_ROLE_ARN, is not the ARN of a role");
	for (size_t i = 0; i < name.n; i++)
		if (!is_alnum((unsigned char)name.p[i]) && str_find(S("_=,.@+-"), name.p[i]) == 7)
			name.n = 1;
	if (name.n == 1 || name.n > 64)
		return fault_set(f, E_CONFIG, 0,
			"role_session_name, or AWS_ROLE_SESSION_NAME, has 2 to 64 letters, digits and _=,.@+-");
	if (role->duration_seconds.n &&
		(!str_to_u64(&seconds, role->duration_seconds, DURATION_MAX_S) || seconds < DURATION_MIN_S))
		return fault_set(f, E_CONFIG, 0, "duration_seconds is a number from %d to %d",
			NUM(DURATION_MIN_S), NUM(DURATION_MAX_S));
	return OK;
}

static void choose_endpoint(struct aws_call *call, const struct aws_context *aws)
{
	bool global = endpoints_sts_is_global(aws->endpoints, aws->region);
	call->post.region = aws->region.n && !global ? aws->region : S("us-east-1");
	if (global)
		call->host = S("sts.amazonaws.com");
}

static enum err assume_role(struct credential_set *out, struct credential_chain *c,
	const struct sts_role *role, const struct credentials *with, struct str source,
	struct deadline *d, struct fault *f)
{
	static const struct http_field content_type = { STR("content-type"),
		STR("application/x-www-form-urlencoded") };
	struct aws_call call = {
		.service = AWS_STS, .action = with ? S("sts:AssumeRole") : S(""),
		.post = { .keys = with, .path = S("/"), .fields = &content_type, .fields_count = 1 },
	};
	struct aws_answer answer;
	struct str token = S("");
	choose_endpoint(&call, c->aws);
	enum err e = with ? OK : read_token(&token, c, role->web_identity_token_file, d, f);
	if (e == OK)
		e = write_form(&call.post.payload, role, token, &c->scratch, f);
	if (e == OK)
		e = check_role(role, f);
	if (e == OK)
		e = aws_call(&answer, c->aws, &call, &c->scratch, d, f);
	if (e != OK)
		return fault_lead(f, e, source);
	struct str part[4], name, names = S("AccessKeyId,SecretAccessKey,SessionToken,Expiration");
	for (size_t i = 0; i < countof(part); i++) {
		str_next(&name, &names, ',');
		part[i] = xml_text(answer.body, name, &c->scratch);
		if (!part[i].n)
			return fault_set(f, E_SYNTAX, 0, "%s gave no %s", source, name);
	}
	return credentials_set(out, part[0], part[1], part[2], part[3], source, f);
}

enum err sts_assume_role(struct credential_set *out, struct credential_chain *c,
	const struct sts_role *role, const struct credentials *with, struct deadline *d,
	struct fault *f)
{
	size_t before = c->scratch.n;
	enum err e = assume_role(out, c, role, with, with ? S("assumed role") : WEB_IDENTITY, d, f);
	ct_wipe(c->scratch.p + before, c->scratch.n - before);
	c->scratch.n = before;
	return e;
}

enum err web_identity_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct sts_role role = {
		.arn = environment_get(&c->env, "AWS_ROLE_ARN"),
		.session_name = environment_get(&c->env, "AWS_ROLE_SESSION_NAME"),
		.web_identity_token_file = environment_get(&c->env, "AWS_WEB_IDENTITY_TOKEN_FILE"),
	};
	if (!role.web_identity_token_file.n)
		return E_MORE;
	if (!role.arn.n)
		return fault_set(f, E_CONFIG, 0,
			"%s: AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN", WEB_IDENTITY);
	return sts_assume_role(out, c, &role, NULL, d, f);
}
