#include "cli/sample.h"

#include "codec/json_write.h"

/* Whether an interaction of that type has a response_url: those that come from a message. */
static bool answers_by_url(struct json type)
{
	return json_is(type, S("block_actions")) || json_is(type, S("message_action")) ||
		json_is(type, S("interactive_message"));
}

static void add_raw(struct json_writer *w, struct json object, struct str name, struct str raw)
{
	if (json_type(json_member(object, name)) != JSON_ABSENT)
		return;
	json_key(w, name);
	json_put_raw(w, raw);
}

static void add_string(struct json_writer *w, struct json object, struct str name, struct str value)
{
	if (json_type(json_member(object, name)) == JSON_ABSENT)
		json_field(w, name, value);
}

/* The members of `object` as they were written, behind those that were added. */
static void copy_members(struct json_writer *w, struct json object)
{
	struct json_walk walk = json_walk(object);
	while (json_next(&walk)) {
		struct str name = walk.key.text;
		buf_put(w->out, w->comma ? S(",") : S(""));
		buf_format(w->out, "%s:%s", name, walk.value.text);
		w->comma = true;
	}
}

void sample_payload(struct buf *out, struct json payload, struct str response_url)
{
	struct json_writer w = json_writer(out);
	json_open(&w, '{');
	add_string(&w, payload, S("api_app_id"), S(SAMPLE_APP));
	add_string(&w, payload, S("trigger_id"), S(SAMPLE_TRIGGER));
	add_raw(&w, payload, S("team"), S("{\"id\":\"" SAMPLE_TEAM "\",\"domain\":\"test\"}"));
	add_raw(&w, payload, S("user"),
		S("{\"id\":\"" SAMPLE_USER "\",\"name\":\"tester\",\"team_id\":\"" SAMPLE_TEAM "\"}"));
	if (response_url.n && answers_by_url(json_member(payload, S("type"))))
		add_string(&w, payload, S("response_url"), response_url);
	copy_members(&w, payload);
	json_close(&w, '}');
}

static bool is_envelope(struct json event)
{
	struct json type = json_member(event, S("type"));
	return json_type(json_member(event, S("event"))) != JSON_ABSENT ||
		json_is(type, S("event_callback")) || json_is(type, S("url_verification")) ||
		json_is(type, S("app_rate_limited"));
}

void sample_event(struct buf *out, struct json event, struct str event_id, int64_t now_s)
{
	struct json_writer w = json_writer(out);
	if (json_type(event) != JSON_OBJECT || is_envelope(event)) {
		buf_put(out, event.text);
		return;
	}
	json_open(&w, '{');
	json_fields(&w, "type api_app_id team_id event_id event_time", S("event_callback"),
		S(SAMPLE_APP), S(SAMPLE_TEAM), event_id, NUM(now_s));
	json_key(&w, S("authorizations"));
	json_put_raw(&w,
		S("[{\"enterprise_id\":null,\"team_id\":\"" SAMPLE_TEAM "\",\"user_id\":\"" SAMPLE_USER
		  "\",\"is_bot\":false}]"));
	json_key(&w, S("event"));
	json_put_raw(&w, event.text);
	json_close(&w, '}');
}
