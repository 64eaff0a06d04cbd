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

enum err stream_secure(
	struct stream *s, const struct tls_peer *peer, struct deadline *d, struct fault *f)
{
	struct tls_peer inside = *peer;
	check(s->fd >= 0 && !s->secure && s->tls);
	inside.below = s->wrapped ? &s->outer->pump : NULL;
	enum err e = tls_connect(s->tls, s->fd, &inside, d, f);
	s->secure = e == OK;
	if (e != OK)
		stream_close(s);
	return e;
}

enum err stream_wrap(
	struct stream *s, const struct tls_peer *proxy, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0 && !s->secure && !s->wrapped && s->outer);
	enum err e = tls_connect(s->outer, s->fd, proxy, d, f);
	s->wrapped = e == OK;
	if (e != OK)
		stream_close(s);
	return e;
}

/* The TLS that data pass through first; NULL for none. */
static struct tls_client *innermost(const struct stream *s)
{
	return s->secure ? s->tls : s->wrapped ? s->outer : NULL;
}

/* The first parts that are not empty, as many as go into one call, without the `done` bytes of the
 * first. */
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

static enum err write_plain(
	int fd, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
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

static enum err read_plain(
	int fd, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f)
{
	enum err e;
	do {
		e = socket_wait(&(struct pollfd){ fd, POLLIN, 0 }, 1, d, f);
		if (e == OK)
			e = tcp_receive(fd, got, p, cap, f);
	} while (e == E_MORE);
	return e;
}

enum err stream_write(
	struct stream *s, const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0);
	struct tls_client *tls = innermost(s);
	enum err e =
		tls ? tls_write(tls, s->fd, parts, count, d, f) : write_plain(s->fd, parts, count, d, f);
	return e == E_TIMEOUT ? fault_set(f, e, 0, "the peer did not take the data in time") : e;
}

enum err stream_read(
	struct stream *s, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f)
{
	check(s->fd >= 0 && cap > 0);
	*got = 0;
	struct tls_client *tls = innermost(s);
	enum err e =
		tls ? tls_read(tls, s->fd, got, p, cap, d, f) : read_plain(s->fd, got, p, cap, d, f);
	return e == E_TIMEOUT ? fault_set(f, e, 0, "the peer sent nothing in time") : e;
}

bool stream_is_idle(struct stream *s)
{
	char c;
	check(s->fd >= 0);
	return (!s->secure || tls_is_idle(s->tls)) && (!s->wrapped || tls_is_idle(s->outer)) &&
	       recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void stream_close(struct stream *s)
{
	if (s->fd < 0)
		return;
	if (s->secure)
		tls_close(s->tls, s->fd);
	if (s->wrapped)
		tls_close(s->outer, s->fd);
	close(s->fd);
	s->fd = -1;
	s->secure = s->wrapped = false;
}
