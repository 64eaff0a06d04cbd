#include "service/signing_secrets.h"

#include "base/clock.h"
#include "crypto/ct.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/thread.h"

enum {
	TEXT_MAX = 16 * 1024,      /* what a source may hold */
	SCRATCH = TEXT_MAX + SECRET_STORE_SCRATCH,
	READ_AGAIN_MS = 60 * 1000,
	MISSING_AGAIN_MS = 1000,
	READ_MS = 10 * 1000,       /* for the one who reads while nobody waits */
	PATIENCE_MS = 1000,
	LOOK_MS = 5,
	STACK = 512 * 1024,
};

/* ---- reading: whoever is busy, or before there are threads ---- */

/* E_MORE: it is on the network, which without a deadline is not asked. */
static enum err read_source(struct buf *out, struct signing_secrets *s,
	const struct secret_source *source, struct deadline *d, struct fault *f)
{
	if (source->kind == SECRET_FILE)
		return file_read(NULL, out, source->name, f);
	/* One that does not answer must leave some time to the others. */
	struct deadline share = d ? deadline_within(d, deadline_left(d) / 2) : deadline_none();
	enum err e = secret_store_fetch(out, s->credentials,
		source->kind == SECRET_SSM ? AWS_SSM : AWS_SECRETS_MANAGER, source->name, &s->scratch,
		d && s->config->sources_count > 1 ? &share : d, f);
	return !d && e == E_TIMEOUT ? E_MORE : e;
}

/* One or several, by comma or line, of which no more than `room` are for all in the set. */
static enum err add_secrets(
	struct slack_secrets *set, struct str text, struct str app, size_t room, struct fault *f)
{
	struct str line, secret;
	size_t before = set->count;
	while (text.n) {
		str_next(&line, &text, '\n');
		while (line.n) {
			str_next(&secret, &line, ',');
			secret = str_trim_text(secret);
			struct str fault = secret.n ? slack_secret_fault(secret) : S("");
			if (fault.n)
				return fault_set(f, E_FILE, 0, "it %s", fault);
			if (secret.n && (set->count >= room || !slack_secrets_add(set, secret, app)))
				return fault_set(f, E_FILE, 0, "it holds too many secrets");
		}
	}
	return set->count > before ? OK : fault_set(f, E_FILE, 0, "it is empty");
}

static enum err add_source(struct slack_secrets *set, struct signing_secrets *s, size_t i,
	size_t room, struct deadline *d, struct fault *f)
{
	const struct secret_source *source = &s->config->sources[i];
	if (source->kind == SECRET_LITERAL) {
		check(slack_secrets_add(set, source->text, source->app));
		return OK;
	}
	struct buf b = arena_buf(&s->scratch, TEXT_MAX);
	enum err e = read_source(&b, s, source, d, f);
	if (e == OK && b.full)
		e = fault_set(f, E_FILE, 0, "it is larger than %d bytes", NUM(TEXT_MAX));
	if (e == OK)
		e = add_secrets(set, buf_str(&b), source->app, room, f);
	ct_wipe(s->scratch.p, s->scratch.n);
	arena_reset(&s->scratch);
	return e;
}

/* What was known of it stays; if that is nothing, it is missing. */
static void keep_source(struct slack_secrets *set, const struct slack_secrets *old, size_t i,
	struct str app, size_t room)
{
	size_t before = set->count;
	for (size_t j = 0; j < old->count; j++)
		if (old->list[j].source == i && set->count < room)
			set->list[set->count++] = old->list[j];
	if (set->count == before)
		set->list[set->count++] = (struct slack_secret){ .app = app, .missing = true };
}

/* Makes set `slot` of all sources. At the start, which is without a deadline, a file that cannot be
 * read ends it. */
static enum err fill(struct signing_secrets *s, unsigned slot, struct deadline *d, struct fault *f)
{
	struct slack_secrets *set = &s->sets[slot];
	size_t sources = s->config->sources_count;
	enum err first = OK;
	for (size_t i = 0; i < sources; i++) {
		const struct secret_source *source = &s->config->sources[i];
		struct fault why;
		size_t before = set->count, room = SLACK_SECRETS_MAX - (sources - 1 - i);
		enum err e = add_source(set, s, i, room, d, &why);
		if (e != OK) {
			set->count = before;
			keep_source(set, &s->sets[!slot], i, source->app, room);
		}
		for (size_t j = before; j < set->count; j++)
			set->list[j].source = (uint16_t)i;
		if (e == OK || e == E_MORE)
			continue;
		fault_set(&why, e, 0, "%s: a signing secret cannot be read from %s: %s",
			source->app.n ? S("GATEWAY_CONFIG") : S("SLACK_SIGNING_SECRET"),
			str_sub(source->text, 0, 80), fault_text(&why));
		if (d)
			log_failure("not all signing secrets could be read", S(""), &why);
		if (first == OK)
			first = e, *f = why;
	}
	return first;
}

static bool is_complete(const struct slack_secrets *set)
{
	size_t known = 0;
	while (known < set->count && !set->list[known].missing)
		known++;
	return known == set->count;
}

/* Whoever still holds the old ones is but deciding. */
static int wait_for_spare(struct signing_secrets *s)
{
	int slot;
	while ((slot = generation_spare(&s->generation)) < 0)
		clock_sleep_ms(1);
	return slot;
}

/* `pause_ms`: until the next may be, if something is still missing. */
static enum err refresh(
	struct signing_secrets *s, int64_t pause_ms, struct deadline *d, struct fault *f)
{
	int slot = wait_for_spare(s);
	enum err e = fill(s, (unsigned)slot, d, f);
	s->failing = e != OK;
	bool complete = is_complete(&s->sets[slot]);
	size_t count = s->sets[slot].count;
	generation_publish(&s->generation, slot);
	s->due = clock_mono_ms() + (complete ? READ_AGAIN_MS : pause_ms);
	if (e == OK)
		LOG(LOG_INFO, "signing secrets read", "count#", NUM(count));
	if (s->changed)
		s->changed(s->ctx);
	slot = wait_for_spare(s);
	ct_wipe(&s->sets[slot], sizeof(s->sets[slot]));
	return e;
}

enum err signing_secrets_init(struct signing_secrets *s, const struct config *config,
	struct credential_chain *credentials, struct fault *f)
{
	bool references = false;
	s->config = config;
	s->credentials = credentials;
	for (size_t i = 0; i < config->sources_count; i++)
		references |= config->sources[i].kind != SECRET_LITERAL;
	s->refreshable = references && !config->skip_verify;
	if (references)
		s->scratch = (struct arena){ memory_map(SCRATCH), 0, SCRATCH };
	if (references && config->skip_verify)
		return OK;
	enum err e = fill(s, 0, NULL, f);
	if (references && is_complete(&s->sets[0]))
		s->due = clock_mono_ms() + READ_AGAIN_MS;
	return e;
}

/* ---- when ---- */

/* Whoever asked meanwhile wants what is there now, not what was there when this began. */
static void stop_reading(struct signing_secrets *s)
{
	s->busy = false;
	if (s->wanted)
		signing_secrets_read_aside(s, true);
}

static void *read_run(void *arg)
{
	struct signing_secrets *s = arg;
	struct fault f;
	do {
		struct deadline d = deadline_in(READ_MS);
		s->wanted = false;
		(void)refresh(s, 0, &d, &f);
	} while (s->wanted);
	stop_reading(s);
	return NULL;
}

void signing_secrets_read_aside(struct signing_secrets *s, bool again)
{
	struct fault f;
	if (!s->refreshable || (!again && s->due))
		return;
	if (again)
		s->wanted = true;
	if (atomic_exchange(&s->busy, true))
		return;
	if (thread_start(read_run, s, STACK, &f) == OK)
		return;
	log_failure("the signing secrets cannot be read now", S(""), &f);
	s->busy = false;
}

void signing_secrets_wait(struct signing_secrets *s, struct deadline *d)
{
	while (s->busy && deadline_sleep(d, LOOK_MS))
		;
}

enum err signing_secrets_read(struct signing_secrets *s, struct deadline *d, struct fault *f)
{
	s->sets[0].count = 0;
	return fill(s, 0, d, f);
}

bool signing_secrets_may_help(const struct signing_secrets *s, enum slack_verdict verdict)
{
	return verdict >= SLACK_FORGED && s->refreshable && (s->busy || clock_mono_ms() >= s->due);
}

bool signing_secrets_renew(struct signing_secrets *s, enum slack_verdict verdict, int64_t until)
{
	struct fault f;
	bool changed = false;
	while (signing_secrets_may_help(s, verdict)) {
		int64_t now = clock_mono_ms(), least = changed ? until : now + PATIENCE_MS;
		struct deadline d = { .hard = until > least ? until : least, .soft = DEADLINE_NEVER };
		if (changed && now >= until)
			break;
		changed = true;
		if (atomic_exchange(&s->busy, true)) {
			signing_secrets_wait(s, &d);
			continue;
		}
		if (clock_mono_ms() >= s->due)
			(void)refresh(s, MISSING_AGAIN_MS, &d, &f);
		stop_reading(s);
	}
	return changed;
}

/* ---- using ---- */

const struct slack_secrets *signing_secrets_hold(struct signing_secrets *s)
{
	return &s->sets[generation_hold(&s->generation)];
}

void signing_secrets_release(struct signing_secrets *s, const struct slack_secrets *held)
{
	generation_release(&s->generation, held == &s->sets[1]);
}

void signing_secrets_decide(struct signing_secrets *s, struct decision *out,
	const struct gateway_request *req, int64_t now_s, struct arena *arena)
{
	const struct slack_secrets *held = signing_secrets_hold(s);
	decide(out, s->config, held, req, now_s, arena);
	signing_secrets_release(s, held);
}
