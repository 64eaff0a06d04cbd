#include "gateway/route.h"

#include "gateway/pattern.h"
#include "gateway/template.h"

/* Reads one route; the rest is for messages, which say where it is: routes[2].mode. */
struct reader {
	struct route *route;
	struct arena *arena;
	struct fault *fault;
	size_t index;
	struct str member;
};

static enum err wrong(const struct reader *r, const char *allowed)
{
	return fault_set(r->fault, E_CONFIG, 0, "GATEWAY_CONFIG: routes[%d]%s%s: %s", NUM(r->index),
		r->member.n ? S(".") : S(""), r->member, str_c(allowed));
}

static enum err too_large(struct fault *f)
{
	return fault_set(f, E_LIMIT, 0, "GATEWAY_CONFIG is too large");
}

/* ---- which kinds a condition can hold for ---- */

#define KIND(kind) (1u << (kind))

enum {
	ANY_KIND = KIND(SLACK_KINDS) - 1,
	OWN_KINDS = KIND(SLACK_URL_VERIFICATION) | KIND(SLACK_RATE_LIMITED), /* no function gets them */
	ACTIONS = KIND(SLACK_BLOCK_ACTIONS) | KIND(SLACK_BLOCK_SUGGESTION) | KIND(SLACK_UNKNOWN_KIND),
	CALLBACKS = ACTIONS | KIND(SLACK_SHORTCUT) | KIND(SLACK_MESSAGE_ACTION) |
		KIND(SLACK_VIEW_SUBMISSION) | KIND(SLACK_VIEW_CLOSED) | KIND(SLACK_LEGACY),
	/* of which the acknowledgement's text is shown */
	TEXT_SHOWN = KIND(SLACK_COMMAND) | KIND(SLACK_BLOCK_ACTIONS) | KIND(SLACK_MESSAGE_ACTION) |
		KIND(SLACK_LEGACY),
};

/* ---- the members of a route ---- */

enum member_type { PATTERN, PATH_PATTERN, WRITER, INVOKE, MODE, PAYLOAD, ACK, ACK_TYPE, ONCE, IDS };

/* Of patterns: what of the request they are for, and the kinds of request that have it. Of ids: the
 * letters that one of them begins with. */
static const struct member {
	char name[14];
	uint8_t type;
	uint16_t at;
	uint16_t value;
	uint32_t kinds;
	char letters[4];
} members[] = {
#define ROUTE(member) offsetof(struct route, member)
#define REQUEST(member) offsetof(struct slack_request, member)
	{ "command", PATTERN, ROUTE(command), REQUEST(command), KIND(SLACK_COMMAND), "" },
	{ "callback_id", PATTERN, ROUTE(callback_id), REQUEST(callback_id),
		CALLBACKS | KIND(SLACK_EVENT), "" },
	{ "action_id", PATTERN, ROUTE(action_id), REQUEST(action_id), ACTIONS, "" },
	{ "event", PATTERN, ROUTE(event), REQUEST(event_type), KIND(SLACK_EVENT), "" },
	{ "function", PATTERN, ROUTE(function), REQUEST(function), KIND(SLACK_EVENT), "" },
	{ "subtype", PATTERN, ROUTE(subtype), REQUEST(subtype), KIND(SLACK_EVENT), "" },
	{ "channel_type", PATTERN, ROUTE(channel_type), REQUEST(channel_type), KIND(SLACK_EVENT), "" },
	{ "kind", PATTERN, ROUTE(kind), REQUEST(type), ANY_KIND, "" },
	{ "app", PATTERN, ROUTE(app), 0, ANY_KIND, "" },
	{ "path", PATH_PATTERN, ROUTE(path), 0, ANY_KIND, "" },
	{ "bot", WRITER, 0, 0, ANY_KIND, "" },
	{ "invoke", INVOKE, 0, 0, ANY_KIND, "" },
	{ "mode", MODE, 0, 0, ANY_KIND, "" },
	{ "payload", PAYLOAD, 0, 0, ANY_KIND, "" },
	{ "ack", ACK, 0, 0, ANY_KIND, "" },
	{ "ack_type", ACK_TYPE, 0, 0, ANY_KIND, "" },
	{ "once", ONCE, 0, 0, ANY_KIND, "" },
	{ "teams", IDS, ROUTE(teams), 0, ANY_KIND, "TE" },
	{ "user_teams", IDS, ROUTE(user_teams), 0, ANY_KIND, "TE" },
	{ "channels", IDS, ROUTE(channels), 0, ANY_KIND, "CGD" },
	{ "users", IDS, ROUTE(users), 0, ANY_KIND, "UW" },
};

/* What a member that nobody knows is told. */
#define MEMBERS                                                                                    \
	"command, callback_id, action_id, event, function, subtype, channel_type, kind, app, path, "   \
	"bot, invoke, mode, "                                                                          \
	"payload, ack, ack_type, once, teams, user_teams, channels, users"

static struct str *pattern_of(const struct member *m, const struct route *route)
{
	return (struct str *)((char *)(uintptr_t)route + m->at);
}

static bool is_pattern(const struct member *m)
{
	return m->type == PATTERN || m->type == PATH_PATTERN;
}

/* ---- what can never match ---- */

/* What somebody writes who means something else, and what to write for it. */
static const struct hint {
	char member[8], word[17];
	char advice[100];
} hints[] = {
	{ "event", "message.channels",
		"is a subscription, not an event type; write \"event\":\"message\" and "
		"\"channel_type\":\"channel\"" },
	{ "event", "message.groups",
		"is a subscription, not an event type; write \"event\":\"message\" and "
		"\"channel_type\":\"group\"" },
	{ "event", "message.im",
		"is a subscription, not an event type; write \"event\":\"message\" and "
		"\"channel_type\":\"im\"" },
	{ "event", "message.mpim",
		"is a subscription, not an event type; write \"event\":\"message\" and "
		"\"channel_type\":\"mpim\"" },
	{ "event", "message.app_home",
		"is a subscription, not an event type; write \"event\":\"message\" and "
		"\"channel_type\":\"app_home\"" },
	{ "event", "event_callback",
		"is the envelope of every event; write \"kind\":\"event_callback\"" },
	{ "event", "url_verification", "is answered by the gateway itself and needs no route" },
	{ "event", "app_rate_limited", "is answered by the gateway itself and needs no route" },
	{ "kind", "url_verification", "is answered by the gateway itself and needs no route" },
	{ "kind", "app_rate_limited", "is answered by the gateway itself and needs no route" },
	{ "kind", "ssl_check", "is answered by the gateway itself and needs no route" },
	{ "kind", "command", "is no kind of request; write \"kind\":\"slash_command\"" },
	{ "kind", "event", "is no kind of request; write \"kind\":\"event_callback\"" },
	{ "kind", "interactive",
		"is no kind of request; write the payload's type, such as \"block_actions\"" },
	{ "kind", "legacy",
		"is no kind of request; write the payload's type, such as \"dialog_submission\"" },
};

static const char *find_hint(struct str member, struct str word)
{
	for (size_t i = 0; i < countof(hints); i++)
		if (str_eq(str_c(hints[i].member), member) && str_eq(str_c(hints[i].word), word))
			return hints[i].advice;
	return NULL;
}

/* As the types and subtypes of events are written, and the kinds of payloads. */
static bool is_type_pattern(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !is_digit((unsigned char)s.p[i]) &&
			s.p[i] != '_' && s.p[i] != '*')
			return false;
	return true;
}

static bool matches_channel_type(struct str pattern)
{
	static const char types[][9] = { "channel", "group", "im", "mpim", "app_home", "public",
		"private", "C", "G" };
	for (size_t i = 0; i < countof(types); i++)
		if (pattern_matches(pattern, str_c(types[i])))
			return true;
	return false;
}

static enum err check_pattern(const struct reader *r, struct str pattern)
{
	const char *hint = find_hint(r->member, pattern);
	if (hint)
		return wrong(r, hint);
	bool type = str_eq(r->member, S("event")) || str_eq(r->member, S("subtype")) ||
		str_eq(r->member, S("kind"));
	if (type && !is_type_pattern(pattern))
		return wrong(r, "can only hold lower-case letters, digits, _ and *, as in app_mention");
	if (str_eq(r->member, S("channel_type")) && !matches_channel_type(pattern))
		return wrong(r, "must be channel, group, im, mpim or app_home");
	if (!str_eq(r->member, S("command")))
		return OK;
	if (pattern.p[0] != '/' && pattern.p[0] != '*')
		return wrong(r, "must begin with a slash, as in \"/deploy\"");
	return str_find(pattern, ' ') == pattern.n
		? OK
		: wrong(r, "must not hold a blank; the text behind a command is no part of it");
}

static enum err check_id(const struct reader *r, const struct member *m, struct str id)
{
	bool ok = id.n > 1 && str_find(str_c(m->letters), id.p[0]) < str_c(m->letters).n;
	for (size_t i = 0; i < id.n; i++)
		ok &= is_digit((unsigned char)id.p[i]) || (id.p[i] >= 'A' && id.p[i] <= 'Z');
	if (ok)
		return OK;
	switch (m->letters[0]) {
	case 'C':
		return wrong(r,
			"must be ids of channels, such as C0123ABCD; a channel's details in Slack show it at "
			"the bottom");
	case 'U':
		return wrong(
			r, "must be ids of users, such as U0123ABCD; a user's profile in Slack can copy it");
	default:
		return wrong(
			r, "must be ids of workspaces, such as T0123ABCD, or organizations, such as E0123ABCD");
	}
}

/* ---- reading ---- */

static enum err read_text(const struct reader *r, struct str *out, struct json v)
{
	if (json_type(v) != JSON_STRING)
		return wrong(r, "must be a string");
	return json_string(out, v, r->arena) == OK ? OK : too_large(r->fault);
}

static enum err read_ids(const struct reader *r, const struct member *m, struct json v)
{
	struct str id;
	enum err e = json_type(v) == JSON_ARRAY ? OK : wrong(r, "must be a list of ids, each a string");
	struct json_walk w = json_walk(v);
	while (e == OK && json_next(&w)) {
		if (json_type(w.value) != JSON_STRING)
			return wrong(r, "must be a list of ids, each a string");
		e = read_text(r, &id, w.value);
		if (e == OK)
			e = check_id(r, m, id);
	}
	*(struct json *)((char *)r->route + m->at) = v;
	return e;
}

static enum err read_invoke(const struct reader *r, struct json v)
{
	struct target *t = &r->route->target;
	enum err e = read_text(r, &t->name, v);
	if (e == OK && (!str_cut(&t->region, &t->function, t->name, '/') || !target_ok(t)))
		return wrong(r, "must be region/function or region/function:qualifier");
	return e;
}

static enum err read_ack(const struct reader *r, struct json v)
{
	enum template_name name;
	struct str piece, *text = &r->route->ack_text;
	bool is_message = json_type(v) == JSON_OBJECT;
	*text = (struct str){ 0 };
	r->route->ack_message = is_message ? v.text : S("");
	if (is_message)
		return OK;
	if (json_type(v) != JSON_STRING)
		return wrong(r, "must be a text or a message object");
	enum err e = read_text(r, text, v);
	for (struct str rest = *text; e == OK && template_next(&name, &piece, &rest);)
		if (name == TEMPLATE_UNKNOWN)
			e = wrong(r, "may name " TEMPLATE_NAMES);
	return e;
}

/* Nothing would be no condition at all, and the route one for everything. */
static enum err read_pattern(const struct reader *r, const struct member *m, struct json v)
{
	struct str *pattern = pattern_of(m, r->route);
	enum err e = read_text(r, pattern, v);
	if (e == OK && m->type == PATH_PATTERN)
		*pattern = path_trim(*pattern);
	if (e == OK && pattern->n == 0)
		return wrong(r, "must not be empty");
	return e == OK ? check_pattern(r, *pattern) : e;
}

static enum err read_writer(const struct reader *r, struct json v)
{
	bool yes = json_type(v) == JSON_TRUE;
	if (!yes && json_type(v) != JSON_FALSE)
		return wrong(r, "must be true or false");
	r->route->writer = yes ? WRITER_APP : WRITER_PERSON;
	return OK;
}

/* One of two words. */
static enum err read_choice(const struct reader *r, bool *second, struct json v, struct str one,
	struct str other, const char *allowed)
{
	*second = json_is(v, other);
	return *second || json_is(v, one) ? OK : wrong(r, allowed);
}

static enum err read_member(const struct reader *r, const struct member *m, struct json v)
{
	struct route *route = r->route;
	bool second = false;
	enum err e = OK;
	switch ((enum member_type)m->type) {
	case PATTERN:
	case PATH_PATTERN:
		return read_pattern(r, m, v);
	case WRITER:
		return read_writer(r, v);
	case INVOKE:
		return read_invoke(r, v);
	case ACK:
		return read_ack(r, v);
	case IDS:
		return read_ids(r, m, v);
	case MODE:
		return read_choice(r, &route->sync, v, S("async"), S("sync"), "must be async or sync");
	case PAYLOAD:
		e = read_choice(r, &second, v, S("event"), S("slack"), "must be event or slack");
		route->payload = second ? PAYLOAD_SLACK : PAYLOAD_EVENT;
		return e;
	case ACK_TYPE:
		e = read_choice(
			r, &second, v, S("ephemeral"), S("in_channel"), "must be ephemeral or in_channel");
		route->ack_type = second ? S("in_channel") : S("ephemeral");
		return e;
	case ONCE:
		route->once_message = json_is(v, S("message"));
		return route->once_message ? OK : wrong(r, "must be message, or absent");
	}
	return E_CONFIG;
}

static const struct member *find_member(struct str name)
{
	for (size_t i = 0; i < countof(members); i++)
		if (str_eq(str_c(members[i].name), name))
			return &members[i];
	return NULL;
}

/* ---- what a route can match ---- */

/* The kinds whose types a pattern can match. Words that are no kind of payload may be one next
 * year. */
static uint32_t kinds_of_pattern(struct str pattern)
{
	uint32_t kinds = str_find(pattern, '*') < pattern.n ? KIND(SLACK_UNKNOWN_KIND) : 0;
	struct str type;
	for (size_t i = 0; slack_type_nth(&type, i); i++)
		if (pattern_matches(pattern, type))
			kinds |= KIND(slack_kind_of(type));
	if (pattern_matches(pattern, slack_kind_name(SLACK_COMMAND)))
		kinds |= KIND(SLACK_COMMAND);
	return kinds ? kinds : KIND(SLACK_UNKNOWN_KIND);
}

/* The kinds for which the condition of a member can hold; all, if the route does not have it. */
static uint32_t kinds_of(const struct member *m, const struct route *route)
{
	if (m->type == WRITER)
		return route->writer == WRITER_APP ? KIND(SLACK_EVENT) : ANY_KIND;
	if (!is_pattern(m) || !pattern_of(m, route)->n)
		return ANY_KIND;
	if (m->at == offsetof(struct route, kind))
		return kinds_of_pattern(route->kind);
	/* One kind of event has a callback_id, but it needs a route that asks for an event. */
	if (m->at == offsetof(struct route, callback_id) && !route->event.n && !route->kind.n)
		return CALLBACKS;
	return m->kinds;
}

static enum err conclude_kinds(struct reader *r)
{
	struct route *route = r->route;
	route->kinds = ANY_KIND & ~(uint32_t)OWN_KINDS;
	for (size_t i = 0; i < countof(members); i++) {
		uint32_t kinds = kinds_of(&members[i], route);
		if (route->kinds & kinds) {
			route->kinds &= kinds;
			continue;
		}
		size_t j = 0;
		while (j < i && (kinds_of(&members[j], route) & kinds))
			j++;
		r->member = str_c(members[i].name);
		if (j == i)
			return wrong(r, "no request has this and the rest at once; write a route for each");
		return fault_set(r->fault, E_CONFIG, 0,
			"GATEWAY_CONFIG: routes[%d]: no request has both %s and %s; "
			"write a route for each",
			NUM(r->index), str_c(members[j].name), r->member);
	}
	return OK;
}

/* Conditions on events that only some of them can fulfil. */
static enum err check_event(struct reader *r)
{
	const struct route *route = r->route;
	r->member = S("function");
	if (route->function.n && route->event.n &&
		!pattern_matches(route->event, S("function_executed")))
		return wrong(r, "only the event function_executed has one");
	r->member = S("callback_id");
	if (!route->callback_id.n || !route->event.n ||
		pattern_matches(route->event, S("workflow_step_execute")))
		return OK;
	if (pattern_matches(route->event, S("function_executed")))
		return wrong(r, "write \"function\" for the callback_id of a custom step");
	return wrong(r, "no event but workflow_step_execute has one");
}

static bool has_condition(const struct route *route)
{
	bool any = route->writer != WRITER_ANYBODY;
	for (size_t i = 0; i < countof(members); i++)
		any |= is_pattern(&members[i]) && pattern_of(&members[i], route)->n > 0;
	return any;
}

static enum err read_route(struct reader *r, struct json v)
{
	const struct route *route = r->route;
	enum err e = json_type(v) == JSON_OBJECT ? OK : wrong(r, "must be an object");
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w);) {
		e = json_string(&r->member, w.key, r->arena);
		const struct member *m = e == OK ? find_member(r->member) : NULL;
		if (e != OK)
			e = too_large(r->fault);
		else
			e = m ? read_member(r, m, w.value)
				  : wrong(r, "is not known; a route may have " MEMBERS);
	}
	if (e != OK)
		return e;
	r->member = S("invoke");
	if (!route->target.name.n)
		return wrong(r, "is missing: which function, as region/function");
	r->member = S("");
	if (!has_condition(route))
		return wrong(r,
			"needs at least one of command, callback_id, action_id, event, function, subtype, "
			"channel_type, kind, app, path, bot");
	e = conclude_kinds(r);
	return e == OK ? check_event(r) : e;
}

static size_t count(struct json v)
{
	size_t n = 0;
	struct json_walk w = json_walk(v);
	while (json_next(&w))
		n++;
	return n;
}

static enum err read_routes(
	struct routes *out, struct json v, enum payload payload, struct arena *a, struct fault *f)
{
	size_t n = count(v);
	if (json_type(v) != JSON_ARRAY || n > ROUTES_MAX)
		return fault_set(
			f, E_CONFIG, 0, "GATEWAY_CONFIG: routes must be a list of at most %d", NUM(ROUTES_MAX));
	out->list = arena_take(a, n * sizeof(*out->list));
	if (!out->list)
		return too_large(f);
	enum err e = OK;
	out->count = 0;
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w); out->count++) {
		struct reader r = {
			.route = &out->list[out->count], .arena = a, .fault = f, .index = out->count
		};
		*r.route = (struct route){ .payload = payload };
		e = read_route(&r, w.value);
		out->for_events |= (r.route->kinds & KIND(SLACK_EVENT)) != 0;
	}
	return e;
}

static enum err read_apps(struct routes *out, struct json v, struct arena *a, struct fault *f)
{
	size_t n = count(v);
	if (json_type(v) != JSON_OBJECT || n > APPS_MAX)
		return fault_set(f, E_CONFIG, 0,
			"GATEWAY_CONFIG: apps must be an object of at most %d apps", NUM(APPS_MAX));
	out->apps = arena_take(a, n * sizeof(*out->apps));
	if (!out->apps)
		return too_large(f);
	out->apps_count = 0;
	for (struct json_walk w = json_walk(v); json_next(&w); out->apps_count++) {
		struct app *app = &out->apps[out->apps_count];
		struct json secret = json_member(w.value, S("secret"));
		*app = (struct app){ 0 };
		if (json_string(&app->id, w.key, a) != OK || json_string(&app->secret, secret, a) != OK ||
			!app->secret.n || !app->id.n)
			return fault_set(f, E_CONFIG, 0,
				"GATEWAY_CONFIG: apps.%s must be an object with a secret: {\"secret\":\"...\"}",
				app->id);
	}
	return OK;
}

static enum err check_app(const struct routes *routes, size_t i, struct fault *f)
{
	const struct route *route = &routes->list[i];
	bool listed = route->app.n == 0;
	for (size_t j = 0; j < routes->apps_count; j++)
		listed |= pattern_matches(route->app, routes->apps[j].id);
	struct reader r = { .fault = f, .index = i, .member = S("app") };
	return listed ? OK : wrong(&r, "must be the id of an app that apps lists with its secret");
}

enum err routes_read(
	struct routes *out, struct str text, enum payload payload, struct arena *arena, struct fault *f)
{
	struct json object;
	size_t position;
	enum err e = OK;
	*out = (struct routes){ 0 };
	if (json_check(&object, &position, text) != OK)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG is not valid JSON at byte %d%s",
			NUM(position), position ? S("") : S("; to read a file, write @FILE"));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(
			f, E_CONFIG, 0, "GATEWAY_CONFIG must be a JSON object with routes or apps");
	for (struct json_walk w = json_walk(object); e == OK && json_next(&w);) {
		if (json_is(w.key, S("routes")))
			e = read_routes(out, w.value, payload, arena, f);
		else if (json_is(w.key, S("apps")))
			e = read_apps(out, w.value, arena, f);
		else
			e = fault_set(f, E_CONFIG, 0,
				"GATEWAY_CONFIG: %s is not known; only routes and apps are",
				str_sub(w.key.text, 0, 40));
	}
	for (size_t i = 0; e == OK && i < out->count; i++)
		e = check_app(out, i, f);
	return e;
}

/* ---- what has no effect ---- */

/* Whether every request that matches `later` matches `earlier`. A star in the later pattern is only
 * matched by one. */
static bool covers(const struct route *earlier, const struct route *later)
{
	if (earlier->writer != WRITER_ANYBODY && earlier->writer != later->writer)
		return false;
	for (size_t i = 0; i < countof(members); i++) {
		const struct member *m = &members[i];
		if (!is_pattern(m) || !pattern_of(m, earlier)->n)
			continue;
		struct str pattern = *pattern_of(m, earlier), other = *pattern_of(m, later);
		if (!other.n ||
			!(m->type == PATH_PATTERN ? pattern_matches_path(pattern, other)
									  : pattern_matches(pattern, other)))
			return false;
	}
	return true;
}

bool route_warning(const struct routes *r, size_t i, struct fault *f)
{
	const struct route *route = &r->list[i];
	struct reader reader = { .fault = f, .index = i, .member = S("ack") };
	uint32_t only_events = KIND(SLACK_EVENT);
	for (size_t j = 0; j < i; j++)
		if (covers(&r->list[j], route)) {
			(void)fault_set(f, E_CONFIG, 0,
				"GATEWAY_CONFIG: routes[%d] is never reached: routes[%d] matches all of it", NUM(i),
				NUM(j));
			return true;
		}
	if (route->ack_text.n && !(route->kinds & TEXT_SHOWN))
		return wrong(&reader, "no text can be shown after such a request") != OK;
	if (route->ack_message.n && !(route->kinds & ~only_events))
		return wrong(&reader, "nothing shows the answer to an event") != OK;
	reader.member = S("ack_type");
	if (route->ack_type.n && !(route->kinds & KIND(SLACK_COMMAND)))
		return wrong(&reader, "only a slash command is acknowledged with a message") != OK;
	reader.member = S("once");
	if (route->once_message && !(route->kinds & only_events))
		return wrong(&reader, "it works for events only") != OK;
	reader.member = S("kind");
	if (route->kind.n && route->kinds == KIND(SLACK_UNKNOWN_KIND) &&
		str_find(route->kind, '*') == route->kind.n)
		return wrong(&reader, "is not a known kind of payload; check its spelling") != OK;
	return false;
}

/* ---- finding ---- */

static size_t count_slashes(struct str path)
{
	struct str segment;
	size_t n = 0;
	while (str_next(&segment, &path, '/'))
		n++;
	return n;
}

/* An encoded slash does not separate segments: a proxy in front may have let it pass as one. */
static bool path_matches(struct str pattern, const struct request_path *path)
{
	for (size_t i = 0; i < path->count; i++)
		if (path->decoded[i].n && pattern_matches_path(pattern, path->decoded[i]) &&
			count_slashes(path->coded[i]) == count_slashes(path->decoded[i]))
			return true;
	return false;
}

static bool holds(const struct member *m, const struct route *route,
	const struct slack_request *slack, struct str app, const struct request_path *path)
{
	struct str pattern = *pattern_of(m, route);
	if (!pattern.n)
		return true;
	if (m->type == PATH_PATTERN)
		return path_matches(pattern, path);
	struct str value = m->value ? *(const struct str *)((const char *)slack + m->value) : app;
	return value.n && pattern_matches(pattern, value);
}

static bool matches(const struct route *route, const struct slack_request *slack, struct str app,
                    const struct request_path *path)
{
	if (!(route->kinds & KIND(slack->kind)) ||
		(route->writer != WRITER_ANYBODY && slack->bot != (route->writer == WRITER_APP)))
		return false;
	for (size_t i = 0; i < countof(members); i++)
		if (is_pattern(&members[i]) && !holds(&members[i], route, slack, app, path))
			return false;
	return true;
}

const struct route *route_find(const struct routes *r, const struct slack_request *slack,
	struct str app, const struct request_path *path)
{
	for (size_t i = 0; i < r->count; i++)
		if (matches(&r->list[i], slack, app, path))
			return &r->list[i];
	return NULL;
}

/* ---- who may ask ---- */

static bool listed(struct json ids, struct str id)
{
	struct json_walk w = json_walk(ids);
	bool found = json_type(ids) == JSON_ABSENT;
	while (!found && id.n && json_next(&w))
		found = json_is(w.value, id);
	return found;
}

static bool channel_listed(struct json ids, const struct slack_request *slack)
{
	bool found = json_type(ids) == JSON_ABSENT;
	for (size_t i = 0; !found && i < slack->channels_count; i++)
		found = listed(ids, slack->channels[i]);
	for (struct json_walk w = json_walk(slack->channel_list); !found && json_next(&w);)
		found = json_type(w.value) == JSON_STRING &&
			listed(ids, str_sub(w.value.text, 1, w.value.text.n - 1));
	return found;
}

struct str route_refusal(const struct route *route, const struct slack_request *slack)
{
	if (!listed(route->teams, slack->team_id) && !listed(route->teams, slack->enterprise_id))
		return S("it may not be started from this workspace");
	if (!listed(route->user_teams, slack->user_team_id))
		return S("members of your workspace are not allowed to start it");
	if (!channel_listed(route->channels, slack))
		return S("it may not be started from this channel");
	if (!listed(route->users, slack->user_id))
		return S("you are not allowed to start it");
	return S("");
}
