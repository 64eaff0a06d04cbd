#include "listener/requests.h"

#include "base/clock.h"
#include "codec/form.h"
#include "service/metrics.h"
#include "service/recent.h"

#include <string.h>

_Static_assert(
	(size_t)REQUEST_BODY_MAX == (size_t)BODY_MAX, "a front door takes as much as the listener");

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

/* There was no time to verify it. */
static void refuse_unverified(struct requests *r, struct job *job)
{
	job_respond_503(job);
	jobs_settle(&r->jobs, job);
	deliver(r, job);
}

/* Its answer needs no worker, and does not wait until one is free. */
static void announce(struct requests *r, struct job *job, enum fate fate)
{
	struct decision *d = &job->decision;
	dispatch_reply(
		&d->reply, &r->services->config, d, &(struct outcome){ .fate = fate }, &job->arena);
	settle(r, job);
	jobs_submit(&r->jobs, job, TASK_INVOKE);
}

/* A promise is on disk, or cannot be waited for any longer. */
static void answer_delayed(struct requests *r, struct job *job)
{
	bool kept = jobs_kept(&r->jobs, job);
	job->delayed = false;
	if (job->task == TASK_LOCAL) {
		settle(r, job);
	} else if (kept || job->overdue) {
		announce(r, job, job->overdue ? FATE_PENDING : FATE_ANNOUNCED);
	} else {
		/* What cannot be kept is not announced: it is answered when its outcome is known. */
		if (job->promised)
			journal_settle(r->services->journal, job->promised);
		job->promised = 0;
		connection_wait_again(r->server, job->connection, job->soft);
		jobs_submit(&r->jobs, job, TASK_INVOKE);
	}
}

/* A promise is on disk first, which the loop does not wait for: the job comes back when it is
 * there, or when it has taken too long. */
static void delay(struct requests *r, struct job *job)
{
	int64_t until = r->server->now + JOURNAL_PATIENCE_MS;
	if (job->overdue || until > job->soft)
		until = job->soft + (job->overdue ? JOURNAL_LAST_MS : 0);
	job->delayed = true;
	connection_wait_again(r->server, job->connection, until);
	jobs_delay(&r->jobs, job);
}

static void run_here(struct requests *r, struct job *job)
{
	job->task = TASK_LOCAL;
	jobs_run_local(&r->jobs, job);
	if (job->local && r->services->journal)
		delay(r, job);
	else
		settle(r, job);
}

static void promise(struct requests *r, struct job *job)
{
	job->task = TASK_INVOKE;
	jobs_promise(&r->jobs, job);
	delay(r, job);
}

/* It is answered without anything being started. */
static void note_answer(const struct job *job)
{
	const struct decision *d = &job->decision;
	if (d->has_key && d->reply.status != 401)
		recent_note(d, job->arrived_wall, d->level > LOG_INFO ? "not started" : "answered", d->why);
}

/* The decision is made. */
static void follow_decision(struct requests *r, struct job *job)
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
		note_answer(job), settle(r, job);
	else if (str_eq(d->target.region, TARGET_LOCAL) && !(d->route && d->route->sync))
		run_here(r, job);
	else if (dispatch_announces(&r->services->config, d))
		r->services->journal ? promise(r, job) : announce(r, job, FATE_ANNOUNCED);
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
	if (loser && jobs_take_back(&r->jobs, loser)) {
		refuse_unverified(r, loser);
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
	follow_decision(r, job);
}

static void on_request(void *ctx, struct connection *c)
{
	struct requests *r = ctx;
	if (c->use != USE_REQUESTS) {
		status_answer(&r->status, c);
		return;
	}
	if (status_wants_health(c->head)) {
		status_say_health(&r->status, c);
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
	if (!jobs_take_back(&r->jobs, job))
		return;
	job->keep_alive &= !r->server->draining;
	if (job->delayed) {
		answer_delayed(r, job);
	} else if (job->task == TASK_VERIFY) {
		refuse_unverified(r, job);
	} else if (job->task == TASK_RENEW) {
		settle(r, job);
	} else if (r->services->journal && job->decision.slack.kind != SLACK_EVENT) {
		job->overdue = true;
		promise(r, job);
	} else {
		announce(r, job, FATE_PENDING);
	}
}

/* ---- what the workers have done ---- */

static void decide_again(struct requests *r, struct job *job)
{
	job->keep_alive &= !r->server->draining;
	connection_wait_again(r->server, job->connection, job->soft);
	if (job->delayed)
		answer_delayed(r, job);
	else if (job->task == TASK_VERIFY)
		follow_decision(r, job);
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
	r->status.services = r->services;
	r->status.server = server;
	r->status.jobs = &r->jobs;
	server->ctx = r;
	server->on_request = on_request;
	server->on_done = on_done;
	server->on_overdue = on_overdue;
}
