#include "net/tls_server.h"

#include "base/clock.h"
#include "crypto/ct.h"
#include "crypto/sha256_class.h"
#include "net/tls_profile.h"

#include <string.h>

enum {
	SESSION_MS = 3600 * 1000,
	/* Alerts and empty records cost work and bring nothing, tiny ones little. This is longer than
	 * the client's part of a handshake, than a record, and than a thousand records of one byte. */
	FRUITLESS_MAX = 2 * BR_SSL_BUFSIZE_INPUT,
	MOVES_AT_ONCE = 8, /* a record takes two: its head, and the rest */
	ALERT_SENT = 512,
	ALERT_RECEIVED = 256,
};

/* ---- sessions ---- */

/* A session has its place by its id, which is random and was chosen here; a newer one there takes
 * it over. */
static struct tls_session *place_of(struct tls_sessions *s, const unsigned char *id)
{
	return &s->list[(id[0] << 8 | id[1]) % TLS_SESSIONS];
}

static void save_session(const br_ssl_session_cache_class **cache, br_ssl_server_context *server,
                         const br_ssl_session_parameters *p)
{
	struct tls_sessions *s = (struct tls_sessions *)(void *)cache;
	(void)server;
	lock_take(&s->lock);
	*place_of(s, p->session_id) = (struct tls_session){ clock_mono_ms() + SESSION_MS, *p };
	lock_give(&s->lock);
}

static int load_session(const br_ssl_session_cache_class **cache, br_ssl_server_context *server,
	br_ssl_session_parameters *p)
{
	struct tls_sessions *s = (struct tls_sessions *)(void *)cache;
	(void)server;
	lock_take(&s->lock);
	const struct tls_session *kept = place_of(s, p->session_id);
	bool found = clock_mono_ms() < kept->until &&
		memcmp(kept->parameters.session_id, p->session_id, sizeof(p->session_id)) == 0;
	if (found)
		*p = kept->parameters;
	lock_give(&s->lock);
	return found;
}

static const br_ssl_session_cache_class cache_class = { sizeof(struct tls_sessions), save_session,
	load_session };

/* ---- the identity ---- */

/* In the order of preference, for SHA-256 is as strong as the rest of the suites, and of their ids.
 */
static const br_hash_class *const hashes[] = { &sha256_class, &br_sha384_vtable,
	&br_sha512_vtable };
_Static_assert(
	br_sha384_ID == br_sha256_ID + 1 && br_sha512_ID == br_sha256_ID + 2, "ids follow each other");

static struct tls_identity *self(const br_ssl_server_policy_class **policy)
{
	return (struct tls_identity *)(void *)policy;
}

/* The first suite of the client's that the key is good for. */
static int choose(const br_ssl_server_policy_class **policy, const br_ssl_server_context *server,
	br_ssl_server_choices *out)
{
	const struct tls_identity *id = self(policy);
	bool is_ec = id->identity.key.type == BR_KEYTYPE_EC;
	uint32_t known = br_ssl_server_get_client_hashes(server) >> (is_ec ? 8 : 0);
	unsigned hash = br_sha256_ID;
	size_t count, i = 0;
	const br_suite_translated *suites = br_ssl_server_get_client_suites(server, &count);
	while (
		i < count && suites[i][1] >> 12 != (is_ec ? BR_SSLKEYX_ECDHE_ECDSA : BR_SSLKEYX_ECDHE_RSA))
		i++;
	while (hash <= br_sha512_ID && !(known >> hash & 1))
		hash++;
	if (i == count || hash > br_sha512_ID)
		return 0;
	*out = (br_ssl_server_choices){ suites[i][0], 0xff00 + hash, id->identity.chain,
		id->identity.chain_n };
	return 1;
}

/* There are no suites without ECDHE. */
static uint32_t exchange_no_key(
	const br_ssl_server_policy_class **policy, unsigned char *data, size_t *n)
{
	(void)policy, (void)data, (void)n;
	return 0;
}

static size_t sign(const br_ssl_server_policy_class **policy, unsigned algorithm,
	unsigned char *data, size_t n, size_t cap)
{
	unsigned char value[64];
	unsigned hash = (algorithm & 0xff) - br_sha256_ID;
	check(n <= sizeof(value) && cap >= PKEY_SIGNATURE_MAX && hash < countof(hashes));
	memcpy(value, data, n);
	return pkey_sign(&self(policy)->identity.key, data, hashes[hash], value);
}

static const br_ssl_server_policy_class policy_class = { sizeof(struct tls_identity), choose,
	exchange_no_key, sign };

enum err tls_identity_from_pem(
	struct tls_identity *id, struct str chain, struct str key, struct arena *arena, struct fault *f)
{
	enum err e = identity_from_pem(&id->identity, chain, key, arena, f);
	if (e != OK)
		return e;
	id->policy = &policy_class;
	id->sessions.cache = &cache_class;
	id->sessions.lock = (struct lock){ 0 };
	return OK;
}

bool tls_identity_has_expired(const struct tls_identity *id, int64_t now_ms)
{
	return now_ms / 1000 > id->identity.own.not_after;
}

/* ---- the connection ---- */

void tls_server_start(struct tls_server *t, struct tls_identity *id)
{
	br_ssl_engine_context *engine = &t->server.eng;
	br_ssl_server_zero(&t->server);
	t->pump = tls_pump_init(engine, NULL);
	t->ready = false;
	t->first = 0;
	t->fruitless = 0;
	tls_profile_set(engine);
	br_ssl_engine_add_flags(engine, BR_OPT_FAIL_ON_ALPN_MISMATCH);
	br_ssl_server_set_policy(&t->server, &id->policy);
	br_ssl_server_set_cache(&t->server, &id->sessions.cache);
	br_ssl_engine_set_buffers_bidi(engine, t->in, sizeof(t->in), t->out, sizeof(t->out));
	check(br_ssl_server_reset(&t->server));
	/* Until a version is agreed on it would be 0, and an alert about one that is too old
	 * invalid. */
	engine->version_out = BR_TLS12;
}

static struct str sentence(int code)
{
	switch (code) {
	case BR_ERR_UNSUPPORTED_VERSION:
		return S("what the client sent is not TLS");
	case BR_ERR_TOO_LARGE:
		return S("the client sends records with hardly any data");
	case ALERT_SENT + 70:
	case ALERT_SENT + 86:
		return S("the client does not speak TLS 1.2");
	case ALERT_SENT + 40:
		return S("the client knows none of the algorithms: TLS 1.2 with ECDHE and AES-GCM or "
				 "ChaCha20 is needed");
	case ALERT_SENT + 47:
		return S("the client sent a key share that cannot be used");
	case ALERT_SENT + 120:
		return S("the client wants a protocol other than http/1.1 (ALPN)");
	default:
		return code > ALERT_RECEIVED && code < ALERT_SENT ? S("the client ended it with an alert")
		                                                  : S("the client broke the protocol");
	}
}

static enum err fail(const struct tls_server *t, int code, struct fault *f)
{
	if (tls_server_hears_http(t))
		return fault_set(f, E_TLS, 0, "the client speaks plain HTTP to the HTTPS port");
	return fault_set(f, E_TLS, 0, "%s (BearSSL error %d)", sentence(code), NUM(code));
}

/* Looks at what one step of the pump has brought. */
static enum err take_stock(struct tls_server *t, size_t received, struct fault *f)
{
	unsigned state = br_ssl_engine_current_state(t->pump.engine);
	size_t got = t->pump.received - received, data = 0;
	t->ready = t->ready || (state & BR_SSL_SENDAPP);
	if (received == 0 && got > 0)
		t->first = t->in[0];
	t->fruitless += got;
	if (got && br_ssl_engine_recvapp_buf(t->pump.engine, &data))
		t->fruitless -= 2 * data < t->fruitless ? 2 * data : t->fruitless;
	return t->fruitless <= FRUITLESS_MAX ? OK : fail(t, BR_ERR_TOO_LARGE, f);
}

enum err tls_server_pump(
	struct tls_server *t, int fd, bool *readable, bool *writable, struct fault *f)
{
	enum err e;
	int moves = 0;
	if (t->pump.mute)
		return fault_set(f, E_CLOSED, 0, "the client closed the connection");
	t->pump.readable = *readable;
	t->pump.writable = *writable;
	do {
		size_t received = t->pump.received;
		e = tls_move(&t->pump, fd, f);
		if (e == OK)
			e = take_stock(t, received, f);
	} while (e == OK && (!t->ready || ++moves < MOVES_AT_ONCE));
	*readable = t->pump.readable;
	*writable = t->pump.writable;
	if (e == OK)
		return E_MORE;
	if (e != E_MORE || !tls_has_ended(&t->pump))
		return e == E_MORE ? OK : e;
	int code = br_ssl_engine_last_error(t->pump.engine);
	return code ? fail(t, code, f) : fault_set(f, E_CLOSED, 0, "the client closed the connection");
}

size_t tls_server_read(struct tls_server *t, char *p, size_t cap)
{
	return tls_take(&t->pump, p, cap);
}

size_t tls_server_write(struct tls_server *t, struct str data)
{
	size_t taken = 0;
	t->fruitless = 0;
	for (size_t n; taken < data.n && (n = tls_give(&t->pump, str_skip(data, taken))) > 0;)
		taken += n;
	if (taken == data.n)
		br_ssl_engine_flush(t->pump.engine, 0);
	return taken;
}

bool tls_server_is_pending(const struct tls_server *t)
{
	return tls_pending(&t->pump) > 0;
}

void tls_server_end(struct tls_server *t, int fd)
{
	if (t->ready)
		tls_send_close(&t->pump, fd);
	ct_wipe(&t->server, sizeof(t->server));
	t->pump = (struct tls_pump){ 0 };
	t->ready = false;
	t->first = 0;
}
