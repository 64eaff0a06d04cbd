#include "gateway/route.h"

#include "aws/names.h"
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
	return fault_set(r->fault, E_CONFIG, 0, "GATEWAY_CONFIG: routes[%d]%s%s: %s", NUM(r->index), r->member.n ? S(".") : S(""),
		r->member, str_c(allowed));
}

static enum err too_large(struct fault *f)
{
	return fault_set(f, E_LIMIT, 0, "GATEWAY_CONFIG is too large");
}

static enum err read_text(const struct reader *r, struct str *out, struct json v)
{
	if (json_type(v) != JSON_STRING)
		return wrong(r, "must be a string");
	return json_string(out, v, r->arena) == OK ? OK : too_large(r->fault);
}

static enum err read_ids(const struct reader *r, struct json *out, struct json v)
{
	struct json_walk w = json_walk(v);
	while (json_next(&w))
		if (json_type(w.value) != JSON_STRING)
			return wrong(r, "must be a list of ids, each a string");
	if (json_type(v) != JSON_ARRAY)
		return wrong(r, "must be a list of ids");
	*out = v;
	return OK;
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
			e = wrong(r, "may name {function}, {region}, {command}, {text}, {user_name} and {request_id}");
	return e;
}

static struct str without_slashes(struct str path)
{
	while (str_starts(path, S("/")))
		path = str_skip(path, 1);
	while (str_ends(path, S("/")))
		path.n--;
	return path;
}

/* The members of a route; those from the first on to `path` are its conditions. */
#define MEMBERS "command, callback_id, action_id, event, path, invoke, mode, payload, ack, ack_type, teams, channels, users"
enum member { COMMAND, CALLBACK_ID, ACTION_ID, EVENT, PATH, INVOKE, MODE, PAYLOAD, ACK, ACK_TYPE, TEAMS, CHANNELS, USERS };

/* What a request must be, and what of it is asked for that; 0: the path. */
static const struct condition {
	uint16_t pattern, value;
} conditions[] = {
#define CONDITION(name, of_request) { offsetof(struct route, name), offsetof(struct slack_request, of_request) }
	[COMMAND] = CONDITION(command, command),
	[CALLBACK_ID] = CONDITION(callback_id, callback_id),
	[ACTION_ID] = CONDITION(action_id, action_id),
	[EVENT] = CONDITION(event, event_type),
	[PATH] = { offsetof(struct route, path), 0 },
};

/* Nothing would be no condition at all, and the route one for everything. */
static enum err read_condition(const struct reader *r, const struct condition *c, struct json v)
{
	struct str *pattern = (struct str *)((char *)r->route + c->pattern);
	enum err e = read_text(r, pattern, v);
	if (e == OK && !c->value)
		*pattern = without_slashes(*pattern);
	return e == OK && pattern->n == 0 ? wrong(r, "must not be empty") : e;
}

/* One of two words. */
static enum err read_choice(const struct reader *r, bool *second, struct json v, struct str one, struct str other, const char *allowed)
{
	*second = json_is(v, other);
	return *second || json_is(v, one) ? OK : wrong(r, allowed);
}

static enum err read_member(const struct reader *r, struct json v)
{
	struct route *route = r->route;
	bool second = false;
	int member = str_index(S(MEMBERS), r->member);
	enum err e = OK;
	switch (member) {
	case COMMAND:
	case CALLBACK_ID:
	case ACTION_ID:
	case EVENT:
	case PATH:
		return read_condition(r, &conditions[member], v);
	case INVOKE:
		return read_invoke(r, v);
	case ACK:
		return read_ack(r, v);
	case TEAMS:
		return read_ids(r, &route->teams, v);
	case CHANNELS:
		return read_ids(r, &route->channels, v);
	case USERS:
		return read_ids(r, &route->users, v);
	case MODE:
		return read_choice(r, &route->sync, v, S("async"), S("sync"), "must be async or sync");
	case PAYLOAD:
		e = read_choice(r, &second, v, S("event"), S("slack"), "must be event or slack");
		route->payload = second ? PAYLOAD_SLACK : PAYLOAD_EVENT;
		return e;
	case ACK_TYPE:
		e = read_choice(r, &second, v, S("ephemeral"), S("in_channel"), "must be ephemeral or in_channel");
		route->ack_type = second ? S("in_channel") : S("ephemeral");
		return e;
	default:
		return wrong(r, "is not known; there are " MEMBERS);
	}
}

static enum err read_route(struct reader *r, struct json v)
{
	const struct route *route = r->route;
	enum err e = json_type(v) == JSON_OBJECT ? OK : wrong(r, "must be an object");
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w);) {
		e = json_string(&r->member, w.key, r->arena);
		e = e == OK ? read_member(r, w.value) : too_large(r->fault);
	}
	if (e != OK)
		return e;
	r->member = S("invoke");
	if (!route->target.name.n)
		return wrong(r, "is missing: which function, as region/function");
	r->member = S("");
	if (!route->command.n && !route->callback_id.n && !route->action_id.n && !route->event.n && !route->path.n)
		return wrong(r, "needs at least one of command, callback_id, action_id, event, path");
	return OK;
}

static size_t count(struct json v)
{
	size_t n = 0;
	struct json_walk w = json_walk(v);
	while (json_next(&w))
		n++;
	return n;
}

static enum err read_routes(struct routes *out, struct json v, enum payload payload, struct arena *a, struct fault *f)
{
	size_t n = count(v);
	if (json_type(v) != JSON_ARRAY || n > ROUTES_MAX)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: routes must be a list of at most %d", NUM(ROUTES_MAX));
	out->list = arena_take(a, n * sizeof(*out->list));
	if (!out->list)
		return too_large(f);
	enum err e = OK;
	out->count = 0;
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w); out->count++) {
		struct reader r = { .route = &out->list[out->count], .arena = a, .fault = f, .index = out->count };
		*r.route = (struct route){ .payload = payload };
		e = read_route(&r, w.value);
	}
	return e;
}

static enum err read_apps(struct routes *out, struct json v, struct arena *a, struct fault *f)
{
	size_t n = count(v);
	if (json_type(v) != JSON_OBJECT || n > APPS_MAX)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: apps must be an object of at most %d apps", NUM(APPS_MAX));
	out->apps = arena_take(a, n * sizeof(*out->apps));
	if (!out->apps)
		return too_large(f);
	out->apps_count = 0;
	for (struct json_walk w = json_walk(v); json_next(&w); out->apps_count++) {
		struct app *app = &out->apps[out->apps_count];
		struct json secret = json_member(w.value, S("secret"));
		*app = (struct app){ 0 };
		if (json_string(&app->id, w.key, a) != OK || json_string(&app->secret, secret, a) != OK || !app->secret.n || !app->id.n)
			return fault_set(f, E_CONFIG, 0,
				"GATEWAY_CONFIG: apps.%s must be an object with a secret: {\"secret\":\"...\"}", app->id);
	}
	return OK;
}

enum err routes_read(struct routes *out, struct str text, enum payload payload, struct arena *arena, struct fault *f)
{
	struct json object;
	size_t position;
	enum err e = OK;
	*out = (struct routes){ 0 };
	if (json_check(&object, &position, text) != OK)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG is not valid JSON at byte %d", NUM(position));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG must be a JSON object with routes or apps");
	for (struct json_walk w = json_walk(object); e == OK && json_next(&w);) {
		if (json_is(w.key, S("routes")))
			e = read_routes(out, w.value, payload, arena, f);
		else if (json_is(w.key, S("apps")))
			e = read_apps(out, w.value, arena, f);
		else
			e = fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: %s is not known; there are routes and apps",
				str_sub(w.key.text, 0, 40));
	}
	return e;
}

static bool holds(const struct condition *c, const struct route *route, const struct slack_request *slack, struct str path)
{
	struct str pattern = *(const struct str *)((const char *)route + c->pattern);
	struct str value = c->value ? *(const struct str *)((const char *)slack + c->value) : path;
	if (!pattern.n)
		return true;
	return value.n && (c->value ? pattern_matches(pattern, value) : pattern_matches_path(pattern, value));
}

const struct route *route_find(const struct routes *r, const struct slack_request *slack, struct str path)
{
	for (size_t i = 0; i < r->count; i++) {
		size_t held = 0;
		while (held < countof(conditions) && holds(&conditions[held], &r->list[i], slack, path))
			held++;
		if (held == countof(conditions))
			return &r->list[i];
	}
	return NULL;
}

static bool listed(struct json ids, struct str id)
{
	struct json_walk w = json_walk(ids);
	bool found = json_type(ids) == JSON_ABSENT;
	while (!found && json_next(&w))
		found = json_is(w.value, id);
	return found;
}

struct str route_refusal(const struct route *route, const struct slack_request *slack)
{
	if (!listed(route->teams, slack->team_id))
		return S("this workspace is not on the list of those who may");
	if (!listed(route->channels, slack_channel_id(slack)))
		return S("it may not be started from this channel");
	if (!listed(route->users, slack->user_id))
		return S("you are not on the list of those who may");
	return S("");
}
