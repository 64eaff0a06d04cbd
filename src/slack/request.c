#include "slack/request.h"

#include "codec/form.h"
#include "codec/json_read.h"

/* The first ones are names of ours; JSON that claims one of them as its type is of an unknown kind. */
enum { OUR_NAMES = 2 };
static const struct {
	uint8_t kind;
	char type[20];
} kinds[] = {
	{ SLACK_COMMAND, "slash_command" },
	{ SLACK_LEGACY, "legacy" },
	{ SLACK_URL_VERIFICATION, "url_verification" },
	{ SLACK_BLOCK_ACTIONS, "block_actions" },
	{ SLACK_SHORTCUT, "shortcut" },
	{ SLACK_MESSAGE_ACTION, "message_action" },
	{ SLACK_VIEW_SUBMISSION, "view_submission" },
	{ SLACK_VIEW_CLOSED, "view_closed" },
	{ SLACK_BLOCK_SUGGESTION, "block_suggestion" },
	{ SLACK_EVENT, "event_callback" },
	{ SLACK_RATE_LIMITED, "app_rate_limited" },
	{ SLACK_LEGACY, "interactive_message" },
	{ SLACK_LEGACY, "dialog_submission" },
	{ SLACK_LEGACY, "dialog_cancellation" },
	{ SLACK_LEGACY, "dialog_suggestion" },
	{ SLACK_LEGACY, "workflow_step_edit" },
};

struct str slack_kind_name(enum slack_kind kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i].kind == kind)
			return str_c(kinds[i].type);
	return S("unknown");
}

static enum slack_kind kind_of(struct str type)
{
	for (size_t i = OUR_NAMES; i < countof(kinds); i++)
		if (str_eq(str_c(kinds[i].type), type))
			return (enum slack_kind)kinds[i].kind;
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

bool slack_form_is_ssl_check(struct str form)
{
	struct str name, value;
	while (form_next(&name, &value, &form))
		if (str_eq(name, S("ssl_check")))
			return str_eq(value, S("1"));
	return false;
}

/* Where a member can stand: in a form, at the top of JSON, or inside of what stands there. */
enum place { NOWHERE, FORM, TOP, TEAM, CHANNEL, USER, VIEW, ACTION, URLS, EVENT, EVENT_CHANNEL, EVENT_USER };

#define TO(member) offsetof(struct slack_request, member)

/* What is taken from where. An id stands bare ("team_id":"T1") or in an object ("team":{"id":"T1"}), by kind. */
static const struct rule {
	uint8_t n;
	char name[13];                /* n bytes of it */
	uint16_t field;               /* for a text; 0: a text says nothing */
	uint8_t place, inside;        /* inside: where its members are, if it is an object; of a list, the first one */
	bool spare;                   /* counts only if nothing else has said it */
#define NAME(name) sizeof(name) - 1, name
} rules[] = {
	{ NAME("payload"), TO(json), FORM, NOWHERE, false },
	{ NAME("command"), TO(command), FORM, NOWHERE, false },
	{ NAME("text"), TO(text), FORM, NOWHERE, false },
	{ NAME("user_id"), TO(user_id), FORM, NOWHERE, false },
	{ NAME("user_name"), TO(user_name), FORM, NOWHERE, false },
	{ NAME("team_id"), TO(team_id), FORM, NOWHERE, false },
	{ NAME("channel_id"), TO(channel_id), FORM, NOWHERE, false },
	{ NAME("api_app_id"), TO(api_app_id), FORM, NOWHERE, false },
	{ NAME("response_url"), TO(response_url), FORM, NOWHERE, false },
	{ NAME("type"), TO(type), TOP, NOWHERE, false },
	{ NAME("challenge"), TO(challenge), TOP, NOWHERE, false },
	{ NAME("api_app_id"), TO(api_app_id), TOP, NOWHERE, false },
	{ NAME("response_url"), TO(response_url), TOP, NOWHERE, false },
	{ NAME("response_urls"), 0, TOP, URLS, false },
	{ NAME("response_url"), TO(response_url), URLS, NOWHERE, true },
	{ NAME("callback_id"), TO(callback_id), TOP, NOWHERE, false },
	{ NAME("view"), 0, TOP, VIEW, false },
	{ NAME("callback_id"), TO(callback_id), VIEW, NOWHERE, true },
	{ NAME("action_id"), TO(action_id), TOP, NOWHERE, false },
	{ NAME("actions"), 0, TOP, ACTION, false },
	{ NAME("action_id"), TO(action_id), ACTION, NOWHERE, true },
	{ NAME("team_id"), TO(team_id), TOP, NOWHERE, false },
	{ NAME("team"), TO(team_id), TOP, TEAM, false },
	{ NAME("id"), TO(team_id), TEAM, NOWHERE, false },
	{ NAME("channel_id"), TO(channel_id), TOP, NOWHERE, false },
	{ NAME("channel"), TO(channel_id), TOP, CHANNEL, false },
	{ NAME("id"), TO(channel_id), CHANNEL, NOWHERE, false },
	{ NAME("user"), TO(user_id), TOP, USER, false },
	{ NAME("id"), TO(user_id), USER, NOWHERE, false },
	{ NAME("username"), TO(user_name), USER, NOWHERE, false },
	{ NAME("name"), TO(user_name), USER, NOWHERE, true },
	{ NAME("event_id"), TO(event_id), TOP, NOWHERE, false },
	{ NAME("event"), 0, TOP, EVENT, false },
	{ NAME("type"), TO(event_type), EVENT, NOWHERE, false },
	{ NAME("channel"), TO(channel_id), EVENT, EVENT_CHANNEL, true },
	{ NAME("id"), TO(channel_id), EVENT_CHANNEL, NOWHERE, true },
	{ NAME("user"), TO(user_id), EVENT, EVENT_USER, true },
	{ NAME("id"), TO(user_id), EVENT_USER, NOWHERE, true },
};

static struct str name_of(const struct rule *rule)
{
	return (struct str){ rule->name, rule->n };
}

static struct str *field_of(struct slack_request *r, const struct rule *rule)
{
	return (struct str *)((char *)r + rule->field);
}

/* Other types than the expected ones count as absent, so that one odd member does not lose the request. Each level goes to
 * a place of its own, so the rules bound the recursion. */
static enum err read_object(struct slack_request *r, enum place place, struct json object, struct arena *a)
{
	enum err e = OK;
	struct json_walk w = json_walk(object);
	while (e == OK && json_next(&w)) {
		const struct rule *rule = rules;
		while (rule < rules + countof(rules) && !(rule->place == place && json_is(w.key, name_of(rule))))
			rule++;
		if (rule == rules + countof(rules))
			continue;
		struct json v = w.value;
		struct json_walk elements = json_walk(v);
		if (rule->inside && json_type(v) == JSON_ARRAY && json_next(&elements))
			v = elements.value;
		if (rule->inside && json_type(v) == JSON_OBJECT)
			e = read_object(r, rule->inside, v, a);
		else if (rule->field && json_type(v) == JSON_STRING && !(rule->spare && field_of(r, rule)->n))
			e = json_string(field_of(r, rule), v, a);
	}
	return e;
}

static enum err read_json(struct slack_request *r, struct str text, struct str what, struct arena *a, struct fault *f)
{
	struct json object;
	size_t position;
	if (json_check(&object, &position, text) != OK)
		return fault_set(f, E_SYNTAX, 0, "%s is not valid JSON at byte %d", what, NUM(position));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(f, E_SYNTAX, 0, "%s is not a JSON object", what);
	enum err e = read_object(r, TOP, object, a);
	if (e != OK)
		return fault_set(f, e, 0, "%s is too large", what);
	r->json = object.text;
	r->kind = kind_of(r->type);
	return OK;
}

static enum err read_form(struct slack_request *r, struct str body, struct arena *a, struct fault *f)
{
	for (struct str name, value; form_next(&name, &value, &body);) {
		struct str nowhere, *field = &nowhere;
		for (const struct rule *rule = rules; rule->place == FORM; rule++)
			if (str_eq(name_of(rule), name))
				field = field_of(r, rule);
		enum err e = form_check(name) ? form_decode(field, value, a) : E_SYNTAX;
		if (e == E_LIMIT)
			return fault_set(f, e, 0, "the body is too large");
		if (e != OK)
			return fault_set(f, e, 0, "the body is not a valid form: a '%%' without two hex digits");
	}
	if (r->json.p)
		return read_json(r, r->json, S("the form field payload"), a, f);
	if (r->command.n) {
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
	return fault_set(f, E_SYNTAX, 0, "the content type is neither application/x-www-form-urlencoded nor application/json");
}
