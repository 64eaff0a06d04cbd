#include "service/respond.h"

#include "codec/json_read.h"
#include "gateway/response_url.h"
#include "http/retry.h"

enum {
	RETRY_AFTER_S = 1, /* when Slack limits the rate and does not say for how long */
	ERROR_WORD_MAX = 40,
};

/* What Slack says is wrong, bare or as {"ok":false,"error":"expired_url"}, if it is one plain word;
 * else nothing, for nobody knows what it is. *no: it is in JSON that says no, whatever its status.
 */
static struct str error_word(bool *no, struct str body)
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

/* What an answer means, whose status line has come. */
static enum err judge(enum http_again *again, struct http_retry *retry, int status,
	const struct http_head *head, struct str body, struct fault *f)
{
	bool no;
	struct str word = error_word(&no, body);
	if (status / 100 == 2 && !no)
		return OK;
	if (status == 429)
		http_retry_heed(retry, head, RETRY_AFTER_S);
	*again = status == 429 || status >= 500 ? HTTP_AGAIN_LATER : HTTP_SETTLED;
	return fault_set(f, E_REFUSED, 0, "Slack answered %d%s%s to the message", NUM(status),
		word.n ? S(" ") : S(""), word);
}

static enum err attempt_post(enum http_again *again, struct http_retry *retry, struct services *s,
	const struct dial_target *to, const struct http_request *request, struct deadline *d,
	struct fault *f)
{
	char answer[2048];
	struct buf body = BUF(answer);
	struct http_attempt a;
	struct deadline own = http_retry_attempt(retry, d);
	enum err e = http_attempt_begin(&a, &s->pool, to, retry->fresh, &own, f);
	if (e == OK)
		e = http_attempt_send(&a, request, &body, &own, f);
	deadline_leave(d, &own);
	*again = HTTP_SETTLED;
	if (a.progress.status)
		e = judge(again, retry, a.progress.status, a.response.head.status ? &a.response.head : NULL,
			buf_str(&body), f);
	else
		*again = http_retry_failure(retry, &a, e);
	http_attempt_end(&a, &s->pool);
	return e;
}

enum err respond(struct services *s, struct str response_url, struct str message,
	struct deadline *d, struct fault *f)
{
	struct response_url url;
	if (!response_url_read(&url, response_url, s->config.response_hosts))
		return fault_set(f, E_REFUSED, 0,
			"the request's response_url is not one that GATEWAY_RESPONSE_HOSTS allows");
	const struct dial_target to = {
		.host = url.host,
		.port = url.port,
		.secure = url.secure,
		.trust = &s->slack_trust,
		.resolver = &s->resolver,
		.proxy = &s->proxy,
	};
	const struct http_field content_type = { S("Content-Type"),
		S("application/json; charset=utf-8") };
	const struct http_request request = {
		.method = S("POST"),
		.authority = url.authority,
		.path = url.path,
		.fields = &content_type,
		.fields_count = 1,
		.body = message,
	};
	struct http_retry retry = http_retry(HTTP_SENDER_MESSAGE);
	enum http_again again;
	enum err e;
	do
		e = attempt_post(&again, &retry, s, &to, &request, d, f);
	while (http_retry_wait(&retry, again, d));
	return e == OK || again == HTTP_SETTLED ? e : (f->code = E_BUSY);
}
