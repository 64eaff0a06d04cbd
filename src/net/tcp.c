#include "net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum err socket_wait(struct pollfd *fds, size_t count, struct deadline *d, struct fault *f)
{
	for (;;) {
		int ms = deadline_left(d);
		if (ms == 0)
			return E_TIMEOUT;
		int ready = poll(fds, count, ms);
		if (ready > 0)
			return OK;
		if (ready < 0 && errno != EINTR)
			return fault_set(f, E_SYSTEM, errno, "poll");
	}
}

enum err socket_wait_within(
	struct pollfd *fds, size_t count, int64_t ms, struct deadline *d, struct fault *f)
{
	struct deadline inner = deadline_within(d, ms);
	enum err e = socket_wait(fds, count, &inner, f);
	deadline_leave(d, &inner);
	return e == E_TIMEOUT && deadline_left(d) != 0 ? E_MORE : e;
}

static bool is_closed_error(int sys)
{
	return sys == EPIPE || sys == ECONNRESET || sys == ETIMEDOUT || sys == EHOSTUNREACH ||
		sys == ENETUNREACH;
}

static enum err io_error(int sys, struct str what, struct fault *f)
{
	if (sys == EAGAIN || sys == EINTR)
		return E_MORE;
	return fault_set(f, is_closed_error(sys) ? E_CLOSED : E_SYSTEM, sys, "%s", what);
}

enum err tcp_send(int fd, size_t *sent, struct iovec *parts, size_t count, struct fault *f)
{
	/* The count is an int in one libc and a size_t in another; a short is fine with both. */
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = (unsigned short)count };
	ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
	*sent = n > 0 ? (size_t)n : 0;
	return n >= 0 ? OK : io_error(errno, S("the connection broke while sending"), f);
}

enum err tcp_receive(int fd, size_t *got, void *p, size_t cap, struct fault *f)
{
	ssize_t n = recv(fd, p, cap, 0);
	*got = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return fault_set(f, E_CLOSED, 0, "the peer closed the connection");
	return n > 0 ? OK : io_error(errno, S("the connection broke while receiving"), f);
}

/* ---- connecting ---- */

/* Connections being made. */
struct race {
	struct pollfd fds[ADDRESSES_MAX];
	size_t count;
	int sys; /* why the last one failed */
};

static void note_failure(struct race *r, int sys)
{
	/* That there is no route for one family says little when the other one was really tried. */
	if (r->sys == 0 || (sys != ENETUNREACH && sys != EAFNOSUPPORT && sys != EADDRNOTAVAIL))
		r->sys = sys;
}

static void start_attempt(struct race *r, const struct address *a, uint16_t port)
{
	union socket_address to;
	socklen_t n = address_to_socket(&to, a, port);
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		note_failure(r, errno);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(fd, &to.any, n) != 0 && errno != EINPROGRESS) {
		note_failure(r, errno);
		close(fd);
		return;
	}
	r->fds[r->count++] = (struct pollfd){ .fd = fd, .events = POLLOUT };
}

/* Takes the one that is connected out of the race, or -1; those that failed end. */
static int winner(struct race *r)
{
	for (size_t i = 0; i < r->count;) {
		int fd = r->fds[i].fd, sys = 0;
		if (r->fds[i].revents == 0) {
			i++;
			continue;
		}
		r->fds[i] = r->fds[--r->count];
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &(socklen_t){ sizeof(sys) }) == 0 &&
			sys == 0)
			return fd;
		note_failure(r, sys);
		close(fd);
	}
	return -1;
}

static enum err run_attempts(struct race *r, int *fd, const struct addresses *to, uint16_t port,
	struct deadline *d, struct fault *f)
{
	size_t next = 0;
	while (next < to->count || r->count > 0) {
		if (next < to->count)
			start_attempt(r, &to->list[next++], port);
		if (r->count == 0)
			continue;
		enum err e = next < to->count
			? socket_wait_within(r->fds, r->count, CONNECT_STAGGER_MS, d, f)
			: socket_wait(r->fds, r->count, d, f);
		if (e == OK)
			*fd = winner(r);
		if (*fd >= 0 || (e != OK && e != E_MORE))
			return e;
	}
	return E_CONNECT;
}

enum err tcp_connect(int *fd, const struct addresses *to, struct str name, uint16_t port,
	struct deadline *d, struct fault *f)
{
	struct race r = { .count = 0 };
	*fd = -1;
	enum err e = run_attempts(&r, fd, to, port, d, f);
	while (r.count > 0)
		close(r.fds[--r.count].fd);
	if (e == E_TIMEOUT)
		return fault_set(f, e, 0, "connecting to %s:%d took too long", name, NUM(port));
	if (e == E_CONNECT)
		return fault_set(f, e, r.sys, "cannot connect to %s:%d", name, NUM(port));
	return e;
}
