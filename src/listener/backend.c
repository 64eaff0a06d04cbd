#include "listener/backend.h"

#include "base/clock.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "gateway/result.h"
#include "listener/functions.h"
#include "os/child.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/queue.h"
#include "os/thread.h"
#include "os/variables.h"
#include "service/metrics.h"
#include "service/respond.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	REQUEST_ID_MAX = 64,
	RESPONSE_URL_MAX = 1024,
	VARIABLES_MAX = 64,
	VARIABLES_SIZE = 64 * 1024,
	MESSAGE_SIZE = 8 * BACKEND_OUTPUT_MAX, /* JSON may take six bytes for one */
	RUNNER_STACK = 512 * 1024,
	ACKNOWLEDGE_MS = 11000, /* more than the listener waits for a client to take its answer */
	POST_MS = 10000,
	POST_WHEN_STOPPING_MS = 2000,
	MARK_MS = 10000, /* that a function waits for a slow disk */
	PAGE = 4096,
	CLOSE_ON_EXEC = 1 << 2, /* CLOSE_RANGE_CLOEXEC of close_range(2) */
};

/* Who waits for a function; all of it under the backend's lock. */
struct waiter {
	struct request *request; /* as long as that has this waiter */
	struct buf *answer;
	bool ended, failed;
	char memory[256];
	struct buf reason; /* why it failed */
};

/* A request in the queue or in the hands of a thread. */
struct request {
	_Alignas(PAGE) struct link
		link; /* free, or waiting; at a page, so that memory behind a large payload can go back */
	char path[FILE_PATH_MAX];
	bool acknowledged;     /* under the lock */
	struct waiter *waiter; /* under the lock; NULL if nobody waits */
	enum slack_kind kind;
	uint64_t promised;     /* its id in the journal; 0: it is not there */
	struct str id;         /* set under the lock: whoever acknowledges looks through all of them */
	struct str name, response_url, payload;
	char memory[FUNCTION_NAME_MAX + REQUEST_ID_MAX + RESPONSE_URL_MAX +
		BACKEND_PAYLOAD_MAX]; /* of these */
};

struct backend {
	struct lock lock; /* of `free`, `unfinished` and what changes in requests */
	struct condition acknowledged, ended;
	struct services *services;
	char directory[FILE_PATH_MAX];
	struct account account;
	bool has_account; /* that functions run as */
	int64_t time_limit_ms;
	size_t limit;
	struct request *all;
	size_t count, unfinished;
	struct list free;
	struct queue queue; /* of those that wait for a runner */
	_Atomic bool stopping;
	_Atomic size_t untold;
	int stop; /* eventfd */
	size_t variables_count;
	char *variables[VARIABLES_MAX + 1]; /* those that every function gets */
	struct buf variables_memory;
};

struct runner {
	struct backend *backend;
	struct request *request;
	char *output, *message;
};

/* ---- requests come and go ---- */

static struct str keep(struct buf *b, struct str s)
{
	struct str kept = { b->p + b->n, s.n };
	buf_put(b, s);
	return kept;
}

static struct request *take_free(struct backend *b)
{
	lock_take(&b->lock);
	struct link *link = b->stopping ? NULL : list_take(&b->free);
	lock_give(&b->lock);
	return link_owner(link, struct request, link);
}

static void free_request(struct backend *b, struct request *r)
{
	memory_trim(r, sizeof(*r), 64 * 1024, r->payload.n);
	lock_take(&b->lock);
	r->id.n = 0;
	list_append(&b->free, &r->link);
	lock_give(&b->lock);
}

static void enqueue(struct backend *b, struct request *r, struct str id, bool acknowledged)
{
	lock_take(&b->lock);
	r->id = id;
	r->acknowledged = acknowledged;
	b->unfinished++;
	lock_give(&b->lock);
	queue_put(&b->queue, &r->link);
}

static uint64_t promise(struct backend *b, struct request *r, const struct submission *in)
{
	const struct journal_request request = {
		.arrived_ms = clock_wall_ms(),
		.request_id = in->request_id,
		.kind = slack_kind_name(r->kind),
		.region = TARGET_LOCAL,
		.function = r->name,
		.response_url = r->response_url,
		.payload = r->payload,
		.event = in->event,
	};
	return journal_promise(b->services->journal, &r->promised, &request, false);
}

enum err backend_submit(struct backend *b, uint64_t *ticket, const struct submission *in,
	struct waiter *waiter, struct fault *f)
{
	struct request *r = take_free(b);
	if (!r)
		return fault_set(f, E_LIMIT, 0,
			"%d functions are running and %d are waiting; try again later", NUM(b->limit),
			NUM(BACKEND_QUEUE_MAX));
	struct buf memory = BUF(r->memory);
	r->waiter = waiter;
	r->name = keep(&memory, in->function);
	struct str id = keep(&memory, in->request_id);
	r->response_url = keep(&memory, in->slack->response_url);
	r->kind = in->slack->kind;
	r->payload = keep(&memory, in->payload);
	r->promised = in->promised;
	enum err e = function_find(r->path, b->directory, in->function, f);
	if (e == OK && memory.full)
		e = fault_set(f, E_LIMIT, 0, "the request is too large");
	if (e == OK && ticket && b->services->journal)
		*ticket = promise(b, r, in);
	if (waiter)
		waiter->request = r;
	if (e == OK)
		enqueue(b, r, id, !ticket);
	else
		free_request(b, r);
	return e;
}

/* Until the function has ended. False if the hard moment came first: then it is on its own. */
static bool wait_for_end(struct backend *b, struct waiter *waiter, struct deadline *d)
{
	bool ended = false;
	while (!ended && deadline_left(d) != 0) {
		int64_t until = d->soft < d->hard ? d->soft : d->hard;
		lock_take(&b->lock);
		while (!waiter->ended && condition_wait(&b->ended, &b->lock, until))
			;
		ended = waiter->ended;
		lock_give(&b->lock);
	}
	lock_take(&b->lock);
	ended = waiter->ended;
	if (!ended) {
		waiter->request->waiter = NULL;
		waiter->request->acknowledged = true;
	}
	lock_give(&b->lock);
	return ended;
}

void backend_call(struct backend *b, struct invoke_result *out, const struct submission *in,
	struct buf *answer, struct deadline *d)
{
	struct waiter waiter = { .answer = answer };
	uint64_t ticket;
	waiter.reason = BUF(waiter.memory);
	*out = (struct invoke_result){ .outcome = INVOKE_STARTED, .attempts = 1 };
	enum err e = backend_submit(b, &ticket, in, &waiter, &out->fault);
	if (e != OK) {
		out->outcome = INVOKE_NOT_STARTED;
		out->permanent = e == E_REFUSED;
	} else if (wait_for_end(b, &waiter, d) && waiter.failed) {
		struct json_writer w = json_writer(answer);
		memcpy(out->error_name, "Unhandled", sizeof("Unhandled"));
		buf_reset(answer);
		json_open(&w, '{');
		json_field(&w, S("errorMessage"), buf_str(&waiter.reason));
		json_close(&w, '}');
	}
}

void backend_acknowledge(struct backend *b, struct str request_id)
{
	lock_take(&b->lock);
	for (size_t i = 0; i < b->count; i++)
		if (str_eq(b->all[i].id, request_id))
			b->all[i].acknowledged = true;
	condition_broadcast(&b->acknowledged);
	lock_give(&b->lock);
}

size_t backend_unfinished(struct backend *b)
{
	lock_take(&b->lock);
	size_t n = b->unfinished;
	lock_give(&b->lock);
	return n;
}

size_t backend_untold(struct backend *b)
{
	return b->untold;
}

void backend_stop(struct backend *b, bool now)
{
	b->stopping = true;
	if (now)
		thread_wake(b->stop);
}

/* ---- one run ---- */

static void log_stderr(void *ctx, struct str line)
{
	const struct runner *runner = ctx;
	LOG(LOG_INFO, "stderr", "request_id function line", runner->request->id, runner->request->name,
		line);
}

/* Slack could see an answer before the acknowledgement, and take the latter for the newer one. */
static void wait_for_acknowledgement(struct backend *b, const struct request *r)
{
	int64_t until = clock_mono_ms() + ACKNOWLEDGE_MS;
	lock_take(&b->lock);
	while (!r->acknowledged && condition_wait(&b->acknowledged, &b->lock, until))
		;
	lock_give(&b->lock);
}

/* To whoever waits for it. False if nobody does. */
static bool hand_over(struct backend *b, struct request *r, const struct function_result *result)
{
	lock_take(&b->lock);
	struct waiter *waiter = r->waiter;
	if (waiter) {
		struct json_writer w = json_writer(waiter->answer);
		if (result->json.n)
			json_put_raw(&w, result->json);
		else
			json_put_string(&w, result->text);
		waiter->failed = result->failed || waiter->answer->full;
		buf_put(&waiter->reason,
			result->failed ? result->reason : S("what it printed is too large"));
		waiter->ended = true;
		r->waiter = NULL;
		condition_broadcast(&b->ended);
	}
	lock_give(&b->lock);
	return waiter != NULL;
}

static void post_result(struct runner *runner, const struct function_result *result)
{
	struct backend *b = runner->backend;
	const struct request *r = runner->request;
	struct arena arena = { runner->message, 0, MESSAGE_SIZE };
	const struct target function = { .region = TARGET_LOCAL, .function = r->name };
	const struct result_use use = {
		.kind = r->kind, .has_url = r->response_url.n > 0, .function = function
	};
	struct result read;
	struct fault f = { .n = 0 };
	enum err e = result_read(&read, result, &use, &arena);
	if (e == OK && read.unseen.n)
		LOG(LOG_WARN, "what the function returned is shown to nobody", "request_id function reason",
			r->id, r->name, read.unseen);
	bool untold = b->stopping && result->failed;
	if (r->response_url.n == 0 || (e == OK && read.message.n == 0)) {
		b->untold += untold && r->response_url.n == 0;
		return;
	}
	wait_for_acknowledgement(b, r);
	struct deadline d = deadline_in(b->stopping ? POST_WHEN_STOPPING_MS : POST_MS);
	if (e == OK)
		e = respond(b->services, r->response_url, read.message, &d, &f);
	else
		fault_set(&f, e, 0, "what it printed is too large for a message");
	metrics_relay(e == OK ? "posted" : "failed");
	if (e == OK)
		return;
	b->untold += untold;
	log_failure("the function's answer could not be posted", r->id, &f);
}

static void run_function(struct runner *runner)
{
	struct backend *b = runner->backend;
	struct request *r = runner->request;
	char id_variable[REQUEST_ID_MAX + 32], function_variable[FUNCTION_NAME_MAX + 32], words[64];
	struct buf id = BUF(id_variable), function = BUF(function_variable),
			   output = { runner->output, 0, BACKEND_OUTPUT_MAX, false };
	char *variables[VARIABLES_MAX + 3] = { id_variable, function_variable };
	struct child_result result = { 0 };
	struct fault f;
	buf_format(&id, "GATEWAY_REQUEST_ID=%s%s", r->id, (struct str){ "", 1 });
	buf_format(&function, "GATEWAY_FUNCTION=%s%s", r->name, (struct str){ "", 1 });
	check(!id.full && !function.full);
	memcpy(variables + 2, b->variables, b->variables_count * sizeof(*variables));
	const struct child_call call = {
		.children = &process_children,
		.path = r->path,
		.directory = b->directory,
		.arguments = (char *[]){ r->path, NULL },
		.environment = variables,
		.account = b->has_account ? &b->account : NULL,
		.payload = r->payload,
		.warn = true,
		.tick_ms = -1,
		.stop = b->stop,
		.log = log_stderr,
		.ctx = runner,
	};
	int64_t start = clock_mono_ms();
	struct deadline d = deadline_in(b->time_limit_ms);
	enum err e = b->stopping
		? fault_set(&f, E_REFUSED, 0, "the gateway stopped before its turn came")
		: child_run(&result, &output, &call, &d, &f);
	struct str why = e == OK ? child_describe(words, &result) : fault_text(&f);
	bool failed = e != OK || result.end != CHILD_EXITED || result.code != 0;
	struct json value;
	size_t position;
	struct str printed = str_trim_lines(buf_str(&output));
	bool is_json = json_check(&value, &position, printed) == OK;
	const struct function_result answer = {
		.failed = failed,
		.reason = failed ? why : S(""),
		.json = is_json ? printed : S(""),
		.text = is_json ? S("") : printed,
	};
	LOG(failed ? LOG_ERROR : LOG_INFO, "function ended", "request_id function reason printed# ms#",
		r->id, r->name, answer.reason, NUM(output.n), NUM(clock_mono_ms() - start));
	if (!hand_over(b, r, &answer))
		post_result(runner, &answer);
}

/* A function that a crash interrupts is not run a second time: it is marked before it runs. */
static void note_attempt(struct backend *b, struct request *r)
{
	struct fault f;
	struct journal *journal = b->services->journal;
	if (journal && journal_wait(journal, r->promised ? journal_attempt(journal, r->promised) : 0,
					   clock_mono_ms() + MARK_MS, &f) != OK)
		LOG(LOG_WARN, "the journal does not cover this function", "request_id function reason",
			r->id, r->name, fault_text(&f));
}

static void *runner_run(void *arg)
{
	struct runner *runner = arg;
	struct backend *b = runner->backend;
	for (;;) {
		struct link *link = queue_take(&b->queue);
		runner->request = link_owner(link, struct request, link);
		note_attempt(b, runner->request);
		run_function(runner);
		if (runner->request->promised)
			journal_settle(b->services->journal, runner->request->promised);
		free_request(b, runner->request);
		lock_take(&b->lock);
		b->unfinished--;
		lock_give(&b->lock);
	}
	return NULL;
}

/* ---- start ---- */

static enum err add_variable(struct backend *b, struct str name, struct str value, struct fault *f)
{
	char *start = b->variables_memory.p + b->variables_memory.n;
	buf_format(&b->variables_memory, "%s=%s%s", name, value, (struct str){ "", 1 });
	if (b->variables_memory.full || b->variables_count == VARIABLES_MAX)
		return fault_set(f, E_CONFIG, 0,
			"GATEWAY_FUNCTION_ENV names too much: %d variables of 64 KiB in all are the limit",
			NUM(VARIABLES_MAX));
	b->variables[b->variables_count++] = start;
	return OK;
}

/* As it is, blanks and all, if it is set. */
static enum err pass_variable(struct backend *b, struct str name, const char *c_name,
	const struct environment *env, struct fault *f)
{
	const char *value = env->get(env->ctx, c_name);
	return value ? add_variable(b, name, str_c(value), f) : OK;
}

/* PATH and its like, and what the operator lists: nothing else, above all no secrets. */
static enum err collect_variables(
	struct backend *b, struct str listed, const struct environment *env, struct fault *f)
{
	static const char *const always[] = { "PATH", "HOME", "TMPDIR", "LANG" };
	struct str name;
	enum err e = OK;
	for (size_t i = 0; e == OK && i < countof(always); i++)
		e = pass_variable(b, str_c(always[i]), always[i], env, f);
	while (e == OK && listed.n) {
		char memory[128];
		struct buf c_name = BUF(memory);
		str_next(&name, &listed, ',');
		name = str_trim(name);
		buf_format(&c_name, "%s%s", name, (struct str){ "", 1 });
		if (c_name.full || name.n == 0)
			e = fault_set(f, E_CONFIG, 0,
				"GATEWAY_FUNCTION_ENV must be names of variables, separated by commas");
		else
			e = pass_variable(b, name, memory, env, f);
	}
	return e;
}

static enum err open_directory(struct backend *b, struct str directory, struct fault *f)
{
	struct stat st;
	if (!file_real_path(b->directory, &st, directory))
		return fault_set(f, E_FILE, errno, "the directory of functions %s cannot be used",
			str_sub(directory, 0, 100));
	if (!S_ISDIR(st.st_mode))
		return fault_set(f, E_FILE, 0,
			"GATEWAY_FUNCTIONS must name a directory with executable files");
	return OK;
}

/* What functions run as; and that this process is not theirs to look into: not its memory,
 * environment or descriptors. */
static enum err keep_apart(struct backend *b, struct str user, struct fault *f)
{
	process_need(prctl(PR_SET_DUMPABLE, 0) == 0, "prctl");
	if (user.n && geteuid() != 0)
		return fault_set(f, E_SYSTEM, EPERM,
			"GATEWAY_FUNCTION_USER=%s cannot be used: only root can run functions as another user",
			str_sub(user, 0, 60));
	enum err e = user.n ? account_of_user(&b->account, user, f) : OK;
	b->has_account = user.n > 0;
	return e == OK ? OK : fault_lead(f, e, S("GATEWAY_FUNCTION_USER"));
}

static void warn_of_root(const struct backend *b)
{
	if (geteuid() == 0 && (!b->has_account || b->account.uid == 0))
		LOG(LOG_WARN,
			"functions run as root and can read all that the gateway knows: set "
			"GATEWAY_FUNCTION_USER, or run it as another user",
			"");
}

enum err backend_start(struct backend **out, struct services *s,
	const struct listener_config *config, const struct environment *env, struct fault *f)
{
	struct backend *b = memory_map(sizeof(*b) + VARIABLES_SIZE);
	struct runner *runners = memory_map(config->function_limit * sizeof(*runners));
	char *memory = memory_map(config->function_limit * (BACKEND_OUTPUT_MAX + MESSAGE_SIZE));
	*out = b;
	b->services = s;
	b->limit = config->function_limit;
	b->time_limit_ms = (int64_t)config->function_timeout_s * 1000;
	b->variables_memory = (struct buf){ (char *)(b + 1), 0, VARIABLES_SIZE, false };
	b->count = b->limit + BACKEND_QUEUE_MAX;
	b->all = memory_map(b->count * sizeof(*b->all));
	for (size_t i = 0; i < b->count; i++)
		list_append(&b->free, &b->all[i].link);
	condition_init(&b->acknowledged);
	condition_init(&b->ended);
	queue_init(&b->queue, -1);
	/* Files that this process was born with are not for functions either; Linux before 5.11 cannot
	 * help it. */
	syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, CLOSE_ON_EXEC);
	enum err e = open_directory(b, config->functions, f);
	if (e == OK)
		e = keep_apart(b, config->function_user, f);
	if (e == OK)
		e = collect_variables(b, config->function_env, env, f);
	if (e == OK && (b->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		e = fault_set(f, E_SYSTEM, errno, "the embedded backend cannot start");
	for (size_t i = 0; e == OK && i < b->limit; i++) {
		runners[i] = (struct runner){
			.backend = b, .output = memory, .message = memory + BACKEND_OUTPUT_MAX
		};
		memory += BACKEND_OUTPUT_MAX + MESSAGE_SIZE;
		e = thread_start(runner_run, &runners[i], RUNNER_STACK, f);
	}
	if (e == OK)
		warn_of_root(b);
	return e;
}
