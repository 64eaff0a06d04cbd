/* bugs.c - what is looked at inside the program when it is at rest; and bugs that are put into it
 * on purpose, by which the simulation shows that it finds such. The linker hands the calls of one
 * file to another to these first. */
#include "world.h"

#include "gateway/result.h"
#include "http/pool.h"
#include "http/retry.h"
#include "listener/jobs.h"
#include "service/respond.h"

#include <string.h>

enum {
	BUG_NONE, BUG_LATE_FAILURE, BUG_DOUBLE_START, BUG_DOUBLE_EVENT, BUG_EARLY_ANSWER, BUG_LEAK,
	BUG_LOGGED_URL, BUG_DEAF_CLOCK, BUG_LATE_RESULT, BUG_OLD_KEYS, BUG_HELD_KEYS,
	BUG_THAWED_LINK, BUG_KILLED_FUNCTION,
};

const char *const bug_names[] = {
	"late-failure",  /* a failure after the answer is told to nobody */
	"double-start",  /* attempts are not noted on disk: a crash starts them twice */
	"double-event",  /* a second delivery of an event is taken for the first */
	"early-answer",  /* promised before it is on disk */
	"leak",          /* a connection to AWS is not given back */
	"logged-url",    /* a response_url is logged */
	"deaf-clock",    /* the soft deadline is never served */
	"late-result",   /* what a function returns after the answer is shown to nobody */
	"old-keys",      /* AWS keys are used after their end */
	"held-keys",     /* a generation of them is held through a call */
	"thawed-link",   /* a kept connection that turns out to be dead is no reason to try again */
	"killed-function", /* that a function was killed is told to nobody */
	NULL,
};

/* Of the simulated process, found when it sets itself up. */
static struct jobs *jobs;
static struct credential_chain *keys_of;

enum err __real_jobs_start(
	struct jobs *j, struct services *s, size_t count, size_t workers, int wake, struct fault *f);
enum err __wrap_jobs_start(
	struct jobs *j, struct services *s, size_t count, size_t workers, int wake, struct fault *f);
enum err __wrap_jobs_start(
	struct jobs *j, struct services *s, size_t count, size_t workers, int wake, struct fault *f)
{
	jobs = j;
	return __real_jobs_start(j, s, count, workers, wake, f);
}

void holdings_check(void)
{
	if (world->threads[world->running].keys_held)
		violation("AWS keys are held while a peer is waited for");
}

void leaks_check(void)
{
	if (world->process != PROCESS_UP || !jobs)
		return;
	struct services *s = jobs->services;
	size_t streams = fds_open(FD_STREAM), kept = s->pool.count;
	if (jobs->counts[JOB_FREE] + jobs->counts[JOB_ENDED] != jobs->count)
		violation("at rest, %zu of %zu jobs are free", jobs->counts[JOB_FREE], jobs->count);
	if (streams > kept)
		violation("at rest, %zu connections are open, %zu may be kept", streams, kept);
	if (children_running())
		violation("at rest, a function runs, or one of its pipes is open");
	if (world->lent)
		violation("at rest, %d connections are lent", world->lent);
	if (s->journal && journal_unsettled(s->journal) && !world->disk_faults)
		violation("at rest, %zu requests in the journal are not settled",
			journal_unsettled(s->journal));
	if (s->journal && disk_files("requests-") && !world->disk_faults)
		violation("at rest, %zu files of settled requests are left", disk_files("requests-"));
	for (size_t i = 0; i < DEDUPE_MAX; i++)
		if (s->dedupe.table->entries[i].used && !s->dedupe.table->entries[i].settled)
			violation("at rest, an event is said to be on its way");
	if (s->credentials.generation.holders[0] || s->credentials.generation.holders[1])
		violation("at rest, somebody holds the AWS keys");
	if (s->secrets.generation.holders[0] || s->secrets.generation.holders[1])
		violation("at rest, somebody holds the secrets");
}

/* ---- bugs ---- */

enum err __real_respond(struct services *s, struct str url, struct str message,
	struct deadline *d, struct fault *f);
enum err __wrap_respond(struct services *s, struct str url, struct str message,
	struct deadline *d, struct fault *f);
enum err __wrap_respond(struct services *s, struct str url, struct str message,
	struct deadline *d, struct fault *f)
{
	if (world->bug == BUG_LATE_FAILURE && memmem(message.p, message.n, "could not be started", 20))
		return OK;
	if (world->bug == BUG_KILLED_FUNCTION && memmem(message.p, message.n, "killed by signal", 16))
		return OK;
	if (world->bug == BUG_LOGGED_URL)
		LOG(LOG_INFO, "posting", "url", url);
	return __real_respond(s, url, message, d, f);
}

enum err __real_result_read(struct result *out, const struct function_result *returned,
	const struct result_use *use, struct arena *arena);
enum err __wrap_result_read(struct result *out, const struct function_result *returned,
	const struct result_use *use, struct arena *arena);
enum err __wrap_result_read(struct result *out, const struct function_result *returned,
	const struct result_use *use, struct arena *arena)
{
	enum err e = __real_result_read(out, returned, use, arena);
	if (world->bug == BUG_LATE_RESULT && !use->in_time)
		out->message = (struct str){ 0 };
	return e;
}

uint64_t __real_journal_attempt(struct journal *j, uint64_t id);
uint64_t __wrap_journal_attempt(struct journal *j, uint64_t id);
uint64_t __wrap_journal_attempt(struct journal *j, uint64_t id)
{
	return world->bug == BUG_DOUBLE_START ? j->done : __real_journal_attempt(j, id);
}

uint64_t __real_journal_promise(
	struct journal *j, uint64_t *id, const struct journal_request *r, bool attempted);
uint64_t __wrap_journal_promise(
	struct journal *j, uint64_t *id, const struct journal_request *r, bool attempted);
uint64_t __wrap_journal_promise(
	struct journal *j, uint64_t *id, const struct journal_request *r, bool attempted)
{
	*id = 0;
	return world->bug == BUG_EARLY_ANSWER
		? j->done
		: __real_journal_promise(j, id, r, attempted && world->bug != BUG_DOUBLE_START);
}

enum err __real_journal_wait(
	struct journal *j, uint64_t ticket, int64_t until, struct fault *f);
enum err __wrap_journal_wait(
	struct journal *j, uint64_t ticket, int64_t until, struct fault *f);
enum err __wrap_journal_wait(
	struct journal *j, uint64_t ticket, int64_t until, struct fault *f)
{
	return world->bug == BUG_EARLY_ANSWER ? OK : __real_journal_wait(j, ticket, until, f);
}

enum dedupe_verdict __real_dedupe_begin(struct dedupe *d, struct str id, int64_t until_ms);
enum dedupe_verdict __wrap_dedupe_begin(struct dedupe *d, struct str id, int64_t until_ms);
enum dedupe_verdict __wrap_dedupe_begin(struct dedupe *d, struct str id, int64_t until_ms)
{
	enum dedupe_verdict verdict = __real_dedupe_begin(d, id, until_ms);
	return world->bug == BUG_DOUBLE_EVENT ? DEDUPE_FIRST : verdict;
}

enum err __real_credentials_hold(const struct credentials **out, struct credential_chain *c,
	struct deadline *d, struct fault *f);
enum err __wrap_credentials_hold(const struct credentials **out, struct credential_chain *c,
	struct deadline *d, struct fault *f);
enum err __wrap_credentials_hold(const struct credentials **out, struct credential_chain *c,
	struct deadline *d, struct fault *f)
{
	keys_of = c;
	if (world->bug == BUG_OLD_KEYS && c->fetched) {
		c->until = INT64_MAX;
		c->rejected = false;
	}
	enum err e = __real_credentials_hold(out, c, d, f);
	world->threads[world->running].keys_held += e == OK && !c->fixed;
	return e;
}

void __real_credentials_release(struct credential_chain *c, const struct credentials *held);
void __wrap_credentials_release(struct credential_chain *c, const struct credentials *held);
void __wrap_credentials_release(struct credential_chain *c, const struct credentials *held)
{
	struct thread *t = &world->threads[world->running];
	if (world->bug == BUG_HELD_KEYS && !c->fixed && !t->kept_keys) {
		t->kept_keys = held;
		return;
	}
	t->keys_held -= !c->fixed;
	__real_credentials_release(c, held);
}

/* After the call. */
static void let_keys_go(void)
{
	struct thread *t = &world->threads[world->running];
	if (t->kept_keys)
		__real_credentials_release(keys_of, t->kept_keys);
	t->keys_held -= t->kept_keys != NULL;
	t->kept_keys = NULL;
}

struct http_client *__real_http_pool_take(
	struct http_pool *p, const struct dial_target *to, bool fresh);
struct http_client *__wrap_http_pool_take(
	struct http_pool *p, const struct dial_target *to, bool fresh);
struct http_client *__wrap_http_pool_take(
	struct http_pool *p, const struct dial_target *to, bool fresh)
{
	struct http_client *c = __real_http_pool_take(p, to, fresh);
	world->lent += c != NULL;
	if (c && c->stream.fd >= 0)
		world->links[world->fds[c->stream.fd].object].kept = true;
	return c;
}

void __real_http_pool_give(struct http_pool *p, struct http_client *c);
void __wrap_http_pool_give(struct http_pool *p, struct http_client *c);
void __wrap_http_pool_give(struct http_pool *p, struct http_client *c)
{
	if (world->bug == BUG_LEAK && happens(2))
		return;
	world->lent--;
	__real_http_pool_give(p, c);
	let_keys_go();
}

enum http_again __real_http_retry_failure(
	struct http_retry *r, const struct http_attempt *a, enum err e);
enum http_again __wrap_http_retry_failure(
	struct http_retry *r, const struct http_attempt *a, enum err e);
enum http_again __wrap_http_retry_failure(
	struct http_retry *r, const struct http_attempt *a, enum err e)
{
	enum http_again again = __real_http_retry_failure(r, a, e);
	return world->bug == BUG_THAWED_LINK && again == HTTP_AGAIN_AT_ONCE ? HTTP_SETTLED : again;
}

int __real_deadline_left(struct deadline *d);
int __wrap_deadline_left(struct deadline *d);
int __wrap_deadline_left(struct deadline *d)
{
	if (world->bug == BUG_DEAF_CLOCK)
		d->soft = DEADLINE_NEVER;
	return __real_deadline_left(d);
}
