#include "slack/envelope.h"

#include "codec/form.h"
#include "codec/json_write.h"

/* In the order of enum envelope_kind, from the second on. */
#define TYPES S("hello,disconnect,slash_commands,interactive,events_api")

/* Where a member stands. */
enum { TOP, PAYLOAD, INFO, DEBUG, PLACES };

static const struct {
	char name[30];
	uint8_t place, to;
} texts[] = {
	{ "type", TOP, offsetof(struct envelope, type) },
	{ "envelope_id", TOP, offsetof(struct envelope, id) },
	{ "reason", TOP, offsetof(struct envelope, reason) },
	{ "retry_reason", TOP, offsetof(struct envelope, retry_reason) },
	{ "app_id", INFO, offsetof(struct envelope, app) },
	{ "api_app_id", PAYLOAD, offsetof(struct envelope, app) },
}, numbers[] = {
	{ "retry_attempt", TOP, offsetof(struct envelope, retries) },
	{ "num_connections", TOP, offsetof(struct envelope, connections) },
	{ "approximate_connection_time", DEBUG, offsetof(struct envelope, life_s) },
};

enum err envelope_read(struct envelope *out, struct str message, struct arena *arena)
{
	size_t position;
	struct json v[PLACES];
	*out = (struct envelope){ 0 };
	enum err e = json_check(&v[TOP], &position, message);
	if (e != OK || json_type(v[TOP]) != JSON_OBJECT)
		return E_SYNTAX;
	v[PAYLOAD] = out->payload = json_member(v[TOP], S("payload"));
	v[INFO] = json_member(v[TOP], S("connection_info"));
	v[DEBUG] = json_member(v[TOP], S("debug_info"));
	for (size_t i = 0; e == OK && i < countof(texts); i++) {
		struct json member = json_member(v[texts[i].place], str_c(texts[i].name));
		if (json_type(member) == JSON_STRING)
			e = json_string((struct str *)(void *)((char *)out + texts[i].to), member, arena);
	}
	for (size_t i = 0; i < countof(numbers); i++)
		(void)!json_int((int64_t *)(void *)((char *)out + numbers[i].to),
			json_member(v[numbers[i].place], str_c(numbers[i].name)));
	out->kind = (enum envelope_kind)(str_index(TYPES, out->type) + 1);
	out->accepts =
		json_type(json_member(v[TOP], S("accepts_response_payload"))) == JSON_TRUE;
	return e;
}

/* In their order; what is no string stands as its JSON. */
static enum err put_form(struct buf *out, struct json payload, struct arena *arena)
{
	size_t start = arena->n;
	struct json_walk w = json_walk(payload);
	while (json_next(&w)) {
		struct str name, value = w.value.text;
		enum err e = json_string(&name, w.key, arena);
		if (e == OK && json_type(w.value) == JSON_STRING)
			e = json_string(&value, w.value, arena);
		if (e != OK)
			return e;
		form_put(out, name, value);
		arena->n = start;
	}
	return OK;
}

enum err envelope_put_body(struct buf *out, const struct envelope *e, struct arena *arena)
{
	enum err err = json_type(e->payload) == JSON_OBJECT ? OK : E_SYNTAX;
	if (err == OK && e->kind == ENVELOPE_COMMAND)
		err = put_form(out, e->payload, arena);
	else if (e->kind == ENVELOPE_INTERACTION)
		form_put(out, S("payload"), e->payload.text);
	else
		buf_put(out, e->payload.text);
	return err == OK && out->full ? E_LIMIT : err;
}

void envelope_put_answer(struct buf *out, struct str id, struct str body)
{
	struct json_writer w = json_writer(out);
	struct json v;
	size_t position;
	json_open(&w, '{');
	json_field(&w, S("envelope_id"), id);
	if (body.n) {
		json_key(&w, S("payload"));
		if (json_check(&v, &position, body) == OK && json_type(v) == JSON_OBJECT) {
			json_put_raw(&w, v.text);
		} else {
			json_open(&w, '{');
			json_field(&w, S("text"), body);
			json_close(&w, '}');
		}
	}
	json_close(&w, '}');
	out->full |= out->n > ENVELOPE_ANSWER_MAX;
}
