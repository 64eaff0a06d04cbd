#include "gateway/route.h"

#include "aws/names.h"
#include "gateway/pattern.h"
#include "gateway/template.h"

/* Where in the configuration something is wrong: routes[2].mode. */
struct place {
	size_t route;
	struct str member;
};

static enum err wrong(struct fault *f, struct place at, struct str allowed)
{
	return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: routes[%]%%: %", NUM(at.route), at.member.n ? S(".") : S(""),
		at.member, allowed);
}

static enum err read_text(struct str *out, struct json v, struct arena *a, struct place at, struct fault *f)
{
	if (json_type(v) != JSON_STRING)
		return wrong(f, at, S("must be a string"));
	if (json_string(out, v, a) != OK)
		return fault_set(f, E_LIMIT, 0, "GATEWAY_CONFIG is too large");
	return OK;
}

static enum err read_ids(struct json *out, struct json v, struct place at, struct fault *f)
{
	struct json_walk w = json_walk(v);
	while (json_next(&w))
		if (json_type(w.value) != JSON_STRING)
			return wrong(f, at, S("must be a list of ids, each a string"));
	if (json_type(v) != JSON_ARRAY)
		return wrong(f, at, S("must be a list of ids"));
	*out = v;
	return OK;
}

static enum err read_invoke(struct route *r, struct json v, struct arena *a, struct place at, struct fault *f)
{
	struct str text = { 0 };
	enum err e = read_text(&text, v, a, at, f);
	if (e != OK)
		return e;
	r->target.name = text;
	if (!str_cut(&r->target.region, &r->target.function, text, '/') || !target_ok(&r->target))
		return wrong(f, at, S("must be region/function or region/function:qualifier"));
	return OK;
}

static enum err read_ack(struct route *r, struct json v, struct arena *a, struct place at, struct fault *f)
{
	enum template_name name;
	if (json_type(v) == JSON_OBJECT) {
		r->ack_message = v.text;
		return OK;
	}
	if (json_type(v) != JSON_STRING)
		return wrong(f, at, S("must be a text or a message object"));
	enum err e = read_text(&r->ack_text, v, a, at, f);
	struct str piece, rest = r->ack_text;
	while (e == OK && template_next(&name, &piece, &rest))
		if (name == TEMPLATE_UNKNOWN)
			e = wrong(f, at, S("may name {function}, {region}, {command}, {text}, {user_name} and {request_id}"));
	return e;
}

/* One of two words. */
static enum err read_choice(bool *second, struct str first_word, struct str second_word, struct json v, struct place at, struct fault *f)
{
	*second = json_is(v, second_word);
	if (*second || json_is(v, first_word))
		return OK;
	char text[64];
	struct buf b = BUF(text);
	buf_format(&b, "must be % or %", first_word, second_word);
	return wrong(f, at, buf_str(&b));
}

static struct str *condition(struct route *r, struct str member)
{
	const struct {
		struct str name;
		struct str *field;
	} conditions[] = {
		{ STR("command"), &r->command }, { STR("callback_id"), &r->callback_id }, { STR("action_id"), &r->action_id },
		{ STR("event"), &r->event }, { STR("path"), &r->path },
	};
	for (size_t i = 0; i < countof(conditions); i++)
		if (str_eq(conditions[i].name, member))
			return conditions[i].field;
	return NULL;
}

static struct str without_slashes(struct str path)
{
	while (str_starts(path, S("/")))
		path = str_skip(path, 1);
	while (str_ends(path, S("/")))
		path.n--;
	return path;
}

/* Nothing would be no condition at all, and the route one for everything. */
static enum err read_condition(struct str *out, struct json v, struct arena *a, struct place at, struct fault *f)
{
	enum err e = read_text(out, v, a, at, f);
	if (e == OK && str_eq(at.member, S("path")))
		*out = without_slashes(*out);
	return e == OK && out->n == 0 ? wrong(f, at, S("must not be empty")) : e;
}

static enum err read_member(struct route *r, struct json v, struct arena *a, struct place at, struct fault *f)
{
	bool second;
	enum err e;
	struct str *text = condition(r, at.member);
	if (text)
		return read_condition(text, v, a, at, f);
	if (str_eq(at.member, S("invoke")))
		return read_invoke(r, v, a, at, f);
	if (str_eq(at.member, S("ack")))
		return read_ack(r, v, a, at, f);
	if (str_eq(at.member, S("teams")))
		return read_ids(&r->teams, v, at, f);
	if (str_eq(at.member, S("channels")))
		return read_ids(&r->channels, v, at, f);
	if (str_eq(at.member, S("users")))
		return read_ids(&r->users, v, at, f);
	if (str_eq(at.member, S("mode")))
		return read_choice(&r->sync, S("async"), S("sync"), v, at, f);
	if (str_eq(at.member, S("payload"))) {
		e = read_choice(&second, S("event"), S("slack"), v, at, f);
		r->payload = second ? PAYLOAD_SLACK : PAYLOAD_EVENT;
		return e;
	}
	if (str_eq(at.member, S("ack_type"))) {
		e = read_choice(&second, S("ephemeral"), S("in_channel"), v, at, f);
		r->ack_type = second ? S("in_channel") : S("ephemeral");
		return e;
	}
	return wrong(f, at, S("is not known; there are command, callback_id, action_id, event, path, invoke, mode, payload, ack, ack_type, teams, channels, users"));
}

static enum err read_route(struct route *r, struct json v, size_t index, struct arena *a, struct fault *f)
{
	enum err e = OK;
	struct json_walk w = json_walk(v);
	if (json_type(v) != JSON_OBJECT)
		return wrong(f, (struct place){ index, S("") }, S("must be an object"));
	while (e == OK && json_next(&w)) {
		struct place at = { index, S("") };
		e = json_string(&at.member, w.key, a);
		if (e == OK)
			e = read_member(r, w.value, a, at, f);
		else
			fault_set(f, e, 0, "GATEWAY_CONFIG is too large");
	}
	if (e != OK)
		return e;
	if (!r->target.name.n)
		return wrong(f, (struct place){ index, S("invoke") }, S("is missing: which function, as region/function"));
	if (!r->command.n && !r->callback_id.n && !r->action_id.n && !r->event.n && !r->path.n)
		return wrong(f, (struct place){ index, S("") }, S("needs at least one of command, callback_id, action_id, event, path"));
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
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: routes must be a list of at most %", NUM(ROUTES_MAX));
	out->list = arena_take(a, n * sizeof(*out->list));
	if (!out->list)
		return fault_set(f, E_LIMIT, 0, "GATEWAY_CONFIG is too large");
	enum err e = OK;
	out->count = 0;
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w); out->count++) {
		out->list[out->count] = (struct route){ .payload = payload };
		e = read_route(&out->list[out->count], w.value, out->count, a, f);
	}
	return e;
}

static enum err read_apps(struct routes *out, struct json v, struct arena *a, struct fault *f)
{
	size_t n = count(v);
	if (json_type(v) != JSON_OBJECT || n > APPS_MAX)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: apps must be an object of at most % apps", NUM(APPS_MAX));
	out->apps = arena_take(a, n * sizeof(*out->apps));
	if (!out->apps)
		return fault_set(f, E_LIMIT, 0, "GATEWAY_CONFIG is too large");
	out->apps_count = 0;
	for (struct json_walk w = json_walk(v); json_next(&w); out->apps_count++) {
		struct app *app = &out->apps[out->apps_count];
		struct json secret = json_member(w.value, S("secret"));
		*app = (struct app){ 0 };
		if (json_string(&app->id, w.key, a) != OK || json_string(&app->secret, secret, a) != OK || !app->secret.n || !app->id.n)
			return fault_set(f, E_CONFIG, 0,
				"GATEWAY_CONFIG: apps.% must be an object with a secret: {\"secret\":\"...\"}", app->id);
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
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG is not valid JSON at byte %", NUM(position));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG must be a JSON object with routes or apps");
	for (struct json_walk w = json_walk(object); e == OK && json_next(&w);) {
		if (json_is(w.key, S("routes")))
			e = read_routes(out, w.value, payload, arena, f);
		else if (json_is(w.key, S("apps")))
			e = read_apps(out, w.value, arena, f);
		else
			e = fault_set(f, E_CONFIG, 0, "GATEWAY_CONFIG: % is not known; there are routes and apps",
				str_sub(w.key.text, 0, 40));
	}
	return e;
}

static bool condition_holds(struct str pattern, struct str value)
{
	return pattern.n == 0 || (value.n && pattern_matches(pattern, value));
}

const struct route *route_find(const struct routes *r, const struct slack_request *slack, struct str path)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct route *route = &r->list[i];
		if (condition_holds(route->command, slack->command) && condition_holds(route->callback_id, slack->callback_id) &&
		    condition_holds(route->action_id, slack->action_id) && condition_holds(route->event, slack->event_type) &&
		    (route->path.n == 0 || (path.n && pattern_matches_path(route->path, path))))
			return route;
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
	if (!listed(route->channels, slack->channel_id))
		return S("it may not be started from this channel");
	if (!listed(route->users, slack->user_id))
		return S("you are not on the list of those who may");
	return S("");
}
