#include "host/dispatch.h"

#include "base/clock.h"
#include "host/respond.h"

/* What an invocation leaves of the time for the late message about its failure. */
enum { LATE_MESSAGE_MS = 1000 };

/* A job on its way. */
struct run {
	const struct job *job;
	bool answered;
};

static void answer(struct run *run, const struct outcome *outcome)
{
	const struct job *job = run->job;
	struct reply reply = reply_to(&job->services->config, &job->decision->slack, &job->decision->target, outcome, job->arena);
	run->answered = true;
	job->answer(job->ctx, &reply);
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

static void tell_late(const struct job *job, const struct outcome *outcome)
{
	struct fault f;
	struct deadline d = { .hard = job->hard, .soft = DEADLINE_NEVER };
	struct str url = job->decision->slack.response_url;
	struct str message = reply_late(&job->decision->target, outcome, job->arena);
	/* Events have no response_url: Slack delivers them again after the 503 that they got. */
	if (url.n == 0)
		return;
	if (!message.n)
		LOG(LOG_ERROR, L("no memory is left for the late message"), KV("request_id", job->request_id));
	else if (respond(job->services, url, message, &d, &f) != OK)
		LOG(LOG_ERROR, L("the user could not be told that the function was not started"), KV("request_id", job->request_id),
		    KV("reason", fault_text(&f)));
}

static void log_result(const struct job *job, const struct invoke_result *result, int64_t took_ms)
{
	static const struct str words[] = {
		[INVOKE_STARTED] = STR("started"), [INVOKE_NOT_STARTED] = STR("not started"), [INVOKE_UNKNOWN] = STR("unknown"),
	};
	const struct decision *decision = job->decision;
	LOG(result->outcome == INVOKE_STARTED ? LOG_INFO : LOG_ERROR, { S("message"), words[result->outcome], 0, false },
	    KV("request_id", job->request_id), KV("kind", slack_kind_name(decision->slack.kind)),
	    KV("region", decision->target.region), KV("function", decision->target.function),
	    KV("invocation", str_c(result->request_id)), KI("status", result->status), KI("attempts", result->attempts),
	    KI("ms", took_ms), KV("reason", result->outcome == INVOKE_STARTED ? S("") : fault_text(&result->fault)));
}

void dispatch(const struct job *job, struct invoke_result *result)
{
	struct run run = { job, false };
	struct deadline d = { .hard = job->hard, .soft = job->soft, .on_soft = answer_pending, .arg = &run };
	if (d.hard - LATE_MESSAGE_MS > d.soft)
		d.hard -= LATE_MESSAGE_MS;
	int64_t start = clock_mono_ms();
	const struct slack_request *slack = &job->decision->slack;
	if (job->services->config.ack == ACK_FIRST && slack->kind != SLACK_EVENT) {
		d.soft = DEADLINE_NEVER;
		answer(&run, &(struct outcome){ .fate = FATE_ANNOUNCED });
	}
	const struct invocation invocation = {
		.type = INVOKE_EVENT,
		.region = job->decision->target.region,
		.function = job->decision->target.function,
		.trace_id = job->trace_id,
		.payload = job->payload,
	};
	invoke(job->invoker, result, &invocation, NULL, &d);
	struct outcome outcome = outcome_of(result);
	bool late = run.answered;
	if (!late)
		answer(&run, &outcome);
	log_result(job, result, clock_mono_ms() - start);
	if (late && outcome.fate != FATE_STARTED)
		tell_late(job, &outcome);
}
