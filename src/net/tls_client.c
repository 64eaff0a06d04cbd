#include "net/tls_client.h"

#include "base/clock.h"
#include "crypto/ct.h"
#include "net/address.h"
#include "net/dns.h"
#include "net/tcp.h"
#include "net/tls_fault.h"
#include "net/tls_profile.h"

#include <stdatomic.h>
#include <string.h>

/* An hour: a session outlives the check of the certificate that it was made with. */
enum { SECOND_MS = 1000, SESSION_MS = 3600 * SECOND_MS };

/* ---- what is offered: of its certificates a server shows the one with ECDSA if that is offered at
 * all, in whatever order, and it costs twice as much to check ---- */

enum { KNOWN = 16, ALERT_RECORD = 7 };

/* Hosts that declined an offer of RSA alone, by their hashes; of two with one place the later. */
static atomic_uint ecdsa_hosts[KNOWN];

static unsigned host_hash(struct str host, uint16_t port)
{
	unsigned h = 2166136261u ^ port;
	for (size_t i = 0; i < host.n; i++)
		h = (h ^ lower((unsigned char)host.p[i])) * 16777619u;
	return h | 1;
}

static atomic_uint *host_place(unsigned hash)
{
	return &ecdsa_hosts[hash / 2 % KNOWN];
}

static bool is_rsa(const br_ssl_engine_context *e, unsigned suite)
{
	size_t i = 0;
	while (i < TLS_RSA_SUITES && e->suites_buf[i] != suite)
		i++;
	return i < TLS_RSA_SUITES;
}

/* Whether the handshake failed as it does where a server has no certificate for the suites: nothing
 * came but, perhaps, handshake_failure or insufficient_security. */
static bool is_declined(const struct tls_client *t)
{
	int code = br_ssl_engine_last_error(&t->client.eng);
	return t->pump.received <= ALERT_RECORD &&
		(code == BR_ERR_OK || code == BR_ERR_RECV_FATAL_ALERT + 40 ||
			code == BR_ERR_RECV_FATAL_ALERT + 71);
}

/* ---- client certificates: that a server asks for one is remembered for the message if it will not
 * do without ---- */

static void pass_over(const br_ssl_client_certificate_class **class)
{
	(void)class;
}

static void pass_over_length(const br_ssl_client_certificate_class **class, size_t n)
{
	(void)class, (void)n;
}

static void pass_over_bytes(
	const br_ssl_client_certificate_class **class, const unsigned char *p, size_t n)
{
	(void)class, (void)p, (void)n;
}

static void choose_none(const br_ssl_client_certificate_class **class,
	const br_ssl_client_context *client, uint32_t types, br_ssl_client_certificate *choices)
{
	(void)client, (void)types;
	((struct tls_refusal *)(void *)class)->asked = true;
	*choices = (br_ssl_client_certificate){ .chain = NULL };
}

/* Without a certificate nothing is signed or exchanged. */
static const br_ssl_client_certificate_class refusal_class = {
	sizeof(struct tls_refusal),
	pass_over,
	pass_over_length,
	pass_over_bytes,
	pass_over,
	pass_over,
	choose_none,
	NULL,
	NULL,
};

/* All but the verifier is as in every TLS connection of this program. */
static void set_profile(struct tls_client *t, struct tls_pump *below)
{
	br_ssl_engine_context *e = &t->client.eng;
	br_ssl_client_zero(&t->client);
	t->pump = tls_pump_init(e, below);
	tls_profile_set(e);
	br_ssl_engine_set_x509(e, &t->verifier.vtable);
	t->refusal = (struct tls_refusal){ .class = &refusal_class };
	br_ssl_client_set_client_certificate(&t->client, &t->refusal.class);
	br_ssl_engine_set_buffers_bidi(e, t->in, sizeof(t->in), t->out, sizeof(t->out));
}

/* ---- moving records ---- */

static enum err ended(const struct tls_client *t, struct fault *f)
{
	int code = br_ssl_engine_last_error(t->pump.engine);
	if (code != BR_ERR_OK)
		return tls_fault_set(f, (unsigned)code, str_c(t->host), &t->verifier, t->refusal.asked);
	return fault_set(f, E_CLOSED, 0, "the peer closed the connection");
}

/* Every call begins with a wait before it receives, and with an attempt to send. */
static void begin_session(struct tls_client *t)
{
	t->pump.readable = false;
	t->pump.writable = true;
}

/* Waits until what the engine wants is possible. It wants to receive even while it has to send, as
 * otherwise two peers that both wait for the other to read would wait for ever. */
static enum err wait_for_socket(struct tls_client *t, int fd, struct deadline *d, struct fault *f)
{
	unsigned state = br_ssl_engine_current_state(t->pump.engine);
	bool below = t->pump.below && tls_pending(t->pump.below);
	bool in = state & BR_SSL_RECVREC, out = (below || (state & BR_SSL_SENDREC)) && !t->pump.mute;
	if (!in && !out)
		return ended(t, f);
	if (in && tls_can_take_below(&t->pump)) {
		t->pump.readable = true;
		return OK;
	}
	struct pollfd p = { fd, (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0 };
	enum err e = socket_wait(&p, 1, d, f);
	t->pump.writable = p.revents & POLLOUT;
	t->pump.readable = p.revents & ~POLLOUT;
	return e;
}

/* One step: moves something, or waits until something can be moved. */
static enum err move_records(struct tls_client *t, int fd, struct deadline *d, struct fault *f)
{
	size_t sent = t->pump.sent;
	bool was_mute = t->pump.mute;
	if (tls_has_ended(&t->pump))
		return ended(t, f);
	if (deadline_left(d) == 0)
		return E_TIMEOUT;
	enum err e = tls_move(&t->pump, fd, f);
	if (e == E_MORE)
		return wait_for_socket(t, fd, d, f);
	/* What was sent takes a while to be answered. */
	if (t->pump.sent != sent)
		t->pump.readable = false;
	/* After bytes of an answer this is not a proper end: anybody in between could have cut it. */
	if (e == E_CLOSED && t->pump.mute == was_mute)
		return fault_set(f, t->pump.received != t->asked ? E_TLS : e, f->sys,
			"the peer ended the connection without a close_notify");
	return e;
}

/* ---- the handshake ---- */

/* Whether the session that is kept may be offered. */
static bool session_is_for(const struct tls_client *t, const struct tls_peer *to, struct str host)
{
	return str_eq_nocase(str_c(t->host), host) && t->port == to->port &&
		t->anchors == to->trust->anchors && clock_mono_ms() < t->session.until &&
		clock_wall_ms() / SECOND_MS <= t->session.not_after;
}

static void forget_session(struct tls_client *t)
{
	ct_wipe(&t->session, sizeof(t->session));
}

static void keep_session(struct tls_client *t)
{
	struct tls_client_session *s = &t->session;
	br_ssl_session_parameters now;
	uint32_t seconds;
	br_ssl_engine_get_session_parameters(t->pump.engine, &now);
	/* A resumed one has the old secret and keeps its time, even if it gets a new ticket. */
	bool resumed =
		ct_equal(now.master_secret, s->parameters.master_secret, sizeof(now.master_secret));
	s->parameters = now;
	ct_wipe(&now, sizeof(now));
	const uint8_t *ticket = br_ssl_client_get_ticket(&t->client, &s->ticket_n, &seconds);
	memcpy(s->ticket, ticket, s->ticket_n);
	if (resumed)
		return;
	bool hinted = s->ticket_n > 0 && seconds > 0 && seconds < SESSION_MS / SECOND_MS;
	s->until = clock_mono_ms() + (hinted ? (int64_t)seconds * SECOND_MS : SESSION_MS);
	s->not_after = t->verifier.answer.not_after;
}

/* Prepares the engine to offer it. False: there is none. */
static bool offer_session(struct tls_client *t)
{
	br_ssl_engine_set_session_parameters(&t->client.eng, &t->session.parameters);
	br_ssl_client_set_ticket(&t->client, t->session.ticket, t->session.ticket_n);
	return t->session.parameters.session_id_len > 0 || t->session.ticket_n > 0;
}

static enum err shake_hands(struct tls_client *t, int fd, struct deadline *d, struct fault *f)
{
	struct str host = str_c(t->host);
	begin_session(t);
	while (!(br_ssl_engine_current_state(t->pump.engine) & BR_SSL_SENDAPP)) {
		t->asked = t->pump.received;
		bool was_mute = t->pump.mute;
		enum err e = move_records(t, fd, d, f);
		/* A server that ends a handshake says why before it closes the socket. */
		if (e != OK && t->pump.mute != was_mute)
			continue;
		if (e == E_TIMEOUT)
			return fault_set(f, e, 0, "the TLS handshake with %s took too long", host);
		if (e == E_CLOSED)
			return fault_set(
				f, E_TLS, f->sys, "%s ended the connection during the TLS handshake", host);
		if (e != OK)
			return e;
	}
	return OK;
}

/* `literal`: the host as an address; NULL if it is a name. */
static void start_verifier(
	struct tls_client *t, const struct trust *trust, const struct address *literal)
{
	struct reference_identifier whom = { .dns_name = str_c(t->host) };
	if (literal) {
		whom =
			(struct reference_identifier){ .address = { (const char *)literal->ip.s6_addr, 16 } };
		if (address_is_v4(literal))
			whom.address = str_skip(whom.address, 12);
	}
	verifier_init(&t->verifier, PATH_SERVER, &whom, trust, clock_wall_ms() / SECOND_MS);
}

enum err tls_connect(
	struct tls_client *t, int fd, const struct tls_peer *to, struct deadline *d, struct fault *f)
{
	struct address literal;
	struct str host = str_sub(to->host, 0, to->host.n - str_ends(to->host, S(".")));
	bool is_literal = address_parse(&literal, host);
	if (!is_literal && !dns_is_name(host))
		return fault_set(f, E_NAME, 0, "`%s` cannot be a host name", host);
	if (!session_is_for(t, to, host))
		forget_session(t);
	check(host.n < sizeof(t->host));
	memcpy(t->host, host.p, host.n);
	t->host[host.n] = 0;
	t->port = to->port;
	t->anchors = to->trust->anchors;

	start_verifier(t, to->trust, is_literal ? &literal : NULL);
	t->verifier.seen = to->seen;
	t->verifier.pinned = to->pinned;
	set_profile(t, to->below);
	br_ssl_engine_context *engine = &t->client.eng;
	const unsigned hash = host_hash(host, to->port);
	bool offered = offer_session(t);
	bool rsa_only = to->rsa_first && atomic_load(host_place(hash)) != hash &&
		(!offered || is_rsa(engine, engine->session.cipher_suite));
	if (rsa_only)
		engine->suites_num = TLS_RSA_SUITES;
	/* Server names are for names only (RFC 6066, 3): none for an address. The verifier looks for
	 * both. */
	if (!br_ssl_client_reset(&t->client, is_literal ? NULL : t->host, offered))
		return ended(t, f);
	enum err e = shake_hands(t, fd, d, f);
	t->declined = e == E_TLS && rsa_only && is_declined(t);
	if (t->declined)
		atomic_store(host_place(hash), hash);
	if (e == OK) {
		keep_session(t);
	} else {
		forget_session(t);
		ct_wipe(&t->client, sizeof(t->client));
	}
	return e;
}

/* ---- data ---- */

static enum err write_records(struct tls_client *t, int fd, const struct str *parts, size_t count,
	struct deadline *d, struct fault *f)
{
	enum err e = OK;
	begin_session(t);
	for (size_t i = 0; i < count; i++) {
		for (struct str part = parts[i]; part.n > 0 && e == OK;) {
			size_t taken = tls_give(&t->pump, part);
			part = str_skip(part, taken);
			if (taken == 0)
				e = move_records(t, fd, d, f);
		}
	}
	if (e != OK)
		return e;
	br_ssl_engine_flush(t->pump.engine, 0);
	/* Exactly the rest of our own record: an answer to the peer's close_notify may come to stand
	 * behind it. */
	size_t until = t->pump.sent + tls_pending(&t->pump);
	while (e == OK && (t->pump.sent < until || (t->pump.below && tls_pending(t->pump.below))))
		e = move_records(t, fd, d, f);
	return e;
}

enum err tls_write(struct tls_client *t, int fd, const struct str *parts, size_t count,
	struct deadline *d, struct fault *f)
{
	if (t->pump.mute)
		return fault_set(f, E_CLOSED, 0, "the connection is already broken");
	t->asked = t->pump.received;
	enum err e = write_records(t, fd, parts, count, d, f);
	t->pump.mute = e != OK;
	return e;
}

enum err tls_read(struct tls_client *t, int fd, size_t *got, char *p, size_t cap,
	struct deadline *d, struct fault *f)
{
	begin_session(t);
	while ((*got = tls_take(&t->pump, p, cap)) == 0) {
		bool was_mute = t->pump.mute;
		enum err e = move_records(t, fd, d, f);
		/* That an alert cannot be sent any more does not matter for what can still be read. */
		if (e != OK && t->pump.mute == was_mute)
			return e;
	}
	return OK;
}

bool tls_is_idle(const struct tls_client *t)
{
	size_t n;
	return !t->pump.mute &&
		br_ssl_engine_current_state(t->pump.engine) == (BR_SSL_SENDAPP | BR_SSL_RECVREC) &&
		br_ssl_engine_recvrec_buf(t->pump.engine, &n) == t->in;
}

void tls_close(struct tls_client *t, int fd)
{
	tls_send_close(&t->pump, fd);
	ct_wipe(&t->client, sizeof(t->client));
}
