#include "net/stream.h"

#include "net/tcp.h"
#include "net/tls_client.h"

#include <errno.h>
#include <unistd.h>

enum { PARTS_AT_ONCE = 16 };

struct stream stream_none(struct tls_client *tls)
{
	return (struct stream){ .fd = -1, .secure = false, .tls = tls };
}

enum err stream_secure(struct stream *s, const struct tls_peer *peer, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0 && !s->secure && s->tls);
	enum err e = tls_connect(s->tls, s->fd, peer, d, f);
	s->secure = e == OK;
	if (e != OK)
		stream_close(s);
	return e;
}

/* The first parts that are not empty, as many as go into one call, without the `done` bytes of the first. */
static size_t gather(struct iovec *v, const struct str *parts, size_t count, size_t done)
{
	size_t n = 0;
	for (size_t i = 0; i < count && n < PARTS_AT_ONCE; i++) {
		struct str rest = str_skip(parts[i], i == 0 ? done : 0);
		if (rest.n > 0)
			v[n++] = (struct iovec){ (void *)(uintptr_t)rest.p, rest.n };
	}
	return n;
}

static enum err write_plain(int fd, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	struct iovec v[PARTS_AT_ONCE];
	size_t i = 0, done = 0; /* parts before the i-th are written, and `done` bytes of it */
	for (;;) {
		size_t sent, n = gather(v, parts + i, count - i, done);
		if (n == 0)
			return OK;
		enum err e = tcp_send(fd, &sent, v, n, f);
		if (e == E_MORE)
			e = socket_wait(&(struct pollfd){ fd, POLLOUT, 0 }, 1, d, f);
		if (e != OK)
			return e;
		for (done += sent; i < count && done >= parts[i].n; i++)
			done -= parts[i].n;
	}
}

static enum err read_plain(int fd, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f)
{
	enum err e;
	do {
		e = socket_wait(&(struct pollfd){ fd, POLLIN, 0 }, 1, d, f);
		if (e == OK)
			e = tcp_receive(fd, got, p, cap, f);
	} while (e == E_MORE);
	return e;
}

enum err stream_write(struct stream *s, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0);
	enum err e = s->secure ? tls_write(s->tls, s->fd, parts, count, d, f) : write_plain(s->fd, parts, count, d, f);
	return e == E_TIMEOUT ? fault_set(f, e, 0, "the peer did not take the data in time") : e;
}

enum err stream_read(struct stream *s, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0 && cap > 0);
	*got = 0;
	enum err e = s->secure ? tls_read(s->tls, s->fd, got, p, cap, d, f) : read_plain(s->fd, got, p, cap, d, f);
	return e == E_TIMEOUT ? fault_set(f, e, 0, "the peer sent nothing in time") : e;
}

bool stream_is_idle(struct stream *s)
{
	char c;
	check(s->fd >= 0);
	return (!s->secure || tls_is_idle(s->tls)) && recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void stream_close(struct stream *s)
{
	if (s->fd < 0)
		return;
	if (s->secure)
		tls_close(s->tls, s->fd);
	close(s->fd);
	s->fd = -1;
	s->secure = false;
}
