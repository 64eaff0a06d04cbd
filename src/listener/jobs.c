#include "listener/jobs.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "crypto/seed.h"
#include "gateway/event.h"
#include "http/server.h"
#include "os/memory.h"
#include "os/thread.h"
#include "service/outside.h"

#include <string.h>

struct worker {
	struct jobs *jobs;
	struct outside outside;
	struct job *job;
};

/* ---- jobs come and go ---- */

static struct arena arena_of(const struct job *job)
{
	if (!job->buffer->large)
		return (struct arena){ job->small_memory, 0, SMALL_ARENA };
	char *behind = job->buffer->bytes + job->buffer->cap;
	return (struct arena){ behind, 0, ARENA_PER_BUFFER * (size_t)LARGE_BUFFER };
}

struct job *jobs_take(struct jobs *j, struct buffer *buffer)
{
	struct job *job = j->free;
	if (!job)
		return NULL;
	j->free = job->next;
	uint64_t id[2] = { j->id_prefix, j->id_count++ };
	*job = (struct job){ .small_memory = job->small_memory, .buffer = buffer, .holders = 1 };
	job->arena = arena_of(job);
	struct buf hex = BUF(job->id);
	uint8_t bytes[sizeof(id)];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(id[i / 8] >> (56 - i % 8 * 8));
	hex_put(&hex, bytes, sizeof(bytes));
	return job;
}

/* True for the last one that lets go. */
static bool let_go(struct job *job)
{
	return atomic_fetch_sub(&job->holders, 1) == 1;
}

static struct buffer *put_away(struct jobs *j, struct job *job)
{
	job->next = j->free;
	j->free = job;
	return job->buffer;
}

struct buffer *jobs_release(struct jobs *j, struct job *job)
{
	return let_go(job) ? put_away(j, job) : NULL;
}

struct buffer *jobs_next_returned(struct jobs *j)
{
	struct job *job = j->ended;
	if (!job)
		return NULL;
	j->ended = job->next;
	return put_away(j, job);
}

/* ---- answers ---- */

void job_respond(struct job *job, const struct reply *reply)
{
	struct buf b = arena_rest(&job->arena);
	http_response_put(&b, reply->status, reply->content_type, reply->body, &(struct http_response_options){
		.keep_alive = job->keep_alive, .to_head = job->to_head, .allow_post = reply->allow_post, .no_retry = reply->no_retry,
		.now_s = clock_wall_ms() / 1000,
	});
	bool full = b.full;
	job->status = reply->status;
	job->response = arena_keep(&job->arena, &b);
	if (full) {
		job->status = 503;
		job->keep_alive = false;
		job->response = HTTP_RESPONSE_503;
	}
}

/* Under the lock. True if the loop must be woken: whoever made the list not empty has done that already. */
static bool hand_over(struct jobs *j, struct job *job, bool answered)
{
	bool wake = !j->done;
	job->answered = answered;
	job->next_done = j->done;
	j->done = job;
	return wake;
}

void jobs_close(struct jobs *j)
{
	j->closing = true;
}

static void give_back(struct jobs *j, struct job *job, bool answered)
{
	lock_take(&j->lock);
	bool wake = hand_over(j, job, answered);
	lock_give(&j->lock);
	if (wake)
		thread_wake(j->wake);
}

static void answer(void *ctx, const struct reply *reply)
{
	struct worker *w = ctx;
	w->job->keep_alive &= !w->jobs->closing;
	job_respond(w->job, reply);
	give_back(w->jobs, w->job, true);
}

struct job *jobs_next_answered(struct jobs *j)
{
	struct job *job = j->answered;
	if (job)
		j->answered = job->next_done;
	if (job && job->doubtful)
		j->doubtful--;
	return job;
}

/* Under the lock: answers for those in the queue whose soft moment has come. Their work goes on when their turn comes. */
static int64_t answer_waiting(struct jobs *j, int64_t now)
{
	int64_t next = DEADLINE_NEVER;
	for (struct job *job = j->first; job; job = job->next) {
		if (job->answered)
			continue;
		if (job->soft > now) {
			next = job->soft < next ? job->soft : next;
			continue;
		}
		job->keep_alive &= !j->closing;
		struct reply reply = job->decision.reply;
		if (job->decision.action == ACTION_INVOKE)
			dispatch_reply(&reply, &j->services->config, &job->decision, &(struct outcome){ .fate = FATE_PENDING }, &job->arena);
		job_respond(job, &reply);
		hand_over(j, job, true);
	}
	return next;
}

int64_t jobs_turn(struct jobs *j, int64_t now)
{
	check(!j->answered && !j->ended);
	lock_take(&j->lock);
	int64_t next = answer_waiting(j, now);
	j->answered = j->done;
	j->ended = j->finished;
	j->done = j->finished = NULL;
	lock_give(&j->lock);
	return next;
}

/* ---- work ---- */

bool jobs_may_doubt(const struct jobs *j, const struct job *job)
{
	return signing_secrets_may_help(&j->services->secrets, job->decision.verdict) && j->doubtful < (j->workers + 1) / 2;
}

void jobs_submit(struct jobs *j, struct job *job)
{
	job->doubtful = job->decision.action == ACTION_ANSWER;
	j->doubtful += job->doubtful;
	atomic_fetch_add(&job->holders, 1);
	job->next = NULL;
	lock_take(&j->lock);
	if (j->first)
		j->last->next = job;
	else
		j->first = job;
	j->last = job;
	j->queued++;
	lock_give(&j->lock);
	condition_signal(&j->work);
}

static struct job *take_work(struct jobs *j)
{
	lock_take(&j->lock);
	while (!j->first)
		(void)condition_wait(&j->work, &j->lock, DEADLINE_NEVER);
	struct job *job = j->first;
	j->first = job->next;
	j->queued--;
	j->running++;
	lock_give(&j->lock);
	return job;
}

/* The event of a function URL, whichever form the request itself had. */
static enum err make_event(struct str *out, struct job *job)
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
	*out = arena_keep(&job->arena, &b);
	return e;
}

enum err job_payload(struct str *out, struct job *job)
{
	if (job->decision.payload == PAYLOAD_SLACK)
		return dispatch_payload(out, &job->decision, &job->request, job_id(job), job->arrived_wall, &job->arena);
	return make_event(out, job);
}

static void work(struct worker *w, struct job *job)
{
	struct services *s = w->jobs->services;
	int64_t least = clock_mono_ms() + JOB_LATE_MS;
	struct dispatch d = {
		.effects = &w->outside.effects, .config = &s->config, .dedupe = &s->dedupe, .decision = &job->decision,
		.request_id = job_id(job), .soft = job->soft, .hard = job->hard > least ? job->hard : least, .answered = job->answered,
		.arena = &job->arena, .answer = answer, .ctx = w,
	};
	w->job = job;
	if (job->decision.action == ACTION_ANSWER) {
		if (!job->answered) {
			(void)signing_secrets_renew(&s->secrets, job->decision.verdict, job->soft);
			give_back(w->jobs, job, false);
		}
		return;
	}
	if (job_payload(&d.payload, job) == OK) {
		(void)dispatch_run(&d);
		return;
	}
	LOG(LOG_ERROR, "not started", "request_id reason", d.request_id, S("the request is too large to be passed on"));
	if (!job->answered) {
		struct reply reply;
		reply_error(&reply, 413, S("the request is too large to be passed on"), &job->arena);
		answer(w, &reply);
	}
}

static void finish(struct jobs *j, struct job *job)
{
	/* The loop finds a small buffer when it next looks; the memory of a large one is worth waking it. */
	bool wake = job->buffer->large, last = let_go(job);
	lock_take(&j->lock);
	j->running--;
	if (last) {
		job->next = j->finished;
		j->finished = job;
	}
	lock_give(&j->lock);
	if (wake)
		thread_wake(j->wake);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	for (;;) {
		struct job *job = take_work(w->jobs);
		work(w, job);
		finish(w->jobs, job);
	}
	return NULL;
}

void jobs_count(struct jobs *j, size_t *queued, size_t *running)
{
	lock_take(&j->lock);
	*queued = j->queued;
	*running = j->running;
	lock_give(&j->lock);
}

enum err jobs_start(struct jobs *j, struct services *s, size_t workers, int wake, struct fault *f)
{
	size_t count = workers + QUEUE_MAX;
	struct job *jobs = memory_map(count * sizeof(*jobs));
	char *memory = memory_map(count * SMALL_ARENA);
	struct worker *crew = memory_map(workers * sizeof(*crew));
	*j = (struct jobs){ .services = s, .wake = wake, .workers = workers };
	seed_fill(&j->id_prefix, sizeof(j->id_prefix));
	for (size_t i = 0; i < count; i++) {
		jobs[i].small_memory = memory + i * SMALL_ARENA;
		jobs[i].next = j->free;
		j->free = &jobs[i];
	}
	enum err e = OK;
	for (size_t i = 0; e == OK && i < workers; i++) {
		crew[i].jobs = j;
		outside_init(&crew[i].outside, s);
		e = thread_start(worker_run, &crew[i], WORKER_STACK, f);
	}
	return e;
}
