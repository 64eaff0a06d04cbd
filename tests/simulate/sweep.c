/* sweep.c - the fault sweep: a scenario is run once to count the calls of the system that can fail,
 * then once for each of them with that one call failing. Afterwards every request has one answer
 * that is true, and the process holds what it held without the fault; or it has said why it ended,
 * with exit code 1. */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = { "socket", "bind", "listen", "connect", "send", "recv", "poll",
	"epoll_create1", "epoll_ctl", "accept4", "eventfd", "signalfd", "getrandom", "open", "read",
	"write", "unlink", "fdatasync", "mmap", "clone", "vfork", "pipe2" };

enum {
	SWEEP_LISTENER, SWEEP_JOURNAL, SWEEP_FUNCTIONS, SWEEP_LAMBDA, SWEEP_CHECK, SWEEP_SEND, SWEEPS
};

enum { END = 1090 }; /* seconds; a world begins at 1000 */

static const char *const sweep_names[] = { [SWEEP_LISTENER] = "listener",
	[SWEEP_JOURNAL] = "listener with a journal",
	[SWEEP_FUNCTIONS] = "listener with functions and a journal", [SWEEP_LAMBDA] = "Lambda runtime",
	[SWEEP_CHECK] = "check", [SWEEP_SEND] = "send" };

/* What a process holds when it is at rest. */
struct holdings {
	size_t streams, files;
	long mappings;
	size_t threads;
};

static struct holdings holdings_now(void)
{
	struct holdings h = { .files = fds_open(FD_FILE) + fds_open(FD_DEVICE) + fds_open(FD_DIRECTORY),
		.streams = fds_open(FD_STREAM), .mappings = world->mapped };
	for (size_t i = 0; i < THREADS_MAX; i++)
		h.threads += world->threads[i].used;
	return h;
}

bool call_fails(const char *name)
{
	struct fault_plan *p = &world->plan;
	if (!p->name || strcmp(p->name, name) != 0 || ++p->seen != p->at)
		return false;
	p->struck = true;
	trace("%s fails", name);
	return true;
}

/* A client whose own connection fails is owed nothing: one. Nor is the Runtime API, over whose
 * connection an event comes. */
bool sweep_excuses(void)
{
	static const char *const those[] = { "recv", "send", "accept4", "epoll_ctl", "poll" };
	struct fault_plan *p = &world->plan;
	for (size_t i = 0; i < countof(those) - !world->scenario.lambda; i++)
		if (p->struck && !p->excused && strcmp(p->name, those[i]) == 0)
			return p->excused = true;
	return false;
}

static bool is_over(void)
{
	return world->now >= END * (int64_t)SECOND || world->process == PROCESS_EXITED;
}

static void nothing(size_t what, uint64_t serial)
{
	(void)what, (void)serial;
}

static void set_up(int sweep)
{
	struct scenario *s = &world->scenario;
	s->lambda = sweep == SWEEP_LAMBDA;
	s->functions = sweep == SWEEP_FUNCTIONS;
	s->journal = sweep == SWEEP_JOURNAL || s->functions;
	s->first = sweep == SWEEP_JOURNAL;
	s->fetched_secret = s->fetched_keys = true;
	s->key_life_s = 900;
	s->workers = 2;
	s->last_ask = 8 * SECOND;
	later(END * (int64_t)SECOND - world->now, nothing, 0, 0);
	change_secret();
	set_up_process();
	if (sweep == SWEEP_CHECK || sweep == SWEEP_SEND) {
		static char check_name[] = "check", send_name[] = "send", to[] = "eu-west-1/my-fn",
					url[] = "http://127.0.0.1:9006/eu-west-1/my-fn";
		world->arguments[1] = sweep == SWEEP_CHECK ? check_name : send_name;
		world->arguments[2] = sweep == SWEEP_CHECK ? to : url;
	}
}

static bool has_ended(void)
{
	return world->process == PROCESS_EXITED || world->now >= (END + 20) * (int64_t)SECOND;
}

static void end_in_peace(void)
{
	if (world->process != PROCESS_UP || world->scenario.lambda)
		return;
	world->events_n = 0;
	signal_raise(SIGTERM);
	world_run(has_ended);
	if (!world->failed && world->process == PROCESS_UP)
		violation("it does not end on SIGTERM");
	if (!world->failed && world->exit_code)
		violation("at rest, it ends with exit code %d", world->exit_code);
}

/* `usual`: what it holds without a fault; NULL: that is what is asked for here. */
static struct holdings run(int sweep, const char *name, unsigned at, const struct holdings *usual)
{
	struct holdings h = { 0 };
	world_reset(1);
	set_up(sweep);
	world->plan = (struct fault_plan){ .name = name, .at = at };
	process_start();
	bool command = sweep == SWEEP_CHECK || sweep == SWEEP_SEND;
	if (!command)
		slack_plan_each();
	world_run(is_over);
	if (world->failed)
		return h;
	if (world->process == PROCESS_EXITED) {
		bool well = command && world->exit_code == 0;
		if ((!well && world->exit_code != 1) || !world->sentences)
			violation("it ended with exit code %d after %d lines about it", world->exit_code,
				world->sentences);
		return h;
	}
	leaks_check();
	slack_check();
	h = holdings_now();
	if (usual && (h.streams > usual->streams + 1 || h.files > usual->files ||
			h.mappings > usual->mappings || h.threads > usual->threads))
		violation("it holds %zu connections, %zu files, %ld mappings and %zu threads; usually %zu, "
				  "%zu, %ld and %zu",
			h.streams, h.files, h.mappings, h.threads, usual->streams, usual->files,
			usual->mappings, usual->threads);
	end_in_peace();
	return h;
}

/* Returns how many runs there were, and how many failed in *failed. */
static long sweep_name(int sweep, const char *name, const struct holdings *usual, long *failed)
{
	long runs = 0;
	(void)run(sweep, name, 0, NULL);
	unsigned calls = world->plan.seen;
	for (unsigned at = 1; at <= calls; at++, runs++) {
		(void)run(sweep, name, at, usual);
		if (!world->failed)
			continue;
		printf(
			"%s, %s number %u of %u fails: %s\n", sweep_names[sweep], name, at, calls, world->why);
		++*failed;
	}
	return runs;
}

bool sweep_one(int scenario, const char *name, unsigned at)
{
	(void)run(scenario, name, at, NULL);
	printf("%s\n", world->failed ? world->why : "nothing wrong");
	return !world->failed;
}

void sweep_all(long *passed, long *failed)
{
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		long runs = 0, before = *failed;
		struct holdings usual = run(sweep, NULL, 0, NULL);
		if (world->failed) {
			printf("%s: %s\n", sweep_names[sweep], world->why);
			++*failed;
			continue;
		}
		for (size_t i = 0; i < countof(names); i++)
			runs += sweep_name(sweep, names[i], &usual, failed);
		printf("ok %s: %ld calls fail, one at a time\n", sweep_names[sweep], runs);
		*passed += runs - (*failed - before);
	}
}
