#include "slack/verify.h"

#include "codec/hex.h"
#include "crypto/ct.h"

/* Enough for the year 33658, short enough for no overflow in any sum with it. */
enum { TIMESTAMP_DIGITS_MAX = 12 };

enum {
	HINT_AT_MAX = 4096, /* bytes of a body in which an app is looked for */
	HINT_GAP = 12,      /* what may stand before its id: ": or, in a form, %22%3A%22 */
};

struct str slack_secret_fault(struct str secret)
{
	if (secret.n == 0)
		return S("is empty");
	if (str_is_utf16(secret))
		return S("is UTF-16; save it as UTF-8");
	if (str_starts(secret, S("xox")) || str_starts(secret, S("xapp-")))
		return S("is a token, not the Signing Secret, which \"Basic Information\" of the Slack app "
				 "shows");
	if (secret.p[0] == '{')
		return S("is JSON; name the key that holds the secret, as in secretsmanager:NAME#KEY");
	if (str_find(S("\"'`"), secret.p[0]) < 3 || str_find(S("\"'`"), secret.p[secret.n - 1]) < 3)
		return S("has quotes around it; leave them out");
	for (size_t i = 0; i < secret.n; i++)
		if ((unsigned char)secret.p[i] < ' ' || (unsigned char)secret.p[i] >= 0x7f)
			return S("has characters in it that no Signing Secret has");
	return S("");
}

bool slack_secrets_add(struct slack_secrets *s, struct str secret, struct str app)
{
	if (secret.n == 0 || s->count == SLACK_SECRETS_MAX)
		return false;
	struct slack_secret *new = &s->list[s->count++];
	new->app = app;
	new->missing = false;
	hmac_key(&new->key, secret);
	return true;
}

bool slack_secrets_admit(
	const struct slack_secrets *s, const struct slack_secret *secret, struct str app)
{
	bool listed = false;
	for (size_t i = 0; i < s->count; i++)
		listed |= str_eq(s->list[i].app, app);
	return app.n == 0 || str_eq(secret->app, app) || (secret->app.n == 0 && !listed);
}

static void compute(uint8_t out[static SHA256_SIZE], const struct hmac_key *key,
	struct str timestamp, struct str body)
{
	struct hmac h;
	hmac_init(&h, key);
	hmac_update(&h, S("v0:"));
	hmac_update(&h, timestamp);
	hmac_update(&h, S(":"));
	hmac_update(&h, body);
	hmac_final(&h, out);
}

/* What follows the first name of an app's id. It is unsigned, and may be anything: all that follows
 * from it is whose secrets are tried first. */
static struct str hint_in(struct str body)
{
	struct str name = S("api_app_id"), start = str_sub(body, 0, HINT_AT_MAX);
	return str_skip(start, str_find_str(start, name) + name.n);
}

static bool is_named(const struct slack_secret *secret, struct str hint)
{
	size_t gap = 0;
	while (gap < HINT_GAP && !str_starts(str_skip(hint, gap), secret->app))
		gap++;
	return gap < HINT_GAP && secret->app.n;
}

enum slack_verdict slack_verify(const struct slack_secrets *s, int64_t *age_s,
	const struct slack_secret **by, struct str timestamp, struct str signature, struct str body,
	int64_t now_s)
{
	uint64_t stamp;
	uint8_t given[SHA256_SIZE], right[SHA256_SIZE];
	if (timestamp.n == 0 || signature.n == 0)
		return SLACK_UNSIGNED;
	if (timestamp.n > TIMESTAMP_DIGITS_MAX || !str_to_u64(&stamp, timestamp, INT64_MAX))
		return SLACK_MALFORMED;
	if (!str_starts(signature, S("v0=")) ||
		!hex_decode(given, sizeof(given), str_skip(signature, 3)))
		return SLACK_MALFORMED;
	*age_s = now_s - (int64_t)stamp;
	if (*age_s > SLACK_TOLERANCE_S || *age_s < -SLACK_TOLERANCE_S)
		return SLACK_STALE;
	enum slack_verdict verdict = SLACK_FORGED;
	/* Apps come behind the secrets that belong to none. */
	bool apps = s->count > 1 && s->list[s->count - 1].app.n;
	struct str hint = apps ? hint_in(body) : S("");
	for (size_t i = 0; i < 2 * s->count && verdict != SLACK_GENUINE; i++) {
		const struct slack_secret *secret = &s->list[i % s->count];
		if (is_named(secret, hint) != (i < s->count))
			continue;
		if (secret->missing) {
			verdict = SLACK_UNDECIDED;
			continue;
		}
		compute(right, &secret->key, timestamp, body);
		if (ct_equal(given, right, sizeof(right))) {
			verdict = SLACK_GENUINE;
			*by = secret;
		}
	}
	ct_wipe(right, sizeof(right));
	return verdict;
}

void slack_sign(
	struct buf *out, const struct slack_secrets *s, struct str timestamp, struct str body)
{
	uint8_t code[SHA256_SIZE];
	check(s->count > 0 && !s->list[0].missing);
	compute(code, &s->list[0].key, timestamp, body);
	buf_put(out, S("v0="));
	hex_put(out, code, sizeof(code));
}
