#include "aws/roles_anywhere.h"

#include "aws/call.h"
#include "aws/credential_sources.h"
#include "aws/names.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json_read.h"
#include "crypto/sha256.h"
#include "crypto/sha256_class.h"

#include <string.h>

#define SOURCE S("IAM Roles Anywhere")

enum { CERT, KEY, TRUST_ANCHOR, PROFILE, ROLE, SETTINGS };

static const char variables[SETTINGS][40] = {
	[CERT] = "GATEWAY_ROLESANYWHERE_CERT",
	[KEY] = "GATEWAY_ROLESANYWHERE_KEY",
	[TRUST_ANCHOR] = "GATEWAY_ROLESANYWHERE_TRUST_ANCHOR_ARN",
	[PROFILE] = "GATEWAY_ROLESANYWHERE_PROFILE_ARN",
	[ROLE] = "GATEWAY_ROLESANYWHERE_ROLE_ARN",
};

/* All of them or none. */
static enum err read_settings(
	struct str settings[static SETTINGS], const struct environment *env, struct fault *f)
{
	size_t count = 0, missing = 0;
	for (size_t i = 0; i < SETTINGS; i++) {
		settings[i] = environment_get(env, variables[i]);
		count += settings[i].n > 0;
		if (!settings[i].n)
			missing = i;
	}
	if (count == 0)
		return E_MORE;
	return count == SETTINGS
		? OK
		: fault_set(f, E_CONFIG, 0, "%s is not set", str_c(variables[missing]));
}

static enum err read_pem(struct str *out, struct credential_chain *c, const struct str *settings,
	size_t i, struct fault *f)
{
	struct buf b = arena_buf(&c->scratch, CREDENTIALS_PEM_MAX);
	enum err e = c->host->read_file(c->host->ctx, &b, settings[i], f);
	*out = buf_str(&b);
	return e == OK ? OK : fault_lead(f, e, str_c(variables[i]));
}

static enum err read_identity(
	struct identity *out, struct credential_chain *c, const struct str *settings, struct fault *f)
{
	struct str chain, key;
	enum err e = read_pem(&chain, c, settings, CERT, f);
	if (e == OK)
		e = read_pem(&key, c, settings, KEY, f);
	if (e == OK && (e = identity_from_pem(out, chain, key, &c->scratch, f)) != OK)
		fault_lead(
			f, e, S("GATEWAY_ROLESANYWHERE_CERT and GATEWAY_ROLESANYWHERE_KEY cannot be used"));
	return e;
}

static size_t sign(
	const void *key, uint8_t out[static SIGV4_SIGNATURE_MAX], struct str string_to_sign)
{
	_Static_assert((int)PKEY_SIGNATURE_MAX <= (int)SIGV4_SIGNATURE_MAX, "every signature fits");
	uint8_t hash[SHA256_SIZE];
	sha256(hash, string_to_sign);
	return pkey_sign(key, out, &sha256_class, hash);
}

enum err roles_anywhere_signer(struct sigv4_signer *out,
	char serial[static ROLES_ANYWHERE_SERIAL_MAX], const struct identity *id, struct fault *f)
{
	unsigned char number[21]; /* one more for a sign */
	struct str der = id->own.serial;
	if (!der.n || der.n > sizeof(number) ||
		(unsigned char)der.p[0] >= (der.n == sizeof(number) ? 1 : 0x80))
		return fault_set(f, E_CONFIG, 0,
			"the serial number of the certificate is negative, or longer than 20 bytes");
	memcpy(number, der.p, der.n);
	size_t at = ROLES_ANYWHERE_SERIAL_MAX;
	for (bool more = true; more;) {
		unsigned rest = 0;
		more = false;
		for (size_t i = 0; i < der.n; i++) {
			rest = rest << 8 | number[i];
			number[i] = (unsigned char)(rest / 10);
			rest %= 10;
			more |= number[i] > 0;
		}
		serial[--at] = (char)('0' + rest);
	}
	*out = (struct sigv4_signer){
		.algorithm =
			id->key.type == BR_KEYTYPE_EC ? S("AWS4-X509-ECDSA-SHA256") : S("AWS4-X509-RSA-SHA256"),
		.id = { serial + at, ROLES_ANYWHERE_SERIAL_MAX - at },
		.sign = sign,
		.key = &id->key,
	};
	return OK;
}

/* Certificates [from, to) as the service wants them. */
static struct str encoded(const struct identity *id, size_t from, size_t to, struct arena *arena)
{
	struct buf b = arena_rest(arena);
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_put_char(&b, ',');
		base64_encode(&b, (struct str){ (const char *)id->chain[i].data, id->chain[i].data_len });
	}
	return arena_keep(arena, &b);
}

static enum err read_answer(
	struct credential_set *out, struct str body, struct arena *arena, struct fault *f)
{
	struct json v;
	size_t position;
	if (json_check(&v, &position, body) != OK)
		return fault_set(f, E_SYNTAX, 0, "%s did not answer with JSON", SOURCE);
	struct json_walk sets = json_walk(json_member(v, S("credentialSet")));
	if (!json_next(&sets))
		return fault_set(f, E_SYNTAX, 0, "%s gave no credentials", SOURCE);
	return credentials_set_from_json(
		out, json_member(sets.value, S("credentials")).text, arena, SOURCE, f);
}

static enum err open_session(struct aws_answer *answer, struct credential_chain *c,
	const struct str *settings, const struct identity *id, struct deadline *d, struct fault *f)
{
	char serial[ROLES_ANYWHERE_SERIAL_MAX];
	struct sigv4_signer signer;
	enum err e = roles_anywhere_signer(&signer, serial, id, f);
	const struct http_field fields[] = {
		{ S("content-type"), S("application/json") },
		{ S("x-amz-x509"), encoded(id, 0, 1, &c->scratch) },
		{ S("x-amz-x509-chain"), encoded(id, 1, id->chain_n, &c->scratch) },
	};
	struct str region = aws_arn_region(settings[TRUST_ANCHOR]);
	if (e == OK && !aws_region_ok(region))
		e = fault_set(f, E_CONFIG, 0, "%s is not the ARN of a trust anchor: it has no region",
			str_c(variables[TRUST_ANCHOR]));
	if (e != OK)
		return e;
	struct buf query = arena_rest(&c->scratch);
	/* In the order in which they are signed. */
	form_put(&query, S("profileArn"), settings[PROFILE]);
	form_put(&query, S("roleArn"), settings[ROLE]);
	form_put(&query, S("trustAnchorArn"), settings[TRUST_ANCHOR]);
	return aws_call(answer, c->aws, &(struct aws_call){
		.service = AWS_ROLES_ANYWHERE,
		.post = {
			.signer = &signer, .region = region, .path = S("/sessions"),
			.query = arena_keep(&c->scratch, &query),
			.fields = fields, .fields_count = id->chain_n > 1 ? 3 : 2, .payload = S("{}"),
		},
	}, &c->scratch, d, f);
}

enum err roles_anywhere_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	struct str settings[SETTINGS];
	struct identity id = { .chain_n = 0 };
	struct aws_answer answer;
	enum err e = read_settings(settings, &c->env, f);
	if (e == E_MORE)
		return e;
	if (e == OK)
		e = read_identity(&id, c, settings, f);
	if (e == OK)
		e = open_session(&answer, c, settings, &id, d, f);
	if (e != OK)
		return fault_lead(f, e, SOURCE);
	return read_answer(out, answer.body, &c->scratch, f);
}
