#include "aws/invoke.h"

#include "aws/names.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/form.h"

#include <stdatomic.h>

enum {
	ATTEMPTS_MAX = 4,
	RETRY_AFTER_MAX_S = 60,
	/* What follows the status line of an answer to Event is its id or the reason of a refusal: good to have, not worth more. */
	REST_MS = 250,
	REFUSAL_BODY_MAX = 8192,
	PATH_LEN_MAX = 40 + 3 * AWS_FUNCTION_MAX,
};

static const struct {
	char name[16];
	int success, rest_ms;
} types[] = {
	[INVOKE_EVENT] = { "Event", 202, REST_MS },
	[INVOKE_REQUEST_RESPONSE] = { "RequestResponse", 200, 0 },
	[INVOKE_DRY_RUN] = { "DryRun", 204, 0 },
};

/* An invocation under way. */
struct course {
	struct aws_request request;
	enum invoke_type type;
	bool clock_corrected, keys_renewed;
	bool maybe_arrived;     /* a kept connection ended on it, and nothing was heard since */
	int64_t started_ms;     /* the attempt, monotonic */
	int64_t retry_after_ms; /* that the last answer asked for, or 0 */
};

static bool named(const struct invoke_result *r, struct str names)
{
	return aws_name_listed(names, str_c(r->error_name));
}

/* Whether the same request may well succeed in a moment. */
static bool passes(const struct invoke_result *out)
{
	int status = out->status;
	if (status == 409)
		return named(out, S("ResourceConflictException,SnapStartNotReadyException"));
	return status == 429 || status == 500 || status == 502 || status == 503;
}

static bool is_permanent(int status)
{
	return status < 500 && status != 408 && status != 409 && status != 410 && status != 429;
}

static enum aws_next judge_refusal(struct invoker *v, struct invoke_result *out, struct course *c, const struct http_head *head,
                               struct str body)
{
	refusal_read(out->error_name, &out->fault, out->status, head, body, S("lambda:InvokeFunction"));
	if (out->status / 100 == 2) {
		fault_set(&out->fault, E_REFUSED, 0, "answered %d instead of %d; is AWS_ENDPOINT_URL right?", NUM(out->status),
			NUM(types[c->type].success));
		out->outcome = INVOKE_UNKNOWN;
		return AWS_SETTLED;
	}
	if (out->status == 504) {
		out->outcome = INVOKE_UNKNOWN;
		return AWS_SETTLED;
	}
	out->outcome = INVOKE_NOT_STARTED;
	out->keys_expired = named(out, S("ExpiredTokenException,ExpiredToken"));
	out->permanent = is_permanent(out->status) && !out->keys_expired;
	if (!c->clock_corrected && aws_clock_correct(v->client, c->request.skew_ms, str_c(out->error_name), head)) {
		c->clock_corrected = true;
		return AWS_AGAIN_AT_ONCE;
	}
	bool keys_refused = out->keys_expired || named(out, S("UnrecognizedClientException,InvalidClientTokenId"));
	if (keys_refused && !c->keys_renewed && credentials_reject(v->credentials, c->request.keys)) {
		c->keys_renewed = true;
		return AWS_AGAIN_AT_ONCE;
	}
	uint64_t seconds;
	if (out->status == 429 && head && str_to_u64(&seconds, http_field_get(head, S("retry-after")), RETRY_AFTER_MAX_S))
		c->retry_after_ms = (int64_t)seconds * 1000;
	return passes(out) ? AWS_AGAIN_LATER : AWS_SETTLED;
}

static enum aws_next judge_answer(struct invoker *v, struct invoke_result *out, struct course *c, const struct aws_exchange *x,
                              enum err e)
{
	const struct http_head *head = x->response.head.status ? &x->response.head : NULL;
	out->status = x->progress.status;
	c->maybe_arrived = false;
	if (head)
		aws_name_copy(out->request_id, sizeof(out->request_id), http_field_get(head, S("x-amzn-requestid")));
	if (out->status != types[c->type].success)
		return judge_refusal(v, out, c, head, x->response.body);
	out->outcome = INVOKE_STARTED;
	if (c->type == INVOKE_REQUEST_RESPONSE && e != OK)
		out->outcome = INVOKE_UNKNOWN;
	else
		out->fault = (struct fault){ 0 };
	if (head)
		aws_name_copy(out->error_name, sizeof(out->error_name), http_field_get(head, S("x-amz-function-error")));
	return AWS_SETTLED;
}

/* There is no status; out->fault says why. */
static enum aws_next judge_silence(struct invoke_result *out, struct course *c, const struct aws_exchange *x, enum err e)
{
	enum aws_next next = aws_request_next(x, e);
	bool was_written = x->progress.written;
	out->status = 0;
	c->maybe_arrived |= was_written;
	c->request.fresh |= next == AWS_AGAIN_AT_ONCE;
	out->outcome = c->maybe_arrived ? INVOKE_UNKNOWN : INVOKE_NOT_STARTED;
	if (was_written && e == E_TIMEOUT) {
		int64_t ms = clock_mono_ms() - c->started_ms;
		fault_set(&out->fault, e, 0, ms < 1000 ? "no answer from %s within %d ms" : "no answer from %s within %d s",
			c->request.endpoint->authority, NUM(ms < 1000 ? ms : (ms + 500) / 1000));
	}
	return next == AWS_AGAIN_LATER && was_written ? AWS_SETTLED : next;
}

static enum aws_next attempt(struct invoker *v, struct invoke_result *out, struct course *c, struct buf *body, struct deadline *d)
{
	struct aws_exchange x;
	struct buf answer = { body->p + body->n, 0, body->cap - body->n, false };
	out->error_name[0] = out->request_id[0] = 0;
	out->keys_expired = out->permanent = false;
	c->retry_after_ms = 0;
	if (credentials_hold(&c->request.keys, v->credentials, d, &out->fault) != OK) {
		out->outcome = c->maybe_arrived ? INVOKE_UNKNOWN : INVOKE_NOT_STARTED;
		out->status = 0;
		return AWS_SETTLED;
	}
	c->request.skew_ms = atomic_load(&v->client->skew_ms);
	c->started_ms = clock_mono_ms();
	enum err e = aws_request_send(&x, &c->request, &answer, d, &out->fault);
	enum aws_next next = x.progress.status ? judge_answer(v, out, c, &x, e) : judge_silence(out, c, &x, e);
	aws_request_end(&c->request, &x);
	credentials_release(v->credentials, c->request.keys);
	if (out->outcome == INVOKE_STARTED)
		body->n += answer.n;
	return next;
}

/* What every request has in common: to whom it goes and from whom. */
static void address(struct aws_request *out, struct endpoint *endpoint, struct invoker *v, struct str region)
{
	endpoint_get(endpoint, v->client->endpoints, AWS_LAMBDA, region);
	out->client = v->client;
	out->key_cache = &v->key_cache;
	out->endpoint = endpoint;
	out->service = S("lambda");
	out->region = region;
}

void invoke(struct invoker *v, struct invoke_result *out, const struct invocation *in, struct buf *body, struct deadline *d)
{
	check(aws_region_ok(in->region) && aws_function_ok(in->function, in->region));
	check((body != NULL) == (in->type == INVOKE_REQUEST_RESPONSE));
	char path_memory[PATH_LEN_MAX], body_memory[REFUSAL_BODY_MAX];
	struct buf path = BUF(path_memory), refusal = BUF(body_memory);
	buf_put(&path, S("/2015-03-31/functions/"));
	percent_encode(&path, in->function, false);
	buf_put(&path, S("/invocations"));
	const struct sigv4_header fields[] = {
		{ S("content-type"), S("application/json") },
		{ S("x-amz-invocation-type"), str_c(types[in->type].name) },
	};
	struct endpoint endpoint;
	struct course c = { .type = in->type };
	address(&c.request, &endpoint, v, in->region);
	c.request.rest_ms = types[in->type].rest_ms;
	c.request.path = buf_str(&path);
	c.request.fields = fields;
	c.request.fields_count = countof(fields);
	c.request.trace_id = in->trace_id;
	c.request.payload = in->payload;

	*out = (struct invoke_result){ 0 };
	enum aws_next next;
	do {
		out->attempts++;
		next = attempt(v, out, &c, body ? body : &refusal, d);
		LOG(LOG_DEBUG, "invoke attempt", "function attempt# status# reason", in->function, NUM(out->attempts),
			NUM(out->status), fault_text(&out->fault));
	} while (next != AWS_SETTLED && out->attempts < ATTEMPTS_MAX && aws_request_pause(next, c.retry_after_ms, d));
	if (out->fault.code == E_NAME && !v->client->endpoints->urls[AWS_LAMBDA].n)
		fault_set(&out->fault, E_NAME, 0, "%s; is the region right?", fault_text(&out->fault));
}

enum err invoke_warm_up(struct invoker *v, struct str region, struct deadline *d, struct fault *f)
{
	struct endpoint endpoint;
	struct aws_request request = { .fresh = false };
	address(&request, &endpoint, v, region);
	struct aws_exchange x;
	enum err e = aws_request_connect(&x, &request, d, f);
	aws_request_end(&request, &x);
	return e;
}
