#include "service/dispatch.h"

#include "base/clock.h"
#include "gateway/key.h"
#include "gateway/payload.h"
#include "gateway/result.h"
#include "service/metrics.h"
#include "service/recent.h"

enum {
	LATE_MESSAGE_MS =
		1000, /* what an invocation leaves of the time for the late message about it */
	LAST_CALL_MS = 2000, /* what a disk that stalls leaves of it for one call */
};

#define UNCOVERED "the journal cannot be written: what is acknowledged now would be lost in a crash"
#define TWICE "the journal cannot be written: after a crash this may be started twice"

struct attempt {
	const struct dispatch *d;
	bool answered;
	int64_t answered_ms; /* if it was answered; at the latest */
	char key[REQUEST_KEY_SIZE];
	uint64_t promised;   /* id in the journal; 0: nothing is promised there */
};

static int64_t now_of(const struct dispatch *d)
{
	return d->effects->now(d->effects->ctx);
}

static void send_answer(struct attempt *run, const struct reply *reply)
{
	run->answered = true;
	run->d->answer(run->d->ctx, reply);
	run->answered_ms = now_of(run->d);
}

void dispatch_reply(struct reply *out, const struct config *c, const struct decision *decision,
                    const struct outcome *outcome, struct arena *arena)
{
	reply_to(out, c, decision->route, &decision->slack, &decision->target, outcome, arena);
}

static void answer_outcome(struct attempt *run, const struct outcome *outcome)
{
	const struct dispatch *d = run->d;
	struct reply reply;
	dispatch_reply(&reply, d->config, d->decision, outcome, d->arena);
	send_answer(run, &reply);
}

/* With nothing more to tell. */
static void answer_fate(struct attempt *run, enum fate fate)
{
	answer_outcome(run, &(struct outcome){ .fate = fate });
}

/* What Slack would deliver it under again; empty for what it delivers once. */
static struct str delivery_of(const struct attempt *run)
{
	return request_is_repeatable(run->d->decision) ? (struct str){ run->key, sizeof(run->key) }
												   : S("");
}

static bool is_sync(const struct decision *decision)
{
	return decision->route && decision->route->sync;
}

uint64_t dispatch_promise(uint64_t *id, const struct dispatch *d, bool attempted)
{
	const struct decision *decision = d->decision;
	const struct journal_request request = {
		.arrived_ms = d->arrived_ms,
		.sync = is_sync(decision),
		.request_id = d->request_id,
		.kind = slack_kind_name(decision->slack.kind),
		.region = decision->target.region,
		.function = decision->target.function,
		.response_url = decision->slack.response_url,
		.payload = d->payload,
	};
	return journal_promise(d->journal, id, &request, attempted);
}

/* Waits until that moment for what must be on disk before what happens next. A failure is logged,
 * once a minute, with what it means. */
static bool keep_until(struct journal *j, uint64_t ticket, int64_t until, struct str request_id,
	const char *means)
{
	struct fault f;
	if (journal_wait(j, ticket, until, &f) == OK)
		return true;
	if (journal_complains(j, clock_mono_ms()))
		LOG(LOG_ERROR, means, "request_id reason", request_id, fault_text(&f));
	return false;
}

bool dispatch_kept(struct journal *j, uint64_t ticket, struct str request_id)
{
	return keep_until(j, ticket, 0, request_id, UNCOVERED);
}

/* Something is left to be told after the answer, which Slack must have, on disk or not. An event is
 * promised nothing: Slack delivers it again. */
static void promise_more(struct attempt *run)
{
	const struct dispatch *d = run->d;
	if (d->journal && d->decision->slack.kind != SLACK_EVENT)
		(void)!keep_until(d->journal, dispatch_promise(&run->promised, d, true),
			d->soft + JOURNAL_LAST_MS, d->request_id, UNCOVERED);
}

static void answer_pending(void *arg)
{
	struct attempt *run = arg;
	promise_more(run);
	answer_fate(run, FATE_PENDING);
}

/* On disk before it is on the network: whoever reads the journal after a crash must not take it for
 * one that was never tried. */
static void note_attempt(struct attempt *run)
{
	const struct dispatch *d = run->d;
	/* Its user has an answer, which a crash must not turn into two starts. */
	if (run->promised)
		(void)!keep_until(d->journal, journal_attempt(d->journal, run->promised),
			d->hard - LAST_CALL_MS, d->request_id, TWICE);
}

/* Nobody waits for the disk longer than Slack for its answer, if that is still to come. */
static void note_event(const struct attempt *run, enum journal_fate fate)
{
	const struct dispatch *d = run->d;
	if (!d->journal || !delivery_of(run).n)
		return;
	int64_t patience = now_of(d) + JOURNAL_PATIENCE_MS;
	(void)!keep_until(d->journal, journal_event(d->journal, delivery_of(run), fate, d->arrived_ms),
		run->answered || patience < d->soft ? patience : d->soft, d->request_id, TWICE);
}

bool dispatch_announces(const struct config *c, const struct decision *decision)
{
	return c->ack == ACK_FIRST && decision->slack.kind != SLACK_EVENT && !is_sync(decision);
}

static struct outcome outcome_of(
	const struct dispatch *d, const struct invoke_result *result, struct str body)
{
	static const enum fate fates[] = {
		[INVOKE_STARTED] = FATE_STARTED,
		[INVOKE_NOT_STARTED] = FATE_NOT_STARTED,
		[INVOKE_UNKNOWN] = FATE_UNKNOWN,
	};
	struct outcome outcome = {
		.fate = fates[result->outcome],
		.request_id = str_c(result->request_id),
		.permanent = result->permanent,
	};
	if (result->outcome != INVOKE_STARTED)
		outcome.reason = fault_text(&result->fault);
	else if (is_sync(d->decision) && result->error_name[0])
		outcome.fate = FATE_FAILED,
		outcome.reason = result_failure(body, S("without a reason"), d->arena);
	return outcome;
}

/* Posts `message` to the request's response_url, if there are both. */
static void tell(const struct attempt *run, struct str message, enum err e)
{
	const struct dispatch *d = run->d;
	struct fault f;
	struct deadline deadline = { .hard = d->hard, .soft = DEADLINE_NEVER };
	struct str url = d->decision->slack.response_url;
	if (url.n == 0 || (e == OK && !message.n))
		return;
	if (e == OK)
		e = d->effects->post(
			d->effects->ctx, url, message, run->answered_ms + ANSWER_AHEAD_MS, &deadline, &f);
	else
		fault_set(&f, e, 0, "no memory is left for the message");
	if (e != OK)
		log_failure("the user could not be told what became of the request", d->request_id, &f);
	metrics_relay(e == OK ? "posted" : "failed");
}

void dispatch_tell(const struct dispatch *d, struct str message)
{
	tell(&(struct attempt){ .d = d, .answered_ms = now_of(d) }, message, OK);
}

/* Reads what a function returned to a synchronous call. */
static enum err read_result(
	struct result *out, const struct dispatch *d, struct str body, bool in_time)
{
	const struct decision *decision = d->decision;
	const struct result_use use = {
		.kind = decision->slack.kind,
		.in_time = in_time,
		.has_url = decision->slack.response_url.n > 0,
		.function = decision->target,
	};
	enum err e = result_read(out, &(struct function_result){ .json = body }, &use, d->arena);
	if (e == OK && out->unseen.n)
		LOG(LOG_WARN, "what the function returned is shown to nobody", "request_id reason",
			d->request_id, out->unseen);
	return e;
}

/* A message for the user after Slack had its answer: about a failure, or with what a function
 * returned too late. Events have no response_url: Slack delivers them again after the 503 that they
 * got. */
static void tell_late(const struct attempt *run, const struct outcome *outcome, struct str body)
{
	const struct dispatch *d = run->d;
	struct result result;
	struct str message = reply_late(&d->decision->target, outcome, d->arena);
	enum err e = message.n ? OK : E_LIMIT;
	if (outcome->fate == FATE_STARTED) {
		e = read_result(&result, d, body, false);
		message = result.message;
	}
	tell(run, message, e);
}

/* What the answer could not say: why a button started nothing, or a route's text for one that did.
 */
static void follow_up(const struct attempt *run, const struct outcome *outcome)
{
	const struct dispatch *d = run->d;
	const struct decision *decision = d->decision;
	tell(run,
		reply_follow_up(decision->route, &decision->slack, &decision->target, outcome, d->arena),
		OK);
}

/* `failure`: why it failed, without what the function said of it. */
static void log_result(const struct dispatch *d, const struct invoke_result *result,
	const struct outcome *outcome, struct str failure, int64_t took_ms)
{
	static const char *const words[] = {
		[FATE_STARTED] = "started",
		[FATE_NOT_STARTED] = "not started",
		[FATE_UNKNOWN] = "unknown",
		[FATE_FAILED] = "failed",
	};
	const struct target *target = &d->decision->target;
	const struct slack_request *slack = &d->decision->slack;
	/* What a function says of its failure may have the request in it: that is for the one who
	   asked. */
	struct str reason = outcome->fate != FATE_FAILED ? outcome->reason
		: failure.n                                  ? failure
													 : str_c(result->error_name);
	/* AWS's messages name accounts and people: those are for the log. */
	recent_note(d->decision, d->arrived_ms, words[outcome->fate],
		result->error_name[0] ? str_c(result->error_name) : reason);
	metrics_invoke(words[outcome->fate], result->error_name, result->attempts, took_ms);
	LOG(outcome->fate == FATE_STARTED ? LOG_INFO : LOG_ERROR, words[outcome->fate],
		"request_id kind type region function invocation status# attempts# ms# reason",
		d->request_id, slack_kind_name(slack->kind),
		slack->kind == SLACK_UNKNOWN_KIND ? str_sub(slack->type, 0, 64) : S(""), target->region,
		target->function, str_c(result->request_id), NUM(result->status), NUM(result->attempts),
		NUM(took_ms), reason);
}

/* True if the request is another delivery of an event that needs nothing more done. */
static bool is_duplicate(struct attempt *run)
{
	const struct dispatch *d = run->d;
	if (request_is_repeatable(d->decision))
		request_key(run->key, d->decision, d->request_id);
	struct str id = delivery_of(run);
	enum dedupe_verdict verdict = id.n ? dedupe_begin(d->dedupe, id, d->soft) : DEDUPE_FIRST;
	if (verdict == DEDUPE_FIRST)
		return false;
	LOG(LOG_INFO, "another delivery of an event", "request_id event_id outcome", d->request_id,
		d->decision->slack.event_id,
		verdict == DEDUPE_STARTED ? S("started before") : S("still being started"));
	if (!run->answered)
		answer_fate(run, verdict == DEDUPE_STARTED ? FATE_STARTED : FATE_PENDING);
	recent_note(d->decision, d->arrived_ms, "duplicate", S(""));
	return true;
}

/* Slack's answer to what was settled in time. What a function returned may turn out to be a
 * failure, and may have more to say than the answer can: result->message. */
static void answer_settled(
	struct attempt *run, struct outcome *outcome, struct result *result, struct str body)
{
	const struct dispatch *d = run->d;
	if (is_sync(d->decision) && outcome->fate == FATE_STARTED) {
		enum err e = read_result(result, d, body, true);
		if (e != OK)
			*result = (struct result){ .failed = true, .reason = S("what it returned is too large"),
				.logged = S("what it returned is too large") };
		if (result->failed)
			outcome->fate = FATE_FAILED, outcome->reason = result->reason;
	}
	if (result->message.n)
		promise_more(run);
	if (result->reply.status)
		send_answer(run, &result->reply);
	else
		answer_outcome(run, outcome);
}

bool dispatch_run(const struct dispatch *d)
{
	int64_t start = now_of(d);
	bool sync = is_sync(d->decision);
	struct invoke_result result;
	struct attempt run = {
		.d = d, .answered = d->answered, .answered_ms = start, .promised = d->promised
	};
	struct deadline deadline = {
		.hard = d->hard, .soft = d->soft, .on_soft = answer_pending, .arg = &run, .limit = d->limit
	};
	const struct slack_request *slack = &d->decision->slack;
	struct buf body = { 0 };
	if (is_duplicate(&run))
		return false;
	int64_t spare = (d->hard - d->soft) / 2;
	if (slack->response_url.n && spare > 0)
		deadline.hard -= spare < LATE_MESSAGE_MS ? spare : LATE_MESSAGE_MS;
	/* With a journal, it was announced when that was on disk, or is answered when it is settled. */
	if (!run.answered && !d->journal && dispatch_announces(d->config, d->decision))
		answer_fate(&run, FATE_ANNOUNCED);
	if (run.answered)
		deadline.soft = DEADLINE_NEVER;
	if (sync)
		body = arena_buf(d->arena, SYNC_ANSWER_MAX);
	const struct invocation invocation = {
		.type = sync ? INVOKE_REQUEST_RESPONSE : INVOKE_EVENT,
		.region = d->decision->target.region,
		.function = d->decision->target.function,
		.trace_id = d->trace_id,
		.payload = d->payload,
	};
	note_attempt(&run);
	note_event(&run, JOURNAL_ATTEMPTED);
	d->effects->call(d->effects->ctx, &result, &invocation, sync ? &body : NULL, &deadline);
	struct outcome outcome = outcome_of(d, &result, buf_str(&body));
	bool late = run.answered;
	if (delivery_of(&run).n)
		dedupe_end(d->dedupe, delivery_of(&run), result.outcome == INVOKE_STARTED);
	if (result.outcome == INVOKE_STARTED)
		note_event(&run, JOURNAL_STARTED);
	struct result returned = { 0 };
	if (!late)
		answer_settled(&run, &outcome, &returned, buf_str(&body));
	log_result(d, &result, &outcome, returned.logged, now_of(d) - start);
	if (late && (outcome.fate != FATE_STARTED || sync))
		tell_late(&run, &outcome, buf_str(&body));
	else if (!sync || outcome.fate != FATE_STARTED)
		follow_up(&run, &outcome);
	else
		tell(&run, returned.message, OK);
	if (run.promised)
		journal_settle(d->journal, run.promised);
	return result.refusal == REFUSAL_EXPIRED;
}

enum err dispatch_payload(struct str *out, const struct decision *decision,
	const struct gateway_request *req, struct str request_id, int64_t received_at_ms,
	struct arena *arena)
{
	const struct payload_facts facts = {
		.request_id = request_id,
		.received_at_ms = received_at_ms,
		.key = decision->has_key ? &decision->key : NULL,
		.retry_num = req->retry_num,
		.retry_reason = req->retry_reason,
	};
	return payload_slack(out, &decision->slack, req->body, &decision->target, &facts, arena);
}
