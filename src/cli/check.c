#include "cli/check.h"

#include "aws/names.h"
#include "base/clock.h"
#include "cli/console.h"
#include "cli/help.h"
#include "cli/report.h"
#include "codec/der.h"
#include "gateway/pattern.h"
#include "listener/functions.h"
#include "listener/steppers.h"
#include "net/listen.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/variables.h"
#include "service/services.h"
#include "x509/names.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STEP_MS = 5000,
	ALL_MS = 45000,
	FOUND_MAX = 4096,
	ADVICE_MAX = 1024,
	SCRATCH_MAX = 32 * 1024, /* for a chain of certificates, or an answer */
	EXPIRY_WARNING_S = 14 * 24 * 3600,
	SECRET_DIGITS = 32,
};

/* What is known so far. What is used most comes first. */
struct visit {
	struct buf found;       /* by the step at hand */
	struct buf advice;
	const char *reason;
	struct buf scratch;
	struct target target;   /* name empty: none was given */
	struct str region;
	struct http_client *client;
	unsigned well;          /* the steps that passed, by bits */
	bool as_json, help;
	struct dial_target to;
	const struct proxy_server *via;
	struct str host;        /* to connect to: the proxy's or the endpoint's */
	struct deadline deadline; /* of the step at hand */
	struct fault fault;       /* why it failed */
	struct environment env;
	struct addresses addresses;
	struct endpoint endpoint;
	struct listener_config listener;
	struct report report;
	struct services services;
	char target_memory[2048], found_memory[FOUND_MAX], advice_memory[ADVICE_MAX],
		scratch_memory[SCRATCH_MAX];
	char report_memory[REPORT_SIZE];
};

/* How a step ends. `reason` is part of what programs rely on; `advice` is for people. */
static enum step_result end_step(
	struct visit *v, enum step_result result, const char *reason, struct str advice)
{
	v->reason = reason;
	buf_put(&v->advice, advice);
	return result;
}

/* With v->fault as the last of what was found. */
static enum step_result fail(struct visit *v, const char *reason, struct str advice)
{
	if (v->fault.n)
		buf_format(&v->found, "%s%s", v->found.n ? S("; ") : S(""), fault_text(&v->fault));
	return end_step(v, STEP_FAIL, reason, advice);
}

static enum step_result skip(struct visit *v, struct str why, struct str advice)
{
	buf_put(&v->found, why);
	return end_step(v, STEP_SKIP, "skipped", advice);
}

static bool is_local(const struct visit *v)
{
	return str_eq(v->target.region, TARGET_LOCAL);
}

/* ---- what is set ---- */

static enum step_result check_configuration(struct visit *v)
{
	struct services *s = &v->services;
	enum err e = listener_config_read(&v->listener, &v->env, &v->fault);
	if (e == OK)
		e = services_start(s, &v->env, 1, &v->fault);
	if (e != OK)
		return fail(v, e == E_CONFIG ? "configuration_invalid" : "file_unusable",
			e == E_CONFIG ? S("correct it; serve --help lists the settings")
						  : S("correct the file, or the path to it"));
	for (size_t i = 0; i < s->config.routes.count; i++)
		if (route_warning(&s->config.routes, i, &v->fault))
			return fail(v, "route_without_effect", S("correct or remove that part of the route"));
	/* What goes well is said here. */
	if (s->config.log_level == LOG_INFO)
		log_set_level(LOG_WARN);
	buf_format(&v->found, "usable, %d route%s", NUM(s->config.routes.count),
		s->config.routes.count == 1 ? S("") : S("s"));
	return STEP_OK;
}

/* ---- the listener ---- */

static bool functions_can_be_found(struct visit *v)
{
	char real[FILE_PATH_MAX];
	struct stat st;
	return file_real_path(real, &st, v->listener.functions) && S_ISDIR(st.st_mode);
}

static enum step_result check_certificate(struct visit *v)
{
	int64_t not_after;
	if (steppers_check_certificate(&not_after, &v->listener, &v->fault) != OK)
		return fail(v, "certificate_unusable",
			S("the first certificate must be the listener's own, its issuers behind it, and the "
			  "key must belong to it; all PEM"));
	buf_put(&v->found, S(", HTTPS until "));
	utc_put(&v->found, not_after, UTC_RFC3339);
	int64_t left = not_after - clock_wall_ms() / 1000;
	if (left < 0)
		return fail(v, "certificate_expired", S("renew the certificate, and send SIGHUP"));
	if (left < EXPIRY_WARNING_S)
		return end_step(
			v, STEP_WARN, "certificate_expires", S("renew the certificate, and send SIGHUP"));
	return STEP_OK;
}

static enum step_result check_listener(struct visit *v)
{
	if (v->listener.functions.n && !functions_can_be_found(v)) {
		fault_set(&v->fault, E_FILE, 0, "GATEWAY_FUNCTIONS=%s is not a directory",
			str_sub(v->listener.functions, 0, 100));
		return fail(v, "functions_unusable", S("name a directory of executable files"));
	}
	buf_put(&v->found, v->listener.address);
	if (v->listener.metrics_address.n)
		buf_format(&v->found, ", metrics at %s", v->listener.metrics_address);
	if (v->listener.functions.n)
		buf_format(&v->found, ", functions of %s", v->listener.functions);
	return v->listener.tls_cert.n ? check_certificate(v) : STEP_OK;
}

/* ---- secrets and keys ---- */

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit((unsigned char)s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static enum step_result check_secret(struct visit *v)
{
	struct services *s = &v->services;
	bool odd = false;
	if (s->config.skip_verify)
		return skip(v, S("GATEWAY_INSECURE_SKIP_VERIFY=1: signatures are not checked"), S(""));
	if (signing_secrets_read(&s->secrets, &v->deadline, &v->fault) != OK)
		return fail(v, "secret_unreachable",
			S("it must exist under this name, and these credentials must be allowed to read it"));
	buf_format(&v->found, "%d", NUM(s->secrets.sets[0].count));
	for (size_t i = 0; i < s->config.sources_count; i++) {
		const struct secret_source *source = &s->config.sources[i];
		bool literal = source->kind == SECRET_LITERAL;
		buf_format(
			&v->found, "%s%s", i ? S(", ") : S(" from "), literal ? S("literal") : source->text);
		odd |= literal && (source->name.n != SECRET_DIGITS || !is_hex(source->name));
	}
	if (odd)
		return end_step(v, STEP_WARN, "secret_form",
			S("Slack's signing secrets have 32 hex digits; see \"Signing Secret\" under "
			  "\"Basic Information\" of the app"));
	return STEP_OK;
}

static enum step_result check_credentials(struct visit *v)
{
	const struct credentials *keys;
	struct credential_chain *chain = &v->services.credentials;
	enum err e = credentials_hold(&keys, chain, &v->deadline, &v->fault);
	if (e == E_CONFIG)
		return fail(v, "credentials_none",
			S("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine, pod or task a "
			  "role"));
	if (e != OK)
		return fail(v, e == E_TIMEOUT ? "credentials_timeout" : "credentials_refused",
			S("a source is configured, but gave no credentials; the message says which and why"));
	struct str id = keys->access_key_id;
	buf_format(&v->found, "%s: %s...%s%s", keys->source, str_sub(id, 0, 4),
		str_skip(id, id.n > 8 ? id.n - 4 : id.n),
		keys->session_token.n ? S(" with a session token") : S(""));
	int64_t expires_ms = keys->expires_ms;
	credentials_release(chain, keys);
	if (expires_ms == INT64_MAX)
		return STEP_OK;
	buf_put(&v->found, S(" until "));
	utc_put_rfc3339_ms(&v->found, expires_ms);
	if (expires_ms > clock_wall_ms())
		return STEP_OK;
	return fail(v, "credentials_expired",
		S("they have expired, or this machine's clock is wrong; renew them"));
}

static enum step_result check_allow(struct visit *v)
{
	struct str allow = v->services.config.allow;
	bool is_set = allow.n > 0;
	buf_format(
		&v->found, "GATEWAY_ALLOW%s%s", is_set ? S("=") : S(" is not set"), is_set ? allow : S(""));
	if (v->target.name.n && is_set && !allow_matches(allow, v->target.name)) {
		buf_format(&v->advice, "add %s to it", v->target.name);
		return fail(v, "allow_excludes", S(""));
	}
	if (is_set)
		return v->target.name.n ? STEP_OK : end_step(v, STEP_SKIP, "skipped", S(""));
	return end_step(v, STEP_WARN, "allow_unset",
		S("the signature does not cover the path: list what may be started, such as "
		  "eu-west-1/deploy-*"));
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

static enum step_result check_endpoint(struct visit *v)
{
	struct services *s = &v->services;
	v->region = v->target.region.n ? v->target.region : s->aws.region;
	if (!v->region.n)
		return skip(v, S("no region"), S("give REGION/FUNCTION or set AWS_REGION"));
	if (!aws_region_ok(v->region)) {
		fault_set(&v->fault, E_CONFIG, 0, "AWS_REGION is not a region");
		return fail(v, "region_invalid", S("set it to one such as eu-west-1"));
	}
	endpoint_get(&v->endpoint, &s->endpoints, AWS_LAMBDA, v->region);
	v->to = (struct dial_target){
		.host = v->endpoint.host,
		.port = v->endpoint.port,
		.secure = v->endpoint.secure,
		.trust = &s->aws_trust,
		.resolver = &s->resolver,
		.proxy = &s->proxy,
		.seen = &v->scratch,
		.rsa_first = true,
	};
	v->via = dial_via(&v->to);
	buf_format(&v->found, "http%s://%s%s by %s", v->to.secure ? S("s") : S(""),
		v->endpoint.authority, v->endpoint.base_path, origin(v));
	if (v->via)
		buf_format(&v->found, ", through the proxy %s:%d", v->via->host, NUM(v->via->port));
	return STEP_OK;
}

static void put_ms(struct visit *v, int64_t start)
{
	buf_format(&v->found, " in %d ms", NUM(clock_mono_ms() - start));
}

static enum step_result check_dns(struct visit *v)
{
	int64_t start = clock_mono_ms();
	enum err e = dial_resolve(&v->addresses, &v->to, &v->deadline, &v->fault);
	if (e == E_TIMEOUT)
		return fail(v, "dns_timeout",
			S("no name server answers: check /etc/resolv.conf and the way to it (UDP port 53)"));
	if (e != OK)
		return fail(v, "dns_failed", v->via ? S("check the host in the proxy variable") :
			S("check the region, and the name server in /etc/resolv.conf"));
	for (size_t i = 0; i < v->addresses.count; i++) {
		buf_put(&v->found, i ? S(", ") : S(""));
		address_put(&v->found, &v->addresses.list[i]);
	}
	put_ms(v, start);
	return STEP_OK;
}

static enum step_result check_tcp(struct visit *v)
{
	int64_t start = clock_mono_ms();
	v->client = http_pool_take(&v->services.pool, &v->to, true);
	check(v->client);
	struct stream *s = &v->client->stream;
	enum err e = dial_connect(s, &v->addresses, &v->to, &v->deadline, &v->fault);
	if (e != OK && v->via)
		return fail(v, "proxy_unreachable",
			S("the proxy does not answer: check its address and port, and that it runs"));
	if (e == E_TIMEOUT)
		return fail(v, "tcp_timeout",
			S("packets get lost: check routes and firewalls; a VPC needs NAT or an endpoint for "
			  "Lambda, some "
			  "networks need HTTPS_PROXY"));
	if (e != OK)
		return fail(v, "tcp_refused",
			S("nothing listens there, or a firewall refuses: check the address and port"));
	listen_peer(&v->found, s->fd);
	e = dial_tunnel(s, &v->to, &v->deadline, &v->fault);
	put_ms(v, start);
	return e == OK
		? STEP_OK
		: fail(v, "proxy_refused",
			  S("the proxy was reached, but does not connect on: check its rules, and user and "
				"password in HTTPS_PROXY"));
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

static struct str curve_name(int curve)
{
	switch (curve) {
	case BR_EC_curve25519: return S("X25519");
	case BR_EC_secp256r1: return S("P-256");
	case BR_EC_secp384r1: return S("P-384");
	default: return S("none");
	}
}

static void put_session(struct visit *v)
{
	struct tls_client *tls = v->client->stream.tls;
	bool kept = tls->session.ticket_n || tls->session.parameters.session_id_len;
	buf_format(&v->found, "; key exchange %s, %s",
		curve_name(br_ssl_engine_get_ecdhe_curve(&tls->client.eng)),
		kept ? S("sessions can be resumed") : S("no resumption"));
}

static enum step_result check_tls(struct visit *v)
{
	enum step_result result = STEP_OK;
	if (!v->to.secure) {
		buf_put(&v->found, S("none with http://"));
		http_pool_give(&v->services.pool, v->client);
		return STEP_OK;
	}
	enum err e = dial_secure(&v->client->stream, &v->addresses, &v->to, &v->deadline, &v->fault);
	put_chain(v);
	if (e == OK)
		put_session(v);
	else if (e == E_CERT)
		result = fail(v, "tls_untrusted",
			S("check the clock and the host's name; if a firewall looks into TLS, set "
			  "AWS_CA_BUNDLE to a file "
			  "with its CA"));
	else if (e == E_TIMEOUT)
		result = fail(v, "tls_timeout",
			S("connected, but nothing answers TLS: a firewall may hold it back, or the port is not "
			  "for TLS"));
	else
		result = fail(v, "tls_failed",
			S("what answers there does not speak TLS 1.2 with these suites: check the address, "
			  "port and scheme"));
	http_pool_give(&v->services.pool, v->client);
	return result;
}

/* ---- asking AWS ---- */

/* AWS answers machines, in JSON or XML; what is between answers people. */
static bool is_html(const struct http_head *head)
{
	return str_eq_nocase(str_sub(http_field_get(head, S("Content-Type")), 0, 9), S("text/html"));
}

static enum step_result check_clock(struct visit *v)
{
	struct http_attempt a;
	int64_t date;
	struct aws_signed unsigned_post;
	struct aws_post request = { .aws = &v->services.aws, .endpoint = &v->endpoint, .path = S("/") };
	check(aws_post_sign(&unsigned_post, &request, &v->deadline, &v->fault) == OK);
	enum err e =
		aws_post_send(&a, &request, &unsigned_post, false, &v->scratch, &v->deadline, &v->fault);
	bool html = a.response.head.status && is_html(&a.response.head);
	bool told = a.response.head.status &&
		utc_from_http_date(&date, http_field_get(&a.response.head, S("date")));
	aws_post_end(&request, &a);
	if (html) {
		fault_set(&v->fault, E_REFUSED, 0, "a web page came instead of AWS's answer");
		return fail(v, "answer_is_html",
			S("something between answers in AWS's place, such as a captive portal or a proxy: sign "
			  "in to the "
			  "network, or set HTTPS_PROXY"));
	}
	if (!told && e == E_TIMEOUT)
		return fail(v, "endpoint_silent",
			S("connected, but no answer comes: look for a proxy or firewall that holds "
			  "it back"));
	if (!told && e != OK)
		return fail(
			v, "answer_unreadable", S("what answers there is not AWS: check the address and port"));
	if (!told)
		return skip(v, S("no Date in the answer"), S(""));
	/* A Date has no fractions. */
	int64_t ahead = (clock_wall_ms() - date * 1000 - 500) / 1000;
	buf_format(&v->found, "%d s ahead of AWS's", NUM(ahead));
	v->fault.n = 0;
	if (ahead <= SLACK_TOLERANCE_S && ahead >= -SLACK_TOLERANCE_S)
		return STEP_OK;
	return fail(v, "clock_wrong",
		S("let NTP set this machine's clock: Slack's requests are refused beyond 300 s"));
}

static enum step_result check_local_function(struct visit *v)
{
	char directory[FILE_PATH_MAX], path[FILE_PATH_MAX];
	struct stat st;
	struct str functions = v->listener.functions;
	if (!functions.n)
		return skip(v, S("no GATEWAY_FUNCTIONS"),
			S("set GATEWAY_FUNCTIONS to the directory of the function"));
	buf_put(&v->found, functions);
	if (file_real_path(directory, &st, functions) &&
		function_find(path, directory, v->target.function, &v->fault) == OK)
		return STEP_OK;
	return fail(v, "no_function", S("put an executable file of that name into GATEWAY_FUNCTIONS"));
}

/* What may be said of a refused invocation. The holes of an advice are for function and region. */
static const struct refusal_advice {
	char reason[16], advice[108];
} refusals[] = {
	[REFUSAL_DENIED] = { "not_allowed",
		"allow lambda:InvokeFunction on the function %s in %s to these credentials" },
	[REFUSAL_MISSING] = { "no_function",
		"create the function %s in %s, or correct its name or region" },
	[REFUSAL_EXPIRED] = { "keys_expired", "these credentials have expired: get new ones" },
	[REFUSAL_UNKNOWN_KEY] = { "key_unknown",
		"AWS does not know this access key: it may be deleted, of another partition, or lack its "
		"session token" },
	[REFUSAL_SIGNATURE] = { "key_wrong",
		"the secret access key does not belong to the access key id: copy both again" },
	[REFUSAL_CLOCK] = { "clock_wrong", "let NTP set this machine's clock" },
	[REFUSAL_THROTTLED] = { "throttled",
		"AWS limits the rate of requests now: try again in a minute" },
	[REFUSAL_PENDING] = { "not_ready",
		"the function %s in %s is being made or changed: try again in a minute" },
};

static enum step_result refused(struct visit *v, const struct invoke_result *result)
{
	const struct str target[] = { v->target.function, v->region };
	const struct refusal_advice *r = &refusals[result->refusal];
	if (result->refusal < countof(refusals) && *r->reason) {
		bool has_holes = strchr(r->advice, '%') != NULL;
		buf_put_format(
			&v->advice, r->advice, (struct arguments){ target, has_holes ? countof(target) : 0 });
		return fail(v, r->reason, S(""));
	}
	if (result->status >= 500)
		return fail(v, "server_error",
			S("AWS has trouble of its own: try again, and look at the AWS Health Dashboard"));
	if (result->status == 0)
		return fail(v, result->fault.code == E_TIMEOUT ? "endpoint_silent" : "answer_unreadable",
			S("no answer came from AWS: look for a proxy or firewall in between"));
	if (result->status < 300)
		return fail(v, "not_aws",
			S("what answers there takes the request but is not AWS: an emulator, or a proxy"));
	return fail(v, "refused", S("AWS's message says why"));
}

static enum step_result check_permission(struct visit *v)
{
	struct invoker invoker;
	struct invoke_result result;
	if (!v->target.name.n)
		return skip(v, S("no target given"), S("give REGION/FUNCTION"));
	if (is_local(v))
		return check_local_function(v);
	const struct invocation dry = {
		.type = INVOKE_DRY_RUN, .region = v->region, .function = v->target.function,
		.payload = S("{}"),
	};
	services_invoker(&invoker, &v->services);
	invoke(&invoker, &result, &dry, NULL, &v->deadline);
	buf_format(&v->found, "lambda:InvokeFunction on %s", v->target.name);
	if (result.outcome == INVOKE_STARTED)
		return STEP_OK;
	v->fault = result.fault;
	return refused(v, &result);
}

/* ---- all of it ---- */

enum {
	CONFIGURATION,
	LISTENER,
	SECRET,
	CREDENTIALS,
	ENDPOINT,
	DNS,
	TCP,
	TLS,
	CLOCK,
	ALLOW,
	PERMISSION
};

static const struct {
	char name[14];
	unsigned short needs; /* steps that must have passed, by bits */
	enum step_result (*run)(struct visit *v);
} steps[] = {
	[CONFIGURATION] = { "configuration", 0, check_configuration },
	[LISTENER] = { "listener", 1 << CONFIGURATION, check_listener },
	[SECRET] = { "secret", 1 << CONFIGURATION, check_secret },
	[CREDENTIALS] = { "credentials", 1 << CONFIGURATION, check_credentials },
	[ENDPOINT] = { "endpoint", 1 << CONFIGURATION, check_endpoint },
	[DNS] = { "dns", 1 << ENDPOINT, check_dns },
	[TCP] = { "tcp", 1 << DNS, check_tcp },
	[TLS] = { "tls", 1 << TCP, check_tls },
	[CLOCK] = { "clock", 1 << TLS, check_clock },
	[ALLOW] = { "allow", 1 << CONFIGURATION, check_allow },
	[PERMISSION] = { "permission", 1 << CREDENTIALS | 1 << TLS, check_permission },
};

static enum step_result take_step(struct visit *v, size_t i)
{
	if (is_local(v) && i >= CREDENTIALS && i <= CLOCK)
		return skip(v, S("region local needs no AWS"), S(""));
	/* To look for a local function, or to ask for one, takes no AWS. */
	bool modest = i == PERMISSION && (is_local(v) || !v->target.name.n);
	unsigned missing = (modest ? 1 << CONFIGURATION : steps[i].needs) & ~v->well;
	if (!missing)
		return steps[i].run(v);
	/* What the first of them needs itself is what is missing. */
	unsigned first = (unsigned)__builtin_ctz(missing);
	while (steps[first].needs & ~v->well)
		first = (unsigned)__builtin_ctz(steps[first].needs & ~v->well);
	buf_format(&v->found, "needs %s", str_c(steps[first].name));
	return skip(v, S(""), S(""));
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
			return fault_set(&v->fault, E_CONFIG, 0, "unknown option %s; check takes --json",
				str_sub(argument, 0, 60));
		else if (v->target.name.n || target_from_path(&v->target, &path, &arena) != OK)
			return fault_set(&v->fault, E_CONFIG, 0,
				"unexpected argument %s; check takes one REGION/FUNCTION, such as eu-west-1/deploy",
				str_sub(argument, 0, 100));
	}
	return OK;
}

int check_run(char **arguments)
{
	struct visit *v = memory_map(sizeof(*v));
	struct deadline all = deadline_in(ALL_MS);
	v->env = variables_of_process();
	v->scratch = BUF(v->scratch_memory);
	if (read_arguments(v, arguments) != OK)
		return console_fail(2, &v->fault);
	if (v->help) {
		console_put(STDOUT_FILENO, str_c(help_check));
		return 0;
	}
	report_begin(&v->report, v->report_memory, v->as_json, &v->env);
	for (size_t i = 0; i < countof(steps); i++) {
		v->found = BUF(v->found_memory);
		v->advice = BUF(v->advice_memory);
		v->reason = "";
		v->fault.n = 0;
		buf_reset(&v->scratch);
		v->deadline = deadline_within(&all,
			steps[i].run == check_credentials ? CREDENTIALS_FETCH_MS + STEP_MS : STEP_MS);
		enum step_result result = take_step(v, i);
		v->well |= (result == STEP_OK || result == STEP_WARN) ? 1u << i : 0;
		report_step(&v->report,
			&(struct step_report){
				.name = str_c(steps[i].name),
				.result = result,
				.reason = v->reason,
				.found = buf_str(&v->found),
				.advice = buf_str(&v->advice),
			});
	}
	return report_end(&v->report) ? 0 : 1;
}
