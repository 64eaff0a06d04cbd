/* slack.c - Slack: who asks for what, what is answered, and whether that was true. */
#include "world.h"

#include "codec/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DELIVERIES_MAX = 4,
	EVENT_MEMORY = 10 * 60 * SECOND / MS, /* ms: how long an event that was started stays so */
	RESPONSE_URL_LIFE_S = 30 * 60,
};

/* ---- what stands in requests ---- */

/* Where a token begins that names an ask: zqzq in payloads, zrzr in response_urls, zfzf in what
 * functions return. */
size_t ask_of(const char *text, size_t n)
{
	const char *at = memmem(text, n, "zqzq", 4);
	if (!at)
		at = memmem(text, n, "zrzr", 4);
	if (!at)
		at = memmem(text, n, "zfzf", 4);
	if (!at || (size_t)(text + n - at) < 12)
		return SIZE_MAX;
	char digits[9] = { 0 };
	memcpy(digits, at + 4, 8);
	uint32_t token = (uint32_t)strtoul(digits, NULL, 16);
	for (size_t i = 0; i < world->asks_n; i++)
		if (world->asks[i].root == i && world->asks[i].token == token)
			return i;
	return SIZE_MAX;
}

enum answer_word word_of(const char *text)
{
	static const struct {
		const char *text;
		enum answer_word word;
	} words[] = {
		{ "zfzf", SAYS_RESULT },
		{ "could not be started", SAYS_NOT },
		{ "may or may not", SAYS_MAYBE },
		{ "is still being started", SAYS_PROMISED },
		{ "is being started", SAYS_PROMISED },
		{ "has been started", SAYS_STARTED },
	};
	for (size_t i = 0; i < countof(words); i++)
		if (strstr(text, words[i].text))
			return words[i].word;
	return *text ? SAYS_OTHER : SAYS_NOTHING;
}

static size_t put_json(char *out, size_t cap, const struct ask *a)
{
	const char *who = "\"team\":{\"id\":\"T1\"},\"user\":{\"id\":\"U1\"}";
	size_t root = a->root;
	switch (a->kind) {
	case ASK_BUTTON:
		return (size_t)snprintf(out, cap,
			"{\"type\":\"block_actions\",\"trigger_id\":\"1.%zu\",%s,\"channel\":{\"id\":\"C1\"},"
			"\"response_url\":\"http://127.0.0.1:9002/actions/zrzr%08x\","
			"\"actions\":[{\"action_id\":\"a\",\"value\":\"zqzq%08x\"}]}",
			root, who, a->token, a->token);
	case ASK_VIEW:
		return (size_t)snprintf(out, cap,
			"{\"type\":\"view_submission\",\"trigger_id\":\"1.%zu\",%s,\"view\":{\"id\":\"V1\","
			"\"callback_id\":\"c\",\"private_metadata\":\"zqzq%08x\"}}",
			root, who, a->token);
	default:
		return (size_t)snprintf(out, cap,
			"{\"type\":\"event_callback\",\"team_id\":\"T1\",\"api_app_id\":\"A1\",\"event_id\":"
			"\"Ev%zu\","
			"\"event\":{\"type\":\"app_mention\",\"user\":\"U1\",\"channel\":\"C1\",\"ts\":\"1.1\","
			"\"text\":\"zqzq%08x\"}}",
			root, a->token);
	}
}

/* The body of the request. */
static size_t put_body(char *out, size_t cap, size_t ask)
{
	const struct ask *a = &world->asks[ask];
	char json[1024];
	struct buf b = { out, 0, cap, false };
	if (a->kind == ASK_COMMAND) {
		buf_format(&b,
			"token=x&team_id=T1&channel_id=C1&user_id=U1&command=%%2Fgo&trigger_id=1.%d&text=",
			NUM(ask));
		b.n += (size_t)snprintf(out + b.n, cap - b.n,
			"zqzq%08x&response_url=http%%3A%%2F%%2F127.0.0.1%%3A9002%%2Fcommands%%2Fzrzr%08x",
			a->token, a->token);
		return b.n;
	}
	size_t n = put_json(json, sizeof(json), a);
	if (a->kind == ASK_EVENT)
		buf_put(&b, (struct str){ json, n });
	else {
		buf_put(&b, S("payload="));
		percent_encode(&b, (struct str){ json, n }, false);
	}
	check(!b.full);
	return b.n;
}

struct signature {
	char stamp[24], code[80];
};

static void sign(struct signature *out, const char *body, size_t n)
{
	struct buf code = BUF(out->code);
	int64_t s = (world->now + world->wall) / SECOND;
	int length = snprintf(out->stamp, sizeof(out->stamp), "%lld", (long long)s);
	slack_sign(&code, &world->secrets, (struct str){ out->stamp, (size_t)length },
		(struct str){ body, n });
	out->code[code.n] = 0;
}

static const char *type_of(enum ask_kind kind)
{
	return kind == ASK_EVENT ? "application/json" : "application/x-www-form-urlencoded";
}

static const char *path_of(const struct ask *a)
{
	if (a->local)
		return a->sync ? "/here" : "/local/my-fn";
	return a->sync ? "/sync" : "/eu-west-1/my-fn";
}

/* For the Runtime API: the event of a function URL. */
size_t ask_put_body(char *out, size_t cap, size_t ask)
{
	char body[2048], quoted[3000];
	const char *path = path_of(&world->asks[ask]);
	struct signature s;
	size_t n = put_body(body, sizeof(body), ask), q = 0;
	sign(&s, body, n);
	for (size_t i = 0; i < n; i++) {
		if (body[i] == '"')
			quoted[q++] = '\\';
		quoted[q++] = body[i];
	}
	int all = snprintf(out, cap,
		"{\"version\":\"2.0\",\"rawPath\":\"%s\",\"rawQueryString\":\"\",\"headers\":{"
		"\"content-type\":\"%s\",\"x-slack-request-timestamp\":\"%s\",\"x-slack-signature\":\"%s\"}"
		","
		"\"requestContext\":{\"http\":{\"method\":\"POST\",\"path\":\"%s\"},"
		"\"timeEpoch\":%lld},\"body\":\"%.*s\",\"isBase64Encoded\":false}",
		path, type_of(world->asks[ask].kind), s.stamp, s.code, path,
		(long long)((world->now + world->wall) / MS), (int)q, quoted);
	check(all > 0 && (size_t)all < cap);
	return (size_t)all;
}

/* ---- sending ---- */

static void ask_again(size_t ask);

static void send_over_link(size_t ask)
{
	struct ask *a = &world->asks[ask];
	struct link_state *l = link_take(ROLE_SLACK);
	char body[2048];
	struct signature s;
	if (!l)
		return;
	size_t n = put_body(body, sizeof(body), ask);
	sign(&s, body, n);
	l->ask = ask;
	if (!link_call((size_t)(l - world->links))) {
		link_free(l);
		a->cut = true;
		ask_again(ask);
		return;
	}
	int all = snprintf(l->script, sizeof(l->script),
		"POST %s HTTP/1.1\r\nHost: gw\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"X-Slack-Request-Timestamp: %s\r\nX-Slack-Signature: %s\r\n%s\r\n%.*s",
		path_of(a), type_of(a->kind), n, s.stamp, s.code,
		happens(50) ? "Connection: close\r\n" : "", (int)n,
		body);
	check(all > 0 && (size_t)all < sizeof(l->script));
	a->at = world->now;
	a->sent = true;
	a->life = world->life;
	if (!world->plan.name && happens(2)) {
		/* A client that goes away in the middle, or before its answer. */
		a->cut = true;
		link_say(l, happens(50) ? below((size_t)all) : (size_t)all, ENDING_RESET);
		return;
	}
	link_say(l, (size_t)all, ENDING_KEEP);
}

void slack_overdue(size_t ask, uint64_t serial)
{
	struct ask *a = &world->asks[ask];
	(void)serial;
	/* What an ended process had in its hands has no answer in Lambda. */
	if (world->scenario.lambda && (world->process != PROCESS_UP || a->life != world->life))
		a->cut = true;
	if (world->scenario.lambda && !a->answers && sweep_excuses())
		a->cut = true;
	if (a->answers == 0 && a->sent && !a->cut)
		violation("ask %zu: no answer within 3 s", ask);
	if (a->answers == 0)
		ask_again(ask);
}

static void send_ask(size_t ask, uint64_t serial)
{
	(void)serial;
	struct ask *root = &world->asks[world->asks[ask].root];
	trace("ask %zu (%d) is sent", ask, root->kind);
	if (!root->secret)
		root->secret = world->secret_serial;
	if (world->scenario.lambda) {
		world->queue[world->queue_n++] = ask;
		runtime_deliver();
	} else {
		send_over_link(ask);
		later(ANSWER_TIME, slack_overdue, ask, 0);
	}
}

/* Slack delivers an event again that was not answered with 200. */
static void ask_again(size_t ask)
{
	static const int64_t pauses[DELIVERIES_MAX] = { 10 * MS, 20 * SECOND, 60 * SECOND };
	const struct ask *a = &world->asks[ask];
	size_t deliveries = 0;
	for (size_t i = 0; i < world->asks_n; i++)
		deliveries += world->asks[i].root == a->root;
	if (a->kind != ASK_EVENT || deliveries >= DELIVERIES_MAX || world->asks_n == ASKS_MAX)
		return;
	size_t again = world->asks_n++;
	world->asks[again] = (struct ask){ .used = true, .kind = ASK_EVENT, .root = a->root,
		.local = a->local, .sync = a->sync, .token = world->asks[a->root].token };
	later(pauses[deliveries - 1] + between(0, SECOND), send_ask, again, 0);
	int64_t end = world->now + pauses[deliveries - 1] + 40 * (int64_t)SECOND;
	if (world->scenario.end < end)
		world->scenario.end = end;
}

/* ---- answers ---- */

static void check_answer(size_t ask, const char *text)
{
	struct ask *a = &world->asks[ask], *root = &world->asks[a->root];
	a->word = word_of(text);
	if (a->word == SAYS_RESULT && (!a->sync || ask_of(text, strlen(text)) != a->root))
		violation("ask %zu: answered with what another's function returned", ask);
	if (a->word == SAYS_RESULT && root->starts == 0)
		violation("ask %zu: answered with a result, and nothing was started", ask);
	/* A function that runs here has only been taken on then. */
	if (a->word == SAYS_STARTED && !a->local && root->starts == 0)
		violation("ask %zu: answered that it was started, which is wrong", ask);
	if (a->word == SAYS_NOT && a->kind != ASK_EVENT && root->starts)
		violation("ask %zu: answered that it was not started, which is wrong", ask);
	if (a->kind == ASK_EVENT && a->status == 200 && !root->known && !a->local)
		violation(
			"ask %zu: an event was answered with 200, and nobody knows that it was started", ask);
	if (a->kind == ASK_EVENT && a->status == 200 && !root->known_at)
		root->known_at = world->now;
}

void slack_answered(size_t ask, int status, const char *body, size_t n)
{
	struct ask *a = &world->asks[ask];
	char text[4096];
	snprintf(text, sizeof(text), "%.*s", (int)n, body);
	trace("ask %zu is answered after %lld ms: %d %s", ask, (long long)(world->now - a->at) / MS,
		status, text);
	a->answers++;
	if (a->answers > 1 && !world->scenario.lambda)
		violation("ask %zu: %d answers", ask, a->answers);
	if (a->answers > 1)
		return;
	a->answered = world->now;
	a->status = status;
	if (world->now - a->at > ANSWER_TIME)
		violation("ask %zu: its answer took %lld ms", ask, (long long)(world->now - a->at) / MS);
	check_answer(ask, text);
	if (a->kind == ASK_EVENT && (status != 200 || happens(10)))
		ask_again(ask);
}

void slack_hear(struct link_state *l, bool ended)
{
	struct ask *a = &world->asks[l->ask];
	const char *end = memmem(l->inbox, l->inbox_n, "\r\n\r\n", 4);
	const char *length =
		end ? memmem(l->inbox, (size_t)(end - l->inbox), "Content-Length: ", 16) : NULL;
	size_t body = end ? (size_t)(end - l->inbox) + 4 : 0;
	size_t n = length ? strtoul(length + 16, NULL, 10) : 0;
	if (end && l->inbox_n >= body + n) {
		if (!a->cut || a->answers == 0)
			slack_answered(l->ask, atoi(l->inbox + 9), l->inbox + body, n);
		l->inbox_n -= body + n;
		memmove(l->inbox, l->inbox + body + n, l->inbox_n);
		if (l->inbox_n)
			violation("ask %zu: there is more than one answer", l->ask);
		link_end(l, ENDING_CLOSE);
	} else if (ended) {
		bool whole = l->said && l->said == l->script_n && !l->in.n;
		if (whole && !a->cut && !a->answers && !sweep_excuses())
			violation("ask %zu: its connection was closed without an answer", l->ask);
		slack_gone(l);
	}
}

/* The connection is over. What had not come whole when the program stopped gets no answer. */
void slack_gone(struct link_state *l)
{
	struct ask *a = &world->asks[l->ask];
	if (!a->answers)
		a->cut = true;
}

/* ---- logs ---- */

void slack_log(const char *line, size_t n)
{
	static const char *const never[] = { "zqzq", "zrzr", "zfzf", "zkzk", "5ec2e75ec2e7" };
	if (world->trace)
		trace("log %.*s", (int)(n ? n - 1 : 0), line);
	for (size_t i = 0; i < countof(never); i++)
		if (memmem(line, n, never[i], strlen(never[i])))
			violation("a log line shows what it must not: %.*s", (int)n, line);
	world->sentences += memmem(line, n, "\"ERROR\"", 7) != NULL || line[0] != '{';
	world->untold_lines += memmem(line, n, "could not be told", 17) != NULL ||
		memmem(line, n, "could not be posted", 19) != NULL ||
		memmem(line, n, "\"told\":\"no\"", 11) != NULL;
	world->too_old_lines += memmem(line, n, "too old to be", 13) != NULL;
}

/* ---- the plan ---- */

void slack_plan(void)
{
	struct scenario *s = &world->scenario;
	for (int i = 0; i < s->asks; i++) {
		size_t ask = world->asks_n++;
		int64_t at = between(50 * MS, s->last_ask);
		enum ask_kind kind = (enum ask_kind)(happens(40) ? ASK_COMMAND : below(ASK_KINDS));
		world->asks[ask] = (struct ask){ .used = true, .kind = kind, .root = ask,
			.local = s->functions && happens(50), .sync = s->routes && happens(40),
			.token = (uint32_t)chance_next() };
		later(at, send_ask, ask, 0);
	}
}

void slack_plan_each(void)
{
	for (size_t ask = 0; ask < 2 * ASK_KINDS; ask++) {
		world->asks[ask] = (struct ask){ .used = true, .kind = (enum ask_kind)(ask % ASK_KINDS),
			.root = ask, .local = world->scenario.functions && ask >= ASK_KINDS,
			.token = (uint32_t)chance_next() };
		later((int64_t)(ask + 1) * SECOND, send_ask, ask, 0);
	}
	world->asks_n = 2 * ASK_KINDS;
}

bool slack_is_done(void)
{
	return world->now >= world->scenario.end;
}

/* ---- conservation ---- */

/* Whether more has to be said: Slack was promised something that was not known yet, or its answer
 * is not what its user sees. */
static bool was_promised(const struct ask *a)
{
	if (a->answers == 0 || a->kind == ASK_EVENT || a->kind == ASK_VIEW)
		return false;
	if (a->kind == ASK_BUTTON)
		return a->status == 200 || a->word == SAYS_NOT || a->word == SAYS_MAYBE;
	return a->word == SAYS_PROMISED || (a->word == SAYS_STARTED && a->local);
}

static bool was_lost_with_its_process(const struct ask *a)
{
	bool journal_failed = world->disk_faults > 0;
	bool its_process_was_lost = world->lost_lives > 0 && a->life < world->life;
	/* A refusal is no promise. */
	bool kept = world->scenario.journal && a->status != 500;
	return its_process_was_lost && (!kept || journal_failed);
}

/* When nothing goes wrong, everything is started: over frozen connections, too. */
static void check_peace(void)
{
	for (size_t i = 0; i < world->asks_n; i++) {
		const struct ask *a = &world->asks[i];
		if (a->root == i && !a->cut && (a->starts != 1 || a->told_not || a->told_maybe))
			violation("ask %zu: started %d times, and nothing was in the way", i, a->starts);
	}
}

void slack_check(void)
{
	int untold = 0;
	if (world->scenario.peaceful)
		check_peace();
	for (size_t i = 0; i < world->asks_n; i++) {
		const struct ask *a = &world->asks[i];
		bool told = a->told_not + a->told_maybe + a->told_other > 0;
		/* What comes of a synchronous call, or of a function that runs here, is told. */
		bool started = a->starts && a->known && !a->sync && !a->local;
		if (!was_promised(a) || started || told || was_lost_with_its_process(a))
			continue;
		if (a->life <= world->untold_life)
			continue;
		untold++;
		if (untold > world->untold_lines + world->too_old_lines)
			violation("ask %zu: it was promised, is not settled, and nobody was told", i);
	}
}
