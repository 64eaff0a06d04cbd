#include "cli/check.h"

#include "aws/names.h"
#include "base/clock.h"
#include "cli/console.h"
#include "cli/help.h"
#include "codec/der.h"
#include "codec/json_write.h"
#include "gateway/pattern.h"
#include "listener/config.h"
#include "listener/functions.h"
#include "net/listen.h"
#include "os/child.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/variables.h"
#include "service/services.h"
#include "x509/names.h"

#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

enum {
	STEP_MS = 5000,
	ALL_MS = 30000,
	FOUND_MAX = 2560,
	SCRATCH_MAX = 32 * 1024, /* for a chain of certificates; or for a line, whose bytes may take six each in JSON */
};

/* What is known so far. What is used most comes first. */
struct visit {
	struct buf found;       /* by the step at hand */
	struct buf scratch;
	const char *advice;     /* if it fails or cannot be tried; NULL: none. Its holes are for region and function */
	struct target target;   /* name empty: none was given */
	struct str region;
	struct http_client *client;
	unsigned well;          /* the steps that passed, by bits */
	bool as_json, help;
	struct json_writer json;
	struct dial_target to;
	struct deadline deadline; /* of the step at hand */
	struct fault fault;       /* why it failed */
	struct environment env;
	struct addresses addresses;
	struct endpoint endpoint;
	struct listener_config listener;
	struct services services;
	char target_memory[2048], found_memory[FOUND_MAX], scratch_memory[SCRATCH_MAX];
};

/* E_MORE from a step: it cannot be tried, which is no failure. */
static enum err skip(struct visit *v, struct str why, const char *advice)
{
	buf_put(&v->found, why);
	v->advice = advice;
	return E_MORE;
}

static bool is_local(const struct visit *v)
{
	return str_eq(v->target.region, TARGET_LOCAL);
}

/* ---- what is set ---- */

static enum err check_configuration(struct visit *v)
{
	struct services *s = &v->services;
	enum err e = listener_config_read(&v->listener, &v->env, &v->fault);
	if (e == OK)
		e = services_start(s, &v->env, 1, &v->fault);
	if (e != OK)
		return e;
	/* What goes well is said here. */
	if (s->config.log_level == LOG_INFO)
		log_set_level(LOG_WARN);
	buf_format(&v->found, "usable, with %d routes", NUM(s->config.routes.count));
	return OK;
}

static enum err check_secret(struct visit *v)
{
	struct services *s = &v->services;
	if (s->config.skip_verify)
		return skip(v, S("GATEWAY_INSECURE_SKIP_VERIFY=1: signatures are not checked"), NULL);
	enum err e = signing_secrets_read(&s->secrets, &v->deadline, &v->fault);
	if (e != OK)
		return e;
	buf_format(&v->found, "%d", NUM(s->secrets.sets[0].count));
	for (size_t i = 0; i < s->config.sources_count; i++) {
		const struct secret_source *source = &s->config.sources[i];
		buf_format(&v->found, "%s%s", i ? S(", ") : S(" from "), source->kind == SECRET_LITERAL ? S("literal") : source->text);
	}
	return OK;
}

static enum err check_credentials(struct visit *v)
{
	const struct credentials *keys;
	struct credential_chain *chain = &v->services.credentials;
	enum err e = credentials_hold(&keys, chain, &v->deadline, &v->fault);
	if (e != OK)
		return e;
	struct str id = keys->access_key_id;
	buf_format(&v->found, "%s: %s...%s%s", keys->source, str_sub(id, 0, 4), str_skip(id, id.n > 8 ? id.n - 4 : id.n),
		keys->session_token.n ? S(" with a session token") : S(""));
	if (keys->expires_ms != INT64_MAX) {
		buf_put(&v->found, S(" until "));
		utc_put_rfc3339_ms(&v->found, keys->expires_ms);
	}
	credentials_release(chain, keys);
	return OK;
}

static enum err check_allow(struct visit *v)
{
	struct str allow = v->services.config.allow;
	buf_format(&v->found, "GATEWAY_ALLOW=%s", allow.n ? allow : S("*/*"));
	if (v->target.name.n)
		return allow.n == 0 || allow_matches(allow, v->target.name) ? OK : E_REFUSED;
	v->advice = NULL;
	return E_MORE;
}

/* ---- the way to AWS ---- */

/* What says where it is. */
static struct str origin(const struct visit *v)
{
	if (!v->services.endpoints.urls[AWS_LAMBDA].n)
		return v->region;
	if (environment_get(&v->env, "AWS_ENDPOINT_URL_LAMBDA").n)
		return S("AWS_ENDPOINT_URL_LAMBDA");
	return environment_get(&v->env, "AWS_ENDPOINT_URL").n ? S("AWS_ENDPOINT_URL") : S("a profile");
}

static enum err check_endpoint(struct visit *v)
{
	struct services *s = &v->services;
	v->region = v->target.region.n ? v->target.region : s->aws.region;
	if (!v->region.n)
		return skip(v, S("which region?"), "give REGION/FUNCTION or set AWS_REGION");
	if (!aws_region_ok(v->region))
		return fault_set(&v->fault, E_CONFIG, 0, "AWS_REGION is not a region");
	endpoint_get(&v->endpoint, &s->endpoints, AWS_LAMBDA, v->region);
	v->to = (struct dial_target){
		.host = v->endpoint.host, .port = v->endpoint.port, .secure = v->endpoint.secure, .trust = &s->aws_trust,
		.resolver = &s->resolver, .proxy = &s->proxy, .seen = &v->scratch,
	};
	const struct proxy_server *via = dial_via(&v->to);
	buf_format(&v->found, "http%s://%s%s by %s", v->to.secure ? S("s") : S(""), v->endpoint.authority, v->endpoint.base_path,
		origin(v));
	if (via)
		buf_format(&v->found, ", through the proxy %s:%d", via->host, NUM(via->port));
	return OK;
}

static void put_ms(struct visit *v, int64_t start)
{
	buf_format(&v->found, " in %d ms", NUM(clock_mono_ms() - start));
}

static enum err check_dns(struct visit *v)
{
	int64_t start = clock_mono_ms();
	enum err e = dial_resolve(&v->addresses, &v->to, &v->deadline, &v->fault);
	if (e != OK)
		return e;
	for (size_t i = 0; i < v->addresses.count; i++) {
		buf_put(&v->found, i ? S(", ") : S(""));
		address_put(&v->found, &v->addresses.list[i]);
	}
	put_ms(v, start);
	return OK;
}

static enum err check_tcp(struct visit *v)
{
	int64_t start = clock_mono_ms();
	v->client = http_pool_take(&v->services.pool, &v->to, true);
	check(v->client);
	struct stream *s = &v->client->stream;
	enum err e = dial_connect(s, &v->addresses, &v->to, &v->deadline, &v->fault);
	if (e != OK)
		return e;
	listen_peer(&v->found, s->fd);
	e = dial_tunnel(s, &v->to, &v->deadline, &v->fault);
	put_ms(v, start);
	return e;
}

/* ---- certificates ---- */

/* The certificates as they were sent, and the first anchor that is the issuer of one. */
static void put_chain(struct visit *v)
{
	struct certificate c;
	struct str rest = buf_str(&v->scratch), contents;
	bool ended = false;
	for (struct str all = rest; der_take(&rest, DER_SEQUENCE, &contents); all = rest) {
		if (certificate_read(&c, str_sub(all, 0, all.n - rest.n)) != OK)
			return;
		buf_put(&v->found, v->found.n ? S(", ") : S(""));
		name_put(&v->found, c.subject);
		buf_put(&v->found, S(" until "));
		utc_put(&v->found, c.not_after, UTC_RFC3339);
		buf_put(&v->found, S(" by "));
		name_put(&v->found, c.issuer);
		if (!ended && (ended = trust_knows(v->to.trust, c.issuer)))
			buf_format(&v->found, " (trusted: %s)", str_c(v->to.trust->source));
	}
}

static enum err check_tls(struct visit *v)
{
	enum err e = OK;
	if (v->to.secure) {
		e = dial_secure(&v->client->stream, &v->to, &v->deadline, &v->fault);
		put_chain(v);
	} else {
		buf_put(&v->found, S("none with http://"));
	}
	http_pool_give(&v->services.pool, v->client);
	return e;
}

/* ---- asking AWS ---- */

static enum err check_clock(struct visit *v)
{
	struct http_attempt a;
	int64_t date;
	const struct aws_post request = { .aws = &v->services.aws, .endpoint = &v->endpoint, .path = S("/") };
	enum err e = aws_post_send(&a, &request, &v->scratch, &v->deadline, &v->fault);
	bool told = a.response.head.status && utc_from_http_date(&date, http_field_get(&a.response.head, S("date")));
	aws_post_end(&request, &a);
	if (!told)
		return e == OK ? skip(v, S("no Date in the answer"), NULL) : e;
	/* A Date has no fractions. */
	int64_t ahead = (clock_wall_ms() - date * 1000 - 500) / 1000;
	buf_format(&v->found, "%d s ahead of AWS's", NUM(ahead));
	return ahead <= SLACK_TOLERANCE_S && ahead >= -SLACK_TOLERANCE_S ? OK : E_REFUSED;
}

static enum err check_local_function(struct visit *v)
{
	char directory[FILE_PATH_MAX], path[FILE_PATH_MAX];
	struct stat st;
	struct str functions = v->listener.functions;
	v->advice = "GATEWAY_FUNCTIONS must be the directory of an executable file of that name";
	if (!functions.n)
		return skip(v, S("no GATEWAY_FUNCTIONS"), v->advice);
	buf_put(&v->found, functions);
	return file_real_path(directory, &st, functions.p) ? function_find(path, directory, v->target.function, &v->fault) : E_CONFIG;
}

static enum err check_permission(struct visit *v)
{
	struct invoker invoker;
	struct invoke_result result;
	if (!v->target.name.n)
		return skip(v, S("to do what?"), "give REGION/FUNCTION");
	if (is_local(v))
		return check_local_function(v);
	const struct invocation dry = {
		.type = INVOKE_DRY_RUN, .region = v->region, .function = v->target.function, .payload = S("{}"),
	};
	services_invoker(&invoker, &v->services);
	invoke(&invoker, &result, &dry, NULL, &v->deadline);
	v->fault = result.fault;
	buf_format(&v->found, "lambda:InvokeFunction on %s", v->target.name);
	return result.outcome == INVOKE_STARTED ? OK : E_REFUSED;
}

/* ---- all of it ---- */

enum { CONFIGURATION, SECRET, CREDENTIALS, ENDPOINT, DNS, TCP, TLS, CLOCK, ALLOW, PERMISSION };

static const struct step {
	char name[14];
	unsigned short needs; /* steps that must have passed, by bits */
	enum err (*run)(struct visit *v);
	const char *advice;
} steps[] = {
	[CONFIGURATION] = { "configuration", 0, check_configuration, "correct it; --help lists the variables" },
	[SECRET] = { "secret", 1 << CONFIGURATION, check_secret, "it must be there under this name, and these credentials must be allowed to read it" },
	[CREDENTIALS] = { "credentials", 1 << CONFIGURATION, check_credentials,
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine, pod or task a role" },
	[ENDPOINT] = { "endpoint", 1 << CONFIGURATION, check_endpoint, "set it to one such as eu-west-1" },
	[DNS] = { "dns", 1 << ENDPOINT, check_dns, "check the region, and the name server in /etc/resolv.conf" },
	[TCP] = { "tcp", 1 << DNS, check_tcp, "check routes and firewalls; a VPC needs NAT or an endpoint for Lambda, some networks HTTPS_PROXY" },
	[TLS] = { "tls", 1 << TCP, check_tls, "check the clock; if a firewall looks into TLS, set AWS_CA_BUNDLE to a file with its CA" },
	[CLOCK] = { "clock", 1 << TLS, check_clock, "let NTP set it: Slack's requests are refused beyond 300 s" },
	[ALLOW] = { "allow", 1 << CONFIGURATION, check_allow, "add %s/%s to it" },
	[PERMISSION] = { "permission", 1 << CREDENTIALS | 1 << TLS, check_permission,
		"in %s there must be a function %s, and a policy of these credentials that allows lambda:InvokeFunction on it" },
};

static enum err take_step(struct visit *v, size_t i)
{
	if (is_local(v) && i >= CREDENTIALS && i <= CLOCK)
		return skip(v, S("region local needs no AWS"), NULL);
	/* To look for a local function, or to ask for one, takes no AWS. */
	bool modest = i == PERMISSION && (is_local(v) || !v->target.name.n);
	unsigned missing = (modest ? 1 << CONFIGURATION : steps[i].needs) & ~v->well;
	v->advice = steps[i].advice;
	if (!missing)
		return steps[i].run(v);
	buf_put(&v->found, S("needs "));
	return skip(v, str_c(steps[__builtin_ctz(missing)].name), NULL);
}

/* Some of it names the region and the function. */
static void put_advice(struct visit *v)
{
	const struct str target[] = { v->target.region, v->target.function };
	bool names_target = strchr(v->advice, '%') != NULL;
	buf_put_format(&v->found, v->advice, (struct arguments){ target, names_target ? countof(target) : 0 });
}

/* Whether nothing failed. */
static bool tell(struct visit *v, const char *name, enum err e)
{
	struct buf *line = &v->scratch;
	bool failed = e != OK && e != E_MORE;
	struct str status = failed ? S("FAIL") : e == OK ? S("ok") : S("skip");
	if (failed)
		buf_format(&v->found, "%s%s", v->found.n && v->fault.n ? S("; ") : S(""), fault_text(&v->fault));
	struct str found = buf_str(&v->found);
	if (e != OK && v->advice)
		put_advice(v);
	struct str advice = { found.p + found.n, v->found.n - found.n };
	buf_reset(line);
	if (v->as_json) {
		json_open(&v->json, '{');
		json_fields(&v->json, "step status found advice", str_c(name), status, found, advice);
		json_close(&v->json, '}');
	} else {
		buf_format(line, "%s %s: %s%s%s", status, str_c(name), found, advice.n ? S(" -> ") : S(""), advice);
		for (size_t i = 0; i < line->n; i++)
			if ((unsigned char)line->p[i] < ' ' || line->p[i] == 0x7f)
				line->p[i] = '?';
	}
	buf_put_char(line, '\n');
	console_put(STDOUT_FILENO, buf_str(line));
	buf_reset(line);
	return !failed;
}

static enum err read_arguments(struct visit *v, char **arguments)
{
	struct arena arena = { v->target_memory, 0, sizeof(v->target_memory) };
	for (; *arguments; arguments++) {
		struct str argument = str_c(*arguments);
		struct request_path path;
		request_path_read(&path, argument, S(""), S(""), &arena);
		if (help_wanted(argument))
			v->help = true;
		else if (str_eq(argument, S("--json")))
			v->as_json = true;
		else if (str_starts(argument, S("-")))
			return fault_set(&v->fault, E_CONFIG, 0, "unknown option %s; check takes --json", str_sub(argument, 0, 60));
		else if (v->target.name.n || target_from_path(&v->target, &path, &arena) != OK)
			return fault_set(&v->fault, E_CONFIG, 0, "unexpected argument %s; check takes one REGION/FUNCTION, such as eu-west-1/deploy",
				str_sub(argument, 0, 100));
	}
	return OK;
}

int check_run(char **arguments)
{
	struct visit *v = memory_map(sizeof(*v));
	struct deadline all = deadline_in(ALL_MS);
	bool well = true;
	v->env = variables_of_process();
	v->found = BUF(v->found_memory);
	v->scratch = BUF(v->scratch_memory);
	v->json = json_writer(&v->scratch);
	if (read_arguments(v, arguments) != OK)
		return console_fail(2, &v->fault);
	if (v->help) {
		console_put(STDOUT_FILENO, str_c(help_check));
		return 0;
	}
	if (v->as_json)
		console_put(STDOUT_FILENO, S("{\"steps\":["));
	for (size_t i = 0; i < countof(steps); i++) {
		v->deadline = deadline_within(&all, STEP_MS);
		v->fault.n = 0;
		buf_reset(&v->found);
		enum err e = take_step(v, i);
		v->well |= (unsigned)(e == OK) << i;
		well = tell(v, steps[i].name, e) && well;
	}
	if (v->as_json)
		console_put(STDOUT_FILENO, S("]}\n"));
	return !well;
}
