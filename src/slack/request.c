#include "slack/request.h"

#include "codec/form.h"
#include "codec/json_read.h"

/* The first ones are names of ours; JSON that claims one of them as its type is of an unknown kind. */
enum { OUR_NAMES = 3 };
static const struct {
	struct str type;
	enum slack_kind kind;
} kinds[] = {
	{ STR("slash_command"), SLACK_COMMAND },
	{ STR("ssl_check"), SLACK_SSL_CHECK },
	{ STR("legacy"), SLACK_LEGACY },
	{ STR("url_verification"), SLACK_URL_VERIFICATION },
	{ STR("block_actions"), SLACK_BLOCK_ACTIONS },
	{ STR("shortcut"), SLACK_SHORTCUT },
	{ STR("message_action"), SLACK_MESSAGE_ACTION },
	{ STR("view_submission"), SLACK_VIEW_SUBMISSION },
	{ STR("view_closed"), SLACK_VIEW_CLOSED },
	{ STR("block_suggestion"), SLACK_BLOCK_SUGGESTION },
	{ STR("event_callback"), SLACK_EVENT },
	{ STR("app_rate_limited"), SLACK_RATE_LIMITED },
	{ STR("interactive_message"), SLACK_LEGACY },
	{ STR("dialog_submission"), SLACK_LEGACY },
	{ STR("dialog_cancellation"), SLACK_LEGACY },
	{ STR("dialog_suggestion"), SLACK_LEGACY },
	{ STR("workflow_step_edit"), SLACK_LEGACY },
};

struct str slack_kind_name(enum slack_kind kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].type;
	return S("unknown");
}

static enum slack_kind kind_of(struct str type)
{
	for (size_t i = OUR_NAMES; i < countof(kinds); i++)
		if (str_eq(kinds[i].type, type))
			return kinds[i].kind;
	return SLACK_UNKNOWN_KIND;
}

static bool media_type_is(struct str content_type, struct str wanted)
{
	struct str type, parameters;
	str_cut(&type, &parameters, content_type, ';');
	return str_eq_nocase(str_trim(type), wanted);
}

bool slack_is_form(struct str content_type)
{
	return content_type.n == 0 || media_type_is(content_type, S("application/x-www-form-urlencoded"));
}

/* Text of a string member; other types count as absent, so that one odd field does not lose the request. */
static enum err take(struct str *out, struct json v, struct arena *arena)
{
	return json_type(v) == JSON_STRING ? json_string(out, v, arena) : OK;
}

static enum err take_member(struct str *out, struct json object, struct str name, struct arena *arena)
{
	return take(out, json_member(object, name), arena);
}

static struct json first_element(struct json array)
{
	struct json_walk w = json_walk(array);
	return json_next(&w) ? w.value : (struct json){ 0 };
}

/* An id stands bare ("team_id":"T1") or in an object ("team":{"id":"T1"}), by kind. */
static enum err take_id(struct str *out, struct json v, struct arena *arena)
{
	return json_type(v) == JSON_OBJECT ? take_member(out, v, S("id"), arena) : take(out, v, arena);
}

static enum err read_member(struct slack_request *r, struct json key, struct json v, struct arena *a)
{
	if (json_is(key, S("type")))
		return take(&r->type, v, a);
	if (json_is(key, S("challenge")))
		return take(&r->challenge, v, a);
	if (json_is(key, S("api_app_id")))
		return take(&r->api_app_id, v, a);
	if (json_is(key, S("response_url")))
		return take(&r->response_url, v, a);
	if (json_is(key, S("response_urls")))
		return take_member(&r->response_url, first_element(v), S("response_url"), a);
	if (json_is(key, S("callback_id")))
		return take(&r->callback_id, v, a);
	if (json_is(key, S("action_id")))
		return take(&r->action_id, v, a);
	if (json_is(key, S("actions")))
		return take_member(&r->action_id, first_element(v), S("action_id"), a);
	if (json_is(key, S("event_id")))
		return take(&r->event_id, v, a);
	if (json_is(key, S("team_id")) || json_is(key, S("team")))
		return take_id(&r->team_id, v, a);
	if (json_is(key, S("channel_id")) || json_is(key, S("channel")))
		return take_id(&r->channel_id, v, a);
	return OK;
}

/* Members whose meaning needs a look inside, once the flat ones are known. */
static enum err read_nested(struct slack_request *r, struct json object, struct arena *a)
{
	struct json user = json_member(object, S("user")), view = json_member(object, S("view"));
	struct json event = json_member(object, S("event"));
	enum err e = take_id(&r->user_id, user, a);
	if (e == OK)
		e = take_member(&r->user_name, user, S("username"), a);
	if (e == OK && r->user_name.n == 0)
		e = take_member(&r->user_name, user, S("name"), a);
	if (e == OK && r->callback_id.n == 0)
		e = take_member(&r->callback_id, view, S("callback_id"), a);
	if (e == OK)
		e = take_member(&r->event_type, event, S("type"), a);
	if (e == OK && r->user_id.n == 0)
		e = take_id(&r->user_id, json_member(event, S("user")), a);
	if (e == OK && r->channel_id.n == 0)
		e = take_id(&r->channel_id, json_member(event, S("channel")), a);
	return e;
}

static enum err read_json(struct slack_request *r, struct str text, struct str what, struct arena *a, struct fault *f)
{
	struct json object;
	size_t position;
	if (json_check(&object, &position, text) != OK)
		return fault_set(f, E_SYNTAX, 0, what, S(" is not valid JSON at byte "), NUM(position));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(f, E_SYNTAX, 0, what, S(" is not a JSON object"));
	r->json = object.text;
	enum err e = OK;
	struct json_walk w = json_walk(object);
	while (e == OK && json_next(&w))
		e = read_member(r, w.key, w.value, a);
	if (e == OK)
		e = read_nested(r, object, a);
	if (e != OK)
		return fault_set(f, e, 0, what, S(" is too large"));
	r->kind = kind_of(r->type);
	return OK;
}

static struct str *form_field(struct slack_request *r, struct str name)
{
	const struct {
		struct str name;
		struct str *field;
	} fields[] = {
		{ STR("command"), &r->command }, { STR("text"), &r->text },
		{ STR("user_id"), &r->user_id }, { STR("user_name"), &r->user_name },
		{ STR("team_id"), &r->team_id }, { STR("channel_id"), &r->channel_id },
		{ STR("api_app_id"), &r->api_app_id }, { STR("response_url"), &r->response_url },
	};
	for (size_t i = 0; i < countof(fields); i++)
		if (str_eq(fields[i].name, name))
			return fields[i].field;
	return NULL;
}

static enum err read_form(struct slack_request *r, struct str body, struct arena *a, struct fault *f)
{
	struct str payload = { 0 };
	struct form_walk w = form_walk(body);
	if (!form_check(body))
		return fault_set(f, E_SYNTAX, 0, S("the body is not a valid form: a '%' without two hex digits"));
	while (form_next(&w)) {
		struct str *field = str_eq(w.name, S("payload")) ? &payload : form_field(r, w.name);
		if (field && form_decode(field, w.value, a) != OK)
			return fault_set(f, E_LIMIT, 0, S("the body is too large"));
		if (str_eq(w.name, S("ssl_check")) && str_eq(w.value, S("1")))
			r->kind = SLACK_SSL_CHECK;
	}
	if (payload.p)
		return read_json(r, payload, S("the form field payload"), a, f);
	if (r->kind == SLACK_UNKNOWN_KIND && r->command.n) {
		r->kind = SLACK_COMMAND;
		r->type = slack_kind_name(SLACK_COMMAND);
	}
	return OK;
}

enum err slack_request_read(struct slack_request *r, struct str content_type, struct str body,
                            struct arena *arena, struct fault *f)
{
	*r = (struct slack_request){ 0 };
	if (slack_is_form(content_type))
		return read_form(r, body, arena, f);
	if (media_type_is(content_type, S("application/json")))
		return read_json(r, body, S("the body"), arena, f);
	return fault_set(f, E_SYNTAX, 0, S("the content type is neither application/x-www-form-urlencoded nor application/json"));
}
