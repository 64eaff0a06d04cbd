#include "aws/invoke.h"

#include "aws/names.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/form.h"
#include "http/retry.h"

enum {
	/* What follows the status line of an answer to Event is its id or the reason of a refusal: good
	   to have, not worth more. */
	REST_MS = 250,
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
	struct aws_post post;
	struct http_retry retry;
	enum invoke_type type;
	bool maybe_arrived;     /* a kept connection ended on it, and nothing was heard since */
	int64_t started_ms;     /* the attempt, monotonic */
};

static bool is_permanent(int status)
{
	return status < 500 && status != 408 && status != 409 && status != 410 && status != 429;
}

static enum http_again judge_refusal(
	struct invoke_result *out, struct course *c, const struct http_head *head, struct str body)
{
	out->refusal = refusal_read(
		out->error_name, &out->fault, out->status, head, body, S("lambda:InvokeFunction"));
	if (out->status / 100 == 2) {
		fault_set(&out->fault, E_REFUSED, 0,
			"answered %d instead of %d; is AWS_ENDPOINT_URL right?", NUM(out->status),
			NUM(types[c->type].success));
		out->outcome = INVOKE_UNKNOWN;
		return HTTP_SETTLED;
	}
	if (out->status == 504) {
		out->outcome = INVOKE_UNKNOWN;
		return HTTP_SETTLED;
	}
	out->outcome = INVOKE_NOT_STARTED;
	out->permanent = is_permanent(out->status) && out->refusal != REFUSAL_EXPIRED &&
		out->refusal != REFUSAL_THROTTLED;
	if (aws_post_remedy(&c->post, out->refusal, head))
		return HTTP_AGAIN_AT_ONCE;
	if (out->status == 429)
		http_retry_heed(&c->retry, head, 0);
	bool passes = out->refusal == REFUSAL_THROTTLED ||
		(out->status == 409 && out->refusal == REFUSAL_PENDING);
	return passes ? HTTP_AGAIN_LATER : http_retry_status(&c->retry, out->status);
}

/* Emulators run the function of an Event at once and answer with what it returned. A page of HTML
 * is somebody else's. */
static bool ran_at_once(const struct course *c, int status, const struct http_head *head)
{
	return c->type == INVOKE_EVENT && status == 200 && head &&
		endpoint_is_foreign(c->post.endpoint) &&
		!str_eq_nocase(str_sub(http_field_get(head, S("content-type")), 0, 9), S("text/html"));
}

static enum http_again judge_answer(
	struct invoke_result *out, struct course *c, const struct http_attempt *a, enum err e)
{
	const struct http_head *head = a->response.head.status ? &a->response.head : NULL;
	out->status = a->progress.status;
	c->maybe_arrived = false;
	if (head)
		aws_name_copy(
			out->request_id, sizeof(out->request_id), http_field_get(head, S("x-amzn-requestid")));
	if (out->status != types[c->type].success && !ran_at_once(c, out->status, head))
		return judge_refusal(out, c, head, a->response.body);
	out->outcome = INVOKE_STARTED;
	if (c->type == INVOKE_REQUEST_RESPONSE && e != OK)
		out->outcome = INVOKE_UNKNOWN;
	else
		out->fault.code = OK, out->fault.n = 0;
	if (head)
		aws_name_copy(out->error_name, sizeof(out->error_name),
			http_field_get(head, S("x-amz-function-error")));
	return HTTP_SETTLED;
}

/* There is no status; out->fault says why. */
static enum http_again judge_silence(
	struct invoke_result *out, struct course *c, const struct http_attempt *a, enum err e)
{
	bool was_written = a->progress.written;
	out->status = 0;
	c->maybe_arrived |= was_written;
	out->outcome = c->maybe_arrived ? INVOKE_UNKNOWN : INVOKE_NOT_STARTED;
	if (was_written && e == E_TIMEOUT) {
		int64_t ms = clock_mono_ms() - c->started_ms;
		fault_set(&out->fault, e, 0,
			ms < 1000 ? "no answer from %s within %d ms" : "no answer from %s within %d s",
			c->post.endpoint->authority, NUM(ms < 1000 ? ms : (ms + 500) / 1000));
	}
	return http_retry_failure(&c->retry, a, e);
}

static enum http_again attempt(
	struct invoke_result *out, struct course *c, struct buf *body, struct deadline *d)
{
	struct http_attempt a;
	struct aws_signed signed_post;
	struct buf answer = { body->p + body->n, 0, body->cap - body->n, false };
	out->error_name[0] = out->request_id[0] = 0;
	out->permanent = false;
	out->refusal = REFUSAL_OTHER;
	struct deadline own = http_retry_attempt(&c->retry, d);
	if (aws_post_sign(&signed_post, &c->post, &own, &out->fault) != OK) {
		deadline_leave(d, &own);
		out->outcome = c->maybe_arrived ? INVOKE_UNKNOWN : INVOKE_NOT_STARTED;
		out->status = 0;
		return HTTP_SETTLED;
	}
	c->started_ms = clock_mono_ms();
	enum err e =
		aws_post_send(&a, &c->post, &signed_post, c->retry.fresh, &answer, &own, &out->fault);
	deadline_leave(d, &own);
	aws_signed_wipe(&signed_post);
	enum http_again again =
		a.progress.status ? judge_answer(out, c, &a, e) : judge_silence(out, c, &a, e);
	aws_post_end(&c->post, &a);
	if (out->outcome == INVOKE_STARTED)
		body->n += answer.n;
	return again;
}

/* What every request has in common: to whom it goes and from whom. */
static void address(
	struct aws_post *out, struct endpoint *endpoint, struct invoker *v, struct str region)
{
	endpoint_get(endpoint, v->aws->endpoints, AWS_LAMBDA, region);
	out->aws = v->aws;
	out->chain = v->credentials;
	out->key_cache = &v->key_cache;
	out->endpoint = endpoint;
	out->service = S("lambda");
	out->region = region;
}

void invoke(struct invoker *v, struct invoke_result *out, const struct invocation *in,
	struct buf *body, struct deadline *d)
{
	check(aws_region_ok(in->region) && aws_function_ok(in->function, in->region));
	check((body != NULL) == (in->type == INVOKE_REQUEST_RESPONSE));
	char path_memory[PATH_LEN_MAX], body_memory[REFUSAL_BODY_MAX];
	struct buf path = BUF(path_memory), refusal = BUF(body_memory);
	buf_put(&path, S("/2015-03-31/functions/"));
	percent_encode(&path, in->function, false);
	buf_put(&path, S("/invocations"));
	const struct http_field fields[] = {
		{ S("content-type"), S("application/json") },
		{ S("x-amz-invocation-type"), str_c(types[in->type].name) },
	};
	struct endpoint endpoint;
	struct course c = { .type = in->type, .retry = http_retry(HTTP_SENDER_INVOKE) };
	address(&c.post, &endpoint, v, in->region);
	c.post.rest_ms = types[in->type].rest_ms;
	c.post.path = buf_str(&path);
	c.post.fields = fields;
	c.post.fields_count = countof(fields);
	c.post.trace_id = in->trace_id;
	c.post.payload = in->payload;

	*out = (struct invoke_result){ 0 };
	enum http_again again;
	do {
		again = attempt(out, &c, body ? body : &refusal, d);
		out->attempts = c.retry.attempts;
		LOG(LOG_DEBUG, "invoke attempt", "function attempt# status# reason", in->function,
			NUM(out->attempts), NUM(out->status), fault_text(&out->fault));
	} while (http_retry_wait(&c.retry, again, d));
	if (out->fault.code == E_NAME && !v->aws->endpoints->urls[AWS_LAMBDA].n)
		fault_set(&out->fault, E_NAME, 0, "%s; is the region right?", fault_text(&out->fault));
}

enum err invoke_warm_up(struct invoker *v, struct str region, struct deadline *d, struct fault *f)
{
	struct endpoint endpoint;
	struct aws_post nothing = { 0 };
	address(&nothing, &endpoint, v, region);
	struct http_attempt a;
	enum err e = aws_post_connect(&a, &nothing, false, d, f);
	aws_post_end(&nothing, &a);
	return e;
}
