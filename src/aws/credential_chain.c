#include "aws/credential_chain.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/ct.h"
#include "os/thread.h"

#include <errno.h>

enum {
	GRACE_MS = 15 * 60 * 1000,     /* for what looks expired on arrival */
	RENEW_AGAIN_MS = 60 * 1000,    /* after a fetch ahead of time failed; */
	RENEW_SOON_MS = 5 * 1000,      /* and when there is nothing valid to go on with; */
	NONE_AGAIN_MS = 10 * 60 * 1000, /* and when no source is configured */
	RENEW_LOOK_MS = 60 * 1000,     /* wall clocks jump */
	WAIT_MS = 10,
	FETCH_STACK = 512 * 1024,
};

static enum err read_variable(
	struct str *out, const struct environment *env, const char *name, size_t max, struct fault *f)
{
	struct str v = environment_get(env, name);
	if (v.n > max || !str_is_visible(v))
		return fault_set(f, E_CONFIG, 0,
			"%s is longer than %d bytes, or has a blank, a line end or another byte in it that no "
			"key has",
			str_c(name), NUM(max));
	*out = v;
	return OK;
}

enum err credential_chain_init(struct credential_chain *c, const struct environment *env,
	struct aws_context *aws, const struct credential_host *host, credential_fetch *fetch,
	void *scratch, struct fault *f)
{
	struct credentials *keys = &c->from_environment;
	c->env = *env;
	c->aws = aws;
	c->host = host;
	c->fetch = fetch;
	c->sets = scratch;
	c->scratch =
		(struct arena){ (char *)(c->sets + 2), 0, CREDENTIALS_SCRATCH - 2 * sizeof(*c->sets) };
	keys->expires_ms = INT64_MAX;
	keys->source = S("environment");
	enum err e =
		read_variable(&keys->access_key_id, env, "AWS_ACCESS_KEY_ID", CREDENTIALS_ID_MAX, f);
	if (e == OK)
		e = read_variable(
			&keys->secret_access_key, env, "AWS_SECRET_ACCESS_KEY", CREDENTIALS_SECRET_MAX, f);
	if (e == OK)
		e = read_variable(&keys->session_token, env, "AWS_SESSION_TOKEN", CREDENTIALS_TOKEN_MAX, f);
	if (e == OK && keys->session_token.n == 0) /* its name before 2014, still set by some tools */
		e = read_variable(
			&keys->session_token, env, "AWS_SECURITY_TOKEN", CREDENTIALS_TOKEN_MAX, f);
	if (e)
		return e;
	bool id = keys->access_key_id.n > 0, secret = keys->secret_access_key.n > 0;
	if (id != secret)
		return fault_set(f, E_CONFIG, 0,
			id ? "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"
			   : "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID");
	c->fixed = id && !environment_get(env, "GATEWAY_ROLESANYWHERE_CERT").n;
	return OK;
}

/* ---- fetching: whoever is busy ---- */

static void publish(struct credential_chain *c, int slot)
{
	struct credentials *keys = &c->sets[slot].keys;
	int64_t now = aws_now_ms(c->aws), life = keys->expires_ms - now, ahead = CREDENTIALS_AHEAD_MS;
	if (life <= 0)
		life = GRACE_MS;
	if (ahead > life / 2)
		ahead = life / 2;
	bool for_ever = keys->expires_ms == INT64_MAX;
	c->until = for_ever ? INT64_MAX : now + life;
	c->renew_at = for_ever ? INT64_MAX : now + life - ahead;
	keys->serial = c->serial + 1;
	generation_publish(&c->generation, slot);
	c->serial = keys->serial;
	c->rejected = false;
	c->fetched = true;
	LOG(LOG_INFO, "credentials", "source valid_s#", keys->source, NUM(for_ever ? -1 : life / 1000));
}

static enum err fetch_next(struct credential_chain *c, struct deadline *d, struct fault *f)
{
	int slot;
	while ((slot = generation_spare(&c->generation)) < 0) /* somebody signs with the last but one */
		clock_sleep_ms(1);
	arena_reset(&c->scratch);
	c->stale = false;
	enum err e = c->fetch(&c->sets[slot], c, d, f);
	ct_wipe(c->scratch.p, c->scratch.n);
	c->failing = e != OK;
	if (e == OK) {
		publish(c, slot);
		return OK;
	}
	credentials_wipe(&c->sets[slot]);
	c->last = *f;
	/* What a freeze of the sandbox ended says nothing of now. */
	int64_t now = clock_mono_ms();
	c->pause_until = (now < d->hard ? now : d->hard) + CREDENTIALS_PAUSE_MS;
	return e;
}

enum err credentials_check(struct credential_chain *c, struct fault *f)
{
	enum err e = c->fixed ? OK : c->fetch(c->sets, c, NULL, f);
	if (!c->fixed) {
		ct_wipe(c->scratch.p, c->scratch.n);
		credentials_wipe(c->sets);
	}
	return e;
}

static bool is_usable(const struct credential_chain *c)
{
	return c->fetched && !c->rejected && aws_now_ms(c->aws) < c->until;
}

static void *fetch_aside(void *arg)
{
	struct credential_chain *c = arg;
	struct fault f;
	struct deadline d = deadline_in(CREDENTIALS_FETCH_MS);
	if (fetch_next(c, &d, &f) != OK)
		LOG(LOG_WARN, "AWS credentials could not be fetched", "reason", fault_text(&f));
	atomic_flag_clear(&c->busy);
	return NULL;
}

/* E_MORE: it goes on aside. Who was busy is so no more. */
static enum err fetch(struct credential_chain *c, struct deadline *d, struct fault *f)
{
	int left = deadline_left(d);
	struct deadline own = deadline_within(d, CREDENTIALS_FETCH_MS);
	if (left >= 0 && left < CREDENTIALS_FETCH_MS &&
		thread_start(fetch_aside, c, FETCH_STACK, f) == OK)
		return E_MORE;
	enum err e = fetch_next(c, &own, f);
	deadline_leave(d, &own);
	atomic_flag_clear(&c->busy);
	return e;
}

/* Either fetches, or waits a little for the one that does. */
static enum err fetch_or_wait(struct credential_chain *c, struct deadline *d, struct fault *f)
{
	enum err e = E_MORE;
	if (!atomic_flag_test_and_set(&c->busy)) {
		bool paused = clock_mono_ms() < c->pause_until;
		if (!paused && !is_usable(c)) {
			e = fetch(c, d, f);
		} else {
			*f = c->last;
			e = paused ? f->code : OK;
			atomic_flag_clear(&c->busy);
		}
	}
	if (e != E_MORE)
		return e;
	return deadline_sleep(d, WAIT_MS) ? OK
									  : fault_set(f, E_TIMEOUT, 0, "no AWS credentials in time");
}

enum err credentials_read_token(struct str *out, struct credential_chain *c, struct str path,
	size_t max, struct deadline *d, struct fault *f)
{
	struct buf b = arena_rest(&c->scratch);
	enum err e = c->host->read_file(c->host->ctx, &b, path, f);
	*out = str_trim_text(arena_keep(&c->scratch, &b));
	if (e == OK && (!out->n || out->n > max))
		return fault_set(f, E_CONFIG, 0, "it holds no token of 1 to %d bytes", NUM(max));
	return e != OK && !d && f->sys == ENOENT ? E_TIMEOUT : e;
}

/* ---- using ---- */

enum err credentials_hold(
	const struct credentials **out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	enum err e = OK;
	*out = &c->from_environment;
	if (c->fixed)
		return OK;
	while (e == OK && !is_usable(c))
		e = fetch_or_wait(c, d, f);
	if (e == OK)
		*out = &c->sets[generation_hold(&c->generation)].keys;
	return e;
}

void credentials_release(struct credential_chain *c, const struct credentials *held)
{
	if (held != &c->from_environment)
		generation_release(&c->generation, held == &c->sets[1].keys);
}

struct str credentials_source(struct credential_chain *c)
{
	struct str source = c->from_environment.source;
	if (c->fixed)
		return source;
	unsigned slot = generation_hold(&c->generation);
	source = is_usable(c) ? c->sets[slot].keys.source : S("");
	generation_release(&c->generation, slot);
	return source;
}

bool credentials_reject(struct credential_chain *c, unsigned serial)
{
	if (serial == 0)
		return false;
	/* Others may have had them replaced in the meantime. */
	if (serial == c->serial)
		c->rejected = true;
	return true;
}

void credentials_read_again(struct credential_chain *c)
{
	c->stale = !c->fixed;
}

int64_t credentials_renew(struct credential_chain *c, struct deadline *d)
{
	struct fault f;
	if (c->fixed)
		return DEADLINE_NEVER;
	int64_t left = c->fetched && !c->rejected && !c->stale ? c->renew_at - aws_now_ms(c->aws) : 0;
	if (left > 0)
		return left < RENEW_LOOK_MS ? left + 1 : RENEW_LOOK_MS;
	if (atomic_flag_test_and_set(&c->busy))
		return CREDENTIALS_PAUSE_MS;
	enum err e = fetch(c, d, &f);
	if (e == E_MORE) {
		while (atomic_flag_test_and_set(&c->busy))
			if (!deadline_sleep(d, WAIT_MS))
				return CREDENTIALS_PAUSE_MS;
		atomic_flag_clear(&c->busy);
	}
	if (e == OK || e == E_MORE)
		return CREDENTIALS_PAUSE_MS;
	/* A gateway that never talks to AWS needs none. */
	bool none = e == E_CONFIG && !c->fetched, usable = is_usable(c);
	LOG(none || usable ? LOG_WARN : LOG_ERROR, "AWS credentials could not be fetched", "reason",
		fault_text(&f));
	return none ? NONE_AGAIN_MS : usable ? RENEW_AGAIN_MS : RENEW_SOON_MS;
}
