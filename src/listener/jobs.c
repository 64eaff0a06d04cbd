#include "listener/jobs.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "crypto/seed.h"
#include "gateway/event.h"
#include "gateway/key.h"
#include "http/server.h"
#include "os/memory.h"
#include "os/thread.h"
#include "service/metrics.h"
#include "service/recent.h"
#include "service/outside.h"

struct worker {
	struct jobs *jobs;
	struct outside outside;
	struct effects effects; /* those of `outside`, but for functions that run here */
	struct job *job;
	bool answered;          /* the job has its answer, */
	bool late;              /* and had it before its call had ended, */
	bool settled;           /* which started the function; */
	bool told;              /* or its user was told what became of it */
};

/* ---- states ---- */

/* One more than the state, so that zero is what cannot happen. */
#define TO(state) (unsigned char)((state) + 1)

static const unsigned char transitions[JOB_STATES][JOB_EVENTS] = {
	[JOB_FREE] = { [JOB_OPENS] = TO(JOB_OPEN) },
	[JOB_OPEN] = { [JOB_ASKS] = TO(JOB_UNVERIFIED),
		[JOB_DELAYS] = TO(JOB_DELAYED),
		[JOB_SUBMITS] = TO(JOB_QUEUED),
		[JOB_SETTLES] = TO(JOB_SETTLED),
		[JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_DELAYED] = { [JOB_RETURNS] = TO(JOB_RETURNED),
		[JOB_WITHDRAWS] = TO(JOB_OPEN),
		[JOB_SUBMITS] = TO(JOB_QUEUED),
		[JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_UNVERIFIED] = { [JOB_STARTS] = TO(JOB_VERIFYING),
		[JOB_WITHDRAWS] = TO(JOB_OPEN),
		[JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_VERIFYING] = { [JOB_RETURNS] = TO(JOB_RETURNED), [JOB_RELEASES] = TO(JOB_VERIFYING_LEFT) },
	[JOB_VERIFYING_LEFT] = { [JOB_RETURNS] = TO(JOB_ENDED) },
	[JOB_QUEUED] = { [JOB_WITHDRAWS] = TO(JOB_OPEN),
		[JOB_STARTS] = TO(JOB_RUNNING),
		[JOB_RELEASES] = TO(JOB_QUEUED_LEFT) },
	[JOB_QUEUED_SETTLED] = { [JOB_STARTS] = TO(JOB_RUNNING_SETTLED),
		[JOB_RELEASES] = TO(JOB_QUEUED_LEFT) },
	[JOB_QUEUED_LEFT] = { [JOB_STARTS] = TO(JOB_RUNNING_LEFT) },
	[JOB_RUNNING] = { [JOB_ANSWERS] = TO(JOB_RUNNING_ANSWERED),
		[JOB_RETURNS] = TO(JOB_RETURNED),
		[JOB_RELEASES] = TO(JOB_RUNNING_LEFT) },
	[JOB_RUNNING_ANSWERED] = { [JOB_COLLECTS] = TO(JOB_RUNNING_SETTLED),
		[JOB_ENDS] = TO(JOB_DONE_ANSWERED),
		[JOB_RELEASES] = TO(JOB_RUNNING_LEFT) },
	[JOB_RUNNING_SETTLED] = { [JOB_RETURNS] = TO(JOB_SETTLED),
		[JOB_ENDS] = TO(JOB_SETTLED),
		[JOB_RELEASES] = TO(JOB_RUNNING_LEFT) },
	[JOB_RUNNING_LEFT] = { [JOB_ANSWERS] = TO(JOB_RUNNING_LEFT),
		[JOB_RETURNS] = TO(JOB_ENDED),
		[JOB_ENDS] = TO(JOB_ENDED) },
	[JOB_RETURNED] = { [JOB_COLLECTS] = TO(JOB_OPEN),
		[JOB_SUBMITS] = TO(JOB_QUEUED),
		[JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_DONE_ANSWERED] = { [JOB_COLLECTS] = TO(JOB_SETTLED), [JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_SETTLED] = { [JOB_SUBMITS] = TO(JOB_QUEUED_SETTLED), [JOB_RELEASES] = TO(JOB_FREE) },
	[JOB_ENDED] = { [JOB_COLLECTS] = TO(JOB_FREE) },
};

enum job_state job_next(enum job_state state, enum job_event event)
{
	unsigned next = transitions[state][event];
	return next ? (enum job_state)(next - 1) : JOB_STATES;
}

/* NULL: whoever has it knows. */
static struct list *list_of(struct jobs *j, enum job_state state)
{
	switch (state) {
	case JOB_FREE:
		return &j->free;
	case JOB_UNVERIFIED:
		return &j->unverified;
	case JOB_DELAYED:
		return &j->delayed;
	case JOB_QUEUED:
	case JOB_QUEUED_SETTLED:
	case JOB_QUEUED_LEFT:
		return &j->queue.waiting;
	case JOB_RUNNING_ANSWERED:
	case JOB_RETURNED:
	case JOB_DONE_ANSWERED:
		return &j->queue.done;
	case JOB_ENDED:
		return &j->ended;
	default:
		return NULL;
	}
}

/* Threads, of those that take from `list`. */
static void wake_for(struct jobs *j, const struct list *list)
{
	if (list == &j->queue.waiting)
		queue_wake_crew(&j->queue);
	else if (list == &j->unverified)
		condition_signal(&j->verification);
}

static struct job *job_of(struct link *link)
{
	return link_owner(link, struct job, link);
}

/* Behind whom it goes on that list. What came first has its turn first, even if it was answered or
 * promised on disk meanwhile; of what is free, the memory of the last is warm. */
static struct link *place_on(const struct jobs *j, const struct list *list, const struct job *job)
{
	struct link *before = list == &j->free ? NULL : list->last;
	while (list == &j->queue.waiting && before && job_of(before)->soft > job->soft)
		before = before->previous;
	return before;
}

/* Under the lock. */
static void step(struct jobs *j, struct job *job, enum job_event event)
{
	enum job_state state = job_next(job->state, event);
	check(state < JOB_STATES);
	struct list *from = list_of(j, job->state), *to = list_of(j, state);
	if (from && from != to)
		list_remove(from, &job->link);
	j->unverified_cost -= from == &j->unverified ? job->cost : 0;
	j->unverified_cost += to == &j->unverified ? job->cost : 0;
	if (to && from != to)
		list_insert(to, place_on(j, to, job), &job->link);
	wake_for(j, from == to ? NULL : to);
	j->counts[job->state]--;
	j->counts[state]++;
	job->state = state;
	job->acknowledged |= event == JOB_SETTLES || (event == JOB_COLLECTS && state != JOB_OPEN);
	/* A function of the embedded backend may tell what it found when its request is answered. */
	if (event == JOB_RELEASES && job->local)
		backend_acknowledge(j->backend, job_id(job));
}

static void locked_step(struct jobs *j, struct job *job, enum job_event event)
{
	lock_take(&j->queue.lock);
	step(j, job, event);
	lock_give(&j->queue.lock);
}

/* For the threads: also wakes the loop when there was nothing to collect before. */
static void step_and_tell(struct jobs *j, struct job *job, enum job_event event)
{
	lock_take(&j->queue.lock);
	bool was_empty = !j->queue.done.first;
	step(j, job, event);
	/* The loop finds a small buffer when it next looks; the memory of a large one is worth waking
	 * it. */
	bool wake = (was_empty && j->queue.done.first) ||
		(job->state == JOB_ENDED && job->buffer->kind != BUFFER_SMALL);
	lock_give(&j->queue.lock);
	if (wake)
		queue_wake_collector(&j->queue);
}

/* ---- the loop's side ---- */

static struct arena arena_of(const struct job *job, size_t small_arena)
{
	if (job->buffer->kind == BUFFER_SMALL)
		return (struct arena){ job->small_memory, 0, small_arena };
	char *behind = job->buffer->bytes + job->buffer->cap;
	return (struct arena){ behind, 0, ARENA_PER_BUFFER * (size_t)LARGE_BUFFER };
}

struct job *jobs_open(struct jobs *j, struct buffer *buffer)
{
	lock_take(&j->queue.lock);
	struct job *job = job_of(j->free.first);
	if (!job && j->used < j->count) {
		job = &j->all[j->used];
		job->small_memory = j->small_memory + j->used++ * j->small_arena;
		list_append(&j->free, &job->link);
	}
	if (job)
		step(j, job, JOB_OPENS);
	lock_give(&j->queue.lock);
	if (!job)
		return NULL;
	uint64_t id[2] = { j->id_prefix, j->id_count++ };
	*job = (struct job){ .state = JOB_OPEN, .small_memory = job->small_memory, .buffer = buffer };
	job->arena = arena_of(job, j->small_arena);
	struct buf hex = BUF(job->id);
	uint8_t bytes[sizeof(id)];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(id[i / 8] >> (56 - i % 8 * 8));
	hex_put(&hex, bytes, sizeof(bytes));
	job->note = (struct access_note){ .request_id = job_id(job), .level = LOG_INFO };
	return job;
}

bool jobs_may_renew(const struct jobs *j, const struct job *job)
{
	return !job->renewed && j->renewing < (j->workers + 1) / 2 &&
	       signing_secrets_may_help(&j->services->secrets, job->decision.verdict);
}

void jobs_decide(struct jobs *j, struct job *job)
{
	signing_secrets_decide(&j->services->secrets, &job->decision, &job->request,
		job->arrived_wall / 1000, &job->arena);
}

void jobs_submit(struct jobs *j, struct job *job, enum job_task task)
{
	job->task = task;
	j->renewing += task == TASK_RENEW;
	job->renewed |= task == TASK_RENEW;
	locked_step(j, job, task == TASK_VERIFY ? JOB_ASKS : JOB_SUBMITS);
}

void jobs_settle(struct jobs *j, struct job *job)
{
	locked_step(j, job, JOB_SETTLES);
}

/* The event of a function URL, whichever form the request itself had. */
static enum err make_event(struct job *job)
{
	const struct http_head *head = &job->buffer->head;
	struct event_field fields[HTTP_FIELDS_MAX];
	for (size_t i = 0; i < head->count; i++)
		fields[i] = (struct event_field){ head->fields[i].name, head->fields[i].value };
	const struct event_request request = {
		.method = head->method,
		.path = job->request.path,
		.query = job->request.query,
		.protocol = head->minor_version ? S("HTTP/1.1") : S("HTTP/1.0"),
		.source_ip = { job->peer, job->peer_n },
		.request_id = job_id(job),
		.time_ms = job->arrived_wall,
		.fields = fields,
		.fields_count = head->count,
		.body = job->request.body,
	};
	struct buf b = arena_rest(&job->arena);
	event_write(&b, &request);
	enum err e = b.full ? E_LIMIT : OK;
	job->payload = arena_keep(&job->arena, &b);
	return e;
}

/* In the form that its decision wants, once; in the arena. E_LIMIT. */
static enum err make_payload(struct job *job)
{
	if (job->payload.n)
		return OK;
	if (job->decision.payload == PAYLOAD_SLACK)
		return dispatch_payload(&job->payload, &job->decision, &job->request, job_id(job),
			job->arrived_wall, &job->arena);
	return make_event(job);
}

static struct dispatch dispatch_of(struct jobs *j, const struct job *job)
{
	return (struct dispatch){
		.decision = &job->decision,
		.config = &j->services->config,
		.dedupe = &j->services->dedupe,
		.journal = j->services->journal,
		.promised = job->promised,
		.payload = job->payload,
		.arrived_ms = job->arrived_wall,
		.request_id = job_id(job),
	};
}

void jobs_promise(struct jobs *j, struct job *job)
{
	size_t queued, running;
	jobs_count(j, &queued, &running);
	job->ticket = JOURNAL_REFUSED;
	if (make_payload(job) != OK)
		return;
	const struct dispatch d = dispatch_of(j, job);
	job->ticket = dispatch_promise(&job->promised, &d, queued + running < j->workers);
}

/* Called by the journal's thread. */
static void return_delayed(void *ctx)
{
	struct jobs *j = ctx;
	struct job *job;
	lock_take(&j->queue.lock);
	bool was_empty = !j->queue.done.first;
	while ((job = job_of(j->delayed.first)) && journal_is_done(j->services->journal, job->ticket))
		step(j, job, JOB_RETURNS);
	bool wake = was_empty && j->queue.done.first;
	lock_give(&j->queue.lock);
	if (wake)
		queue_wake_collector(&j->queue);
}

void jobs_delay(struct jobs *j, struct job *job)
{
	locked_step(j, job, JOB_DELAYS);
	/* It may have been done before it was on the list. */
	return_delayed(j);
}

bool jobs_kept(struct jobs *j, const struct job *job)
{
	return job->payload.n && dispatch_kept(j->services->journal, job->ticket, job_id(job));
}

bool jobs_take_back(struct jobs *j, struct job *job)
{
	lock_take(&j->queue.lock);
	bool waits = job_next(job->state, JOB_WITHDRAWS) < JOB_STATES;
	if (waits)
		step(j, job, JOB_WITHDRAWS);
	lock_give(&j->queue.lock);
	j->renewing -= waits && job->task == TASK_RENEW;
	return waits;
}

struct job *jobs_collect(struct jobs *j, bool *again)
{
	lock_take(&j->queue.lock);
	struct job *job = job_of(j->queue.done.first);
	if (job)
		step(j, job, JOB_COLLECTS);
	*again = job && job->state == JOB_OPEN;
	lock_give(&j->queue.lock);
	return job;
}

struct buffer *jobs_release(struct jobs *j, struct job *job)
{
	lock_take(&j->queue.lock);
	/* What was promised is carried out. */
	if ((job->state == JOB_DELAYED || job->state == JOB_RETURNED) && job->task == TASK_INVOKE)
		step(j, job, JOB_SUBMITS);
	step(j, job, JOB_RELEASES);
	struct buffer *b = job->state == JOB_FREE ? job->buffer : NULL;
	lock_give(&j->queue.lock);
	return b;
}

struct buffer *jobs_reclaim(struct jobs *j)
{
	lock_take(&j->queue.lock);
	struct job *job = job_of(j->ended.first);
	if (job)
		step(j, job, JOB_COLLECTS);
	lock_give(&j->queue.lock);
	return job ? job->buffer : NULL;
}

/* Under the lock: how many of those that wait came from where `job` did. */
static size_t waiting_from(const struct jobs *j, const struct job *job)
{
	size_t count = 0;
	for (struct link *at = j->unverified.first; at; at = at->next) {
		const struct job *other = job_of(at);
		count += other == job ||
			(job->connection->origin && other->connection->origin == job->connection->origin);
	}
	return count;
}

struct job *jobs_unverified_loser(struct jobs *j)
{
	struct job *loser = NULL;
	size_t most = 0;
	lock_take(&j->queue.lock);
	for (struct link *at = j->unverified_cost > UNVERIFIED_MAX ? j->unverified.first : NULL; at;
		 at = at->next) {
		struct job *job = job_of(at);
		size_t count = job->connection->authenticated ? 0 : waiting_from(j, job);
		if (count > most) {
			most = count;
			loser = job;
		}
	}
	lock_give(&j->queue.lock);
	return loser;
}

void jobs_close(struct jobs *j, int64_t limit)
{
	j->closing = true;
	j->limit = limit;
}

void jobs_count(struct jobs *j, size_t *queued, size_t *running)
{
	lock_take(&j->queue.lock);
	*queued = j->queue.waiting.count + j->unverified.count + j->delayed.count;
	*running = 0;
	for (enum job_state s = JOB_VERIFYING; s <= JOB_RUNNING_LEFT; s++)
		*running += j->counts[s];
	*running -= j->queue.waiting.count;
	lock_give(&j->queue.lock);
}

/* ---- answers ---- */

void job_respond_503(struct job *job)
{
	job->status = 503;
	job->keep_alive = false;
	job->response = HTTP_RESPONSE_503;
}

void job_respond(struct job *job, const struct reply *reply)
{
	struct buf b = arena_rest(&job->arena);
	struct http_field fields[REPLY_HEADERS_MAX];
	for (size_t i = 0; i < reply->headers_count; i++)
		fields[i] = (struct http_field){ reply->headers[i].name, reply->headers[i].value };
	http_response_put(&b, reply->status, reply->content_type, reply->body,
		&(struct http_response_options){
			.keep_alive = job->keep_alive,
			.to_head = job->to_head,
			.allow = reply->allow,
			.no_retry = reply->no_retry,
			.now_s = clock_wall_ms() / 1000,
			.fields_count = reply->headers_count,
			.fields = fields,
		});
	bool full = b.full;
	job->status = reply->status;
	job->response = arena_keep(&job->arena, &b);
	if (full)
		job_respond_503(job);
}

static void give_answer(void *ctx, const struct reply *reply)
{
	struct worker *w = ctx;
	w->answered = true;
	w->job->keep_alive &= !w->jobs->closing;
	job_respond(w->job, reply);
	step_and_tell(w->jobs, w->job, JOB_ANSWERS);
}

/* ---- functions that run here ---- */

void jobs_run_local(struct jobs *j, struct job *job)
{
	struct fault f;
	struct services *s = j->services;
	struct outcome outcome = { .fate = FATE_STARTED };
	struct decision *d = &job->decision;
	char key[REQUEST_KEY_SIZE];
	struct str delivery = S("");
	if (request_is_repeatable(d)) {
		request_key(key, d, job_id(job));
		delivery = (struct str){ key, sizeof(key) };
	}
	/* It is settled in this very call, so nothing is waited for. */
	if (delivery.n && dedupe_begin(&s->dedupe, delivery, 0) != DEDUPE_FIRST) {
		dispatch_reply(&d->reply, &s->config, d, &outcome, &job->arena);
		job->note.why = S("another delivery of an event that was started before");
		recent_note(d, job->arrived_wall, "duplicate", S(""));
		return;
	}
	enum err e = make_payload(job);
	if (e == OK)
		e = backend_submit(j->backend, &job->ticket,
			&(struct submission){ .function = d->target.function,
				.payload = job->payload,
				.request_id = job_id(job),
				.slack = &d->slack,
				.event = delivery },
			NULL, &f);
	else
		fault_set(&f, e, 0, "the request is too large to be passed on");
	if (e != OK)
		outcome = (struct outcome){
			.fate = FATE_NOT_STARTED, .reason = fault_text(&f), .permanent = e == E_REFUSED
		};
	/* The key outlives the request, which has it, too: a crash may come between the two. */
	if (e == OK && delivery.n && s->journal)
		job->ticket = journal_event(s->journal, delivery, JOURNAL_STARTED, job->arrived_wall);
	if (delivery.n)
		dedupe_end(&s->dedupe, delivery, e == OK);
	job->local = e == OK;
	dispatch_reply(&d->reply, &s->config, d, &outcome, &job->arena);
	d->message = reply_follow_up(d->route, &d->slack, &d->target, &outcome, &job->arena);
	job->note.why = e == OK ? S("") : arena_copy(&job->arena, fault_text(&f));
	job->note.level = e == OK ? LOG_INFO : LOG_WARN;
	const char *became = e == OK ? "started" : "not started";
	metrics_invoke(became, "", 1, 0);
	recent_note(d, job->arrived_wall, became, job->note.why);
}

/* ---- work ---- */

static void call(void *ctx, struct invoke_result *out, const struct invocation *in,
	struct buf *body, struct deadline *d)
{
	struct worker *w = ctx;
	const struct decision *decision = &w->job->decision;
	if (clock_mono_ms() >= w->jobs->limit) {
		*out = (struct invoke_result){ .outcome = INVOKE_NOT_STARTED };
		fault_set(&out->fault, E_TIMEOUT, 0, "the gateway is stopping and its turn did not come");
	} else if (str_eq(in->region, TARGET_LOCAL))
		backend_call(w->jobs->backend, out,
			&(struct submission){ .function = in->function,
				.payload = in->payload,
				.request_id = job_id(w->job),
				.slack = &decision->slack },
			body, d);
	else
		w->outside.effects.call(w->outside.effects.ctx, out, in, body, d);
	w->settled = out->outcome == INVOKE_STARTED;
	w->late = w->answered;
}

static enum err post_message(void *ctx, struct str url, struct str message, int64_t not_before,
	struct deadline *d, struct fault *f)
{
	struct worker *w = ctx;
	enum err e = w->outside.effects.post(w->outside.effects.ctx, url, message, not_before, d, f);
	w->told |= e == OK;
	return e;
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return clock_mono_ms();
}

/* An event that was not settled in time had 503, and comes again. */
static bool was_promised(struct jobs *j, const struct job *job)
{
	lock_take(&j->queue.lock);
	bool promised = job->acknowledged && job->decision.slack.kind != SLACK_EVENT;
	lock_give(&j->queue.lock);
	return promised;
}

static void carry_out(struct worker *w, struct job *job, bool answered)
{
	int64_t least = clock_mono_ms() + JOB_LATE_MS;
	enum err e = job->task == TASK_TELL ? OK : make_payload(job);
	struct dispatch d = dispatch_of(w->jobs, job);
	d.effects = &w->effects;
	d.soft = job->soft;
	d.hard = job->hard > least ? job->hard : least;
	d.limit = &w->jobs->limit;
	d.answered = answered;
	d.arena = &job->arena;
	d.answer = give_answer;
	d.ctx = w;
	if (job->task == TASK_TELL) {
		dispatch_tell(&d, job->decision.message);
		return;
	}
	w->answered = w->late = answered;
	w->settled = w->told = false;
	if (e == OK) {
		(void)dispatch_run(&d);
		if (w->jobs->closing && w->late && !w->settled && !w->told)
			w->jobs->untold += was_promised(w->jobs, job);
		return;
	}
	LOG(LOG_ERROR, "not started", "request_id reason", d.request_id,
		S("the request is too large to be passed on"));
	if (!answered) {
		struct reply reply;
		reply_to_large(&reply, &job->decision.slack, &job->decision.target, &job->arena);
		give_answer(w, &reply);
	}
}

static void renew(struct jobs *j, struct job *job)
{
	/* It may take a second; Slack, which has waited for this turn, gives three. */
	if (clock_mono_ms() - job->arrived_mono < RENEW_BY_MS)
		(void)signing_secrets_renew(&j->services->secrets, job->decision.verdict, job->soft);
	j->renewing--;
}

/* The next in `list`, which its thread waits for; *state is what it is in then. */
static struct job *take_next(
	struct jobs *j, const struct list *list, struct condition *come, enum job_state *state)
{
	lock_take(&j->queue.lock);
	while (!list->first)
		(void)condition_wait(come, &j->queue.lock, DEADLINE_NEVER);
	struct job *job = job_of(list->first);
	step(j, job, JOB_STARTS);
	*state = job->state;
	lock_give(&j->queue.lock);
	return job;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct jobs *j = w->jobs;
	enum job_state state;
	for (;;) {
		struct job *job = take_next(j, &j->queue.waiting, &j->queue.work, &state);
		w->job = job;
		/* With nobody to hear an answer, its user is told of a failure. */
		if (job->task == TASK_RENEW)
			renew(j, job);
		else
			carry_out(w, job, state != JOB_RUNNING);
		step_and_tell(j, job, job->task == TASK_RENEW ? JOB_RETURNS : JOB_ENDS);
	}
	return NULL;
}

/* Decides what would cost the loop too much time. */
static void *verifier_run(void *arg)
{
	struct jobs *j = arg;
	enum job_state state;
	thread_step_back();
	for (;;) {
		struct job *job = take_next(j, &j->unverified, &j->verification, &state);
		jobs_decide(j, job);
		step_and_tell(j, job, JOB_RETURNS);
	}
	return NULL;
}

static void set_up_memory(struct jobs *j)
{
	const struct routes *routes = &j->services->config.routes;
	j->small_arena = SMALL_ARENA;
	for (size_t i = 0; i < routes->count; i++)
		if (routes->list[i].sync)
			j->small_arena = SYNC_ARENA;
	j->all = memory_map(j->count * sizeof(*j->all));
	j->small_memory = memory_map(j->count * j->small_arena);
	j->counts[JOB_FREE] = j->count;
}

static enum err start_worker(struct jobs *j, struct worker *w, struct fault *f)
{
	w->jobs = j;
	outside_init(&w->outside, j->services);
	w->effects = (struct effects){ .ctx = w, .call = call, .post = post_message, .now = now };
	return thread_start(worker_run, w, WORKER_STACK, f);
}

void jobs_tell(struct jobs *j)
{
	struct fault f;
	size_t queued, running;
	jobs_count(j, &queued, &running);
	for (size_t i = 0; i < queued && i < TELLERS; i++)
		if (start_worker(j, &j->tellers[i], &f) != OK)
			break;
}

size_t jobs_untold(struct jobs *j)
{
	size_t count = j->untold;
	lock_take(&j->queue.lock);
	for (size_t i = 0; i < j->used; i++) {
		const struct job *job = &j->all[i];
		bool works = job->state >= JOB_QUEUED && job->state <= JOB_RUNNING_LEFT;
		count += works && job->acknowledged && job->decision.slack.kind != SLACK_EVENT;
	}
	lock_give(&j->queue.lock);
	return count;
}

enum err jobs_start(
	struct jobs *j, struct services *s, size_t count, size_t workers, int wake, struct fault *f)
{
	struct worker *crew = memory_map(workers * sizeof(*crew));
	/* One processor is the loop's. */
	size_t processors = thread_processors(), verifiers = processors > 1 ? processors - 1 : 1;
	enum err e = OK;
	j->services = s;
	j->count = count;
	j->workers = workers;
	j->limit = DEADLINE_NEVER;
	j->tellers = memory_map(TELLERS * sizeof(*j->tellers));
	seed_fill(&j->id_prefix, sizeof(j->id_prefix));
	queue_init(&j->queue, wake);
	condition_init(&j->verification);
	set_up_memory(j);
	for (size_t i = 0; e == OK && i < verifiers && i < VERIFIERS_MAX; i++)
		e = thread_start(verifier_run, j, WORKER_STACK, f);
	if (s->journal) {
		s->journal->told = return_delayed;
		s->journal->ctx = j;
	}
	for (size_t i = 0; e == OK && i < workers; i++)
		e = start_worker(j, &crew[i], f);
	return e;
}
