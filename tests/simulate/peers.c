/* peers.c - whom the program talks to: AWS Lambda, Slack's response_urls, Secrets Manager, the
 * source of credentials, the Lambda Runtime API. They are slow, refuse, fail, cut their answers off
 * and fall silent, as the weather has it. */
#include "world.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE = -1 };

/* ---- HTTP, as far as the program speaks it ---- */

struct message {
	const char *head, *body;
	size_t n, body_n; /* of all, of the body */
};

/* False: more must come. */
static bool read_message(struct message *m, const struct link_state *l)
{
	const char *end = memmem(l->inbox, l->inbox_n, "\r\n\r\n", 4);
	if (!end)
		return false;
	size_t head = (size_t)(end - l->inbox) + 4;
	const char *length = memmem(l->inbox, head, "ontent-Length: ", 15);
	if (!length)
		length = memmem(l->inbox, head, "ontent-length: ", 15);
	*m = (struct message){ .head = l->inbox, .body = l->inbox + head,
		.body_n = length ? strtoul(length + 15, NULL, 10) : 0 };
	m->n = head + m->body_n;
	return m->n <= l->inbox_n;
}

static bool has(const char *text, size_t n, const char *what)
{
	return memmem(text, n, what, strlen(what)) != NULL;
}

/* ---- answers ---- */

static void late_say(size_t i, uint64_t serial)
{
	struct link_state *l = &world->links[i];
	if (l->used && l->serial == serial)
		link_say(l, l->script_n, l->ending);
}

static size_t put_answer(struct link_state *l, const char *status, const char *fields,
	const char *format, va_list arguments)
{
	char body[2048];
	int n = vsnprintf(body, sizeof(body), format, arguments);
	check(n >= 0 && (size_t)n < sizeof(body));
	int all = snprintf(l->script, sizeof(l->script),
		"HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status,
		fields, n, body);
	check(all > 0 && (size_t)all < sizeof(l->script));
	return (size_t)all;
}

/* After `us`; the weather may cut it. Returns how much it is when it is whole. */
__attribute__((format(printf, 5, 6)))
static size_t answer(struct link_state *l, int64_t us, const char *status, const char *fields,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	size_t n = put_answer(l, status, fields, format, arguments);
	va_end(arguments);
	size_t whole = n;
	l->ending = happens(10) ? ENDING_CLOSE : ENDING_KEEP;
	if (happens(world->weather.cut)) {
		n = below(n);
		/* Nothing at all on a kept connection reads as a request that came too late, which is sent
		   again: the one risk of a double start that the contract names. */
		n += n == 0 && l->kept;
		l->ending = l->kept || happens(50) ? ENDING_CLOSE : ENDING_RESET;
	}
	l->script_n = n;
	later(us, late_say, (size_t)(l - world->links), l->serial);
	return whole;
}

/* How long it takes; SILENCE: for ever. */
static int64_t answer_time(void)
{
	if (happens(world->weather.lose))
		return SILENCE;
	if (happens(world->weather.slow))
		return between(200 * MS, 40 * SECOND);
	return between(300, 60 * MS);
}

/* ---- Lambda ---- */

struct refusal {
	const char *status, *fields, *body;
	bool maybe; /* the program cannot know whether it was started */
};

static const struct refusal refusals[] = {
	{ "429 Too Many Requests", "x-amzn-errortype: TooManyRequestsException\r\n",
		"{\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\","
		"\"message\":\"Rate Exceeded.\"}", false },
	{ "500 Internal Server Error", "x-amzn-errortype: ServiceException\r\n",
		"{\"message\":\"broken\"}", false },
	{ "503 Service Unavailable", "", "{}", false },
	{ "403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n",
		"{\"Message\":\"not authorized\"}", false },
	{ "404 Not Found", "x-amzn-errortype: ResourceNotFoundException\r\n",
		"{\"Message\":\"no such function\"}", false },
	{ "409 Conflict", "x-amzn-errortype: ResourceConflictException\r\n",
		"{\"Message\":\"The operation cannot be performed: the function is Pending\"}", false },
	{ "504 Gateway Timeout", "", "{}", true },
};

/* When it was signed, of the program's wall clock. */
static int64_t signed_at(const struct message *m)
{
	int64_t s = 0;
	char text[] = "2026-11-29T00:00:00Z";
	const char *date = memmem(m->head, (size_t)(m->body - m->head), "x-amz-date: ", 12);
	static const struct {
		size_t to, from, n;
	} parts[] = {
		{ 0, 0, 4 }, { 5, 4, 2 }, { 8, 6, 2 }, { 11, 9, 2 }, { 14, 11, 2 }, { 17, 13, 2 },
	};
	for (size_t i = 0; date && i < countof(parts); i++)
		memcpy(text + parts[i].to, date + 12 + parts[i].from, parts[i].n);
	if (!date || !utc_from_rfc3339(&s, str_c(text)))
		violation("a call without a date");
	return s * SECOND;
}

static bool key_is_good(const struct message *m)
{
	size_t head = (size_t)(m->body - m->head);
	const char *id = memmem(m->head, head, "Credential=AKIA", 15);
	if (!world->scenario.fetched_keys && !world->scenario.lambda)
		return true;
	unsigned serial = id ? (unsigned)strtoul(id + 15, NULL, 10) : 0;
	if (!serial || serial > world->key_serial)
		return false;
	int64_t ends = world->key_ends[serial % KEYS_MAX];
	if (world->scenario.fetched_keys && serial > world->keys_late && signed_at(m) > ends)
		violation("a call is signed with keys that had expired");
	return ends > world->now + world->wall;
}

/* When the disk fails, that is said, and what a crash makes of it is not promised. */
static bool is_excused(const struct ask *a)
{
	return world->plan.risked || (world->disk_faults && a->life < world->life);
}

/* Whether an event may be started once more: nobody knows that it was, or it is long ago. */
static bool may_start_again(const struct ask *a)
{
	enum { MEMORY_S = 600 };
	if (a->seen_maybe || !a->starts || world->now - a->started > MEMORY_S * (int64_t)SECOND)
		return true;
	/* The secret that verified is part of what tells events apart. */
	if (a->secret != world->secret_serial)
		return true;
	/* The call of a function that runs here was under way in an earlier process, which is said; the
	   function itself had not had its turn, and has had it now. */
	if (a->local && a->sync && a->life < world->life && !a->known_at)
		return true;
	if (!a->known || a->known_life == world->life)
		return false;
	/* What a process knew that has ended is on disk at the latest when Slack has its 200. */
	return !world->scenario.journal || world->disk_faults || !a->known_at;
}

void function_started(size_t root)
{
	struct ask *a = &world->asks[root];
	bool again = a->kind == ASK_EVENT && may_start_again(a);
	a->starts++;
	a->started = world->now;
	trace("ask %zu: its function is started, %d times now", root, a->starts);
	if (a->kind != ASK_EVENT && a->starts > 1 && !is_excused(a))
		violation("ask %zu: the function was started %d times", root, a->starts);
	if (a->kind == ASK_EVENT && !again && !is_excused(a))
		violation("ask %zu: the event was started twice, and nothing was unknown", root);
}

/* The program will not learn what became of this call. */
static void keep_secret(struct ask *root)
{
	root->seen_maybe = true;
}

static void refuse_call(struct link_state *l, struct ask *root, int64_t us)
{
	const struct refusal *r = &refusals[below(countof(refusals))];
	if (r->maybe && happens(50)) {
		keep_secret(root);
		function_started((size_t)(root - world->asks));
	}
	answer(l, us, r->status, r->fields, "%s", r->body);
}

#define ID "x-amzn-requestid: 00000000-1111-2222-3333-444444444444\r\n"

/* What the function returns to a synchronous call: in time, late, or a failure. All of it counts.
 */
static size_t answer_result(struct link_state *l, const struct ask *root, int64_t us)
{
	us += happens(50) ? between(1 * MS, 1500 * MS) : between(2 * SECOND, 25 * SECOND);
	if (happens(30))
		return answer(l, us, "200 OK", ID "X-Amz-Function-Error: Unhandled\r\n",
			"{\"errorMessage\":\"zfzf%08x\",\"errorType\":\"Error\"}", root->token);
	if (root->kind == ASK_VIEW)
		return answer(l, us, "200 OK", ID,
			"{\"response_action\":\"errors\",\"errors\":{\"b\":\"zfzf%08x\"}}", root->token);
	return answer(l, us, "200 OK", ID, "{\"text\":\"zfzf%08x\"}", root->token);
}

/* Of an answer that says "started" the status line counts. */
static void accept_call(struct link_state *l, struct ask *root, int64_t us, bool sync)
{
	static const char status[] = "202 Accepted";
	function_started((size_t)(root - world->asks));
	if (us == SILENCE) {
		keep_secret(root);
		return;
	}
	l->heard = 0;
	if (sync) {
		l->status_n = answer_result(l, root, us);
	} else {
		answer(l, us, status, ID, "%s", "");
		l->status_n = strlen("HTTP/1.1 \r\n") + strlen(status);
	}
	if (l->script_n < l->status_n) {
		l->status_n = 0;
		keep_secret(root);
	}
}

static void hear_call(struct link_state *l, const struct message *m)
{
	size_t ask = ask_of(m->body, m->body_n);
	/* `check` asks for nothing first, and then whether it may. */
	size_t head = (size_t)(m->body - m->head);
	bool dry = has(m->head, head, "DryRun"), sync = has(m->head, head, "RequestResponse");
	if (dry || has(m->head, 8, "POST / ")) {
		answer(l, 300, dry ? "204 No Content" : "403 Forbidden", "", "%s", dry ? "" : "{}");
		return;
	}
	if (ask == SIZE_MAX) {
		violation("a call without a known token: %.*s", (int)(m->n < 200 ? m->n : 200), m->head);
		return;
	}
	struct ask *root = &world->asks[ask];
	int64_t us = answer_time();
	if (sync != root->sync)
		violation("ask %zu: it is called as its route does not want it", ask);
	l->ask = ask;
	l->status_n = 0;
	l->calls = true;
	root->reached++;
	trace("ask %zu comes to the target", ask);
	if (!key_is_good(m))
		answer(l, 500, "403 Forbidden", "x-amzn-errortype: ExpiredTokenException\r\n",
			"{\"message\":\"The security token included in the request is expired\"}");
	else if (happens(world->weather.fail))
		refuse_call(l, root, us == SILENCE ? 500 : us);
	else
		accept_call(l, root, us, sync);
}

/* ---- response_urls ---- */

static void take_word(struct ask *root, const struct message *m)
{
	char text[2048];
	snprintf(text, sizeof(text), "%.*s", (int)m->body_n, m->body);
	enum answer_word word = word_of(text);
	root->told_not += word == SAYS_NOT;
	root->told_maybe += word == SAYS_MAYBE;
	root->told_other += word != SAYS_NOT && word != SAYS_MAYBE;
	trace("a message for ask %zu: %s", (size_t)(root - world->asks), text);
	if (word == SAYS_NOT && root->starts && !is_excused(root))
		violation("ask %zu: its user was told that nothing was started, which is wrong",
			(size_t)(root - world->asks));
}

static void hear_message(struct link_state *l, const struct message *m)
{
	static const char *const faults[] = { "500 Internal Server Error", "429 Too Many Requests",
		"404 Not Found" };
	size_t ask = ask_of(m->head, (size_t)(m->body - m->head));
	int64_t us = answer_time();
	if (ask == SIZE_MAX) {
		violation("a message for nobody: %.*s", (int)(m->n < 200 ? m->n : 200), m->head);
		return;
	}
	struct ask *root = &world->asks[ask];
	if (happens(world->weather.fail)) {
		root->hook_faults++;
		answer(l, us == SILENCE ? 500 : us, faults[below(countof(faults))], "Retry-After: 1\r\n",
			"%s", "no");
		return;
	}
	take_word(root, m);
	if (us == SILENCE)
		return;
	answer(l, us, "200 OK", "", "%s", "ok");
}

/* ---- secrets and keys ---- */

static void put_secret(char text[static 33], unsigned serial)
{
	snprintf(text, 33, "5ec2e75ec2e75ec2e75ec2e7%08x", serial);
}

/* In the meantime the program has read it, and signed its journal with it. */
enum { TEND_TIME = 25 * SECOND };

static void secret_was_told(size_t serial, uint64_t life)
{
	if (life == world->life && world->process == PROCESS_UP)
		world->secret_told = (unsigned)serial;
}

static void hear_secret_call(struct link_state *l, const struct message *m)
{
	char secret[33];
	bool previous = has(m->body, m->body_n, "AWSPREVIOUS");
	int64_t us = answer_time();
	put_secret(secret, world->secret_serial - previous);
	if (us == SILENCE)
		return;
	if (happens(world->weather.fail))
		answer(l, us, "500 Internal Server Error", "", "%s", "{}");
	else if (previous && world->secret_serial == 1)
		answer(l, us, "400 Bad Request", "x-amzn-errortype: ResourceNotFoundException\r\n", "%s",
			"{\"__type\":\"ResourceNotFoundException\"}");
	else
		answer(l, us, "200 OK", "", "{\"SecretString\":\"%s\"}", secret);
	if (!previous)
		later(us + TEND_TIME, secret_was_told, world->secret_serial, world->life);
}

/* Answers that hold no keys, and what may stand in them. */
static const char *const no_keys[] = {
	"<html>zkzk</html>",
	"{\"AccessKeyId\":\"AKIA0000\",\"SecretAccessKey\":\"zkzk",
	"{\"AccessKeyId\":\"AKIA0000\",\"SecretAccessKey\":\"zk zkzk\",\"Token\":\"zkzk\"}",
	"{\"AccessKeyId\":\"AKIA0000\",\"SecretAccessKey\":\"zkzk\",\"Expiration\":\"zkzk\"}",
	"{\"AccessKeyId\":\"AKIA0000\",\"SecretAccessKey\":\"zkzk\",\"Expiration\":1}",
	"{\"AccessKeyId\":\"AKIA0000\",\"Token\":\"zkzk\"}",
	"{\"Code\":\"Failed\"}",
	"",
};

unsigned change_keys(int64_t after)
{
	int64_t ends = world->now + world->wall + after + world->scenario.key_life_s * (int64_t)SECOND;
	unsigned serial = ++world->key_serial;
	world->keys_told = world->now + after;
	world->key_ends[serial % KEYS_MAX] = ends - ends % SECOND;
	return serial;
}

static void hear_key_call(struct link_state *l)
{
	char memory[40];
	struct buf ends = BUF(memory);
	int64_t us = answer_time();
	if (us == SILENCE)
		return;
	if (happens(world->weather.fail)) {
		bool broken = happens(50);
		answer(l, us, broken ? "500 Internal Server Error" : "200 OK", "", "%s",
			broken ? "{}" : no_keys[below(countof(no_keys))]);
		return;
	}
	unsigned serial = change_keys(us);
	utc_put(&ends, world->key_ends[serial % KEYS_MAX] / SECOND, UTC_RFC3339);
	answer(l, us, "200 OK", "",
		"{\"AccessKeyId\":\"AKIA%04u\",\"SecretAccessKey\":\"zkzk%04u\",\"Token\":\"zkzk-t%04u\","
		"\"Expiration\":\"%.*s\"}",
		serial, serial, serial, (int)ends.n, ends.p);
}

/* ---- freezing ---- */

/* All that the process has is asked for, and nothing is in its hands. */
static bool is_idle(void)
{
	int waiting = 0;
	for (size_t i = 0; i < LINKS_MAX; i++) {
		const struct link_state *l = &world->links[i];
		waiting += l->used && l->role == ROLE_RUNTIME && l->waiting;
	}
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (world->threads[i].used && world->threads[i].runnable)
			return false;
	return world->process == PROCESS_UP && waiting == world->scenario.workers;
}

static void freeze(size_t what, uint64_t life)
{
	(void)what;
	if (world->frozen || world->life != life || !is_idle())
		return;
	trace("the sandbox is frozen");
	world->frozen = true;
	world->froze_at = world->now;
}

/* What a peer does with a connection over which nothing came for long: it ends it, and the program
 * sees that now, or it has forgotten it. */
static void age_link(struct link_state *l)
{
	if (l->role == ROLE_RUNTIME || l->fd < 0 || !l->connected || !happens(70))
		return;
	switch (below(4)) {
	case 0:
		link_end(l, ENDING_CLOSE);
		break;
	case 1:
		link_end(l, ENDING_RESET);
		break;
	default:
		l->forgotten = true;
	}
}

static void thaw(void)
{
	int64_t us = world->now - world->froze_at;
	if (!world->frozen)
		return;
	trace("the sandbox goes on after %lld s", (long long)us / SECOND);
	world->frozen = false;
	if (world->keys_told > world->froze_at - SECOND)
		world->keys_late = world->key_serial;
	for (size_t i = 0; us > between(1, 60) * SECOND && i < LINKS_MAX; i++)
		if (world->links[i].used)
			age_link(&world->links[i]);
}

/* ---- the Runtime API ---- */

void runtime_deliver(void)
{
	for (size_t i = 0; i < LINKS_MAX && world->queue_n; i++) {
		struct link_state *l = &world->links[i];
		char body[3072];
		if (!l->used || l->role != ROLE_RUNTIME || !l->waiting)
			continue;
		thaw();
		size_t ask = world->queue[0];
		world->queue_n--;
		memmove(world->queue, world->queue + 1, world->queue_n * sizeof(world->queue[0]));
		l->waiting = false;
		struct ask *a = &world->asks[ask];
		a->at = world->now;
		a->sent = true;
		a->life = world->life;
		if (world->scenario.end < world->now + 75 * (int64_t)SECOND)
			world->scenario.end = world->now + 75 * (int64_t)SECOND;
		size_t n = ask_put_body(body, sizeof(body), ask);
		int all = snprintf(l->script, sizeof(l->script),
			"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ask-%zu\r\n"
			"Lambda-Runtime-Deadline-Ms: %lld\r\nContent-Length: %zu\r\n\r\n%.*s",
			ask, (long long)((world->now + world->wall) / MS + 30000), n, (int)n, body);
		check(all > 0 && (size_t)all < sizeof(l->script));
		trace("ask %zu is given to the runtime", ask);
		link_say(l, (size_t)all, ENDING_KEEP);
		later(ANSWER_TIME, slack_overdue, ask, 0);
	}
}

static void hear_runtime(struct link_state *l, const struct message *m)
{
	const char *id = memmem(m->head, (size_t)(m->body - m->head), "/invocation/ask-", 16);
	if (!id) {
		l->waiting = true;
		runtime_deliver();
		if (world->scenario.freezes)
			later(between(1, 100 * MS), freeze, 0, world->life);
		return;
	}
	size_t ask = strtoul(id + 16, NULL, 10);
	char text[4096];
	snprintf(text, sizeof(text), "%.*s", (int)m->body_n, m->body);
	const char *status = strstr(text, "\"statusCode\":");
	slack_answered(ask, status ? atoi(status + 13) : 0, text, strlen(text));
	if (happens(world->weather.fail / 4))
		answer(l, 300, "500 Internal Server Error", "", "%s", "{}");
	else
		answer(l, 300, "202 Accepted", "", "%s", "{\"status\":\"OK\"}");
}

/* ---- all of them ---- */

void peer_gone(struct link_state *l)
{
	/* What the program has not read it does not know. */
	bool unheard = l->calls && (!l->status_n || l->heard < l->status_n);
	if (l->role == ROLE_TARGET && unheard)
		keep_secret(&world->asks[l->ask]);
}

void peer_hear(struct link_state *l, bool ended)
{
	struct message m;
	uint64_t serial = l->serial;
	if (ended) {
		peer_gone(l);
		link_end(l, ENDING_CLOSE);
		return;
	}
	if (!read_message(&m, l))
		return;
	switch (l->role) {
	case ROLE_TARGET:
		hear_call(l, &m);
		break;
	case ROLE_HOOKS:
		hear_message(l, &m);
		break;
	case ROLE_SECRETS:
		hear_secret_call(l, &m);
		break;
	case ROLE_CREDENTIALS:
		hear_key_call(l);
		break;
	case ROLE_GATEWAY:
		answer(l, 300, "200 OK", "", "%s", "{\"text\":\"well\"}");
		break;
	default:
		hear_runtime(l, &m);
	}
	if (l->serial != serial)
		return;
	l->inbox_n -= m.n;
	memmove(l->inbox, l->inbox + m.n, l->inbox_n);
}
