#include "lambda/runtime.h"

#include "base/clock.h"
#include "codec/authority.h"
#include "codec/json_write.h"
#include "http/retry.h"
#include "os/memory.h"
#include "os/thread.h"
#include "os/variables.h"
#include "service/destination.h"
#include "service/metrics.h"
#include "service/outside.h"

#include <stdatomic.h>
#include <stdlib.h>

#define API "/2018-06-01/runtime"

enum {
	EVENT_MAX = 6 * 1024 * 1024 + 100, /* what Lambda hands over at most, it cuts the rest */
	FRAMING_MAX = 64 * 1024,           /* room for chunk sizes between the parts of an event */
	ARENA_SIZE = 16 * 1024 *
		1024, /* address space: a decoded 6 MB body and replies; only what is used is backed */
	KEEP_SIZE = 256 * 1024, /* memory kept from one event to the next */
	REQUEST_ID_MAX = 128,
	TRACE_ID_MAX = 1024,
	WARM_UP_MS = 300,
	RENEW_MS = 2000,
	STAMP_AGE_MAX_MS =
		3000, /* a front door's time stamp that is older, or from the future, is not believed */
	SOFT_MARGIN_MS = 200,   /* before Lambda's deadline Slack must have its answer, */
	HARD_MARGIN_MS = 300,   /* and the work must have ended */
	NO_DEADLINE_MS = 30000, /* for an event that came without a deadline */
	SHORT_TIMEOUT_MS = 5000,
	CONCURRENCY_MAX = 1024,
	END_LOOK_MS = 10,
	THREAD_STACK =
		512 * 1024, /* a TLS handshake needs some 20 KiB, a head's buffer 8, replies a few */
};

/* One thread's view of the Runtime API and the event in its hands. */
struct event_loop {
	struct services *services;
	struct outside outside;
	struct dial_target api;
	struct str authority;
	struct arena event_memory; /* holds nothing but the event */
	struct arena arena;

	char request_id[REQUEST_ID_MAX];
	struct str id, trace;
	int64_t arrived_mono, arrived_wall, deadline_wall;
	enum front_door door;
	struct http_attempt attempt;
	struct http_client client;
	/* What is touched before the first event ends with the page that it begins in. */
	char trace_id[TRACE_ID_MAX];
};

/* Shared by all loops: when one cannot go on, none asks for more, and what the others have in their
 * hands is finished first, which their deadlines bound. */
static _Atomic bool ending;
static _Atomic int events_in_hand;

/* ---- the Runtime API ---- */

/* Sends a request of the kind that `retry` is for, once. */
static enum err ask_api(struct event_loop *l, struct http_retry *retry,
	const struct http_request *request, struct buf *body, struct fault *f)
{
	struct deadline none = deadline_none(), d = http_retry_attempt(retry, &none);
	enum err e = http_attempt_on(&l->attempt, &l->client, &l->api, &d, f);
	return e == OK ? http_attempt_send(&l->attempt, request, body, &d, f) : e;
}

/* Posts to the Runtime API. Returns the status, 0 when none came. */
static int post_to_api(
	struct event_loop *l, struct str path, struct str error_type, struct str body)
{
	char answer[1024];
	struct fault f;
	const struct http_field fields[] = {
		{ S("Content-Type"), S("application/json") },
		{ S("Lambda-Runtime-Function-Error-Type"), error_type },
	};
	const struct http_request request = {
		.method = S("POST"), .authority = l->authority, .base_path = S(API), .path = path,
		.fields = fields, .fields_count = error_type.n ? 2 : 1, .body = body,
	};
	struct http_retry retry = http_retry(HTTP_SENDER_ANSWER);
	struct deadline none = deadline_none();
	enum err e;
	do {
		struct buf text = BUF(answer);
		e = ask_api(l, &retry, &request, &text, &f);
	} while (e != OK && http_retry_wait(&retry, http_retry_failure(&retry, &l->attempt, e), &none));
	if (e != OK)
		log_failure("the Runtime API cannot be reached", l->id, &f);
	return e == OK ? l->attempt.response.head.status : 0;
}

static void post_answer(struct event_loop *l, struct str body)
{
	char path[sizeof("/invocation//response") + REQUEST_ID_MAX];
	struct buf b = BUF(path);
	buf_format(&b, "/invocation/%s/response", l->id);
	int status = post_to_api(l, buf_str(&b), S(""), body);
	/* 400, 403, 410 and 413 concern this event alone; 500 asks the runtime to exit. */
	if (status == 0 || status >= 500)
		ending = true;
	if (status && (status < 200 || status > 299))
		LOG(LOG_ERROR, "the Runtime API did not take the answer", "request_id status#", l->id,
			NUM(status));
}

static void keep_text(struct str *out, char *memory, size_t cap, struct str value)
{
	struct buf b = { memory, 0, cap, false };
	buf_put(&b, value);
	*out = b.full ? S("") : buf_str(&b);
}

/* Keeps what is needed of the head of /next: its views die with the next request on the connection.
 */
static bool take_head(struct event_loop *l, const struct http_head *head)
{
	uint64_t deadline;
	struct str id = http_field_get(head, S("Lambda-Runtime-Aws-Request-Id"));
	bool repeated = str_eq(id, l->id);
	for (size_t i = 0; i < id.n; i++)
		if (!is_alnum((unsigned char)id.p[i]) && id.p[i] != '-' && id.p[i] != '_')
			return false;
	if (id.n == 0 || id.n > REQUEST_ID_MAX || repeated)
		return false;
	keep_text(&l->id, l->request_id, sizeof(l->request_id), id);
	keep_text(&l->trace, l->trace_id, sizeof(l->trace_id),
		http_field_get(head, S("Lambda-Runtime-Trace-Id")));
	l->deadline_wall = l->arrived_wall + NO_DEADLINE_MS;
	if (str_to_u64(&deadline, http_field_get(head, S("Lambda-Runtime-Deadline-Ms")), INT64_MAX))
		l->deadline_wall = (int64_t)deadline;
	return true;
}

/* Waits for the next event, as long as it takes. False when there will be none. */
static bool next_event(struct event_loop *l, struct str *event)
{
	const struct http_head *head = &l->attempt.response.head;
	const struct http_request request = {
		.method = S("GET"), .authority = l->authority, .base_path = S(API),
		.path = S("/invocation/next"),
	};
	struct http_retry retry = http_retry(HTTP_SENDER_NEXT);
	struct deadline none = deadline_none();
	struct fault f;
	do {
		arena_reset(&l->event_memory);
		struct buf body = arena_rest(&l->event_memory);
		enum err e = ask_api(l, &retry, &request, &body, &f);
		l->arrived_mono = clock_mono_ms();
		l->arrived_wall = clock_wall_ms();
		*event = l->attempt.response.body;
		if (e == OK && head->status == 200 && take_head(l, head))
			return true;
		if (e == OK)
			fault_set(&f, E_SYNTAX, 0, "it answered %d%s", NUM(head->status),
				head->status == 200 ? S(" without a new request id") : S(""));
		log_failure("no event from the Runtime API", S(""), &f);
	} while (http_retry_wait(&retry, HTTP_AGAIN_LATER, &none));
	return false;
}

/* ---- one event ---- */

static void answer_event(void *ctx, const struct reply *reply)
{
	struct event_loop *l = ctx;
	struct buf b = arena_rest(&l->arena);
	front_door_answer(&b, l->door, reply);
	post_answer(l, arena_keep(&l->arena, &b));
}

static int64_t min_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t hard_moment(const struct event_loop *l)
{
	return l->arrived_mono + l->deadline_wall - l->arrived_wall - HARD_MARGIN_MS;
}

/* The user's time runs since the front door saw the request, cold start included. */
static int64_t soft_moment(const struct event_loop *l, int64_t stamp_ms)
{
	int64_t age = l->arrived_wall - stamp_ms;
	int64_t left = l->deadline_wall - l->arrived_wall;
	if (stamp_ms == 0 || age < 0 || age > STAMP_AGE_MAX_MS)
		age = 0;
	return l->arrived_mono + min_ms(l->services->config.timeout_ms - age, left - SOFT_MARGIN_MS);
}

static void warn_of_short_timeout(const struct event_loop *l)
{
	static _Atomic bool warned;
	int64_t left = l->deadline_wall - l->arrived_wall;
	if (left < SHORT_TIMEOUT_MS && !warned) {
		warned = true;
		LOG(LOG_WARN,
			"this function's timeout leaves no time to finish what Slack cannot wait for; set it "
			"to 30 seconds",
			"left_ms#", NUM(left));
	}
}

static void carry_out(struct event_loop *l, const struct decision *decision,
	const struct gateway_request *req, struct str event)
{
	struct dispatch d = {
		.effects = &l->outside.effects,
		.config = &l->services->config,
		.dedupe = &l->services->dedupe,
		.decision = decision,
		.payload = event,
		.trace_id = l->trace,
		.request_id = l->id,
		.arena = &l->arena,
		.answer = answer_event,
		.ctx = l,
		.soft = soft_moment(l, req->arrived_ms),
		.hard = hard_moment(l),
	};
	if (decision->payload == PAYLOAD_SLACK &&
		dispatch_payload(&d.payload, decision, req, l->id, l->arrived_wall, &l->arena) != OK) {
		struct reply reply;
		reply_to_large(&reply, &decision->slack, &decision->target, &l->arena);
		answer_event(l, &reply);
		return;
	}
	warn_of_short_timeout(l);
	if (dispatch_run(&d) && l->services->credentials.fixed) {
		ending = true;
		LOG(LOG_ERROR,
			"this sandbox's credentials have expired: the process ends, Lambda starts a new one",
			"");
	}
}

static void decide_event(
	struct event_loop *l, struct decision *decision, const struct gateway_request *req)
{
	struct signing_secrets *s = &l->services->secrets;
	signing_secrets_decide(s, decision, req, l->arrived_wall / 1000, &l->arena);
	if (signing_secrets_renew(s, decision->verdict, soft_moment(l, req->arrived_ms)))
		signing_secrets_decide(s, decision, req, l->arrived_wall / 1000, &l->arena);
}

static void handle(struct event_loop *l, struct str event)
{
	struct gateway_request req;
	struct decision decision;
	struct fault f;
	arena_reset(&l->arena);
	enum err e = front_door_read(&req, event, &l->arena, &f);
	l->door = req.door;
	if (e == OK && req.door == DOOR_NONE) {
		struct str answer;
		struct deadline d = { .hard = hard_moment(l), .soft = DEADLINE_NEVER };
		if (destination_run(
				l->services, &answer, event, l->id, l->arrived_wall / 1000, &d, &l->arena)) {
			post_answer(l, answer);
			return;
		}
	}
	if (e == OK && (req.door == DOOR_NONE || req.door == DOOR_FOREIGN)) {
		LOG(req.advice.n ? LOG_WARN : LOG_DEBUG, "the event is not an HTTP request",
			"request_id reason", l->id, req.advice);
		post_answer(l, S("{}"));
		return;
	}
	if (e == E_SYNTAX && event.n >= EVENT_MAX)
		e = fault_set(&f, E_LIMIT, 0,
			"the event was cut off at %d bytes, the most that Lambda hands over", NUM(event.n));
	if (e == OK)
		decide_event(l, &decision, &req);
	else
		decide_unreadable(&decision, &f, &l->arena);
	if (decision.action == ACTION_INVOKE) {
		carry_out(l, &decision, &req, event);
		return;
	}
	answer_event(l, &decision.reply);
	if (decision.ignored)
		metrics_event_ignored();
	LOG(decision.level, "answered", "request_id status# why reason", l->id,
		NUM(decision.reply.status), decision.why, e == OK ? S("") : fault_text(&f));
	dispatch_tell(
		&(struct dispatch){
			.effects = &l->outside.effects,
			.decision = &decision,
			.request_id = l->id,
			.hard = hard_moment(l),
		},
		decision.message);
}

/* ---- life ---- */

static void loop_init(struct event_loop *l, struct services *s, const struct environment *env)
{
	uint64_t port = 80;
	struct str host;
	l->services = s;
	outside_init(&l->outside, s);
	l->authority = environment_get(env, "AWS_LAMBDA_RUNTIME_API");
	if (!authority_split(&host, &port, l->authority))
		host = l->authority; /* which is no host: the message of the first attempt names it */
	l->api = (struct dial_target){ .host = host, .port = (uint16_t)port, .resolver = &s->resolver };
	l->event_memory =
		(struct arena){ memory_map(EVENT_MAX + FRAMING_MAX), 0, EVENT_MAX + FRAMING_MAX };
	l->arena = (struct arena){ memory_map(ARENA_SIZE), 0, ARENA_SIZE };
	http_client_init(&l->client, NULL, NULL);
}

/* Nobody waits now, if anybody must. What is due while the sandbox is frozen is found by the next
 * event. */
static void renew_credentials(struct event_loop *l)
{
	struct deadline d = deadline_in(RENEW_MS);
	(void)credentials_renew(&l->services->credentials, &d);
}

/* An event that just arrived may not be counted yet: the count must be zero twice. */
static _Noreturn void end_process(void)
{
	static _Atomic bool begun;
	int quiet = 0;
	ending = true;
	while (atomic_exchange(&begun, true))
		clock_sleep_ms(END_LOOK_MS); /* another loop ends it */
	while ((quiet = events_in_hand ? 0 : quiet + 1) < 2)
		clock_sleep_ms(END_LOOK_MS);
	exit(1);
}

static void *loop_run(void *arg)
{
	struct event_loop *l = arg;
	struct str event;
	while (!ending && next_event(l, &event)) {
		events_in_hand++;
		handle(l, event);
		events_in_hand--;
		if (ending)
			break;
		renew_credentials(l);
		memory_trim(l->event_memory.p, l->event_memory.cap, KEEP_SIZE, event.n);
		memory_trim(l->arena.p, l->arena.cap, KEEP_SIZE, l->arena.n);
	}
	/* What one thread cannot do, none can: the platform starts the process again. */
	end_process();
}

/* Apart, so that its memory is not on the stack of the start that goes well. */
static __attribute__((noinline)) int refuse_to_start(struct event_loop *l, const struct fault *f)
{
	char text[2 * FAULT_TEXT_MAX];
	struct buf b = BUF(text);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_fields(&w, "errorMessage errorType", fault_text(f), S("Runtime.InvalidConfiguration"));
	json_key(&w, S("stackTrace"));
	json_open(&w, '[');
	json_close(&w, ']');
	json_close(&w, '}');
	log_failure("the configuration cannot be used", S(""), f);
	post_to_api(l, S("/init/error"), S("Runtime.InvalidConfiguration"), buf_str(&b));
	return f->code == E_CONFIG ? 2 : 1;
}

/* Lambda gives the full CPU before the first event is asked for: what the first invocation needs is
 * made ready then. */
static __attribute__((noinline)) void warm_up(struct event_loop *l)
{
	struct fault f;
	struct services *s = l->services;
	struct deadline d = deadline_in(WARM_UP_MS);
	signing_secrets_read_aside(&s->secrets, false);
	if (s->aws.region.n) {
		(void)credentials_renew(&s->credentials, &d);
		if (invoke_warm_up(&l->outside.invoker, s->aws.region, &d, &f) != OK)
			LOG(LOG_INFO, "no connection was made ahead of the first event", "reason",
				fault_text(&f));
	}
	signing_secrets_wait(&s->secrets, &d);
}

static size_t concurrency_of(const struct environment *env)
{
	uint64_t n;
	struct str text = environment_get(env, "AWS_LAMBDA_MAX_CONCURRENCY");
	return str_to_u64(&n, text, CONCURRENCY_MAX) && n > 0 ? (size_t)n : 1;
}

static void start_another(struct event_loop *l)
{
	struct fault f;
	if (thread_start(loop_run, l, THREAD_STACK, &f) != OK)
		log_failure("fewer events at once than Lambda asked for", S(""), &f);
}

int runtime_run(void)
{
	struct fault f;
	struct environment env = variables_of_process();
	size_t loops = concurrency_of(&env);
	/* First, for what is left of the page of the program's own data. */
	struct event_loop *l = memory_map(loops * sizeof(*l));
	struct services *s = memory_map(sizeof(*s));
	enum err e = services_start(s, &env, loops, &f);
	if (e == OK)
		e = credentials_check(&s->credentials, &f);
	if (e == OK && environment_get(&env, "GATEWAY_JOURNAL").n)
		e = fault_set(&f, E_CONFIG, 0,
			"GATEWAY_JOURNAL is for the listener: in Lambda no directory outlives the sandbox");
	for (size_t i = 0; i < loops; i++)
		loop_init(&l[i], s, &env);
	if (e != OK)
		return refuse_to_start(l, &f);
	warm_up(l);
	for (size_t i = 1; i < loops; i++)
		start_another(&l[i]);
	loop_run(l);
	return 1;
}
