#include "aws/metadata.h"

#include "http/retry.h"

enum { ANSWER_MAX = 16 * 1024 };

static enum err ask_once(struct http_attempt *a, struct buf *answer,
	const struct metadata_request *r, const struct http_request *request, struct deadline *d,
	struct fault *f)
{
	const struct dial_target to = {
		.host = r->server->host,
		.port = r->server->port,
		.secure = r->server->secure,
		.trust = r->aws->trust,
		.resolver = r->aws->resolver,
	};
	buf_reset(answer);
	enum err e = http_attempt_begin(a, r->aws->pool, &to, true, d, f);
	if (e == OK)
		e = http_attempt_send(a, request, answer, d, f);
	if (a->client)
		http_client_close(a->client);
	http_attempt_end(a, r->aws->pool);
	return e;
}

enum err metadata_ask(struct str *body, int *status, const struct metadata_request *r,
	struct deadline *d, struct fault *f)
{
	const struct http_field fields[] = { { S("Accept"), S("*/*") }, { r->field, r->value } };
	const struct http_request request = {
		.method = r->puts ? S("PUT") : S("GET"),
		.authority = r->server->authority,
		.base_path = r->server->base_path,
		.path = r->path,
		.fields = fields,
		.fields_count = r->value.n ? 2 : 1,
	};
	struct buf answer = arena_buf(r->scratch, ANSWER_MAX);
	struct http_retry retry = http_retry(HTTP_SENDER_METADATA);
	if (r->patience_ms)
		retry.policy.patience_ms = r->patience_ms;
	if (r->attempts)
		retry.policy.attempts = r->attempts;
	if (!http_value_ok(r->value))
		return fault_set(
			f, E_CONFIG, 0, "the value for %s has bytes in it that cannot be sent", r->field);
	if (!d)
		return fault_set(f, E_TIMEOUT, 0, "nobody is asked yet");
	struct http_attempt a;
	enum http_again again;
	enum err e;
	do {
		struct deadline patience = http_retry_attempt(&retry, d);
		e = ask_once(&a, &answer, r, &request, &patience, f);
		deadline_leave(d, &patience);
		again = e == OK ? http_retry_status(&retry, a.progress.status)
						: http_retry_failure(&retry, &a, e);
	} while (http_retry_wait(&retry, again, d));
	*status = a.progress.status;
	*body = str_trim_lines(buf_str(&answer));
	return e;
}
