#include "listener/input.h"

#include <errno.h>
#include <sys/socket.h>

enum { WAKE_MAX = 128 * 1024 };

static bool receive_tls(struct connection *c, size_t *got, char *p, size_t cap)
{
	struct tls_server *tls = &c->secure->tls;
	struct fault f;
	*got = tls_server_read(tls, p, cap);
	if (*got || !c->readable || c->ended || c->broken)
		return *got > 0;
	enum err e = tls_server_pump(tls, c->fd, &c->readable, &c->writable, &f);
	c->ended = e == E_CLOSED;
	c->broken = e != OK && e != E_MORE && e != E_CLOSED;
	*got = tls_server_read(tls, p, cap);
	return *got > 0 || e == E_MORE;
}

bool input_receive(struct connection *c, size_t *got, char *p, size_t cap)
{
	if (c->secure)
		return receive_tls(c, got, p, cap);
	while (c->readable && !c->ended && !c->broken) {
		ssize_t n = recv(c->fd, p, cap, 0);
		if (n > 0) {
			*got = (size_t)n;
			/* The socket is empty, and what comes next is told; only an end that was told already
			 * is not told again. */
			c->readable = *got == cap || c->hung_up;
			return true;
		}
		if (n < 0 && errno == EINTR)
			continue;
		c->readable = false;
		c->ended = n == 0;
		c->broken = n < 0 && errno != EAGAIN;
	}
	return false;
}

/* How much to read at once: what follows the request must fit a small buffer later. */
static size_t room_for_body(const struct connection *c)
{
	size_t room = c->buffer->cap - c->n, most = READ_MAX;
	if (c->body.kind == HTTP_BODY_LENGTH && c->body.left > READ_MAX)
		most = (size_t)c->body.left;
	return room < most ? room : most;
}

/* Has the loop woken when much of what is left has come; of that, the engine may hold a record that
 * has begun. */
static void expect_rest(const struct connection *c)
{
	uint64_t left = c->body.left < WAKE_MAX ? c->body.left : WAKE_MAX;
	int least = left > READ_MAX ? (int)left - READ_MAX : 1;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

bool input_read_body(struct connection *c, unsigned times)
{
	struct fault f;
	struct buffer *b = c->buffer;
	struct buf why = BUF(b->answer);
	size_t got = 0;
	do {
		c->n += got;
		struct str raw = { b->bytes + c->raw, c->n - c->raw };
		b->result = http_body_decode(&c->body, &c->decoded, &b->used, raw, &f);
		if (b->result != E_MORE)
			break;
		/* Framing is gone for good: raw bytes may follow right behind the decoded ones. */
		c->n = c->raw = c->head_n + c->decoded.n;
	} while (
		c->n < b->cap && times-- && input_receive(c, &got, b->bytes + c->n, room_for_body(c)));
	if (b->result != OK && b->result != E_MORE)
		buf_put(&why, fault_text(&f));
	b->why = buf_str(&why);
	if (b->kind == BUFFER_LARGE)
		expect_rest(c);
	return b->result != E_MORE || c->n == b->cap || c->ended || c->broken;
}

void input_fill(struct connection *c)
{
	size_t got, cap = c->buffer->cap;
	while (c->n < cap && input_receive(c, &got, c->buffer->bytes + c->n, cap - c->n))
		c->n += got;
}
