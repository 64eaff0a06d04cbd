#include "service/services.h"

#include "aws/credential_sources.h"
#include "aws/names.h"
#include "aws/profile_in_use.h"
#include "base/clock.h"
#include "codec/authority.h"
#include "codec/nearest.h"
#include "crypto/ct.h"
#include "os/file.h"
#include "os/log_writer.h"
#include "os/memory.h"
#include "os/thread.h"
#include "os/variables.h"
#include "service/credential_process.h"

enum {
	CA_BUNDLE_MAX = 4 << 20,
	CONFIG_MAX = 1 << 20,
	CONFIG_ARENA_MIN = 64 * 1024,
	SETTINGS_SIZE = AWS_SERVICES * ENDPOINT_URL_MAX + 1024,
	FETCH_MS = 30000,
	FETCH_AGAIN_MS = 1000,
	FETCH_STACK = 512 * 1024,
	LOOK_MS = 50,
	SPARE_CONNECTIONS = 4, /* so that one worker can keep connections to several regions, and
							  credentials can be fetched */
};

static void tell_left_out(const struct trust *trust)
{
	char text[1024];
	struct buf reasons = BUF(text);
	trust_put_left_out(&reasons, trust);
	LOG(LOG_WARN, "certificates that cannot be trust anchors were left out",
		"variable used# left_out# reasons", str_c(trust->source), NUM(trust->count),
		NUM(trust->left_out_n), buf_str(&reasons));
}

static enum err read_bundle(
	struct trust *out, const char *variable, struct str path, struct fault *f)
{
	struct str pem;
	enum err e = path.n ? file_load(NULL, &pem, path, CA_BUNDLE_MAX, f) : E_MORE;
	if (e == OK) {
		size_t size = trust_size(pem);
		struct arena memory = { memory_map(size), 0, size };
		e = trust_from_pem(out, pem, &memory, f);
		file_unload(NULL, pem);
	}
	if (e != OK)
		return e == E_MORE ? OK : fault_lead(f, E_FILE, str_c(variable));
	out->source = variable;
	if (out->left_out_n)
		tell_left_out(out);
	return OK;
}

/* A variable, or else what the profile in use says. */
static struct str setting(const struct environment *env, const char *variable,
	const struct profile *profile, struct str key)
{
	struct str v = environment_get(env, variable);
	return v.n || !profile ? v : profile_get(profile, key);
}

static enum err read_trust(struct services *s, const struct environment *env,
	const struct profile *profile, struct fault *f)
{
	s->slack_trust = trust_builtin();
	enum err e =
		read_bundle(&s->slack_trust, "SSL_CERT_FILE", environment_get(env, "SSL_CERT_FILE"), f);
	s->aws_trust = s->slack_trust;
	return e == OK ? read_bundle(&s->aws_trust, "AWS_CA_BUNDLE",
						 setting(env, "AWS_CA_BUNDLE", profile, S("ca_bundle")), f)
				   : e;
}

/* Inline, or in a file: @PATH. */
static enum err read_routes(struct services *s, const struct environment *env, struct fault *f)
{
	struct str text = environment_get(env, "GATEWAY_CONFIG");
	enum err e = OK;
	bool in_file = str_starts(text, S("@"));
	if (!text.n)
		return OK;
	if (in_file)
		e = file_load(NULL, &text, str_skip(text, 1), CONFIG_MAX, f);
	if (e == OK) {
		/* The shortest route has some 35 bytes. */
		size_t size = CONFIG_ARENA_MIN + (1 + sizeof(struct route) / 32) * text.n;
		struct arena memory = { memory_map(size), 0, size };
		e = config_read_routes(&s->config, text, &memory, f);
	}
	return e != OK && in_file
		? fault_lead(f, E_FILE, S("GATEWAY_CONFIG names a file that cannot be used"))
		: e;
}

static const struct credential_host credential_host = {
	.read_file = file_read, .load = file_load, .unload = file_unload, .run = credential_process_run,
};

static void tell_what_is_unusual(const struct services *s)
{
	if (s->config.skip_verify)
		LOG(LOG_WARN,
			"GATEWAY_INSECURE_SKIP_VERIFY=1: no signature is checked, so whoever reaches this "
			"gateway can start functions",
			"");
	struct fault f;
	for (size_t i = 0; i < s->config.routes.count; i++)
		if (route_warning(&s->config.routes, i, &f))
			LOG(LOG_WARN, "a route has no effect", "reason", fault_text(&f));
	if (!s->config.response_hosts_default)
		LOG(LOG_WARN, "GATEWAY_RESPONSE_HOSTS is not the default: late answers may go there",
			"hosts", s->config.response_hosts);
}

/* Lambda sets what a profile could, so its files are only looked for there when somebody names one.
 * Where keys come from somewhere else, a file that nobody named stops nothing. */
static enum err load_profile(
	struct profile_in_use *use, const struct environment *env, struct fault *f)
{
	bool named =
		environment_get(env, "AWS_PROFILE").n || environment_get(env, "AWS_DEFAULT_PROFILE").n;
	if (!named && environment_get(env, "AWS_LAMBDA_RUNTIME_API").n)
		return E_MORE;
	bool needed = named ||
		!(environment_get(env, "AWS_ACCESS_KEY_ID").n ||
			environment_get(env, "AWS_WEB_IDENTITY_TOKEN_FILE").n ||
			environment_get(env, "GATEWAY_ROLESANYWHERE_CERT").n);
	enum err e = profile_in_use_load(use, env, &credential_host, f);
	if (e == OK)
		profile_in_use_tell(use);
	if (e == OK || needed)
		return e;
	LOG(LOG_WARN, "the default profile cannot be read, and is not needed", "reason",
		fault_text(f));
	return E_MORE;
}

/* What counts of the profile is kept; the rest may be keys. */
static void keep_settings(struct services *s)
{
	struct arena kept = { memory_map(SETTINGS_SIZE), 0, SETTINGS_SIZE };
	for (size_t i = 0; i < AWS_SERVICES; i++)
		s->endpoints.urls[i] = arena_copy(&kept, s->endpoints.urls[i]);
	s->aws.region = arena_copy(&kept, s->aws.region);
}

static enum err read_aws(struct services *s, const struct environment *env, struct fault *f)
{
	struct profile_in_use use;
	enum err e = load_profile(&use, env, f);
	const struct profile *profile = e == OK ? &use.profile : NULL;
	if (e != OK && e != E_MORE)
		return e;
	e = read_trust(s, env, profile, f);
	if (e == OK)
		e = endpoints_read(&s->endpoints, env, profile, f);
	if (e == OK)
		e = instance_metadata_check(env, profile, f);
	s->aws = (struct aws_context){
		.pool = &s->pool,
		.resolver = &s->resolver,
		.trust = &s->aws_trust,
		.proxy = &s->proxy,
		.endpoints = &s->endpoints,
		.region = environment_get(env, "AWS_REGION"),
	};
	if (s->aws.region.n == 0)
		s->aws.region = setting(env, "AWS_DEFAULT_REGION", profile, S("region"));
	if (e == OK)
		e = endpoints_take_region(&s->endpoints, &s->aws.region, f);
	if (profile) {
		keep_settings(s);
		profile_in_use_unload(&use, &credential_host);
	}
	return e;
}

static enum err check_way(
	const struct services *s, struct str host, uint64_t port, bool secure, struct fault *f)
{
	return proxy_check(proxy_for(&s->proxy, host, (uint16_t)port, secure), f);
}

/* A proxy that cannot be used stops nothing, unless Lambda or Slack would be reached through it. */
static enum err check_ways_out(const struct services *s, struct fault *f)
{
	struct endpoint lambda;
	struct str host, entry, hosts = s->config.response_hosts;
	if (!s->proxy.servers[false].unusable && !s->proxy.servers[true].unusable)
		return OK;
	endpoint_get(&lambda, &s->endpoints, AWS_LAMBDA,
		aws_region_ok(s->aws.region) ? s->aws.region : S("us-east-1"));
	enum err e = check_way(s, lambda.host, lambda.port, lambda.secure, f);
	while (e == OK && hosts.n) {
		str_next(&entry, &hosts, ',');
		entry = str_trim(entry);
		bool secure = !str_starts(entry, S("http://"));
		uint64_t port = secure ? 443 : 80;
		if (authority_split(&host, &port, secure ? entry : str_skip(entry, 7)))
			e = check_way(s, host, port, secure, f);
	}
	return e;
}

/* Most likely misspelt. */
static enum err refuse_unknown_variables(struct fault *f)
{
	struct str name;
	if (!variables_find_unknown(&name, S("GATEWAY_"), config_name_ok))
		return OK;
	struct str shown = str_sub(name, 0, 60), meant = nearest_word(config_names, str_skip(name, 8));
	if (meant.n)
		return fault_set(
			f, E_CONFIG, 0, "unknown variable %s; did you mean GATEWAY_%s?", shown, meant);
	return fault_set(f, E_CONFIG, 0, "unknown variable %s (serve --help lists all)", shown);
}

static enum err set_up(
	struct services *s, const struct environment *env, size_t workers, struct fault *f)
{
	resolver_init(&s->resolver, RESOLVE_CONF, RESOLVE_HOSTS);
	s->resolver.env = *env;
	enum err e = refuse_unknown_variables(f);
	if (e == OK)
		e = config_read(&s->config, env, f);
	if (e == OK)
		e = read_routes(s, env, f);
	if (e == OK)
		e = config_check_secrets(&s->config, f);
	if (e != OK)
		return e;
	log_set_level(s->config.log_level);
	log_writer_choose(s->config.log_style, env);
	tell_what_is_unusual(s);
	e = read_aws(s, env, f);
	proxy_read(&s->proxy, env);
	s->proxy.trust = &s->slack_trust;
	if (e == OK)
		e = check_ways_out(s, f);
	if (e != OK)
		return e;
	e = credential_chain_init(&s->credentials, env, &s->aws, &credential_host,
		credential_sources_fetch, memory_map(CREDENTIALS_SCRATCH), f);
	if (e == OK)
		e = signing_secrets_init(&s->secrets, &s->config, &s->credentials, f);
	if (e != OK)
		return e;
	dedupe_init(&s->dedupe, memory_map(sizeof(struct dedupe_table)));
	size_t slots = workers + SPARE_CONNECTIONS;
	http_pool_init(&s->pool, memory_map(http_pool_size(slots)), slots);
	if (s->proxy.servers[false].secure || s->proxy.servers[true].secure)
		http_pool_wrap(&s->pool, memory_map(http_pool_wrap_size(slots)));
	return OK;
}

enum err services_start(
	struct services *s, const struct environment *env, size_t workers, struct fault *f)
{
	return variables_check(set_up(s, env, workers, f), f);
}

/* An event that was started stays so for ten minutes more. One from the future is as recent as any:
 * the clock was set back. */
static void remember_event(void *ctx, struct str key, enum journal_fate fate, int64_t wall_ms)
{
	struct services *s = ctx;
	if (clock_wall_ms() - wall_ms > JOURNAL_EVENT_MS)
		return;
	if (dedupe_begin(&s->dedupe, key, 0) != DEDUPE_STARTED && fate != JOURNAL_ATTEMPTED)
		dedupe_end(&s->dedupe, key, fate == JOURNAL_STARTED);
}

/* Of one that was only attempted nobody knows, so Slack's next delivery starts it again. That is
 * said once. */
static void tell_of_events(struct services *s)
{
	for (size_t i = 0; i < DEDUPE_MAX; i++) {
		const struct dedupe_entry *e = &s->dedupe.table->entries[i];
		struct str key = { e->id, e->id_n };
		if (!e->used || e->settled)
			continue;
		LOG(LOG_WARN,
			"an event was being started when an earlier process ended: its next delivery may start "
			"it a second time",
			"key", key);
		(void)!journal_event(s->journal, key, JOURNAL_TOLD, clock_wall_ms());
		dedupe_end(&s->dedupe, key, false);
	}
}

/* The keys of all signing secrets that are known. True if one is not. */
static bool take_keys(struct hmac_key *keys, size_t *count, struct services *s)
{
	bool missing = false;
	const struct slack_secrets *held = signing_secrets_hold(&s->secrets);
	*count = 0;
	for (size_t i = 0; i < held->count && *count < JOURNAL_KEYS_MAX; i++) {
		missing |= held->list[i].missing;
		if (!held->list[i].missing)
			keys[(*count)++] = held->list[i].key;
	}
	signing_secrets_release(&s->secrets, held);
	return missing;
}

/* What is promised now must be readable with the secrets that will be there at the next start. */
static void change_keys(void *ctx)
{
	struct services *s = ctx;
	struct hmac_key keys[JOURNAL_KEYS_MAX];
	size_t count;
	(void)take_keys(keys, &count, s);
	if (count)
		journal_take_keys(s->journal, keys, count);
	ct_wipe(keys, sizeof(keys));
}

enum err services_open_journal(struct services *s, struct str directory, struct fault *f)
{
	struct hmac_key keys[JOURNAL_KEYS_MAX];
	size_t count;
	bool again = false, missing;
	struct deadline d = deadline_in(FETCH_MS);
	/* Records of a secret that is not known do not verify: they would be lost. */
	do {
		signing_secrets_read_aside(&s->secrets, again);
		signing_secrets_wait(&s->secrets, &d);
		again = true;
	} while ((missing = take_keys(keys, &count, s)) && deadline_sleep(&d, FETCH_AGAIN_MS));
	if (missing && !count)
		return fault_set(f, E_FILE, 0,
			"GATEWAY_JOURNAL cannot be read: no signing secret could be fetched within %d s",
			NUM(FETCH_MS / 1000));
	s->journal = memory_map(sizeof(*s->journal));
	enum err e =
		journal_open(s->journal, directory, keys, count, clock_wall_ms(), remember_event, s, f);
	ct_wipe(keys, sizeof(keys));
	s->secrets.ctx = s;
	s->secrets.changed = change_keys;
	if (e == OK)
		tell_of_events(s);
	/* So that a promise can be waited for when the moment has come. */
	if (s->config.timeout_ms > TIMEOUT_MS_MAX - JOURNAL_LAST_MS)
		s->config.timeout_ms = TIMEOUT_MS_MAX - JOURNAL_LAST_MS;
	if (e == OK && (s->journal->refused || s->journal->torn))
		LOG(LOG_ERROR, "parts of the journal cannot be read, and are not acted on",
			"records# torn_bytes#", NUM(s->journal->refused), NUM(s->journal->torn));
	return e;
}

static void *keep_fresh(void *arg)
{
	struct services *s = arg;
	for (;;) {
		struct deadline d = deadline_in(FETCH_MS);
		clock_sleep_ms(credentials_renew(&s->credentials, &d));
	}
	return NULL;
}

enum err services_keep_fresh(struct services *s, struct fault *f)
{
	return s->credentials.fixed ? OK : thread_start(keep_fresh, s, FETCH_STACK, f);
}

static void *read_again(void *arg)
{
	struct services *s = arg;
	struct deadline d = deadline_in(FETCH_MS);
	/* Somebody else may be fetching what was there before. */
	while (s->credentials.stale) {
		(void)credentials_renew(&s->credentials, &d);
		if (s->credentials.stale && !deadline_sleep(&d, LOOK_MS))
			break;
	}
	return NULL;
}

void services_read_credentials_again(struct services *s)
{
	struct fault f;
	credentials_read_again(&s->credentials);
	if (s->credentials.stale && thread_start(read_again, s, FETCH_STACK, &f) != OK)
		log_failure("the credentials cannot be read again now", S(""), &f);
}

void services_invoker(struct invoker *out, struct services *s)
{
	*out = (struct invoker){ .aws = &s->aws, .credentials = &s->credentials };
}
