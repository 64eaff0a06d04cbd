#include "slack/verify.h"

#include "codec/hex.h"
#include "crypto/ct.h"

/* Enough for the year 33658, short enough for no overflow in any sum with it. */
enum { TIMESTAMP_DIGITS_MAX = 12 };

bool slack_secrets_add(struct slack_secrets *s, struct str secret, struct str app)
{
	if (secret.n == 0 || s->count == SLACK_SECRETS_MAX)
		return false;
	s->apps[s->count] = app;
	hmac_key(&s->keys[s->count++], secret);
	return true;
}

bool slack_secrets_admit(const struct slack_secrets *s, const struct hmac_key *key, struct str app)
{
	struct str owner = s->apps[key - s->keys];
	bool listed = false;
	for (size_t i = 0; i < s->count; i++)
		listed |= str_eq(s->apps[i], app);
	return app.n == 0 || str_eq(owner, app) || (owner.n == 0 && !listed);
}

static void compute(uint8_t out[static SHA256_SIZE], const struct hmac_key *key, struct str timestamp, struct str body)
{
	struct hmac h;
	hmac_init(&h, key);
	hmac_update(&h, S("v0:"));
	hmac_update(&h, timestamp);
	hmac_update(&h, S(":"));
	hmac_update(&h, body);
	hmac_final(&h, out);
}

enum slack_verdict slack_verify(const struct slack_secrets *s, int64_t *age_s, const struct hmac_key **key,
                                struct str timestamp, struct str signature, struct str body, int64_t now_s)
{
	uint64_t stamp;
	uint8_t given[SHA256_SIZE], right[SHA256_SIZE];
	if (timestamp.n == 0 || signature.n == 0)
		return SLACK_UNSIGNED;
	if (timestamp.n > TIMESTAMP_DIGITS_MAX || !str_to_u64(&stamp, timestamp, INT64_MAX))
		return SLACK_MALFORMED;
	if (!str_starts(signature, S("v0=")) || !hex_decode(given, sizeof(given), str_skip(signature, 3)))
		return SLACK_MALFORMED;
	*age_s = now_s - (int64_t)stamp;
	if (*age_s > SLACK_TOLERANCE_S || *age_s < -SLACK_TOLERANCE_S)
		return SLACK_STALE;
	enum slack_verdict verdict = SLACK_FORGED;
	for (size_t i = 0; i < s->count; i++) {
		compute(right, &s->keys[i], timestamp, body);
		if (ct_equal(given, right, sizeof(right))) {
			verdict = SLACK_GENUINE;
			*key = &s->keys[i];
		}
	}
	ct_wipe(right, sizeof(right));
	return verdict;
}

void slack_sign(struct buf *out, const struct slack_secrets *s, struct str timestamp, struct str body)
{
	uint8_t code[SHA256_SIZE];
	check(s->count > 0);
	compute(code, &s->keys[0], timestamp, body);
	buf_put(out, S("v0="));
	hex_put(out, code, sizeof(code));
}
