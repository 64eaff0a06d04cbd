#include "gateway/key.h"

#include "codec/hex.h"

/* Each part with its length before it, so that no two lists of parts are one. */
static void add_part(struct sha256 *h, struct str part)
{
	uint8_t length[8];
	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (uint8_t)((uint64_t)part.n >> (56 - 8 * i));
	sha256_update(h, (struct str){ (const char *)length, sizeof(length) });
	sha256_update(h, part);
}

static void add_app(struct sha256 *h, const struct decision *d)
{
	uint8_t fingerprint[SHA256_SIZE];
	struct hmac mac;
	add_part(h, d->app);
	if (d->app.n)
		return;
	if (d->has_key) {
		hmac_init(&mac, &d->key);
		hmac_update(&mac, S("app"));
		hmac_final(&mac, fingerprint);
		add_part(h, (struct str){ (const char *)fingerprint, sizeof(fingerprint) });
	}
	add_part(h, d->slack.api_app_id);
}

static bool is_by_message(const struct decision *d)
{
	return d->route && d->route->once_message && d->slack.message_ts.n && d->slack.channels_count;
}

bool request_is_repeatable(const struct decision *d)
{
	return d->slack.kind == SLACK_EVENT && (d->slack.event_id.n || is_by_message(d));
}

void request_key(char out[static REQUEST_KEY_SIZE], const struct decision *d, struct str request_id)
{
	const struct slack_request *slack = &d->slack;
	uint8_t digest[SHA256_SIZE];
	struct sha256 h;
	sha256_init(&h);
	add_app(&h, d);
	if (request_is_repeatable(d)) {
		bool message = is_by_message(d);
		add_part(&h, slack->team_id);
		add_part(&h, message ? slack_channel_id(slack) : slack->event_id);
		add_part(&h, message ? slack->message_ts : S(""));
		add_part(&h, d->target.name);
	} else {
		add_part(&h, slack->trigger_id.n ? S("trigger") : S("request"));
		add_part(&h, slack->trigger_id.n ? slack->trigger_id : request_id);
	}
	sha256_final(&h, digest);
	struct buf b = { out, 0, REQUEST_KEY_SIZE, false };
	hex_put(&b, digest, REQUEST_KEY_SIZE / 2);
}
