#include "host/send.h"

#include "base/clock.h"
#include "base/version.h"
#include "aws/endpoint.h"
#include "codec/form.h"
#include "codec/json_read.h"
#include "gateway/front_door.h"
#include "host/console.h"
#include "host/environment.h"
#include "host/services.h"

#include <unistd.h>

enum { FIELDS_MAX = 64, TIME_MS = 10000, ANSWER_MAX = 8 << 20 };

static const char usage[] =
	"slack-lambda-gateway send URL [--command /x] [--text T] [--field name=value]... [--payload JSON] [--event JSON]\n"
	"\n"
	"Signs a request with SLACK_SIGNING_SECRET (the first, if it holds several) as Slack would, and prints the\n"
	"answer. --payload makes it an interaction, --event an event; otherwise it is a slash command.\n";

/* What is sent. Strings are the command line's. */
struct letter {
	struct str url, payload, event;
	struct form {
		struct str name, value;
	} fields[FIELDS_MAX];
	size_t fields_count;
};

/* A field given again replaces the old one: --field overrides what is made up below. */
static enum err add_field(struct letter *l, struct str name, struct str value, struct fault *f)
{
	size_t i = 0;
	while (i < l->fields_count && !str_eq(l->fields[i].name, name))
		i++;
	if (i == FIELDS_MAX)
		return fault_set(f, E_CONFIG, 0, "more than % fields", NUM(FIELDS_MAX));
	l->fields[i] = (struct form){ name, value };
	l->fields_count += i == l->fields_count;
	return OK;
}

static enum err check_json(struct str text, struct str option, struct fault *f)
{
	struct json v;
	size_t position;
	if (json_check(&v, &position, text) != OK)
		return fault_set(f, E_CONFIG, 0, "% is not valid JSON at byte %", option, NUM(position));
	return OK;
}

static enum err read_option(struct letter *l, struct str option, struct str value, struct fault *f)
{
	struct str name, rest;
	if (str_eq(option, S("--command")))
		return add_field(l, S("command"), value, f);
	if (str_eq(option, S("--text")))
		return add_field(l, S("text"), value, f);
	if (str_eq(option, S("--payload")))
		return check_json(l->payload = value, option, f);
	if (str_eq(option, S("--event")))
		return check_json(l->event = value, option, f);
	if (!str_eq(option, S("--field")))
		return fault_set(f, E_CONFIG, 0, "%? There are --command, --text, --field, --payload and --event", option);
	if (!str_cut(&name, &rest, value, '=') || !name.n)
		return fault_set(f, E_CONFIG, 0, "--field must be name=value");
	return add_field(l, name, rest, f);
}

static enum err read_arguments(struct letter *l, char **arguments, struct fault *f)
{
	static const struct form made_up[] = {
		{ STR("command"), STR("/test") }, { STR("text"), STR("") }, { STR("user_id"), STR("U0000000000") }, { STR("user_name"), STR("tester") },
		{ STR("team_id"), STR("T0000000000") }, { STR("channel_id"), STR("C0000000000") }, { STR("channel_name"), STR("test") },
	};
	enum err e = OK;
	for (size_t i = 0; i < countof(made_up); i++)
		l->fields[l->fields_count++] = made_up[i];
	for (; e == OK && *arguments; arguments++) {
		struct str argument = str_c(*arguments);
		if (!str_starts(argument, S("-")) && !l->url.n)
			l->url = argument;
		else if (!str_starts(argument, S("--")) || !arguments[1])
			e = fault_set(f, E_CONFIG, 0, "%%", argument,
				str_starts(argument, S("--")) ? S(" needs a value") : S("? One URL is enough"));
		else
			e = read_option(l, argument, str_c(*++arguments), f);
	}
	if (e == OK && !l->url.n)
		e = fault_set(f, E_CONFIG, 0, "send needs a URL, such as http://127.0.0.1:8080/eu-west-1/deploy");
	if (e == OK && l->payload.n && l->event.n)
		e = fault_set(f, E_CONFIG, 0, "--payload and --event do not go together");
	return e;
}

static struct str body_of(const struct letter *l, struct buf *b)
{
	if (l->event.n)
		return l->event;
	if (l->payload.n)
		form_put(b, S("payload"), l->payload);
	for (size_t i = 0; i < l->fields_count && !l->payload.n; i++)
		form_put(b, l->fields[i].name, l->fields[i].value);
	return buf_str(b);
}

static enum err read_url(struct endpoint *to, struct str url, struct fault *f)
{
	enum err e = endpoint_from_url(to, url, f);
	/* What stands before an @ may be a password, and a control byte belongs on no terminal. */
	bool fit = str_find(url, '@') == url.n && http_value_ok(url);
	struct str shown = fit ? str_sub(url, 0, 100) : S("the URL");
	return e == OK ? OK : fault_set(f, e, 0, "%: %", shown, fault_text(f));
}

/* As it was written, while an endpoint's has no slash at its end. */
static struct str path_of(struct str url)
{
	struct str rest = str_skip(url, str_find_str(url, S("://")) + 3);
	struct str path = str_skip(rest, str_find(rest, '/'));
	return path.n ? path : S("/");
}

static enum err exchange(struct http_response *r, struct buf *answer, const struct letter *l, struct services *s,
                         const struct endpoint *to, struct str body, struct fault *f)
{
	char memory[128];
	struct buf signature = BUF(memory);
	struct deadline d = deadline_in(TIME_MS);
	struct str stamp = DIGITS(clock_wall_ms() / 1000);
	struct http_progress progress = { 0 };
	const struct stream_target target = {
		.host = to->host, .port = to->port, .secure = to->secure, .trust = &s->slack_trust, .resolver = &s->resolver, .proxy = &s->proxy,
	};
	struct http_client *client = http_pool_take(&s->pool, &target, false);
	check(client);
	enum err e = stream_connect(&client->stream, &target, &d, f);
	if (e != OK)
		return e;
	const struct proxy_server *via = client->stream.via;
	char field_memory[PROXY_FIELD_MAX];
	struct buf field = BUF(field_memory);
	proxy_put_field(&field, via);
	slack_sign(&signature, &s->secrets.sets[0], stamp, body);
	const struct str parts[] = {
		S("POST "), via ? S("http://") : S(""), via ? to->authority : S(""), path_of(l->url), S(" HTTP/1.1\r\n"), buf_str(&field), S("Host: "), to->authority,
		S("\r\nUser-Agent: slack-lambda-gateway/" VERSION "\r\nContent-Type: "),
		l->event.n ? S("application/json") : S("application/x-www-form-urlencoded"),
		S("\r\nX-Slack-Request-Timestamp: "), stamp, S("\r\nX-Slack-Signature: "), buf_str(&signature),
		S("\r\nContent-Length: "), DIGITS(body.n), S("\r\nConnection: close\r\n\r\n"), body,
	};
	const struct http_request request = { .parts = parts, .count = countof(parts) };
	return http_exchange(client, r, &progress, &request, answer, &d, f);
}

int send_run(char **arguments)
{
	struct fault f;
	struct letter *l = environment_map_memory(sizeof(*l));
	struct services *s = environment_map_memory(sizeof(*s));
	struct endpoint *to = environment_map_memory(sizeof(*to));
	struct environment env = environment_of_process();
	struct buf form = { environment_map_memory(BODY_MAX), 0, BODY_MAX, false }, answer = { environment_map_memory(ANSWER_MAX), 0, ANSWER_MAX, false };
	struct http_response *r = environment_map_memory(sizeof(*r));
	if (!*arguments || str_eq(str_c(*arguments), S("--help"))) {
		console_put(*arguments ? STDOUT_FILENO : STDERR_FILENO, str_c(usage));
		return *arguments ? 0 : 2;
	}
	enum err e = read_arguments(l, arguments, &f);
	if (e == OK)
		e = services_start(s, &env, 1, &f);
	if (e == OK && !s->config.sources_count)
		e = fault_set(&f, E_CONFIG, 0, "SLACK_SIGNING_SECRET is not set: there is nothing to sign with");
	if (e == OK)
		e = read_url(to, l->url, &f);
	struct str body = e == OK ? body_of(l, &form) : S("");
	if (e == OK && (form.full || body.n > BODY_MAX))
		e = fault_set(&f, E_CONFIG, 0, "the request is larger than a gateway takes");
	if (e != OK)
		return console_fail(2, fault_text(&f));
	struct deadline d = deadline_in(TIME_MS);
	e = secrets_read(&s->secrets, &d, &f);
	if (s->secrets.sets[0].list[0].missing)
		return console_fail(1, fault_text(&f));
	e = exchange(r, &answer, l, s, to, body, &f);
	if (e != OK)
		return console_fail(1, fault_text(&f));
	console_put(STDOUT_FILENO, DIGITS(r->head.status));
	console_put(STDOUT_FILENO, S("\n"));
	console_put(STDOUT_FILENO, r->body);
	console_put(STDOUT_FILENO, r->body.n && r->body.p[r->body.n - 1] != '\n' ? S("\n") : S(""));
	return r->head.status >= 200 && r->head.status < 300 ? 0 : 1;
}
