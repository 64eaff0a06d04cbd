#include "listener/requests.h"

#include "base/clock.h"
#include "codec/form.h"
#include "service/metrics.h"

#include <string.h>

_Static_assert(
	(size_t)REQUEST_BODY_MAX == (size_t)BODY_MAX, "a front door takes as much as the listener");

/* ---- what the listener says about itself ---- */

static bool is_get(const struct http_head *head)
{
	return str_eq(head->method, S("GET")) || str_eq(head->method, S("HEAD"));
}

static bool is_health_path(struct str target)
{
	static const struct str paths[] = { STR("/healthz"), STR("/healthz/"), STR("/readyz"),
		STR("/readyz/") };
	for (size_t i = 0; i < countof(paths); i++)
		if (str_eq(target, paths[i]))
			return true;
	return false;
}

static void say_health(struct requests *r, struct connection *c)
{
	bool draining = r->server->draining;
	struct journal *journal = r->services->journal;
	struct str well = journal && journal_failing(journal) ? S("ok\nthe journal cannot be written\n")
														   : S("ok\n");
	connection_say(r->server, c, draining ? 503 : 200, S("text/plain"),
		draining ? S("draining\n") : well, !draining);
}

static void say_metrics(struct requests *r, struct connection *c)
{
	if (!connection_enlarge(r->server, c, BUFFER_REPORT)) {
		connection_refuse(r->server, c, 503, S("too many ask for metrics at once"));
		return;
	}
	/* Behind the request, which the log still needs. */
	size_t half = (REPORT_BUFFER - HEAD_MAX) / 2;
	struct buf answer = { c->buffer->bytes + HEAD_MAX, 0, half, false };
	struct buf text = { answer.p + half, 0, half, false };
	struct metrics_gauges gauges = { .connections = r->server->slots.open,
		.started_wall_s = r->started_wall_s };
	jobs_count(&r->jobs, &gauges.queue, &gauges.inflight);
	if (r->services->journal) {
		gauges.journal_unsettled = journal_unsettled(r->services->journal);
		gauges.journal_failing = journal_failing(r->services->journal) != 0;
	}
	metrics_put(&text, &gauges);
	check(!text.full);
	connection_say_in(answer, r->server, c, 200, S("text/plain; version=0.0.4; charset=utf-8"),
		buf_str(&text), false);
}

/* On the addresses for metrics and for administrators nothing else is served. */
static void say_inside(struct requests *r, struct connection *c)
{
	bool admin = c->use == USE_ADMIN;
	if (admin && is_get(c->head) && is_health_path(c->head->target))
		say_health(r, c);
	else if (is_get(c->head) && str_eq(c->head->target, S("/metrics")))
		say_metrics(r, c);
	else
		connection_refuse(r->server, c, 404,
			admin ? S("only GET /metrics, /healthz and /readyz are served here")
				  : S("only GET /metrics is served here"));
}

/* ---- jobs ---- */

static void release_job(struct requests *r, struct job *job)
{
	struct buffer *b = jobs_release(&r->jobs, job);
	if (b)
		slots_give_buffer(&r->server->slots, b);
}

static void reclaim(struct requests *r)
{
	struct buffer *b;
	while ((b = jobs_reclaim(&r->jobs)))
		slots_give_buffer(&r->server->slots, b);
}

static struct job *open_job(struct requests *r, struct buffer *buffer)
{
	struct job *job = jobs_open(&r->jobs, buffer);
	if (job)
		return job;
	reclaim(r);
	return jobs_open(&r->jobs, buffer);
}

static void on_done(void *ctx, struct connection *c)
{
	struct requests *r = ctx;
	struct job *job = c->task;
	job->connection = NULL;
	release_job(r, job);
}

static void fill_request(struct job *job, const struct connection *c)
{
	const struct http_head *head = c->head;
	struct gateway_request *req = &job->request;
	struct str timestamp = S("X-Slack-Request-Timestamp"), signature = S("X-Slack-Signature");
	*req = (struct gateway_request){
		.door = DOOR_HTTP,
		.method = head->method,
		.content_type = http_field_get(head, S("Content-Type")),
		.user_agent = http_field_get(head, S("User-Agent")),
		.timestamp = http_field_get(head, timestamp),
		.signature = http_field_get(head, signature),
		.doubled = http_field_count(head, timestamp) > 1 || http_field_count(head, signature) > 1,
		.type_doubled = http_field_count(head, S("Content-Type")) > 1,
		.retry_num = http_field_get(head, S("X-Slack-Retry-Num")),
		.retry_reason = http_field_get(head, S("X-Slack-Retry-Reason")),
		.body = buf_str(&c->decoded),
	};
	str_cut(&req->path, &req->query, head->target, '?');
	req->ssl_check = slack_form_is_ssl_check(req->query);
	memcpy(job->peer, c->peer, c->peer_n);
	job->peer_n = c->peer_n;
	job->to_head = str_eq(head->method, S("HEAD"));
}

/* ---- answers ---- */

/* Hands the job's response to its connection. */
static void deliver(struct requests *r, struct job *job)
{
	connection_answer(
		r->server, job->connection, job->response, job->status, job->keep_alive, job->local);
}

/* The loop answers itself, with the decision's reply. */
static void settle(struct requests *r, struct job *job)
{
	job_respond(job, &job->decision.reply);
	jobs_settle(&r->jobs, job);
	if (job->decision.message.n)
		jobs_submit(&r->jobs, job, TASK_TELL);
	deliver(r, job);
}

/* A promise is on disk first, which the loop does not wait for. */
static void run_here(struct requests *r, struct job *job)
{
	if (r->services->journal) {
		jobs_submit(&r->jobs, job, TASK_LOCAL);
		return;
	}
	jobs_run_local(&r->jobs, job);
	settle(r, job);
}

/* Its answer needs no worker, and does not wait until one is free. */
static void announce(struct requests *r, struct job *job)
{
	struct decision *d = &job->decision;
	dispatch_reply(&d->reply, &r->services->config, d, &(struct outcome){ .fate = FATE_ANNOUNCED },
		&job->arena);
	settle(r, job);
	jobs_submit(&r->jobs, job, TASK_INVOKE);
}

/* The decision is made. */
static void carry_out(struct requests *r, struct job *job)
{
	const struct decision *d = &job->decision;
	bool invoke = d->action == ACTION_INVOKE;
	job->note.level = d->level;
	job->note.why = d->why;
	if (invoke || d->slack.kind != SLACK_UNKNOWN_KIND)
		job->note.kind = slack_kind_name(d->slack.kind);
	if (d->ignored)
		metrics_event_ignored();
	if (d->has_key)
		slots_authenticate(&r->server->slots, job->connection);
	if (jobs_may_renew(&r->jobs, job))
		jobs_submit(&r->jobs, job, TASK_RENEW);
	else if (!invoke)
		settle(r, job);
	else if (str_eq(d->target.region, TARGET_LOCAL) && !(d->route && d->route->sync))
		run_here(r, job);
	else if (!r->services->journal && dispatch_announces(&r->services->config, d))
		announce(r, job);
	else
		jobs_submit(&r->jobs, job, TASK_INVOKE);
}

/* To verify it, in bytes times secrets. */
static size_t cost_of(struct requests *r, const struct job *job)
{
	const struct slack_secrets *held = signing_secrets_hold(&r->services->secrets);
	size_t secrets = held->count ? held->count : 1;
	signing_secrets_release(&r->services->secrets, held);
	return job->request.body.n * secrets;
}

/* By a verifier. When too many wait for one, one of them is answered 503. */
static void have_verified(struct requests *r, struct job *job)
{
	struct job *loser = jobs_unverified_loser(&r->jobs);
	if (loser && jobs_overdue(&r->jobs, loser)) {
		deliver(r, loser);
		connection_resume(r->server, loser->connection);
	}
	jobs_submit(&r->jobs, job, TASK_VERIFY);
}

static void decide_or_have_decided(struct requests *r, struct job *job)
{
	job->cost = cost_of(r, job);
	if (job->cost > VERIFY_IN_LOOP_MAX) {
		have_verified(r, job);
		return;
	}
	jobs_decide(&r->jobs, job);
	carry_out(r, job);
}

static void on_request(void *ctx, struct connection *c)
{
	struct requests *r = ctx;
	if (c->use != USE_REQUESTS) {
		say_inside(r, c);
		return;
	}
	if (is_get(c->head) && is_health_path(c->head->target)) {
		say_health(r, c);
		return;
	}
	struct job *job = open_job(r, c->buffer);
	if (!job) {
		connection_refuse(r->server, c, 503, S("all workers are busy and the queue is full"));
		return;
	}
	fill_request(job, c);
	job->arrived_mono = c->began;
	job->arrived_wall = clock_wall_ms() - (r->server->now - c->began);
	job->soft = job->arrived_mono + r->services->config.timeout_ms;
	job->hard = job->arrived_mono + JOB_LIFE_MS;
	job->connection = c;
	job->buffer = connection_detach(r->server, c, job->soft);
	job->keep_alive = c->keep;
	c->task = job;
	c->note = &job->note;
	decide_or_have_decided(r, job);
}

static void on_overdue(void *ctx, struct connection *c)
{
	struct requests *r = ctx;
	struct job *job = c->task;
	if (jobs_overdue(&r->jobs, job))
		deliver(r, job);
}

/* ---- what the workers have done ---- */

static void decide_again(struct requests *r, struct job *job)
{
	job->keep_alive &= !r->server->draining;
	connection_wait_again(r->server, job->connection, job->soft);
	if (job->task == TASK_LOCAL)
		settle(r, job);
	else if (job->task == TASK_VERIFY)
		carry_out(r, job);
	else
		decide_or_have_decided(r, job);
}

void requests_collect(struct requests *r)
{
	bool again;
	struct job *job;
	while ((job = jobs_collect(&r->jobs, &again))) {
		struct connection *c = job->connection;
		if (again)
			decide_again(r, job);
		else
			deliver(r, job);
		connection_advance(r->server, c);
	}
	reclaim(r);
}

void requests_attach(struct requests *r, struct server *server)
{
	r->server = server;
	server->ctx = r;
	server->on_request = on_request;
	server->on_done = on_done;
	server->on_overdue = on_overdue;
}
