#include "base/clock.h"
#include "check.h"
#include "directory.h"
#include "gateway/key.h"
#include "service/dispatch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A world in which time passes only where something takes time. */
struct world {
	int64_t now;
	int64_t call_takes_ms;
	struct invoke_result result;
	struct str body;       /* that a synchronous call returns */
	enum err post_result;

	int calls, posts, answers;
	enum invoke_type type;
	int64_t answered_at, posted_at, call_hard, post_hard;
	struct reply answer;
	char posted[1024];
	size_t posted_n;
};

static struct world world;
static struct dedupe dedupe;
static struct dedupe_table table;
static char memory[512 * 1024];
static struct arena arena;

/* As net/ does while it waits: the soft moment is served on the way, the hard one ends the wait. */
static bool pass(struct deadline *d, int64_t ms)
{
	int64_t end = world.now + ms;
	if (d->soft <= end && d->soft <= d->hard) {
		world.now = d->soft;
		d->soft = DEADLINE_NEVER;
		d->on_soft(d->arg);
	}
	bool in_time = end < d->hard;
	world.now = in_time ? end : d->hard;
	return in_time;
}

static void call(void *ctx, struct invoke_result *out, const struct invocation *in,
	struct buf *answer, struct deadline *d)
{
	expect(ctx == &world);
	world.calls++;
	world.type = in->type;
	world.call_hard = d->hard;
	expect_str(in->region, S("eu-west-1"));
	expect_str(in->function, S("deploy"));
	expect_str(in->payload, S("{\"a\":1}"));
	expect_int(answer != NULL, in->type == INVOKE_REQUEST_RESPONSE);
	*out = world.result;
	if (!pass(d, world.call_takes_ms)) {
		out->outcome = INVOKE_UNKNOWN;
		fault_set(&out->fault, E_TIMEOUT, 0, "no answer");
	} else if (answer) {
		buf_put(answer, world.body);
	}
}

static enum err post(void *ctx, struct str url, struct str message, int64_t not_before,
	struct deadline *d, struct fault *f)
{
	expect(ctx == &world);
	expect_str(url, S("https://hooks.slack.com/commands/1"));
	expect(d->soft == DEADLINE_NEVER);
	world.posts++;
	world.now = not_before > world.now ? not_before : world.now;
	world.posted_at = world.now;
	world.post_hard = d->hard;
	struct buf b = BUF(world.posted);
	buf_put(&b, message);
	world.posted_n = b.n;
	return world.post_result == OK
		? OK
		: fault_set(f, world.post_result, 0, "Slack answered 500 to the message");
}

static int64_t now(void *ctx)
{
	expect(ctx == &world);
	return world.now;
}

static void answer(void *ctx, const struct reply *reply)
{
	expect(ctx == &world);
	world.answers++;
	world.answered_at = world.now;
	world.answer = *reply;
}

/* One request: what it is, how it is configured, and its time. */
struct request {
	enum slack_kind kind;
	bool without_url, sync, answered;
	struct journal *journal;
	enum ack_when ack;
	struct str event_id;
	int64_t soft_ms, hard_ms;
};

enum { SOFT = 2500, HARD = 29700 };

static int64_t start;

static bool run(const struct request *r)
{
	static const struct effects effects = { &world, call, post, now };
	const struct config config = { .ack = r->ack, .ack_type = S("ephemeral") };
	const struct route route = { .sync = r->sync };
	const struct decision decision = {
		.action = ACTION_INVOKE,
		.target = { S("eu-west-1"), S("deploy"), S("eu-west-1/deploy") },
		.route = r->sync ? &route : NULL,
		.slack = { .kind = r->kind,
			.event_id = r->event_id,
			.response_url = r->without_url || r->kind == SLACK_EVENT
				? S("")
				: S("https://hooks.slack.com/commands/1") },
	};
	start = world.now;
	arena = (struct arena){ memory, 0, sizeof(memory) };
	world.calls = world.posts = world.answers = 0;
	const struct dispatch d = {
		.effects = &effects,
		.config = &config,
		.dedupe = &dedupe,
		.journal = r->journal,
		.decision = &decision,
		.payload = S("{\"a\":1}"),
		.request_id = S("r-1"),
		.soft = start + (r->soft_ms ? r->soft_ms : SOFT),
		.hard = start + (r->hard_ms ? r->hard_ms : HARD),
		.answered = r->answered,
		.arena = &arena,
		.answer = answer,
		.ctx = &world,
	};
	log_set_level(LOG_ERROR + 1);
	bool expired = dispatch_run(&d);
	log_set_level(LOG_INFO);
	return expired;
}

static void set_up(enum invoke_outcome outcome, int64_t takes_ms)
{
	world = (struct world){ .now = clock_mono_ms(),
		.call_takes_ms = takes_ms,
		.result = { .outcome = outcome, .attempts = 1 } };
	memset(&table, 0, sizeof(table));
	dedupe = (struct dedupe){ .table = NULL };
	dedupe_init(&dedupe, &table);
	if (outcome != INVOKE_STARTED)
		fault_set(&world.result.fault, E_REFUSED, 0, "AccessDeniedException: no");
}

static struct str posted(void)
{
	return (struct str){ world.posted, world.posted_n };
}

static bool holds(struct str text, struct str part)
{
	return str_find_str(text, part) < text.n;
}

/* Settled in time: one call, one answer at once, no message. What it ends as, by kind. */
TEST(dispatch_in_time)
{
	static const struct {
		enum slack_kind kind;
		enum invoke_outcome outcome;
		bool permanent, no_retry;
		int status;
		struct str part;
		int posts;
	} rows[] = {
		{ SLACK_COMMAND, INVOKE_STARTED, false, false, 200, STR("has been started"), 0 },
		{ SLACK_COMMAND, INVOKE_NOT_STARTED, false, false, 200,
			STR("could not be started: AccessDeniedException: no"), 0 },
		{ SLACK_COMMAND, INVOKE_UNKNOWN, false, false, 200, STR("may or may not have been started"),
			0 },
		{ SLACK_EVENT, INVOKE_STARTED, false, false, 200, STR(""), 0 },
		{ SLACK_EVENT, INVOKE_NOT_STARTED, false, false, 503, STR(""), 0 },
		{ SLACK_EVENT, INVOKE_NOT_STARTED, true, true, 403, STR(""), 0 },
		{ SLACK_EVENT, INVOKE_UNKNOWN, false, false, 503, STR(""), 0 },
		{ SLACK_VIEW_SUBMISSION, INVOKE_STARTED, false, false, 200, STR(""), 0 },
		{ SLACK_VIEW_SUBMISSION, INVOKE_NOT_STARTED, false, false, 500,
			STR("AccessDeniedException"), -1 },
		{ SLACK_BLOCK_ACTIONS, INVOKE_STARTED, false, false, 200, STR(""), 0 },
		{ SLACK_BLOCK_ACTIONS, INVOKE_NOT_STARTED, false, false, 500, STR("AccessDeniedException"),
			-1 },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		context("row %zu", i);
		set_up(rows[i].outcome, 40);
		world.result.permanent = rows[i].permanent;
		expect(!run(&(struct request){ .kind = rows[i].kind }));
		expect_int(world.calls, 1);
		expect_int(world.answers, 1);
		expect_int(world.answered_at, start + 40);
		expect(world.type == INVOKE_EVENT);
		if (rows[i].permanent)
			expect_int(world.answer.status / 100, 4);
		else
			expect_int(world.answer.status, rows[i].status);
		expect_int(world.answer.no_retry, rows[i].no_retry);
		expect(!rows[i].part.n || holds(world.answer.body, rows[i].part));
		if (rows[i].posts >= 0)
			expect_int(world.posts, rows[i].posts);
	}
}

/* Slack is answered at the soft moment, in the middle of the same call. */
TEST(dispatch_late_and_then_started)
{
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND });
	expect_int(world.calls, 1);
	expect_int(world.answers, 1);
	expect_int(world.answered_at, start + SOFT);
	expect(holds(world.answer.body, S("is still being started...")));
	expect_int(world.posts, 0);
}

TEST(dispatch_late_and_then_failed)
{
	static const struct {
		enum invoke_outcome outcome;
		struct str part;
	} rows[] = {
		{ INVOKE_NOT_STARTED, STR("could not be started: AccessDeniedException: no") },
		{ INVOKE_UNKNOWN, STR("may or may not have been started") },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		context("row %zu", i);
		set_up(rows[i].outcome, 6000);
		run(&(struct request){ .kind = SLACK_COMMAND });
		expect_int(world.answers, 1);
		expect_int(world.answered_at, start + SOFT);
		expect_int(world.posts, 1);
		expect_int(world.posted_at, start + 6000);
		expect(holds(posted(), rows[i].part));
		expect(holds(posted(), S("\"replace_original\":false")));
	}
}

/* Time is left for the message, and it does not overtake the answer. */
TEST(dispatch_late_message_has_time)
{
	set_up(INVOKE_STARTED, 60000);
	run(&(struct request){ .kind = SLACK_COMMAND });
	expect_int(world.call_hard, start + HARD - 1000);
	expect_int(world.posts, 1);
	expect_int(world.posted_at, start + HARD - 1000);
	expect_int(world.post_hard, start + HARD);
	set_up(INVOKE_NOT_STARTED, SOFT + 1);
	run(&(struct request){ .kind = SLACK_COMMAND });
	expect_int(world.posted_at, start + SOFT + 300);
	/* Nobody could be told: all the time is the call's. */
	set_up(INVOKE_STARTED, 60000);
	run(&(struct request){ .kind = SLACK_COMMAND, .without_url = true });
	expect_int(world.call_hard, start + HARD);
	expect_int(world.posts, 0);
}

TEST(dispatch_message_that_cannot_be_posted)
{
	set_up(INVOKE_NOT_STARTED, 6000);
	world.post_result = E_REFUSED;
	expect(!run(&(struct request){ .kind = SLACK_COMMAND }));
	expect_int(world.posts, 1);
	expect_int(world.answers, 1);
}

TEST(dispatch_announced)
{
	set_up(INVOKE_STARTED, 40);
	run(&(struct request){ .kind = SLACK_COMMAND, .ack = ACK_FIRST });
	expect_int(world.answered_at, start);
	expect(holds(world.answer.body, S("is being started...")));
	expect_int(world.posts, 0);
	set_up(INVOKE_NOT_STARTED, 40);
	run(&(struct request){ .kind = SLACK_COMMAND, .ack = ACK_FIRST });
	expect_int(world.answers, 1);
	expect_int(world.answered_at, start);
	expect_int(world.posts, 1);
	expect(holds(posted(), S("could not be started")));
	/* Events and synchronous routes have nothing to announce. */
	set_up(INVOKE_STARTED, 40);
	run(&(struct request){ .kind = SLACK_EVENT, .ack = ACK_FIRST });
	expect_int(world.answered_at, start + 40);
	set_up(INVOKE_STARTED, 40);
	world.body = S("\"done\"");
	run(&(struct request){ .kind = SLACK_COMMAND, .ack = ACK_FIRST, .sync = true });
	expect_int(world.answered_at, start + 40);
}

/* It waited so long for its turn that Slack was answered meanwhile. */
TEST(dispatch_answered_before_its_turn)
{
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND, .answered = true });
	expect_int(world.calls, 1);
	expect_int(world.answers, 0);
	expect_int(world.posts, 0);
	set_up(INVOKE_NOT_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND, .answered = true });
	expect_int(world.answers, 0);
	expect_int(world.posts, 1);
}

TEST(dispatch_sync_in_time)
{
	set_up(INVOKE_STARTED, 40);
	world.body = S("{\"text\":\"done\"}");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true });
	expect(world.type == INVOKE_REQUEST_RESPONSE);
	expect_int(world.answer.status, 200);
	expect(holds(world.answer.body, S("done")));
	expect_int(world.posts, 0);
	/* The function ran and failed. */
	set_up(INVOKE_STARTED, 40);
	strcpy(world.result.error_name, "Unhandled");
	world.body = S("{\"errorType\":\"TypeError\",\"errorMessage\":\"x is not a function\"}");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true });
	expect(holds(world.answer.body, S("TypeError: x is not a function")));
}

TEST(dispatch_sync_late)
{
	set_up(INVOKE_STARTED, 6000);
	world.body = S("{\"text\":\"done\"}");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true });
	expect_int(world.answered_at, start + SOFT);
	expect_int(world.posts, 1);
	expect(holds(posted(), S("done")));
	/* It returned nothing, so there is nothing to say. */
	set_up(INVOKE_STARTED, 6000);
	world.body = S("null");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true });
	expect_int(world.posts, 0);
	set_up(INVOKE_STARTED, 6000);
	strcpy(world.result.error_name, "Unhandled");
	world.body = S("{\"errorType\":\"TypeError\",\"errorMessage\":\"x is not a function\"}");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true });
	expect_int(world.posts, 1);
	expect(holds(posted(), S("TypeError: x is not a function")));
}

/* The first delivery decides what the second one does. */
TEST(dispatch_event_delivered_twice)
{
	static const struct {
		enum invoke_outcome first;
		int calls, status;
	} rows[] = {
		{ INVOKE_STARTED, 0, 200 },
		{ INVOKE_NOT_STARTED, 1, 503 },
		{ INVOKE_UNKNOWN, 1, 503 },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		context("row %zu", i);
		set_up(rows[i].first, 40);
		run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev1") });
		expect_int(world.calls, 1);
		run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev1") });
		expect_int(world.calls, rows[i].calls);
		expect_int(world.answers, 1);
		expect_int(world.answer.status, rows[i].status);
	}
}

/* The first delivery is not settled when the second must be answered. */
TEST(dispatch_event_while_the_first_is_pending)
{
	set_up(INVOKE_STARTED, 0);
	const struct request again = { .kind = SLACK_EVENT, .event_id = S("Ev1"), .soft_ms = 20 };
	const struct decision same = {
		.target.name = S("eu-west-1/deploy"),
		.slack = { .kind = SLACK_EVENT, .event_id = S("Ev1") },
	};
	char key[REQUEST_KEY_SIZE];
	request_key(key, &same, S("first"));
	struct str id = { key, sizeof(key) };
	expect(dedupe_begin(&dedupe, id, 0) == DEDUPE_FIRST);
	run(&again);
	expect_int(world.calls, 0);
	expect_int(world.answer.status, 503);
	dedupe_end(&dedupe, id, false);
	run(&again);
	expect_int(world.calls, 1);
	expect_int(world.answer.status, 200);
}

/* An event that is late gets 503, the work goes on, and the retry finds its outcome. */
TEST(dispatch_event_late)
{
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev1") });
	expect_int(world.answered_at, start + SOFT);
	expect_int(world.answer.status, 503);
	expect_int(world.answer.no_retry, false);
	run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev1") });
	expect_int(world.calls, 0);
	expect_int(world.answer.status, 200);
}

TEST(dispatch_tells_of_expired_keys)
{
	set_up(INVOKE_NOT_STARTED, 40);
	world.result.refusal = REFUSAL_EXPIRED;
	expect(run(&(struct request){ .kind = SLACK_COMMAND }));
	expect_int(world.answers, 1);
}

static void tell_event(void *ctx, struct str key, enum journal_fate fate, int64_t wall_ms)
{
	(void)ctx, (void)fate, (void)wall_ms;
	expect_str(key, S("")); /* there is none in it */
}

/* What journal_run does, until it is told to stop. */
static _Atomic bool stops;

static void *write_journal(void *journal)
{
	while (!stops)
		journal_write(journal);
	return NULL;
}

/* What was promised is settled there, too; what cannot be kept stops nothing. */
TEST(dispatch_with_a_journal)
{
	static struct journal journal;
	struct fault f;
	struct hmac_key key;
	struct rlimit limit, none;
	pthread_t thread;
	char directory[] = "/tmp/dispatch_test.XXXXXX";
	expect(mkdtemp(directory) != NULL);
	hmac_key(&key, S("secret"));
	expect_int(
		journal_open(&journal, str_c(directory), &key, 1, 1764460800000, tell_event, NULL, &f), OK);
	stops = false;
	expect(pthread_create(&thread, NULL, write_journal, &journal) == 0);
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND, .journal = &journal });
	expect_int(world.answered_at, start + SOFT);
	expect(holds(world.answer.body, S("is still being started...")));
	expect_int(journal.appended, 2);
	expect_int(journal.entries_count, 0);
	/* It is announced by whoever waits for the disk without a thread. */
	set_up(INVOKE_STARTED, 40);
	run(&(struct request){ .kind = SLACK_COMMAND, .ack = ACK_FIRST, .journal = &journal });
	expect_int(world.answered_at, start + 40);
	expect(holds(world.answer.body, S("has been started")));
	expect_int(journal.appended, 2);
	/* A result that follows the answer to a button is promised with it; one that is the answer of a
	   command is not. */
	set_up(INVOKE_STARTED, 40);
	world.body = S("{\"text\":\"done\"}");
	run(&(struct request){ .kind = SLACK_BLOCK_ACTIONS, .sync = true, .journal = &journal });
	expect(holds(posted(), S("done")));
	expect_int(journal.appended, 4);
	expect_int(journal.entries_count, 0);
	set_up(INVOKE_STARTED, 40);
	world.body = S("{\"text\":\"done\"}");
	run(&(struct request){ .kind = SLACK_COMMAND, .sync = true, .journal = &journal });
	expect_int(journal.appended, 4);

	/* No file may grow any more. */
	signal(SIGXFSZ, SIG_IGN);
	expect(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	expect(setrlimit(RLIMIT_FSIZE, &none) == 0);
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND, .journal = &journal });
	expect_int(world.answered_at, start + SOFT); /* Slack must have its answer, all the same */
	set_up(INVOKE_STARTED, 40);
	run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev1"), .journal = &journal });
	expect_int(world.answer.status, 200);
	expect(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	signal(SIGXFSZ, SIG_DFL);
	stops = true;
	pthread_join(thread, NULL);
	/* Nobody writes: the answer waits a moment, which costs the world no time; the event none. */
	set_up(INVOKE_STARTED, 6000);
	run(&(struct request){ .kind = SLACK_COMMAND, .journal = &journal, .soft_ms = 1 });
	expect_int(world.answered_at, start + 1);
	expect(holds(world.answer.body, S("is still being started...")));
	expect_int(journal_failing(&journal), ETIMEDOUT);
	set_up(INVOKE_STARTED, 40);
	run(&(struct request){ .kind = SLACK_EVENT, .event_id = S("Ev2"), .journal = &journal });
	expect_int(world.answer.status, 200);
	journal_close(&journal);
	directory_remove(directory);
}
