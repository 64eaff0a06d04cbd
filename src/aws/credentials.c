#include "aws/credentials.h"

#include "aws/refusal.h"
#include "base/clock.h"
#include "codec/json_read.h"
#include "crypto/ct.h"

/* Appends a part, of which *view is then the copy. */
static bool put_part(struct str *view, struct buf *b, struct str part, size_t max)
{
	size_t start = b->n;
	if (part.n > max || !str_is_visible(part))
		return false;
	buf_put(b, part);
	*view = str_skip(buf_str(b), start);
	return true;
}

/* The moment in any of the forms that are met: a blank or T between date and time, a fraction or
 * none, and behind it Z, UTC, an offset with or without its colon, or nothing, which means UTC,
 * too. */
static bool read_expiration(int64_t *seconds, struct str text)
{
	enum { DATE = 10, SECONDS = 19, OFFSET = 6 };
	char memory[SECONDS + OFFSET];
	struct buf b = BUF(memory);
	struct str zone = str_trim(str_skip(text, SECONDS));
	if (text.n < SECONDS || !(lower((unsigned char)text.p[DATE]) == 't' || text.p[DATE] == ' '))
		return false;
	if (str_starts(zone, S("."))) {
		zone = str_skip(zone, 1);
		while (zone.n && is_digit((unsigned char)zone.p[0]))
			zone = str_skip(zone, 1);
	}
	zone = str_trim(zone);
	buf_format(&b, "%sT%s", str_sub(text, 0, DATE), str_sub(text, DATE + 1, SECONDS));
	bool plain = !zone.n || str_eq_nocase(zone, S("z")) || str_eq_nocase(zone, S("utc")) ||
		str_eq_nocase(zone, S("gmt"));
	if (plain)
		buf_put(&b, S("Z"));
	else if (zone.n == OFFSET - 1)
		buf_format(&b, "%s:%s", str_sub(zone, 0, 3), str_skip(zone, 3));
	else
		buf_put(&b, zone);
	return !b.full && utc_from_rfc3339(seconds, buf_str(&b));
}

enum err credentials_set(struct credential_set *out, struct str id, struct str secret,
	struct str token, struct str expiration, struct str source, struct fault *f)
{
	struct buf b = BUF(out->memory);
	struct credentials *keys = &out->keys;
	int64_t seconds;
	keys->source = source;
	keys->expires_ms = INT64_MAX;
	if (!id.n || !secret.n)
		return fault_set(f, E_SYNTAX, 0,
			id.n ? "%s gave no secret access key" : "%s gave no access key id", source);
	if (!put_part(&keys->access_key_id, &b, id, CREDENTIALS_ID_MAX) ||
	    !put_part(&keys->secret_access_key, &b, secret, CREDENTIALS_SECRET_MAX) ||
	    !put_part(&keys->session_token, &b, token, CREDENTIALS_TOKEN_MAX))
		return fault_set(f, E_SYNTAX, 0,
			"%s gave keys that are too long, or have a blank, a line end or another byte in them "
			"that no key has",
			source);
	if (expiration.n && !read_expiration(&seconds, expiration))
		return fault_set(f, E_SYNTAX, 0, "%s gave an expiration that is not a time", source);
	if (expiration.n)
		keys->expires_ms = seconds * 1000;
	return OK;
}

enum err credentials_set_from_json(struct credential_set *out, struct str json,
	struct arena *scratch, struct str source, struct fault *f)
{
	enum { ID, SECRET, TOKEN, SESSION_TOKEN, EXPIRATION, NAMES };
	static const char names[NAMES][16] = {
		[ID] = "accesskeyid",
		[SECRET] = "secretaccesskey",
		[TOKEN] = "token",
		[SESSION_TOKEN] = "sessiontoken",
		[EXPIRATION] = "expiration",
	};
	struct json v;
	size_t position;
	struct str found[NAMES] = { 0 };
	if (json_check(&v, &position, json) != OK || json_type(v) != JSON_OBJECT)
		return fault_set(f, E_SYNTAX, 0, "%s did not answer with a JSON object", source);
	for (struct json_walk w = json_walk(v); json_next(&w);)
		for (size_t i = 0; i < NAMES; i++) {
			if (!str_eq_nocase(str_sub(w.key.text, 1, w.key.text.n - 1), str_c(names[i])))
				continue;
			enum json_type type = json_type(w.value);
			if (i == EXPIRATION && type != JSON_STRING && type != JSON_NULL)
				return fault_set(f, E_SYNTAX, 0,
					"%s gave an expiration that is not a text such as 2030-01-31T12:00:00Z",
					source);
			if (type == JSON_STRING && json_string(&found[i], w.value, scratch) != OK)
				return fault_set(f, E_LIMIT, 0, "%s gave keys that are too long", source);
		}
	if (!found[ID].n) { /* EC2 says why with status 200 */
		char name[REFUSAL_NAME_MAX];
		refusal_read(name, f, 200, NULL, json, S(""));
		return fault_set(f, E_SYNTAX, 0, "%s gave no access key id: %s", source, fault_text(f));
	}
	struct str token = found[TOKEN].n ? found[TOKEN] : found[SESSION_TOKEN];
	return credentials_set(out, found[ID], found[SECRET], token, found[EXPIRATION], source, f);
}

void credentials_wipe(struct credential_set *set)
{
	ct_wipe(set->memory, sizeof(set->memory));
	set->keys = (struct credentials){ 0 };
}
