#include "net/tls_client.h"

#include "base/clock.h"
#include "crypto/ct.h"
#include "net/address.h"
#include "net/dns.h"
#include "net/tcp.h"
#include "net/tls_fault.h"
#include "net/tls_profile.h"

#include <string.h>

/* An hour: a session outlives the check of the certificate that it was made with. */
enum { SESSION_MS = 3600 * 1000 };

/* All but the verifier is as in every TLS connection of this program. */
static void set_profile(struct tls *t)
{
	br_ssl_engine_context *e = &t->client.eng;
	br_ssl_client_zero(&t->client);
	tls_profile_set(e);
	br_ssl_engine_set_x509(e, &t->verifier.vtable);
	br_ssl_engine_set_buffers_bidi(e, t->in, sizeof(t->in), t->out, sizeof(t->out));
}

/* ---- moving records ---- */

static enum err ended(const struct tls *t, struct fault *f)
{
	int code = br_ssl_engine_last_error(&t->client.eng);
	if (code != BR_ERR_OK)
		return tls_fault_set(f, (unsigned)code, &t->verifier);
	return fault_set(f, E_CLOSED, 0, "the peer closed the connection");
}

static enum err send_some(struct tls *t, int fd, size_t *sent, unsigned char *p, size_t n, struct fault *f)
{
	enum err e = tcp_send(fd, sent, &(struct iovec){ p, n }, 1, f);
	if (e == OK)
		br_ssl_engine_sendrec_ack(&t->client.eng, *sent);
	t->mute = e != OK && e != E_MORE;
	return e;
}

static enum err receive_some(struct tls *t, int fd, bool *more, unsigned char *p, size_t n, struct fault *f)
{
	size_t got;
	enum err e = tcp_receive(fd, &got, p, n, f);
	*more = e == OK && got == n;
	if (e == OK) {
		br_ssl_engine_recvrec_ack(&t->client.eng, got);
		t->heard = true;
	}
	/* After bytes of an answer this is no way to end: anybody in between could have cut it short. */
	if (e == E_CLOSED)
		return fault_set(f, t->heard ? E_TLS : e, f->sys, "the peer ended the connection without a close_notify");
	return e == E_MORE ? OK : e;
}

/* One step: sends what the engine wants to send or receives what it can take, and waits until one of them is possible. It
 * receives even while it has to send, as otherwise two that both wait for the other to read would wait for ever.
 * *more, false at first, is kept from step to step: the last one received all that was wanted, so the next need not wait. */
static enum err step(struct tls *t, int fd, bool *more, size_t *sent, struct deadline *d, struct fault *f)
{
	br_ssl_engine_context *engine = &t->client.eng;
	size_t out_n = 0, in_n = 0;
	unsigned char *out = t->mute ? NULL : br_ssl_engine_sendrec_buf(engine, &out_n);
	unsigned char *in = br_ssl_engine_recvrec_buf(engine, &in_n);
	enum err e;
	*sent = 0;
	if (!out && !in)
		return ended(t, f);
	if (deadline_left(d) == 0)
		return E_TIMEOUT;
	if (out) {
		*more = false;
		e = send_some(t, fd, sent, out, out_n, f);
		if (e != E_MORE)
			return e;
	} else if (*more) {
		return receive_some(t, fd, more, in, in_n, f);
	}
	struct pollfd p = { fd, (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0 };
	e = socket_wait(&p, 1, d, f);
	return e == OK && in && p.revents != POLLOUT ? receive_some(t, fd, more, in, in_n, f) : e;
}

/* ---- the handshake ---- */

static bool same_peer(const struct tls *t, const struct stream_target *to, struct str host)
{
	return str_eq_nocase(str_c(t->host), host) && t->port == to->port && t->anchors == to->trust->anchors;
}

static void forget_session(struct tls *t)
{
	ct_wipe(&t->session, sizeof(t->session));
}

static void keep_session(struct tls *t)
{
	uint8_t old_id[sizeof(t->session.session_id)];
	memcpy(old_id, t->session.session_id, sizeof(old_id));
	br_ssl_engine_get_session_parameters(&t->client.eng, &t->session);
	/* A resumed one has the old id and keeps its time. */
	if (memcmp(old_id, t->session.session_id, sizeof(old_id)) != 0)
		t->session_until = clock_mono_ms() + SESSION_MS;
}

static enum err shake_hands(struct tls *t, int fd, struct deadline *d, struct fault *f)
{
	struct str host = str_c(t->host);
	bool more = false;
	size_t room, sent;
	while (!br_ssl_engine_sendapp_buf(&t->client.eng, &room)) {
		t->heard = false;
		enum err e = step(t, fd, &more, &sent, d, f);
		if (e == E_TIMEOUT)
			return fault_set(f, e, 0, "the TLS handshake with %s took too long", host);
		if (e == E_CLOSED)
			return fault_set(f, E_TLS, f->sys, "%s ended the connection during the TLS handshake", host);
		if (e != OK)
			return e;
	}
	return OK;
}

enum err tls_connect(struct tls *t, int fd, const struct stream_target *to, struct deadline *d, struct fault *f)
{
	struct address literal;
	struct str host = str_sub(to->host, 0, to->host.n - str_ends(to->host, S(".")));
	bool is_literal = address_parse(&literal, host);
	if (!is_literal && !dns_is_name(host))
		return fault_set(f, E_NAME, 0, "`%s` cannot be a host name", host);
	if (!same_peer(t, to, host) || clock_mono_ms() >= t->session_until)
		forget_session(t);
	check(host.n < sizeof(t->host));
	memcpy(t->host, host.p, host.n);
	t->host[host.n] = 0;
	t->port = to->port;
	t->anchors = to->trust->anchors;
	t->mute = false;

	x509_verifier_init(&t->verifier, to->trust, str_c(t->host), clock_wall_ms() / 1000);
	t->verifier.seen = to->seen;
	set_profile(t);
	br_ssl_engine_set_session_parameters(&t->client.eng, &t->session);
	/* Server names are for names only (RFC 6066, 3): none for an address. The verifier looks for both. */
	if (!br_ssl_client_reset(&t->client, is_literal ? NULL : t->host, t->session.session_id_len > 0))
		return ended(t, f);
	enum err e = shake_hands(t, fd, d, f);
	if (e == OK) {
		keep_session(t);
	} else {
		forget_session(t);
		ct_wipe(&t->client, sizeof(t->client));
	}
	return e;
}

/* ---- data ---- */

static enum err write_records(struct tls *t, int fd, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	br_ssl_engine_context *engine = &t->client.eng;
	size_t room, sent, left;
	bool more = false;
	enum err e = OK;
	for (size_t i = 0; i < count; i++) {
		for (struct str part = parts[i]; part.n > 0;) {
			unsigned char *p = br_ssl_engine_sendapp_buf(engine, &room);
			size_t n = room < part.n ? room : part.n;
			if (p) {
				memcpy(p, part.p, n);
				br_ssl_engine_sendapp_ack(engine, n);
				part = str_skip(part, n);
			} else if ((e = step(t, fd, &more, &sent, d, f)) != OK) {
				return e;
			}
		}
	}
	br_ssl_engine_flush(engine, 0);
	/* Exactly the rest of our own record: an answer to the peer's close_notify may come to stand behind it. */
	for (br_ssl_engine_sendrec_buf(engine, &left); left > 0 && e == OK; left -= sent)
		e = step(t, fd, &more, &sent, d, f);
	return e;
}

enum err tls_write(struct tls *t, int fd, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	if (t->mute)
		return fault_set(f, E_CLOSED, 0, "the connection is already broken");
	t->heard = false;
	enum err e = write_records(t, fd, parts, count, d, f);
	t->mute = e != OK;
	return e;
}

enum err tls_read(struct tls *t, int fd, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f)
{
	br_ssl_engine_context *engine = &t->client.eng;
	bool more = false;
	size_t n, sent;
	unsigned char *data;
	while (!(data = br_ssl_engine_recvapp_buf(engine, &n))) {
		bool was_mute = t->mute;
		enum err e = step(t, fd, &more, &sent, d, f);
		/* That an alert cannot be sent any more does not matter for what can still be read. */
		if (e != OK && (was_mute || !t->mute))
			return e;
	}
	*got = n < cap ? n : cap;
	memcpy(p, data, *got);
	/* Answers may hold keys; they shall not stay behind in the record buffer. */
	ct_wipe(data, *got);
	br_ssl_engine_recvapp_ack(engine, *got);
	return OK;
}

bool tls_is_idle(const struct tls *t)
{
	const br_ssl_engine_context *engine = &t->client.eng;
	size_t n;
	return !t->mute && br_ssl_engine_current_state(engine) == (BR_SSL_SENDAPP | BR_SSL_RECVREC) &&
	       br_ssl_engine_recvrec_buf(engine, &n) == t->in;
}

void tls_close(struct tls *t, int fd)
{
	br_ssl_engine_context *engine = &t->client.eng;
	struct fault ignored;
	size_t n, sent;
	/* Not behind an unfinished record: the rest of it could complete a request that was given up. */
	if (!t->mute && !br_ssl_engine_sendrec_buf(engine, &n)) {
		br_ssl_engine_close(engine);
		unsigned char *p = br_ssl_engine_sendrec_buf(engine, &n);
		if (p && tcp_send(fd, &sent, &(struct iovec){ p, n }, 1, &ignored) == OK)
			br_ssl_engine_sendrec_ack(engine, sent);
	}
	ct_wipe(&t->client, sizeof(t->client));
}
