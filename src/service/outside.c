#include "service/outside.h"

#include "base/clock.h"
#include "service/respond.h"

static void call(void *ctx, struct invoke_result *out, const struct invocation *in,
	struct buf *answer, struct deadline *d)
{
	struct outside *o = ctx;
	invoke(&o->invoker, out, in, answer, d);
}

static enum err post_message(void *ctx, struct str url, struct str message, int64_t not_before,
	struct deadline *d, struct fault *f)
{
	struct outside *o = ctx;
	/* If that was all the time there is, respond says so. */
	(void)!deadline_sleep(d, not_before - clock_mono_ms());
	return respond(o->services, url, message, d, f);
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return clock_mono_ms();
}

void outside_init(struct outside *o, struct services *s)
{
	o->services = s;
	o->effects = (struct effects){ .ctx = o, .call = call, .post = post_message, .now = now };
	services_invoker(&o->invoker, s);
}
