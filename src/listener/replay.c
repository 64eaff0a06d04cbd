#include "listener/replay.h"

#include "base/clock.h"
#include "gateway/pattern.h"
#include "os/memory.h"
#include "os/thread.h"
#include "service/outside.h"
#include "service/respond.h"

enum {
	THREADS = 4,
	STACK = 512 * 1024,
	MEMORY = 1 << 20,     /* for replies and messages */
	LIFE_MS = 30000,      /* as for a request that just came */
	AGAIN_MS = 1000,      /* for a disk that fails */
};

/* What an earlier process left, shared by the threads that deal with it. */
struct replay {
	struct services *services;
	struct backend *backend;
	struct lock lock;
	size_t cursor;        /* under the lock */
};

struct crew {
	struct replay *replay;
	struct outside outside;
	char memory[MEMORY];
};

/* Threads that are dealing with something. */
static _Atomic size_t busy;

size_t replay_busy(void)
{
	return busy;
}

static void log_left(enum log_level level, const char *message, const struct journal_request *r,
	struct str what, struct str told, struct str reason)
{
	LOG(level, message, "request_id kind region function what told reason", r->request_id, r->kind,
		r->region, r->function, what, told, reason);
}

/* Tells the one who asked what became of it, and ends it. */
static void tell_user(
	struct crew *w, uint64_t id, const struct journal_request *r, const struct outcome *outcome)
{
	struct services *s = w->replay->services;
	struct arena arena = { w->memory, 0, MEMORY };
	struct deadline d = deadline_in(LIFE_MS);
	struct fault f = { .n = 0 };
	const struct target target = { .region = r->region, .function = r->function };
	enum err e = OK;
	if (r->response_url.n)
		e = respond(s, r->response_url, reply_late(&target, outcome, &arena), &d, &f);
	else
		e = fault_set(&f, E_REFUSED, 0, "there is no response_url");
	log_left(e == OK ? LOG_WARN : LOG_ERROR, "left by an earlier process", r, outcome->reason,
		e == OK ? S("yes") : S("no"), e == OK ? S("") : fault_text(&f));
	journal_settle(s->journal, id);
}

/* Nobody waits for an answer. */
static void no_answer(void *ctx, const struct reply *reply)
{
	(void)ctx, (void)reply;
}

static enum slack_kind kind_of(struct str name)
{
	for (enum slack_kind kind = 0; kind < SLACK_KINDS; kind++)
		if (str_eq(slack_kind_name(kind), name))
			return kind;
	return SLACK_UNKNOWN_KIND;
}

static void start_again(struct crew *w, uint64_t id, const struct journal_request *r)
{
	struct services *s = w->replay->services;
	struct arena arena = { w->memory, 0, MEMORY };
	struct buf name = arena_rest(&arena);
	buf_format(&name, "%s/%s", r->region, r->function);
	static const struct route sync = { .sync = true };
	const struct decision decision = {
		.route = r->sync ? &sync : NULL,
		.action = ACTION_INVOKE, .target = { r->region, r->function, arena_keep(&arena, &name) },
		.slack = { .kind = kind_of(r->kind), .response_url = r->response_url },
	};
	int64_t now = clock_mono_ms();
	const struct dispatch d = {
		.effects = &w->outside.effects,
		.config = &s->config,
		.dedupe = &s->dedupe,
		.journal = s->journal,
		.promised = id,
		.arrived_ms = r->arrived_ms,
		.decision = &decision,
		.payload = r->payload,
		.request_id = r->request_id,
		.soft = now,
		.hard = now + LIFE_MS,
		.answered = true,
		.arena = &arena,
		.answer = no_answer,
	};
	const struct submission here = {
		.function = r->function,
		.payload = r->payload,
		.request_id = r->request_id,
		.slack = &decision.slack,
		.promised = id,
	};
	struct backend *b = w->replay->backend;
	bool local = str_eq(r->region, TARGET_LOCAL);
	struct outcome outcome = { .fate = FATE_NOT_STARTED };
	struct fault f;
	if (s->config.allow.n && !allow_matches(s->config.allow, decision.target.name))
		outcome.reason = S("GATEWAY_ALLOW does not admit it any more");
	else if (local && !b)
		outcome.reason = S("there are no functions here any more");
	else if (local && backend_submit(b, NULL, &here, NULL, &f) != OK)
		outcome.reason = fault_text(&f);
	if (outcome.reason.n) {
		tell_user(w, id, r, &outcome);
		return;
	}
	log_left(LOG_INFO, "started again after an earlier process left it", r, S(""), S(""), S(""));
	if (!local)
		(void)dispatch_run(&d);
}

static void deal_with(struct crew *w, uint64_t id, bool attempted, const struct journal_request *r)
{
	struct journal *journal = w->replay->services->journal;
	struct fault f;
	bool local = str_eq(r->region, TARGET_LOCAL);
	/* Not without its mark on disk: a process that comes after this one would start it again. */
	while (!attempted && !local &&
		journal_wait(journal, journal_attempt(journal, id), clock_mono_ms() + LIFE_MS, &f) != OK)
		clock_sleep_ms(AGAIN_MS);
	int64_t age_ms = clock_wall_ms() - r->arrived_ms;
	if (age_ms > JOURNAL_AGE_MS || age_ms < -JOURNAL_AGE_MS) {
		log_left(LOG_ERROR, "left by an earlier process, and too old to be started or told of", r,
			S(""), S(""), S(""));
		journal_settle(journal, id);
	} else if (attempted) {
		tell_user(w, id, r,
			&(struct outcome){ .fate = local ? FATE_FAILED : FATE_UNKNOWN,
				.reason = local ? S("interrupted: the gateway was restarted")
								: S("the gateway was restarted before it knew") });
	} else {
		start_again(w, id, r);
	}
}

static void *crew_run(void *arg)
{
	struct crew *w = arg;
	struct replay *replay = w->replay;
	for (;;) {
		struct journal_request r;
		uint64_t id;
		bool attempted;
		lock_take(&replay->lock);
		bool found =
			journal_next_left(replay->services->journal, &replay->cursor, &id, &attempted, &r);
		lock_give(&replay->lock);
		if (!found)
			break;
		deal_with(w, id, attempted, &r);
	}
	busy--;
	return NULL;
}

enum err replay_start(struct services *s, struct backend *b, struct fault *f)
{
	struct replay *replay = memory_map(sizeof(*replay));
	struct crew *crew = memory_map(THREADS * sizeof(*crew));
	replay->services = s;
	replay->backend = b;
	enum err e = thread_start(journal_run, s->journal, STACK, f);
	for (size_t i = 0; e == OK && i < THREADS && journal_unsettled(s->journal); i++) {
		crew[i].replay = replay;
		outside_init(&crew[i].outside, s);
		busy++;
		e = thread_start(crew_run, &crew[i], STACK, f);
	}
	return e;
}
