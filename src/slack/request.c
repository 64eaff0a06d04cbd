#include "slack/request.h"

#include "codec/form.h"

#include <string.h>

/* The first ones are names of ours; JSON that claims one of them as its type is of an unknown
 * kind. */
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

enum slack_kind slack_kind_of(struct str type)
{
	for (size_t i = OUR_NAMES; i < countof(kinds); i++)
		if (str_eq(str_c(kinds[i].type), type))
			return (enum slack_kind)kinds[i].kind;
	return SLACK_UNKNOWN_KIND;
}

bool slack_type_nth(struct str *out, size_t i)
{
	if (i >= countof(kinds) - OUR_NAMES)
		return false;
	*out = str_c(kinds[OUR_NAMES + i].type);
	return true;
}

struct str slack_channel_id(const struct slack_request *r)
{
	return r->channels_count ? r->channels[0] : S("");
}

bool slack_is_json(struct str body)
{
	size_t i = 0;
	while (i < body.n && str_find(S(" \t\r\n"), body.p[i]) < 4)
		i++;
	return i < body.n && (body.p[i] == '{' || body.p[i] == '[');
}

/* A comma would join the values of two fields; in quotes it belongs to a parameter. */
static bool has_bare_comma(struct str s)
{
	bool quoted = false;
	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ',' && !quoted)
			return true;
	}
	return false;
}

static bool media_type_is(struct str content_type, struct str wanted)
{
	struct str type, parameters;
	str_cut(&type, &parameters, content_type, ';');
	return str_eq_nocase(str_trim(type), wanted) && !has_bare_comma(parameters);
}

bool slack_form_is_ssl_check(struct str form)
{
	struct str name, value;
	while (form_next(&name, &value, &form))
		if (str_eq(name, S("ssl_check")))
			return str_eq(value, S("1"));
	return false;
}

/* Where a member can stand: in a form, at the top of JSON, or in one of the objects below. */
enum place {
	NOWHERE,
	FORM,
	TOP,
	TOP_TEAM,
	TOP_ENTERPRISE,
	TOP_CHANNEL,
	TOP_USER,
	VIEW,
	CONTAINER,
	ACTION,
	URLS,
	AUTHORIZATION,
	EVENT,
	EVENT_CHANNEL,
	EVENT_USER,
	ITEM,
	MESSAGE,
	PREVIOUS_MESSAGE,
	ASSISTANT_THREAD,
	THREAD_CONTEXT,
	FUNCTION,
	ACTOR,
	INVITE,
	INVITING_USER,
	INVITE_REQUEST,
	SUBTEAM,
	COMMENT,
	TOKENS,
	LIST, /* of strings, the first of which counts */
};

/* What a member is good for, other than to fill a text: the index of a text in the request is
 * below all of these. */
enum { NOTHING = 64, CHANNEL, CHANNEL_LIST, BOT, LINK, CREATOR };

#define TO(member)                                                                                 \
	((offsetof(struct slack_request, member) - offsetof(struct slack_request, type)) /             \
		sizeof(struct str))
#define TEXTS TO(channels_count) /* they stand in a row */
_Static_assert(TEXTS <= NOTHING, "a byte tells a text from the rest");

/* The user's own workspace stands in for the app's, in this place of its order. */
enum { USER_TEAM_RANK = 1, TEAM_BY_USER_RANK = 6 };

/* What is taken from where, the members of a place in a row. An id stands bare ("team_id":"T1") or
 * in an object ("team":{"id":"T1"}), by kind. Of those that fill the same text, the one with the
 * lowest rank counts. */
static const struct rule {
	uint8_t place;
	uint8_t n;
	char name[23];   /* n bytes of it */
	uint8_t purpose; /* of a string; for CHANNEL_LIST, of an array */
	uint8_t rank;
	uint8_t inside; /* if it is an object, or an array whose first element is one: where its members
					   are */
#define NAME(name) sizeof(name) - 1, name
} rules[] = {
	{ FORM, NAME("payload"), TO(json), 1, NOWHERE },
	{ FORM, NAME("command"), TO(command), 1, NOWHERE },
	{ FORM, NAME("text"), TO(text), 1, NOWHERE },
	{ FORM, NAME("user_id"), TO(user_id), 1, NOWHERE },
	{ FORM, NAME("user_name"), TO(user_name), 1, NOWHERE },
	{ FORM, NAME("team_id"), TO(team_id), 5, NOWHERE },
	{ FORM, NAME("enterprise_id"), TO(enterprise_id), 4, NOWHERE },
	{ FORM, NAME("channel_id"), CHANNEL, 1, NOWHERE },
	{ FORM, NAME("api_app_id"), TO(api_app_id), 1, NOWHERE },
	{ FORM, NAME("response_url"), TO(response_url), 1, NOWHERE },
	{ FORM, NAME("trigger_id"), TO(trigger_id), 1, NOWHERE },

	{ TOP, NAME("type"), TO(type), 1, NOWHERE },
	{ TOP, NAME("challenge"), TO(challenge), 1, NOWHERE },
	{ TOP, NAME("api_app_id"), TO(api_app_id), 1, NOWHERE },
	{ TOP, NAME("response_url"), TO(response_url), 1, NOWHERE },
	{ TOP, NAME("response_urls"), NOTHING, 1, URLS },
	{ TOP, NAME("trigger_id"), TO(trigger_id), 1, NOWHERE },
	{ TOP, NAME("callback_id"), TO(callback_id), 1, NOWHERE },
	{ TOP, NAME("view"), NOTHING, 1, VIEW },
	{ TOP, NAME("container"), NOTHING, 1, CONTAINER },
	{ TOP, NAME("action_id"), TO(action_id), 1, NOWHERE },
	{ TOP, NAME("actions"), NOTHING, 1, ACTION },
	{ TOP, NAME("context_team_id"), TO(team_id), 2, NOWHERE },
	{ TOP, NAME("context_enterprise_id"), TO(enterprise_id), 1, NOWHERE },
	{ TOP, NAME("authorizations"), NOTHING, 1, AUTHORIZATION },
	{ TOP, NAME("team"), TO(team_id), 4, TOP_TEAM },
	{ TOP, NAME("team_id"), TO(team_id), 5, NOWHERE },
	{ TOP, NAME("enterprise"), TO(enterprise_id), 3, TOP_ENTERPRISE },
	{ TOP, NAME("enterprise_id"), TO(enterprise_id), 4, NOWHERE },
	{ TOP, NAME("channel"), CHANNEL, 1, TOP_CHANNEL },
	{ TOP, NAME("channel_id"), CHANNEL, 2, NOWHERE },
	{ TOP, NAME("user"), TO(user_id), 1, TOP_USER },
	{ TOP, NAME("user_id"), TO(user_id), 2, NOWHERE },
	{ TOP, NAME("event_id"), TO(event_id), 1, NOWHERE },
	{ TOP, NAME("event"), NOTHING, 1, EVENT },
	{ TOP_TEAM, NAME("id"), TO(team_id), 4, NOWHERE },
	{ TOP_ENTERPRISE, NAME("id"), TO(enterprise_id), 3, NOWHERE },
	{ TOP_CHANNEL, NAME("id"), CHANNEL, 1, NOWHERE },
	{ TOP_USER, NAME("id"), TO(user_id), 1, NOWHERE },
	{ TOP_USER, NAME("username"), TO(user_name), 1, NOWHERE },
	{ TOP_USER, NAME("name"), TO(user_name), 2, NOWHERE },
	{ TOP_USER, NAME("team_id"), TO(user_team_id), USER_TEAM_RANK, NOWHERE },
	{ VIEW, NAME("callback_id"), TO(callback_id), 2, NOWHERE },
	{ VIEW, NAME("app_installed_team_id"), TO(team_id), 1, NOWHERE },
	{ VIEW, NAME("team_id"), TO(team_id), 7, NOWHERE },
	{ CONTAINER, NAME("channel_id"), CHANNEL, 3, NOWHERE },
	{ ACTION, NAME("action_id"), TO(action_id), 2, NOWHERE },
	{ ACTION, NAME("url"), LINK, 1, NOWHERE },
	{ URLS, NAME("response_url"), TO(response_url), 2, NOWHERE },
	{ URLS, NAME("channel_id"), CHANNEL, 4, NOWHERE },
	{ AUTHORIZATION, NAME("team_id"), TO(team_id), 3, NOWHERE },
	{ AUTHORIZATION, NAME("enterprise_id"), TO(enterprise_id), 2, NOWHERE },

	{ EVENT, NAME("type"), TO(event_type), 1, NOWHERE },
	{ EVENT, NAME("subtype"), TO(subtype), 1, NOWHERE },
	{ EVENT, NAME("ts"), TO(message_ts), 1, NOWHERE },
	{ EVENT, NAME("channel"), CHANNEL, 1, EVENT_CHANNEL },
	{ EVENT, NAME("user"), TO(user_id), 3, EVENT_USER },
	{ EVENT, NAME("channel_type"), TO(channel_type), 1, NOWHERE },
	{ EVENT, NAME("bot_id"), BOT, 1, NOWHERE },
	{ EVENT, NAME("channel_id"), CHANNEL, 2, NOWHERE },
	{ EVENT, NAME("user_id"), TO(user_id), 4, NOWHERE },
	{ EVENT, NAME("item"), NOTHING, 1, ITEM },
	{ EVENT, NAME("message"), NOTHING, 1, MESSAGE },
	{ EVENT, NAME("previous_message"), NOTHING, 1, PREVIOUS_MESSAGE },
	{ EVENT, NAME("user_team"), TO(user_team_id), 2, NOWHERE },
	{ EVENT, NAME("source_team"), TO(user_team_id), 3, NOWHERE },
	{ EVENT, NAME("function"), NOTHING, 1, FUNCTION },
	{ EVENT, NAME("callback_id"), TO(callback_id), 3, NOWHERE },
	{ EVENT, NAME("assistant_thread"), NOTHING, 1, ASSISTANT_THREAD },
	{ EVENT, NAME("channel_ids"), CHANNEL_LIST, 1, NOWHERE },
	{ EVENT, NAME("new_channel_id"), CHANNEL, 3, NOWHERE },
	{ EVENT, NAME("old_channel_id"), CHANNEL, 4, NOWHERE },
	{ EVENT, NAME("actor_id"), TO(user_id), 7, NOWHERE },
	{ EVENT, NAME("actor"), NOTHING, 1, ACTOR },
	{ EVENT, NAME("accepting_user"), NOTHING, 1, ACTOR },
	{ EVENT, NAME("approving_user"), NOTHING, 1, ACTOR },
	{ EVENT, NAME("declining_user"), NOTHING, 1, ACTOR },
	{ EVENT, NAME("invite"), NOTHING, 1, INVITE },
	{ EVENT, NAME("invite_request"), NOTHING, 1, INVITE_REQUEST },
	{ EVENT, NAME("subteam"), NOTHING, 1, SUBTEAM },
	{ EVENT, NAME("comment"), NOTHING, 1, COMMENT },
	{ EVENT, NAME("tokens"), NOTHING, 1, TOKENS },
	{ EVENT_CHANNEL, NAME("id"), CHANNEL, 1, NOWHERE },
	{ EVENT_CHANNEL, NAME("creator"), CREATOR, 1, NOWHERE },
	{ EVENT_USER, NAME("id"), TO(user_id), 3, NOWHERE },
	{ EVENT_USER, NAME("team_id"), TO(user_team_id), 4, NOWHERE },
	{ ITEM, NAME("channel"), CHANNEL, 3, NOWHERE },
	{ MESSAGE, NAME("user"), TO(user_id), 5, NOWHERE },
	{ MESSAGE, NAME("bot_id"), BOT, 1, NOWHERE },
	{ MESSAGE, NAME("user_team"), TO(user_team_id), 5, NOWHERE },
	{ MESSAGE, NAME("source_team"), TO(user_team_id), 6, NOWHERE },
	{ PREVIOUS_MESSAGE, NAME("user"), TO(user_id), 6, NOWHERE },
	{ PREVIOUS_MESSAGE, NAME("bot_id"), BOT, 1, NOWHERE },
	{ PREVIOUS_MESSAGE, NAME("user_team"), TO(user_team_id), 7, NOWHERE },
	{ PREVIOUS_MESSAGE, NAME("source_team"), TO(user_team_id), 8, NOWHERE },
	{ ASSISTANT_THREAD, NAME("user_id"), TO(user_id), 7, NOWHERE },
	{ ASSISTANT_THREAD, NAME("channel_id"), CHANNEL, 3, NOWHERE },
	{ ASSISTANT_THREAD, NAME("context"), NOTHING, 1, THREAD_CONTEXT },
	{ THREAD_CONTEXT, NAME("channel_id"), CHANNEL, 4, NOWHERE },
	{ FUNCTION, NAME("callback_id"), TO(function), 1, NOWHERE },
	{ ACTOR, NAME("id"), TO(user_id), 7, NOWHERE },
	{ ACTOR, NAME("team_id"), TO(user_team_id), 4, NOWHERE },
	{ INVITE, NAME("inviting_user"), NOTHING, 1, INVITING_USER },
	{ INVITING_USER, NAME("id"), TO(user_id), 8, NOWHERE },
	{ INVITING_USER, NAME("team_id"), TO(user_team_id), 9, NOWHERE },
	{ INVITE_REQUEST, NAME("requester_ids"), TO(user_id), 8, LIST },
	{ INVITE_REQUEST, NAME("channel_ids"), CHANNEL_LIST, 1, NOWHERE },
	{ SUBTEAM, NAME("updated_by"), TO(user_id), 8, NOWHERE },
	{ SUBTEAM, NAME("created_by"), TO(user_id), 9, NOWHERE },
	{ COMMENT, NAME("user"), TO(user_id), 8, NOWHERE },
	{ TOKENS, NAME("oauth"), TO(user_id), 8, LIST },
	{ TOKENS, NAME("bot"), TO(user_id), 9, LIST },
};

/* A request being read, and the rank of what each text and the first channel was taken from. */
struct reader {
	struct slack_request *request;
	struct arena *arena;
	struct str creator; /* of the channel that an event is about */
	uint8_t ranks[TEXTS], channel_rank;
};

static const struct rule *rules_of(enum place place)
{
	const struct rule *rule = rules;
	while (rule->place != place)
		rule++;
	return rule;
}

/* The rule for a member, among those of a place that begin at `rule`; NULL if there is none. `key`
 * is a JSON string: most have no escape in them. */
static const struct rule *rule_for(const struct rule *rule, struct json key)
{
	bool plain = str_find(key.text, '\\') == key.text.n;
	for (uint8_t place = rule->place; rule < rules + countof(rules) && rule->place == place;
		 rule++) {
		if (plain ? key.text.n == rule->n + 2u && memcmp(key.text.p + 1, rule->name, rule->n) == 0
		          : json_is(key, (struct str){ rule->name, rule->n }))
			return rule;
	}
	return NULL;
}

static void add_channel(struct reader *r, struct str id, uint8_t rank)
{
	struct slack_request *request = r->request;
	size_t i = 0;
	while (i < request->channels_count && !str_eq(request->channels[i], id))
		i++;
	if (id.n == 0 || i == SLACK_CHANNELS_MAX)
		return;
	request->channels[i] = id;
	request->channels_count += i == request->channels_count;
	if (r->channel_rank && rank > r->channel_rank)
		return;
	request->channels[i] = request->channels[0];
	request->channels[0] = id;
	r->channel_rank = rank;
}

/* Whether something better than this has been found. An empty text only takes the place of its own
 * like. */
static bool outranked(const struct rule *rule, uint8_t rank, bool says_something)
{
	return rank && (says_something ? rule->rank > rank : rule->rank != rank);
}

static struct str *text_at(struct slack_request *request, uint8_t index)
{
	return (struct str *)((char *)request + offsetof(struct slack_request, type)) + index;
}

static void take_text(struct reader *r, const struct rule *rule, struct str text)
{
	switch (rule->purpose) {
	case NOTHING:
	case CHANNEL_LIST:
		break;
	case CHANNEL:
		add_channel(r, text, rule->rank);
		break;
	case BOT:
		r->request->bot |= text.n > 0;
		break;
	case LINK:
		r->request->link |= text.n > 0;
		break;
	case CREATOR:
		r->creator = text;
		break;
	default:
		if (outranked(rule, r->ranks[rule->purpose], text.n > 0))
			break;
		*text_at(r->request, rule->purpose) = text;
		r->ranks[rule->purpose] = text.n ? rule->rank : 0;
	}
}

/* Whether an array with that first element stands for the element. */
static bool takes_first(const struct rule *rule, struct json first)
{
	return rule->inside == LIST ? json_type(first) == JSON_STRING
								: rule->inside && json_type(first) == JSON_OBJECT;
}

/* Other types than the expected ones count as absent, so that one odd member does not lose the
 * request. Each level goes to a place of its own, so the rules bound the recursion. */
static enum err read_object(struct reader *r, enum place place, struct json object)
{
	enum err e = OK;
	const struct rule *first = rules_of(place);
	struct json_walk w = json_walk(object);
	while (e == OK && json_next(&w)) {
		const struct rule *rule = rule_for(first, w.key);
		if (!rule)
			continue;
		struct json v = w.value;
		struct json_walk elements = json_walk(v);
		if (rule->purpose == CHANNEL_LIST && json_type(v) == JSON_ARRAY)
			r->request->channel_list = v;
		else if (json_type(v) == JSON_ARRAY && json_next(&elements) &&
			takes_first(rule, elements.value))
			v = elements.value;
		if (rule->inside && json_type(v) == JSON_OBJECT) {
			e = read_object(r, rule->inside, v);
		} else if (rule->purpose != NOTHING && json_type(v) == JSON_STRING) {
			struct str text;
			e = json_string(&text, v, r->arena);
			if (e == OK)
				take_text(r, rule, text);
		}
	}
	return e;
}

/* Only of a channel that was created is the creator the one who acts. */
static void conclude_event(struct reader *r)
{
	struct slack_request *request = r->request;
	if (!request->user_id.n && str_eq(request->event_type, S("channel_created")))
		request->user_id = r->creator;
	request->bot |= str_eq(request->subtype, S("bot_message"));
}

/* The workspace of who acts goes before the one in which a view was opened, and behind all else. */
static void conclude_team(struct reader *r)
{
	uint8_t rank = r->ranks[TO(team_id)];
	if (r->ranks[TO(user_team_id)] == USER_TEAM_RANK && (!rank || rank > TEAM_BY_USER_RANK))
		r->request->team_id = r->request->user_team_id;
}

static enum err read_json(struct reader *r, struct str text, struct str what, struct fault *f)
{
	struct json object;
	size_t position;
	if (json_check(&object, &position, text) != OK)
		return fault_set(f, E_SYNTAX, 0, "%s is not valid JSON at byte %d", what, NUM(position));
	if (json_type(object) != JSON_OBJECT)
		return fault_set(f, E_SYNTAX, 0, "%s is not a JSON object", what);
	enum err e = read_object(r, TOP, object);
	if (e != OK)
		return fault_set(f, e, 0, "%s is too large", what);
	struct slack_request *request = r->request;
	request->json = object.text;
	request->kind = slack_kind_of(request->type);
	conclude_event(r);
	conclude_team(r);
	return OK;
}

static enum err read_form(struct reader *r, struct str body, struct fault *f)
{
	struct slack_request *request = r->request;
	for (struct str name, value; form_next(&name, &value, &body);) {
		const struct rule *rule = rules_of(FORM);
		while (rule->place == FORM && !str_eq((struct str){ rule->name, rule->n }, name))
			rule++;
		enum err e = form_check(name) ? form_decode(&value, value, r->arena) : E_SYNTAX;
		if (e == E_LIMIT)
			return fault_set(f, e, 0, "the body is too large");
		if (e != OK)
			return fault_set(
				f, e, 0, "the body is not a valid form: a '%%' without two hex digits");
		if (rule->place == FORM)
			take_text(r, rule, value);
	}
	if (request->json.p)
		return read_json(r, request->json, S("the form field payload"), f);
	if (request->command.n) {
		request->kind = SLACK_COMMAND;
		request->type = slack_kind_name(SLACK_COMMAND);
		request->user_team_id = request->team_id;
	}
	return OK;
}

enum err slack_request_read(struct slack_request *r, struct str content_type, struct str body,
                            struct arena *arena, struct fault *f)
{
	*r = (struct slack_request){ 0 };
	struct reader reader = { .request = r, .arena = arena };
	bool json = slack_is_json(body);
	struct str wanted = json ? S("application/json") : S("application/x-www-form-urlencoded");
	if (content_type.n && !media_type_is(content_type, wanted))
		return fault_set(f, E_SYNTAX, 0, "the content type is not %s, although the body is %s",
			wanted, json ? S("JSON") : S("a form"));
	return json ? read_json(&reader, body, S("the body"), f) : read_form(&reader, body, f);
}
