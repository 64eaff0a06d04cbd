#include "aws/call.h"

#include "aws/names.h"
#include "base/log.h"
#include "crypto/ct.h"

#include <stdatomic.h>

enum { ATTEMPTS_MAX = 3, PATIENCE_MS = 4000 };

static enum aws_next judge_refusal(struct aws_answer *out, struct aws_call *c, const struct aws_exchange *x, struct fault *f)
{
	const struct http_head *head = x->response.head.status ? &x->response.head : NULL;
	int status = x->progress.status;
	refusal_read(out->error_name, f, status, head, out->body, c->action);
	struct str name = str_c(out->error_name);
	if (!c->clock_corrected && aws_clock_correct(c->request.client, c->request.skew_ms, name, head)) {
		c->clock_corrected = true;
		return AWS_AGAIN_AT_ONCE;
	}
	bool passes = status == 429 || status >= 500 ||
		aws_name_listed(S("Throttling,ThrottlingException,ThrottledException,TooManyRequestsException,RequestLimitExceeded,"
			"RequestTimeout,IDPCommunicationError,InvalidIdentityToken"), name);
	return passes ? AWS_AGAIN_LATER : AWS_SETTLED;
}

static enum aws_next attempt(enum err *e, struct aws_answer *out, struct aws_call *c, struct buf *answer, struct deadline *d, struct fault *f)
{
	struct aws_exchange x;
	enum aws_next next;
	ct_wipe(answer->p, answer->n);
	buf_reset(answer);
	out->error_name[0] = 0;
	c->request.skew_ms = atomic_load(&c->request.client->skew_ms);
	struct deadline patience = deadline_within(d, PATIENCE_MS);
	*e = aws_request_send(&x, &c->request, answer, &patience, f);
	deadline_leave(d, &patience);
	out->body = buf_str(answer);
	if (x.progress.status && x.progress.status / 100 != 2) {
		next = judge_refusal(out, c, &x, f);
		*e = E_REFUSED;
	} else {
		next = *e == OK ? AWS_SETTLED : *e == E_TIMEOUT ? AWS_AGAIN_LATER : aws_request_next(&x, *e);
		c->request.fresh |= *e != OK;
	}
	aws_request_end(&c->request, &x);
	return next;
}

enum err aws_call(struct aws_answer *out, struct aws_client *client, const struct aws_call *call, struct arena *arena,
                  struct deadline *d, struct fault *f)
{
	struct endpoint endpoint;
	struct aws_key_cache key_cache = { 0 };
	struct buf answer = arena_buf(arena, AWS_CALL_ANSWER_MAX);
	struct aws_call c = *call;
	enum err e;
	enum aws_next next;
	int attempts = 1;
	if (!aws_region_ok(c.request.region))
		return fault_set(f, E_CONFIG, 0, "AWS_REGION must name a region, such as eu-west-1");
	if (answer.full)
		return fault_set(f, E_LIMIT, 0, "there is no memory left for an answer of AWS");
	c.request.client = client;
	c.request.key_cache = &key_cache;
	c.request.endpoint = &endpoint;
	c.request.service = aws_service_name(c.service);
	endpoint_get(&endpoint, client->endpoints, c.service, c.request.region);
	if (c.host.n && !client->endpoints->urls[c.service].n)
		endpoint.host = endpoint.authority = c.host;
	do {
		next = attempt(&e, out, &c, &answer, d, f);
		LOG(LOG_DEBUG, "call to AWS", "service attempt# reason", c.request.service, NUM(attempts), e == OK ? S("") : fault_text(f));
	} while (next != AWS_SETTLED && attempts++ < ATTEMPTS_MAX && aws_request_pause(next, 0, d));
	ct_wipe(&key_cache, sizeof(key_cache));
	return e;
}
