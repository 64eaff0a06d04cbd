#include "cli/send.h"

#include "aws/endpoint.h"
#include "base/clock.h"
#include "cli/mailbox.h"
#include "cli/sample.h"
#include "cli/console.h"
#include "cli/help.h"
#include "codec/form.h"
#include "codec/hex.h"
#include "codec/json_read.h"
#include "codec/nearest.h"
#include "crypto/seed.h"
#include "gateway/front_door.h"
#include "http/attempt.h"
#include "os/memory.h"
#include "os/variables.h"
#include "service/services.h"

#include <unistd.h>

enum {
	FIELDS_MAX = 64,
	TIME_MS = 10000,
	WAIT_MS = 30000,
	WAIT_PORT = 8089,
	SIGNATURE_SIZE = sizeof("v0=") + 2 * SHA256_SIZE,
	ANSWER_SIZE = 8 << 20,
};

/* What is sent and what comes back. Strings are the command line's. */
struct letter {
	struct str url, payload, event;
	bool help; /* asked for */
	bool waits; /* for what is posted back, at `mailbox` */
	struct mailbox mailbox;
	uint16_t port;
	struct form {
		struct str name, value;
	} fields[FIELDS_MAX];
	size_t fields_count;
	struct endpoint to;
	struct http_attempt attempt;
	struct services services;
	char form[BODY_MAX], answer[ANSWER_SIZE];
};

/* A field given again replaces the old one: --field overrides what is made up below. */
static enum err add_field(struct letter *l, struct str name, struct str value, struct fault *f)
{
	size_t i = 0;
	while (i < l->fields_count && !str_eq(l->fields[i].name, name))
		i++;
	if (i == FIELDS_MAX)
		return fault_set(f, E_CONFIG, 0, "more than %d fields", NUM(FIELDS_MAX));
	l->fields[i] = (struct form){ name, value };
	l->fields_count += i == l->fields_count;
	return OK;
}

static enum err add_missing_field(
	struct letter *l, struct str name, struct str value, struct fault *f)
{
	for (size_t i = 0; i < l->fields_count; i++)
		if (str_eq(l->fields[i].name, name))
			return OK;
	return add_field(l, name, value, f);
}

static enum err read_option(struct letter *l, struct str option, struct str value, struct fault *f)
{
	struct str name = str_skip(option, 2);
	struct json v;
	size_t position;
	bool is_event = str_eq(option, S("--event"));
	if (is_event || str_eq(option, S("--payload"))) {
		*(is_event ? &l->event : &l->payload) = value;
		if (json_check(&v, &position, value) != OK)
			return fault_set(
				f, E_CONFIG, 0, "%s is not valid JSON at byte %d", option, NUM(position));
		return json_type(v) == JSON_OBJECT
			? OK
			: fault_set(f, E_CONFIG, 0, "%s must be a JSON object", option);
	}
	if (str_eq(option, S("--field"))) {
		if (!str_cut(&name, &value, value, '=') || !name.n)
			return fault_set(f, E_CONFIG, 0, "--field must be name=value");
	} else if (!str_eq(option, S("--command")) && !str_eq(option, S("--text"))) {
		struct str shown = str_sub(option, 0, 60),
				   meant = nearest_word(S("command,text,field,payload,event,wait"), name);
		if (meant.n)
			return fault_set(f, E_CONFIG, 0, "unknown option %s; did you mean --%s?", shown, meant);
		return fault_set(f, E_CONFIG, 0, "unknown option %s (send --help lists all)", shown);
	}
	return add_field(l, name, value, f);
}

static enum err read_wait(struct letter *l, struct str option, struct fault *f)
{
	struct str name, value;
	uint64_t port = WAIT_PORT;
	if (str_cut(&name, &value, option, '=') && !str_to_u64(&port, value, 65535))
		return fault_set(f, E_CONFIG, 0, "--wait takes a port: --wait=8089");
	l->waits = true;
	l->port = (uint16_t)port;
	return OK;
}

static enum err read_arguments(struct letter *l, char **arguments, struct fault *f)
{
	struct str field,
		made_up = S("command=/test text= user_id=U0000000000 user_name=tester team_id=T0000000000 "
					"channel_id=C0000000000 channel_name=test api_app_id=" SAMPLE_APP
					" trigger_id=" SAMPLE_TRIGGER);
	enum err e = OK;
	while (e == OK && made_up.n) {
		str_next(&field, &made_up, ' ');
		e = read_option(l, S("--field"), field, f);
	}
	for (; e == OK && *arguments && !l->help; arguments++) {
		struct str argument = str_c(*arguments);
		l->help = help_wanted(argument);
		if (l->help)
			continue;
		if (str_eq(argument, S("--wait")) || str_starts(argument, S("--wait=")))
			e = read_wait(l, argument, f);
		else if (!str_starts(argument, S("-")) && !l->url.n)
			l->url = argument;
		else if (!str_starts(argument, S("--")))
			e = fault_set(f, E_CONFIG, 0, "unexpected argument %s; send takes one URL",
				str_sub(argument, 0, 60));
		else if (!arguments[1])
			e = fault_set(f, E_CONFIG, 0, "%s needs a value", argument);
		else
			e = read_option(l, argument, str_c(*++arguments), f);
	}
	if (e == OK && !l->url.n && !l->help)
		e = fault_set(
			f, E_CONFIG, 0, "send needs a URL, such as http://127.0.0.1:8080/eu-west-1/deploy");
	if (e == OK && l->payload.n && l->event.n)
		e = fault_set(f, E_CONFIG, 0, "use --payload or --event, not both");
	return e;
}

/* Where the mailbox is, as a response_url; empty without one. */
static struct str response_url(const struct letter *l, struct buf *memory)
{
	if (!l->waits)
		return S("");
	buf_format(memory, "http://%s/send", str_c(l->mailbox.address));
	return buf_str(memory);
}

static struct json parsed(struct str text)
{
	struct json v;
	size_t position;
	check(json_check(&v, &position, text) == OK);
	return v;
}

static void put_event(struct letter *l, struct buf *b)
{
	char id[24];
	uint8_t bytes[5];
	struct buf event_id = BUF(id);
	seed_fill(bytes, sizeof(bytes));
	buf_put(&event_id, S("Ev"));
	hex_put(&event_id, bytes, sizeof(bytes));
	sample_event(b, parsed(l->event), buf_str(&event_id), clock_wall_ms() / 1000);
}

static enum err make_body(struct str *out, struct letter *l, struct fault *f)
{
	char url[64];
	struct buf b = BUF(l->form), memory = BUF(url), payload = BUF(l->answer);
	struct str back = response_url(l, &memory);
	if (l->event.n) {
		put_event(l, &b);
	} else if (l->payload.n) {
		sample_payload(&payload, parsed(l->payload), back);
		form_put(&b, S("payload"), buf_str(&payload));
	} else {
		enum err e = back.n ? add_missing_field(l, S("response_url"), back, f) : OK;
		if (e != OK)
			return e;
		for (size_t i = 0; i < l->fields_count; i++)
			form_put(&b, l->fields[i].name, l->fields[i].value);
	}
	*out = buf_str(&b);
	return b.full ? fault_set(f, E_CONFIG, 0, "the request is larger than a gateway takes") : OK;
}

static enum err read_url(struct endpoint *to, struct str url, struct fault *f)
{
	enum err e = endpoint_from_url(to, url, f);
	/* What stands before an @ may be a password, and a control byte belongs on no terminal. */
	bool fit = str_find(url, '@') == url.n && http_value_ok(url);
	struct str shown = fit ? str_sub(url, 0, 100) : S("the URL");
	return e == OK ? OK : fault_lead(f, e, shown);
}

/* As it was written, while an endpoint's has no slash at its end. */
static struct str path_of(struct str url)
{
	struct str rest = str_skip(url, str_find_str(url, S("://")) + 3);
	struct str path = str_skip(rest, str_find(rest, '/'));
	return path.n ? path : S("/");
}

static enum err exchange(struct letter *l, struct str body, struct fault *f)
{
	struct services *s = &l->services;
	const struct endpoint *to = &l->to;
	struct buf answer = BUF(l->answer);
	struct deadline d = deadline_in(TIME_MS);
	struct str stamp = DIGITS(clock_wall_ms() / 1000);
	const struct dial_target target = {
		.host = to->host,
		.port = to->port,
		.secure = to->secure,
		.trust = &s->slack_trust,
		.resolver = &s->resolver,
		.proxy = &s->proxy,
	};
	char memory[SIGNATURE_SIZE];
	struct buf signature = BUF(memory);
	slack_sign(&signature, &s->secrets.sets[0], stamp, body);
	const struct http_field fields[] = {
		{ S("Content-Type"),
			l->event.n ? S("application/json") : S("application/x-www-form-urlencoded") },
		{ S("Connection"), S("close") },
		{ S("X-Slack-Request-Timestamp"), stamp },
		{ S("X-Slack-Signature"), buf_str(&signature) },
	};
	const struct http_request request = {
		.method = S("POST"),
		.authority = to->authority,
		.path = path_of(l->url),
		.fields = fields,
		.fields_count = countof(fields),
		.body = body,
	};
	enum err e = http_attempt_begin(&l->attempt, &s->pool, &target, false, &d, f);
	return e == OK ? http_attempt_send(&l->attempt, &request, &answer, &d, f) : e;
}

static void print(const struct http_response *r)
{
	console_put(STDOUT_FILENO, DIGITS(r->head.status));
	console_put(STDOUT_FILENO, S("\n"));
	console_put(STDOUT_FILENO, r->body);
	if (r->body.n && !str_ends(r->body, S("\n")))
		console_put(STDOUT_FILENO, S("\n"));
}

static void say_who_signed(const struct letter *l)
{
	const struct secret_source *source = &l->services.config.sources[0];
	console_put(STDERR_FILENO, S("signed with the first secret of SLACK_SIGNING_SECRET, "));
	console_put(STDERR_FILENO, source->kind == SECRET_LITERAL ? S("a literal") : source->text);
	console_put(STDERR_FILENO, S("\n"));
}

/* Exit code. */
static int wait_for_message(struct letter *l)
{
	struct fault f;
	struct buf message = { l->answer, 0, MAILBOX_MESSAGE_MAX, false };
	struct deadline d = deadline_in(WAIT_MS);
	if (mailbox_wait(&l->mailbox, &message, &d, &f) == OK) {
		console_put(STDOUT_FILENO, S("\nposted to the response_url:\n"));
		console_put(STDOUT_FILENO, buf_str(&message));
		console_put(STDOUT_FILENO, S("\n"));
		return 0;
	}
	fault_set(&f, E_TIMEOUT, 0,
		"nothing was posted back within %d s; the gateway posts here only if "
		"GATEWAY_RESPONSE_HOSTS lists http://%s",
		NUM(WAIT_MS / 1000), str_c(l->mailbox.address));
	return console_fail(1, &f);
}

int send_run(char **arguments)
{
	struct fault f;
	struct str body;
	struct letter *l = memory_map(sizeof(*l));
	struct environment env = variables_of_process();
	enum err e = read_arguments(l, arguments, &f);
	if (e == OK && l->help) {
		console_put(STDOUT_FILENO, str_c(help_send));
		return 0;
	}
	if (e == OK)
		e = services_start(&l->services, &env, 1, &f);
	if (e == OK && !l->services.config.sources_count)
		e = fault_set(
			&f, E_CONFIG, 0, "SLACK_SIGNING_SECRET is not set: there is nothing to sign with");
	if (e == OK)
		e = read_url(&l->to, l->url, &f);
	if (e == OK && l->waits)
		e = mailbox_open(&l->mailbox, l->port, &f);
	if (e == OK)
		e = make_body(&body, l, &f);
	if (e != OK)
		return console_fail(e == E_CONFIG ? 2 : 1, &f);
	struct deadline d = deadline_in(TIME_MS);
	e = signing_secrets_read(&l->services.secrets, &d, &f);
	if (!l->services.secrets.sets[0].list[0].missing)
		e = exchange(l, body, &f);
	if (e != OK)
		return console_fail(1, &f);
	say_who_signed(l);
	print(&l->attempt.response);
	if (l->attempt.response.head.status / 100 != 2)
		return 1;
	return l->waits ? wait_for_message(l) : 0;
}
