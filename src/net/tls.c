#include "net/tls.h"

#include "crypto/ct.h"
#include "net/tcp.h"

#include <string.h>

struct tls_pump tls_pump_init(br_ssl_engine_context *engine)
{
	return (struct tls_pump){ .engine = engine };
}

static enum err send_some(struct tls_pump *t, int fd, unsigned char *p, size_t n, struct fault *f)
{
	size_t sent;
	enum err e = tcp_send(fd, &sent, &(struct iovec){ p, n }, 1, f);
	if (e == OK) {
		br_ssl_engine_sendrec_ack(t->engine, sent);
		t->sent += sent;
	}
	t->writable = e == OK;
	t->mute = e != OK && e != E_MORE;
	return e;
}

static enum err receive_some(struct tls_pump *t, int fd, unsigned char *p, size_t n, struct fault *f)
{
	size_t got;
	enum err e = tcp_receive(fd, &got, p, n, f);
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
	if (t->writable && !t->mute && (p = br_ssl_engine_sendrec_buf(t->engine, &n)))
		e = send_some(t, fd, p, n, f);
	if (e == E_MORE && t->readable && (p = br_ssl_engine_recvrec_buf(t->engine, &n)))
		e = receive_some(t, fd, p, n, f);
	return e;
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
