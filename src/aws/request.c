#include "aws/request.h"

#include "base/clock.h"
#include "base/version.h"
#include "codec/form.h"
#include "crypto/ct.h"
#include "crypto/seed.h"
#include "crypto/sha256.h"
#include "net/proxy.h"

_Static_assert((int)CREDENTIALS_SECRET_MAX <= (int)SIGV4_SECRET_MAX, "every secret fits");

enum {
	TRACE_ID_MAX = 1024, /* one of AWS's own has about 100 bytes; anything beyond this is none */
	PAUSE_MIN_MS = 50,
	PAUSE_MAX_MS = 200,
};

static const struct sigv4_key *signing_key(struct aws_key_cache *cache, const struct credentials *keys,
                                           const struct sigv4_scope *scope)
{
	char memory[sizeof(cache->derived_from)];
	struct buf from = BUF(memory);
	buf_format(&from, "%s/%s/%s/%s", keys->access_key_id, (struct str){ scope->date_time, 8 }, scope->region, scope->service);
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

enum err aws_request_head(struct buf *out, const struct aws_request *r, const struct proxy_server *via, int64_t wall_seconds,
                          struct fault *f)
{
	struct sigv4_scope scope = sigv4_scope(wall_seconds, r->region, r->service);
	struct sigv4_header fields[SIGV4_HEADERS_MAX] = {
		{ S("host"), r->endpoint->authority },
		{ S("x-amz-date"), { scope.date_time, 16 } },
	};
	size_t count = 2;
	if (r->keys && r->keys->session_token.n)
		fields[count++] = (struct sigv4_header){ S("x-amz-security-token"), r->keys->session_token };
	check(r->fields_count <= AWS_REQUEST_FIELDS_MAX);
	for (size_t i = 0; i < r->fields_count; i++)
		fields[count++] = r->fields[i];

	buf_put(out, S("POST "));
	if (via)
		buf_format(out, "http://%s", r->endpoint->authority);
	size_t path = out->n;
	buf_format(out, "%s%s", r->endpoint->base_path, r->path);
	struct sigv4_request to_sign = {
		.method = S("POST"),
		.path = str_skip(buf_str(out), path),
		.query = r->query,
		.headers = fields,
		.headers_count = count,
	};
	buf_format(out, "%s%s HTTP/1.1\r\n", r->query.n ? S("?") : S(""), r->query);
	proxy_put_field(out, via);
	for (size_t i = 0; i < count; i++) {
		check(http_value_ok(fields[i].value));
		buf_format(out, "%s: %s\r\n", fields[i].name, fields[i].value);
	}
	buf_format(out, "content-length: %d\r\nuser-agent: slack-lambda-gateway/" VERSION "\r\n", NUM(r->payload.n));
	if (r->trace_id.n && r->trace_id.n <= TRACE_ID_MAX) {
		buf_put(out, S("x-amzn-trace-id: "));
		put_trace_id(out, r->trace_id);
		buf_put(out, S("\r\n"));
	}
	enum err e = OK;
	struct sigv4_signer own;
	const struct sigv4_signer *signer = r->signer;
	if (r->keys) {
		own = sigv4_signer(r->keys->access_key_id, signing_key(r->key_cache, r->keys, &scope));
		signer = &own;
	}
	if (signer) {
		sha256(to_sign.payload_hash, r->payload);
		buf_put(out, S("authorization: "));
		e = sigv4_sign(out, signer, &scope, &to_sign);
		buf_put(out, S("\r\n"));
	}
	buf_put(out, S("\r\n"));
	return e == OK && !out->full ? OK : fault_set(f, E_LIMIT, 0, "the request's head is too large");
}

enum err aws_request_connect(struct aws_exchange *x, const struct aws_request *r, struct deadline *d, struct fault *f)
{
	struct dial_target to = {
		.host = r->endpoint->host,
		.port = r->endpoint->port,
		.secure = r->endpoint->secure,
		.trust = r->client->trust,
		.resolver = r->client->resolver,
		.proxy = r->direct ? NULL : r->client->proxy,
	};
	*x = (struct aws_exchange){ .connection = http_pool_take(r->client->pool, &to, r->fresh) };
	if (!x->connection)
		return fault_set(f, E_LIMIT, 0, "every connection is in use");
	x->reused = x->connection->stream.fd >= 0;
	return x->reused ? OK : dial(&x->connection->stream, &to, d, f);
}

enum err aws_request_send(struct aws_exchange *x, const struct aws_request *r, struct buf *body,
                          struct deadline *d, struct fault *f)
{
	char memory[AWS_REQUEST_HEAD_MAX];
	struct buf head = BUF(memory);
	enum err e = aws_request_connect(x, r, d, f);
	if (e == OK)
		e = aws_request_head(&head, r, x->connection->stream.via, (clock_wall_ms() + r->skew_ms) / 1000, f);
	if (e == OK) {
		struct str parts[] = { buf_str(&head), r->payload };
		struct http_request request = { .parts = parts, .count = countof(parts), .rest_ms = r->rest_ms };
		e = http_exchange(x->connection, &x->response, &x->progress, &request, body, d, f);
	}
	ct_wipe(memory, head.n);
	return e;
}

enum aws_next aws_request_next(const struct aws_exchange *x, enum err e)
{
	if (x->reused && !x->progress.answered && e != E_TIMEOUT)
		return AWS_AGAIN_AT_ONCE;
	return e == E_NAME || e == E_CONNECT || e == E_TLS || e == E_CLOSED || e == E_SYSTEM ? AWS_AGAIN_LATER : AWS_SETTLED;
}

bool aws_request_pause(enum aws_next next, int64_t wish_ms, struct deadline *d)
{
	int64_t ms = next == AWS_AGAIN_LATER ? PAUSE_MIN_MS + seed_below(PAUSE_MAX_MS - PAUSE_MIN_MS + 1) : 0;
	int64_t left = d->hard - clock_mono_ms();
	if (wish_ms > ms && wish_ms < left)
		ms = wish_ms;
	return ms < left && deadline_sleep(d, ms);
}

void aws_request_end(const struct aws_request *r, struct aws_exchange *x)
{
	if (x->connection)
		http_pool_give(r->client->pool, x->connection);
	x->connection = NULL;
}
