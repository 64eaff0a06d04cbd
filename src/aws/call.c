#include "aws/call.h"

#include "aws/names.h"
#include "base/log.h"
#include "crypto/ct.h"
#include "http/retry.h"

static enum http_again judge_refusal(struct aws_answer *out, struct aws_call *c,
	const struct http_retry *retry, const struct http_attempt *a, struct fault *f)
{
	const struct http_head *head = a->response.head.status ? &a->response.head : NULL;
	out->refusal = refusal_read(out->error_name, f, a->progress.status, head, out->body, c->action);
	if (aws_post_remedy(&c->post, out->refusal, head))
		return HTTP_AGAIN_AT_ONCE;
	bool passes = out->refusal == REFUSAL_THROTTLED || out->refusal == REFUSAL_PASSING;
	return passes ? HTTP_AGAIN_LATER : http_retry_status(retry, a->progress.status);
}

static enum http_again attempt(enum err *e, struct aws_answer *out, struct aws_call *c,
	struct http_retry *retry, struct buf *answer, struct deadline *d, struct fault *f)
{
	struct aws_signed signed_post;
	struct http_attempt a;
	enum http_again again = HTTP_SETTLED;
	ct_wipe(answer->p, answer->n);
	buf_reset(answer);
	out->error_name[0] = 0;
	out->refusal = REFUSAL_OTHER;
	if ((*e = aws_post_sign(&signed_post, &c->post, d, f)) != OK)
		return HTTP_SETTLED;
	struct deadline patience = http_retry_attempt(retry, d);
	*e = aws_post_send(&a, &c->post, &signed_post, retry->fresh, answer, &patience, f);
	deadline_leave(d, &patience);
	aws_signed_wipe(&signed_post);
	out->body = buf_str(answer);
	if (a.progress.status && a.progress.status / 100 != 2) {
		again = judge_refusal(out, c, retry, &a, f);
		*e = E_REFUSED;
	} else if (*e != OK) {
		again = http_retry_failure(retry, &a, *e);
	}
	aws_post_end(&c->post, &a);
	return again;
}

enum err aws_call(struct aws_answer *out, struct aws_context *aws, const struct aws_call *call,
	struct arena *arena, struct deadline *d, struct fault *f)
{
	struct endpoint endpoint;
	struct aws_key_cache key_cache = { 0 };
	struct buf answer = arena_buf(arena, AWS_CALL_ANSWER_MAX);
	struct http_retry retry = http_retry(HTTP_SENDER_CALL);
	struct aws_call c = *call;
	enum err e;
	enum http_again again;
	if (!aws_region_ok(c.post.region))
		return fault_set(f, E_CONFIG, 0, "AWS_REGION must name a region, such as eu-west-1");
	if (answer.full)
		return fault_set(f, E_LIMIT, 0, "no memory is left for AWS's answer");
	if (!d)
		return fault_set(f, E_TIMEOUT, 0, "nobody is asked yet");
	c.post.aws = aws;
	c.post.key_cache = &key_cache;
	c.post.endpoint = &endpoint;
	c.post.service = aws_service_name(c.service);
	endpoint_get(&endpoint, aws->endpoints, c.service, c.post.region);
	if (c.host.n && !aws->endpoints->urls[c.service].n)
		endpoint.host = endpoint.authority = c.host;
	do {
		again = attempt(&e, out, &c, &retry, &answer, d, f);
		LOG(LOG_DEBUG, "call to AWS", "service attempt# reason", c.post.service,
			NUM(retry.attempts), e == OK ? S("") : fault_text(f));
	} while (http_retry_wait(&retry, again, d));
	ct_wipe(&key_cache, sizeof(key_cache));
	return e;
}
