#include "aws/post.h"

#include "base/clock.h"
#include "codec/form.h"
#include "crypto/ct.h"
#include "crypto/sha256.h"

#include <stdatomic.h>

enum { PATH_LEN_MAX = ENDPOINT_URL_MAX + 2048 }; /* behind an override's base path */

_Static_assert((int)CREDENTIALS_SECRET_MAX <= (int)SIGV4_SECRET_MAX, "every secret fits");

static const struct sigv4_key *signing_key(
	struct aws_key_cache *cache, const struct credentials *keys, const struct sigv4_scope *scope)
{
	char memory[sizeof(cache->derived_from)];
	struct buf from = BUF(memory);
	buf_format(&from, "%d/%s/%s/%s", NUM(keys->serial), (struct str){ scope->date_time, 8 },
		scope->region, scope->service);
	check(!from.full);
	if (!str_eq(buf_str(&from), (struct str){ cache->derived_from, cache->n })) {
		sigv4_key(&cache->key, keys->secret_access_key, scope);
		struct buf b = BUF(cache->derived_from);
		buf_put(&b, buf_str(&from));
		cache->n = b.n;
	}
	return &cache->key;
}

/* As the SDKs write it: percent-encoded except for what has a meaning in it. */
static void put_trace_id(struct buf *out, struct str id)
{
	struct str plain = S("-_.~=;:+&[]{}\"',");
	for (size_t i = 0; i < id.n; i++) {
		if (is_alnum((unsigned char)id.p[i]) || str_find(plain, id.p[i]) < plain.n)
			buf_put_char(out, id.p[i]);
		else
			percent_encode(out, str_sub(id, i, i + 1), false);
	}
}

/* The fields of a request in the order in which they go on the wire, those that are signed first.
 */
struct field_list {
	struct http_field *list;
	size_t count;
};

static void add_field(struct field_list *l, struct str name, struct str value)
{
	l->list[l->count++] = (struct http_field){ name, value };
}

/* Keeps a copy of `value`, for what it is a view into may be gone before the request is sent. */
static struct str keep(struct buf *memory, struct str value)
{
	size_t start = memory->n;
	buf_put(memory, value);
	return str_skip(buf_str(memory), start);
}

static void add_signed_fields(struct field_list *l, struct buf *memory, const struct aws_post *p,
	const struct credentials *keys, const struct sigv4_scope *scope)
{
	check(p->fields_count <= AWS_POST_FIELDS_MAX);
	add_field(l, S("host"), p->endpoint->authority);
	add_field(l, S("x-amz-date"), keep(memory, (struct str){ scope->date_time, 16 }));
	if (keys && keys->session_token.n)
		add_field(l, S("x-amz-security-token"), keep(memory, keys->session_token));
	for (size_t i = 0; i < p->fields_count; i++)
		add_field(l, p->fields[i].name, p->fields[i].value);
}

static void add_trace_id(struct field_list *l, struct buf *memory, struct str id)
{
	size_t start = memory->n;
	if (!id.n || id.n > AWS_TRACE_ID_MAX)
		return;
	put_trace_id(memory, id);
	add_field(l, S("x-amzn-trace-id"), str_skip(buf_str(memory), start));
}

/* Appends the Authorization field, whose value covers all that is in `l` so far. */
static enum err add_authorization(struct field_list *l, struct buf *memory,
	const struct aws_post *p, const struct credentials *keys, const struct sigv4_scope *scope)
{
	struct sigv4_signer own;
	const struct sigv4_signer *signer = p->signer;
	if (keys) {
		own = sigv4_signer(keys->access_key_id, signing_key(p->key_cache, keys, scope));
		signer = &own;
	}
	if (!signer)
		return OK;
	char path_memory[PATH_LEN_MAX];
	struct buf path = BUF(path_memory);
	if (p->endpoint->base_path.n)
		buf_format(&path, "%s%s", p->endpoint->base_path, p->path);
	struct sigv4_request to_sign = {
		.method = S("POST"), .path = path.n ? buf_str(&path) : p->path, .query = p->query,
		.headers = l->list, .headers_count = l->count,
	};
	sha256(to_sign.payload_hash, p->payload);
	size_t start = memory->n;
	enum err e = path.full ? E_LIMIT : sigv4_sign(memory, signer, scope, &to_sign);
	add_field(l, S("authorization"), str_skip(buf_str(memory), start));
	return e;
}

enum err aws_post_sign_with(struct aws_signed *out, const struct aws_post *p,
	const struct credentials *keys, int64_t wall_seconds, struct fault *f)
{
	struct sigv4_scope scope = sigv4_scope(wall_seconds, p->region, p->service);
	struct field_list l = { out->fields, 0 };
	struct buf memory = BUF(out->memory);
	add_signed_fields(&l, &memory, p, keys, &scope);
	enum err e = add_authorization(&l, &memory, p, keys, &scope);
	add_trace_id(&l, &memory, p->trace_id);
	out->n = memory.n;
	out->request = (struct http_request){
		.method = S("POST"),
		.authority = p->endpoint->authority,
		.base_path = p->endpoint->base_path,
		.path = p->path,
		.query = p->query,
		.fields = out->fields + 1,
		.fields_count = l.count - 1, /* Host is written for everybody */
		.body = p->payload,
		.rest_ms = p->rest_ms,
	};
	return e == OK && !memory.full
		? OK
		: fault_set(f, E_LIMIT, 0, "the request is too large to be signed");
}

enum err aws_post_sign(
	struct aws_signed *out, struct aws_post *p, struct deadline *d, struct fault *f)
{
	const struct credentials *keys = p->keys;
	out->n = 0;
	if (p->chain) {
		enum err e = credentials_hold(&keys, p->chain, d, f);
		if (e != OK)
			return e;
		p->serial = keys->serial;
	}
	p->skew_ms = atomic_load(&p->aws->skew_ms);
	enum err e = aws_post_sign_with(out, p, keys, (clock_wall_ms() + p->skew_ms) / 1000, f);
	if (p->chain)
		credentials_release(p->chain, keys);
	return e;
}

void aws_signed_wipe(struct aws_signed *s)
{
	ct_wipe(s->memory, s->n);
	s->n = 0;
}

enum err aws_post_connect(struct http_attempt *a, const struct aws_post *p, bool fresh,
	struct deadline *d, struct fault *f)
{
	const struct dial_target to = {
		.host = p->endpoint->host,
		.port = p->endpoint->port,
		.secure = p->endpoint->secure,
		.trust = p->aws->trust,
		.resolver = p->aws->resolver,
		.proxy = p->aws->proxy,
		.rsa_first = true,
	};
	return http_attempt_begin(a, p->aws->pool, &to, fresh, d, f);
}

enum err aws_post_send(struct http_attempt *a, const struct aws_post *p, const struct aws_signed *s,
	bool fresh, struct buf *body, struct deadline *d, struct fault *f)
{
	enum err e = aws_post_connect(a, p, fresh, d, f);
	return e == OK ? http_attempt_send(a, &s->request, body, d, f) : e;
}

void aws_post_end(const struct aws_post *p, struct http_attempt *a)
{
	http_attempt_end(a, p->aws->pool);
}

bool aws_post_remedy(struct aws_post *p, enum refusal refusal, const struct http_head *head)
{
	if (!p->clock_corrected && aws_clock_correct(p->aws, p->skew_ms, refusal, head)) {
		p->clock_corrected = true;
		return true;
	}
	bool keys_blamed = refusal == REFUSAL_EXPIRED || refusal == REFUSAL_UNKNOWN_KEY ||
		refusal == REFUSAL_SIGNATURE;
	if (!keys_blamed || p->keys_renewed || !p->chain || !credentials_reject(p->chain, p->serial))
		return false;
	p->keys_renewed = true;
	return true;
}
