#include "aws/sigv4.h"

#include "base/clock.h"
#include "codec/form.h"
#include "codec/hex.h"
#include "crypto/ct.h"
#include "crypto/hmac.h"

#include <string.h>

struct sigv4_scope sigv4_scope(int64_t wall_seconds, struct str region, struct str service)
{
	struct sigv4_scope scope = { .region = region, .service = service };
	struct buf b = BUF(scope.date_time);
	utc_put(&b, wall_seconds, UTC_BASIC);
	check(b.n == 16);
	return scope;
}

static struct str scope_date(const struct sigv4_scope *scope)
{
	return (struct str){ scope->date_time, 8 };
}

static void put_scope(struct buf *out, const struct sigv4_scope *scope)
{
	buf_format(out, "%s/%s/%s/aws4_request", scope_date(scope), scope->region, scope->service);
}

static struct str digest_str(const uint8_t *digest)
{
	return (struct str){ (const char *)digest, SHA256_SIZE };
}

void sigv4_key(struct sigv4_key *key, struct str secret_access_key, const struct sigv4_scope *scope)
{
	char memory[4 + SIGV4_SECRET_MAX];
	struct buf secret = BUF(memory);
	buf_format(&secret, "AWS4%s", secret_access_key);
	check(!secret.full);
	hmac_sha256(key->bytes, buf_str(&secret), scope_date(scope));
	ct_wipe(memory, sizeof(memory));

	struct str steps[] = { scope->region, scope->service, S("aws4_request") };
	for (size_t i = 0; i < countof(steps); i++)
		hmac_sha256(key->bytes, digest_str(key->bytes), steps[i]);
}

/* Negative, 0 or positive as `a` sorts before, with or behind `b`, by bytes. */
static int order(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int first = n ? memcmp(a.p, b.p, n) : 0;
	return first ? first : (a.n > b.n) - (a.n < b.n);
}

/* Sorts by name. Of pairs with the same name, those of a query go by value, while headers keep
 * their order. */
static void sort(struct http_field *pairs, size_t count, bool by_value)
{
	for (size_t i = 1; i < count; i++) {
		struct http_field pair = pairs[i];
		size_t at = i;
		for (; at > 0; at--) {
			int before = order(pairs[at - 1].name, pair.name);
			if (before == 0 && by_value)
				before = order(pairs[at - 1].value, pair.value);
			if (before <= 0)
				break;
			pairs[at] = pairs[at - 1];
		}
		pairs[at] = pair;
	}
}

/* Dot segments and empty ones are resolved, and what is left is encoded, although it is already. */
static void put_path(struct buf *out, struct str path)
{
	size_t start = out->n;
	bool slash_at_end = str_ends(path, S("/"));
	struct str segment;
	while (path.n) {
		str_next(&segment, &path, '/');
		if (str_eq(segment, S(".."))) {
			while (out->n > start && out->p[--out->n] != '/')
				;
		} else if (segment.n && !str_eq(segment, S("."))) {
			buf_put_char(out, '/');
			percent_encode(out, segment, false);
		}
	}
	if (slash_at_end || out->n == start)
		buf_put_char(out, '/');
}

static void put_query(struct buf *out, struct str query)
{
	struct http_field pairs[SIGV4_QUERY_MAX];
	size_t count = 0;
	while (query.n) {
		struct str pair;
		str_next(&pair, &query, '&');
		if (pair.n == 0)
			continue;
		if (count == SIGV4_QUERY_MAX) {
			out->full = true;
			return;
		}
		str_cut(&pairs[count].name, &pairs[count].value, pair, '=');
		count++;
	}
	sort(pairs, count, true);
	for (size_t i = 0; i < count; i++)
		buf_format(out, "%s%s=%s", i ? S("&") : S(""), pairs[i].name, pairs[i].value);
}

/* Without blanks around it, every run of blanks inside made one space. */
static void put_value(struct buf *out, struct str value)
{
	for (value = str_trim(value); value.n;) {
		struct str run = str_sub(value, 0, str_find(value, ' '));
		run = str_sub(run, 0, str_find(run, '\t'));
		buf_put(out, run);
		value = str_trim(str_skip(value, run.n));
		if (value.n)
			buf_put_char(out, ' ');
	}
}

struct headers {
	size_t count;
	struct http_field list[SIGV4_HEADERS_MAX];
};

static struct headers headers_sorted(const struct sigv4_request *req)
{
	struct headers h = { .count = req->headers_count };
	check(h.count <= SIGV4_HEADERS_MAX);
	memcpy(h.list, req->headers, h.count * sizeof(h.list[0]));
	sort(h.list, h.count, false);
	return h;
}

/* Whether the header at `i` has the name of the one before it. */
static bool repeats(const struct headers *h, size_t i)
{
	return i > 0 && str_eq(h->list[i].name, h->list[i - 1].name);
}

static void put_names(struct buf *out, const struct headers *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (!repeats(h, i))
			buf_format(out, "%s%s", i ? S(";") : S(""), h->list[i].name);
}

void sigv4_canonical(struct buf *out, const struct sigv4_request *req)
{
	struct headers h = headers_sorted(req);
	buf_format(out, "%s\n", req->method);
	put_path(out, req->path);
	buf_put_char(out, '\n');
	put_query(out, req->query);
	for (size_t i = 0; i < h.count; i++) {
		if (repeats(&h, i))
			buf_put_char(out, ',');
		else
			buf_format(out, "\n%s:", h.list[i].name);
		put_value(out, h.list[i].value);
	}
	buf_put(out, S("\n\n"));
	put_names(out, &h);
	buf_put_char(out, '\n');
	hex_put(out, req->payload_hash, sizeof(req->payload_hash));
}

void sigv4_string_to_sign(
	struct buf *out, struct str algorithm, const struct sigv4_scope *scope, struct str canonical)
{
	uint8_t hash[SHA256_SIZE];
	sha256(hash, canonical);
	buf_format(out, "%s\n%s\n", algorithm, (struct str){ scope->date_time, 16 });
	put_scope(out, scope);
	buf_put_char(out, '\n');
	hex_put(out, hash, sizeof(hash));
}

static size_t sign_with_hmac(
	const void *key, uint8_t out[static SIGV4_SIGNATURE_MAX], struct str string_to_sign)
{
	hmac_sha256(out, digest_str(key), string_to_sign);
	return SHA256_SIZE;
}

struct sigv4_signer sigv4_signer(struct str access_key_id, const struct sigv4_key *key)
{
	return (struct sigv4_signer){ S(SIGV4_ALGORITHM), access_key_id, sign_with_hmac, key->bytes };
}

void sigv4_authorization(struct buf *out, const struct sigv4_signer *signer,
	const struct sigv4_scope *scope, const struct sigv4_request *req, struct str string_to_sign)
{
	struct headers h = headers_sorted(req);
	uint8_t signature[SIGV4_SIGNATURE_MAX];
	size_t n = signer->sign(signer->key, signature, string_to_sign);
	check(n > 0);
	buf_format(out, "%s Credential=%s/", signer->algorithm, signer->id);
	put_scope(out, scope);
	buf_put(out, S(", SignedHeaders="));
	put_names(out, &h);
	buf_put(out, S(", Signature="));
	hex_put(out, signature, n);
}

enum err sigv4_sign(struct buf *out, const struct sigv4_signer *signer,
	const struct sigv4_scope *scope, const struct sigv4_request *req)
{
	char memory[SIGV4_CANONICAL_MAX], to_sign_memory[256];
	struct buf canonical = BUF(memory), to_sign = BUF(to_sign_memory);
	sigv4_canonical(&canonical, req);
	sigv4_string_to_sign(&to_sign, signer->algorithm, scope, buf_str(&canonical));
	bool fits = !canonical.full && !to_sign.full;
	if (fits)
		sigv4_authorization(out, signer, scope, req, buf_str(&to_sign));
	ct_wipe(memory, canonical.n); /* it holds the session token */
	return fits && !out->full ? OK : E_LIMIT;
}
