#include "host/dispatch.h"

#include "base/clock.h"
#include "host/respond.h"

/* What an invocation leaves of the time for the late message about its failure. */
enum { LATE_MESSAGE_MS = 1000 };

struct run {
	const struct dispatch *d;
	bool answered;
};

static void answer(struct run *run, const struct outcome *outcome)
{
	const struct dispatch *d = run->d;
	struct reply reply = reply_to(&d->services->config, &d->decision->slack, &d->decision->target, outcome, d->arena);
	run->answered = true;
	d->answer(d->ctx, &reply);
}

static void answer_pending(void *arg)
{
	answer(arg, &(struct outcome){ .fate = FATE_PENDING });
}

static struct outcome outcome_of(const struct invoke_result *result)
{
	static const enum fate fates[] = {
		[INVOKE_STARTED] = FATE_STARTED, [INVOKE_NOT_STARTED] = FATE_NOT_STARTED, [INVOKE_UNKNOWN] = FATE_UNKNOWN,
	};
	return (struct outcome){
		.fate = fates[result->outcome],
		.reason = fault_text(&result->fault),
		.request_id = str_c(result->request_id),
		.permanent = result->permanent,
	};
}

static void tell_late(const struct dispatch *d, const struct outcome *outcome)
{
	struct fault f;
	struct deadline deadline = { .hard = d->hard, .soft = DEADLINE_NEVER };
	struct str url = d->decision->slack.response_url;
	struct str message = reply_late(&d->decision->target, outcome, d->arena);
	/* Events have no response_url: Slack delivers them again after the 503 that they got. */
	if (url.n == 0)
		return;
	if (!message.n)
		LOG(LOG_ERROR, L("no memory is left for the late message"), KV("request_id", d->request_id));
	else if (respond(d->services, url, message, &deadline, &f) != OK)
		LOG(LOG_ERROR, L("the user could not be told that the function was not started"), KV("request_id", d->request_id),
		    KV("reason", fault_text(&f)));
}

static void log_result(const struct dispatch *d, const struct invoke_result *result, int64_t took_ms)
{
	static const struct str words[] = {
		[INVOKE_STARTED] = STR("started"), [INVOKE_NOT_STARTED] = STR("not started"), [INVOKE_UNKNOWN] = STR("unknown"),
	};
	const struct target *target = &d->decision->target;
	LOG(result->outcome == INVOKE_STARTED ? LOG_INFO : LOG_ERROR, { S("message"), words[result->outcome], 0, false },
	    KV("request_id", d->request_id), KV("kind", slack_kind_name(d->decision->slack.kind)),
	    KV("region", target->region), KV("function", target->function), KV("invocation", str_c(result->request_id)),
	    KI("status", result->status), KI("attempts", result->attempts), KI("ms", took_ms),
	    KV("reason", result->outcome == INVOKE_STARTED ? S("") : fault_text(&result->fault)));
}

void dispatch_run(const struct dispatch *d, struct invoke_result *result)
{
	struct run run = { d, d->answered };
	struct deadline deadline = { .hard = d->hard, .soft = d->soft, .on_soft = answer_pending, .arg = &run };
	int64_t start = clock_mono_ms();
	if (deadline.hard - LATE_MESSAGE_MS > deadline.soft)
		deadline.hard -= LATE_MESSAGE_MS;
	if (!run.answered && d->services->config.ack == ACK_FIRST && d->decision->slack.kind != SLACK_EVENT)
		answer(&run, &(struct outcome){ .fate = FATE_ANNOUNCED });
	if (run.answered)
		deadline.soft = DEADLINE_NEVER;
	const struct invocation invocation = {
		.type = INVOKE_EVENT,
		.region = d->decision->target.region,
		.function = d->decision->target.function,
		.trace_id = d->trace_id,
		.payload = d->payload,
	};
	invoke(d->invoker, result, &invocation, NULL, &deadline);
	struct outcome outcome = outcome_of(result);
	bool late = run.answered;
	if (!late)
		answer(&run, &outcome);
	log_result(d, result, clock_mono_ms() - start);
	if (late && outcome.fate != FATE_STARTED)
		tell_late(d, &outcome);
}
