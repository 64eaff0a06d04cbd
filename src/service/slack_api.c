#include "service/slack_api.h"

#include "crypto/ct.h"
#include "http/retry.h"

enum {
	WAIT_MAX_MS = 600000,
	RETRY_AFTER_S = 30, /* when Slack limits the rate and does not say for how long */
	ERROR_WORD_MAX = 40,
	AUTHORIZATION = 22, /* bytes before the token */
};

struct str slack_error_word(bool *no, struct str body)
{
	struct json v;
	size_t position;
	struct str word = str_trim_lines(body);
	*no = false;
	if (json_check(&v, &position, word) == OK) {
		struct json error = json_member(v, S("error"));
		*no = json_type(json_member(v, S("ok"))) == JSON_FALSE;
		word = json_type(error) == JSON_STRING ? str_sub(error.text, 1, error.text.n - 1) : S("");
	}
	for (size_t i = 0; i < word.n; i++)
		if (i == ERROR_WORD_MAX || !(is_alnum((unsigned char)word.p[i]) || word.p[i] == '_'))
			return S("");
	return word;
}

/* The line of the head that has it, into call->bearer. */
static enum err read_token(struct str *out, struct slack_call *call, struct services *s,
	const struct secret_source *token, struct deadline *d, struct fault *f)
{
	struct arena scratch = { call->scratch, 0, sizeof(call->scratch) };
	struct buf b = BUF(call->bearer);
	buf_put(&b, S("Authorization: Bearer "));
	enum err e = secret_source_read(&b, token, &s->credentials, &scratch, d, f);
	ct_wipe(scratch.p, scratch.n);
	while (b.n && (unsigned char)b.p[b.n - 1] <= ' ')
		b.n--;
	if (e == OK && (b.full || !str_is_visible(str_skip(buf_str(&b), AUTHORIZATION))))
		e = fault_set(f, E_FILE, 0, "it holds no token");
	buf_put(&b, S("\r\n"));
	*out = buf_str(&b);
	return e;
}

/* What an answer means. */
static enum err judge(
	struct slack_call *call, const struct http_head *head, struct str method, struct fault *f)
{
	struct http_retry retry = http_retry(HTTP_SENDER_MESSAGE);
	bool limited = call->status == 429 || str_eq(call->error, S("ratelimited"));
	if (call->status == 200 && json_type(json_member(call->json, S("ok"))) == JSON_TRUE)
		return OK;
	call->useless = call->status == 404 ||
		str_index(S("not_authed,invalid_auth,account_inactive,user_removed_from_team,team_disabled,"
					"token_revoked,token_expired,missing_args,insecure_request,forbidden_team,"
					"not_allowed_token_type,missing_scope,no_permission"),
			call->error) >= 0;
	http_retry_heed(&retry, head, RETRY_AFTER_S);
	call->wait_ms = !limited ? 0 : retry.wish_ms < WAIT_MAX_MS ? retry.wish_ms : WAIT_MAX_MS;
	return fault_set(f, E_REFUSED, 0, "Slack answered %d%s%s to %s", NUM(call->status),
		call->error.n ? S(" ") : S(""), call->error, method);
}

static enum err ask(struct slack_call *call, struct services *s, struct str method,
	struct str bearer, struct deadline *d, struct fault *f)
{
	const struct endpoint *api = &s->slack_api;
	const struct dial_target to = services_slack_target(s, api->host, api->port, api->secure);
	const struct http_request request = {
		.method = S("POST"),
		.authority = api->authority,
		.base_path = api->base_path,
		.path = method,
		.lines = bearer,
	};
	struct http_attempt a;
	struct buf body = BUF(call->answer);
	size_t position;
	bool no;
	enum err e = http_attempt_begin(&a, &s->pool, &to, true, d, f);
	if (e == OK)
		e = http_attempt_send(&a, &request, &body, d, f);
	call->status = a.progress.status;
	call->error = slack_error_word(&no, buf_str(&body));
	if (json_check(&call->json, &position, buf_str(&body)) != OK)
		call->json = (struct json){ 0 };
	if (call->status)
		e = judge(call, a.response.head.status ? &a.response.head : NULL, str_skip(method, 1), f);
	http_attempt_end(&a, &s->pool);
	return e;
}

enum err slack_api_call(struct slack_call *call, struct services *s, struct str method,
	const struct secret_source *token, struct deadline *d, struct fault *f)
{
	struct str bearer;
	call->json = (struct json){ 0 };
	call->error = S("");
	call->status = 0;
	call->useless = false;
	call->wait_ms = 0;
	enum err e = read_token(&bearer, call, s, token, d, f);
	if (e != OK)
		fault_lead(f, e, S("the token cannot be read"));
	else
		e = ask(call, s, method, bearer, d, f);
	ct_wipe(call->bearer, sizeof(call->bearer));
	return e;
}
