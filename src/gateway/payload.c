#include "gateway/payload.h"

#include "codec/form.h"
#include "codec/hex.h"
#include "codec/json_write.h"

void payload_reply_mac(uint8_t out[static SHA256_SIZE], const struct hmac_key *key,
	int64_t received_at_ms, struct str response_url)
{
	struct hmac h;
	hmac_init(&h, key);
	hmac_update(&h, S("relay:"));
	hmac_update(&h, DIGITS(received_at_ms));
	hmac_update(&h, S(":"));
	hmac_update(&h, response_url);
	hmac_final(&h, out);
}

static void put_if_any(struct json_writer *w, struct str name, struct str value)
{
	if (value.n)
		json_field(w, name, value);
}

static void put_gateway(struct json_writer *w, const struct slack_request *slack,
	const struct target *target, const struct payload_facts *facts)
{
	uint64_t retry;
	json_key(w, S("gateway"));
	json_open(w, '{');
	json_fields(w, "request_id region function received_at", facts->request_id, target->region,
		target->function, NUM(facts->received_at_ms));
	if (str_to_u64(&retry, facts->retry_num, 1000000))
		json_fields(w, "retry_num", NUM(retry));
	put_if_any(w, S("retry_reason"), facts->retry_reason);
	put_if_any(w, S("event_id"), slack->event_id);
	if (slack->response_url.n && facts->key) {
		uint8_t mac[SHA256_SIZE];
		char text[2 * SHA256_SIZE];
		struct buf hex = BUF(text);
		payload_reply_mac(mac, facts->key, facts->received_at_ms, slack->response_url);
		hex_put(&hex, mac, sizeof(mac));
		json_field(w, S("reply_mac"), buf_str(&hex));
	}
	json_close(w, '}');
}

/* The members that the gateway adds are its own: a field of the same name does not get past it. */
static bool is_ours(struct str name)
{
	return str_eq(name, S("gateway")) || str_eq(name, S("type"));
}

static enum err put_form(struct json_writer *w, struct str type, struct str body, struct arena *a)
{
	put_if_any(w, S("type"), type);
	struct str name, value;
	while (form_next(&name, &value, &body)) {
		if (form_decode(&name, name, a) != OK || form_decode(&value, value, a) != OK)
			return E_LIMIT;
		if (!is_ours(name))
			json_field(w, name, value);
	}
	return OK;
}

/* As they stand. Should Slack ever send a member `gateway`, ours comes later, and the last one
 * counts. */
static void put_members(struct json_writer *w, struct str object)
{
	struct str members = str_trim_lines(str_sub(object, 1, object.n - 1));
	if (members.n)
		json_put_raw(w, members);
}

enum err payload_slack(struct str *out, const struct slack_request *slack, struct str body,
	const struct target *target, const struct payload_facts *facts, struct arena *arena)
{
	/* The decoded texts of a form are no longer than the form. */
	size_t scratch_size = slack->json.n ? 0 : body.n;
	char *scratch_memory = arena_take(arena, scratch_size + 64);
	if (!scratch_memory)
		return E_LIMIT;
	struct arena scratch = { scratch_memory, 0, scratch_size + 64 };
	struct buf b = arena_rest(arena);
	struct json_writer w = json_writer(&b);
	enum err e = OK;
	json_open(&w, '{');
	if (slack->json.n)
		put_members(&w, slack->json);
	else
		e = put_form(&w, slack->type, body, &scratch);
	put_gateway(&w, slack, target, facts);
	json_close(&w, '}');
	bool full = b.full;
	*out = arena_keep(arena, &b);
	return full ? E_LIMIT : e;
}
