#include "http/retry.h"

#include "base/clock.h"
#include "crypto/seed.h"

static const struct http_retry_policy policies[] = {
	/*                        attempts   pause  growth  patience  repeatable          Retry-After */
	[HTTP_SENDER_INVOKE] =   { 4,   50,  200,   1,         0, HTTP_REPEAT_UNSENT,  60, false },
	[HTTP_SENDER_CALL] =     { 3,   50,  200,   1,      4000, HTTP_REPEAT_SILENT,   0, false },
	[HTTP_SENDER_METADATA] = { 3, 1000, 1000,   1,      2000, HTTP_REPEAT_SILENT,   0, false },
	[HTTP_SENDER_MESSAGE] =  { 4,  200,  250,   4,         0, HTTP_REPEAT_UNSENT, 900, true },
	/* Next door, where nobody else has to be spared. */
	[HTTP_SENDER_ANSWER] =   { 2,    0,    0,   1,      5000, HTTP_REPEAT_CUT,      0, false },
	[HTTP_SENDER_NEXT] =     { 3,   50,   50,   1,         0, HTTP_REPEAT_CUT,      0, false },
};

struct http_retry http_retry(enum http_sender sender)
{
	return (struct http_retry){ .policy = policies[sender] };
}

struct deadline http_retry_attempt(struct http_retry *r, const struct deadline *d)
{
	r->attempts++;
	r->wish_ms = 0;
	return r->policy.patience_ms ? deadline_within(d, r->policy.patience_ms) : *d;
}

enum http_again http_retry_failure(struct http_retry *r, const struct http_attempt *a, enum err e)
{
	bool transient = e == E_NAME || e == E_CONNECT || e == E_TLS || e == E_CLOSED || e == E_SYSTEM;
	r->fresh = true;
	if (a->client && a->kept && !a->progress.answered && transient)
		return HTTP_AGAIN_AT_ONCE;
	if (e == E_TIMEOUT)
		return r->policy.repeatable >= HTTP_REPEAT_SILENT ? HTTP_AGAIN_LATER : HTTP_SETTLED;
	bool harmless = !a->progress.written || r->policy.repeatable >= HTTP_REPEAT_CUT;
	return harmless && (transient || !a->client) ? HTTP_AGAIN_LATER : HTTP_SETTLED;
}

enum http_again http_retry_status(const struct http_retry *r, int status)
{
	bool passes = status == 429 || status == 500 || status == 502 || status == 503 ||
	              (status >= 500 && r->policy.repeatable >= HTTP_REPEAT_CUT);
	return passes ? HTTP_AGAIN_LATER : HTTP_SETTLED;
}

void http_retry_heed(struct http_retry *r, const struct http_head *head, int usual_s)
{
	uint64_t seconds = (uint64_t)usual_s;
	struct str after = head ? http_field_get(head, S("Retry-After")) : S("");
	if (after.n && !str_to_u64(&seconds, after, (uint64_t)r->policy.retry_after_s))
		seconds = r->policy.retry_after_binds ? UINT32_MAX : 0;
	r->wish_ms = (int64_t)seconds * 1000;
}

static int64_t usual_pause(const struct http_retry *r)
{
	const struct http_retry_policy *p = &r->policy;
	int64_t ms = p->pause_ms + (int64_t)seed_below((uint32_t)(p->pause_max_ms - p->pause_ms) + 1);
	for (int i = 1; i < r->attempts; i++)
		ms *= p->growth;
	return ms;
}

bool http_retry_wait(struct http_retry *r, enum http_again again, struct deadline *d)
{
	if (again == HTTP_SETTLED || r->attempts >= r->policy.attempts)
		return false;
	int64_t ms = again == HTTP_AGAIN_LATER ? usual_pause(r) : 0, left = d->hard - clock_mono_ms();
	if (r->wish_ms > ms && (r->wish_ms < left || r->policy.retry_after_binds))
		ms = r->wish_ms;
	return ms < left && deadline_sleep(d, ms);
}
