#include "net/tls.h"

#include "crypto/ct.h"
#include "net/tcp.h"

#include <string.h>

enum {
	MOVES_BELOW = 64
}; /* at once; a proxy that sends empty records for ever does not hold anybody up */

struct tls_pump tls_pump_init(br_ssl_engine_context *engine, struct tls_pump *below)
{
	return (struct tls_pump){ .engine = engine, .below = below };
}

/* Sends what waits below. E_MORE: there is no room for all of it. */
static enum err send_below(struct tls_pump *below, int fd, struct fault *f)
{
	enum err e = OK;
	below->readable = false;
	below->writable = true;
	while (tls_pending(below) && e == OK)
		e = tls_move(below, fd, f);
	return e;
}

/* As tcp_send, through `below`. */
static enum err put_below(
	struct tls_pump *below, int fd, size_t *sent, struct str data, struct fault *f)
{
	*sent = tls_give(below, data);
	br_ssl_engine_flush(below->engine, 0);
	enum err e = send_below(below, fd, f);
	return e == OK || e == E_MORE ? *sent ? OK : E_MORE : e;
}

/* As tcp_receive, through `below`. */
static enum err get_below(
	struct tls_pump *below, int fd, size_t *got, char *p, size_t cap, struct fault *f)
{
	enum err e = OK;
	for (int i = 0; i < MOVES_BELOW && e == OK; i++) {
		if ((*got = tls_take(below, p, cap)) > 0)
			return OK;
		if (tls_has_ended(below)) {
			int code = br_ssl_engine_last_error(below->engine);
			return code
				? fault_set(f, E_TLS, 0, "TLS with the proxy failed (BearSSL error %d)", NUM(code))
				: fault_set(f, E_CLOSED, 0, "the proxy closed the connection");
		}
		below->readable = below->writable = true;
		e = tls_move(below, fd, f);
	}
	return e == OK ? E_MORE : e;
}

static enum err send_some(struct tls_pump *t, int fd, unsigned char *p, size_t n, struct fault *f)
{
	size_t sent;
	enum err e = t->below ? put_below(t->below, fd, &sent, (struct str){ (char *)p, n }, f)
	                      : tcp_send(fd, &sent, &(struct iovec){ p, n }, 1, f);
	if (e == OK) {
		br_ssl_engine_sendrec_ack(t->engine, sent);
		t->sent += sent;
	}
	t->writable = e == OK;
	t->mute = e != OK && e != E_MORE;
	return e;
}

static enum err receive_some(
	struct tls_pump *t, int fd, unsigned char *p, size_t n, struct fault *f)
{
	size_t got;
	enum err e =
		t->below ? get_below(t->below, fd, &got, (char *)p, n, f) : tcp_receive(fd, &got, p, n, f);
	if (e == OK) {
		br_ssl_engine_recvrec_ack(t->engine, got);
		t->received += got;
	}
	t->readable = e == OK;
	return e;
}

enum err tls_move(struct tls_pump *t, int fd, struct fault *f)
{
	unsigned char *p;
	size_t n;
	enum err e = E_MORE;
	if (t->writable && !t->mute && t->below && tls_pending(t->below)) {
		e = send_below(t->below, fd, f);
		t->writable = e == OK;
		t->mute = e != OK && e != E_MORE;
		if (t->mute)
			return e;
	}
	if (t->writable && !t->mute && (p = br_ssl_engine_sendrec_buf(t->engine, &n)))
		e = send_some(t, fd, p, n, f);
	if (e == E_MORE && t->readable && (p = br_ssl_engine_recvrec_buf(t->engine, &n)))
		e = receive_some(t, fd, p, n, f);
	return e;
}

bool tls_can_take_below(const struct tls_pump *t)
{
	size_t n;
	return t->below && br_ssl_engine_recvapp_buf(t->below->engine, &n);
}

bool tls_has_ended(const struct tls_pump *t)
{
	return br_ssl_engine_current_state(t->engine) == BR_SSL_CLOSED;
}

size_t tls_take(struct tls_pump *t, char *p, size_t cap)
{
	size_t n;
	unsigned char *data = br_ssl_engine_recvapp_buf(t->engine, &n);
	if (!data)
		return 0;
	n = n < cap ? n : cap;
	memcpy(p, data, n);
	/* It may hold keys, which shall not stay behind in the buffer. */
	ct_wipe(data, n);
	br_ssl_engine_recvapp_ack(t->engine, n);
	return n;
}

size_t tls_give(struct tls_pump *t, struct str data)
{
	size_t room;
	unsigned char *p = br_ssl_engine_sendapp_buf(t->engine, &room);
	if (!p)
		return 0;
	size_t n = data.n < room ? data.n : room;
	memcpy(p, data.p, n);
	br_ssl_engine_sendapp_ack(t->engine, n);
	return n;
}

size_t tls_pending(const struct tls_pump *t)
{
	size_t n;
	return t->engine && br_ssl_engine_sendrec_buf(t->engine, &n) ? n : 0;
}

void tls_send_close(struct tls_pump *t, int fd)
{
	struct fault ignored;
	if (t->mute || tls_pending(t))
		return;
	br_ssl_engine_close(t->engine);
	/* A few bytes: they go as a whole or not at all. */
	t->writable = true;
	t->readable = false;
	if (tls_pending(t))
		(void)!tls_move(t, fd, &ignored);
}
