/* sockets.c - descriptors of the simulated machine: connections, what waits for them,
 * and signals. */
#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LIMIT_OF_FILES = 100000,
	FIRST_PORT = 9000, /* of whom the program calls: 9000 and the role */
};

static int fail(int sys)
{
	errno = sys;
	return -1;
}

/* ---- descriptors ---- */

static struct descriptor *descriptor(int fd)
{
	return fd >= 0 && fd < FDS_MAX && world->fds[fd].kind ? &world->fds[fd] : NULL;
}

int fd_open(enum fd_kind kind, size_t object)
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!world->fds[fd].kind) {
			world->fds[fd] = (struct descriptor){ .kind = kind, .object = object };
			if (world->fds_n <= (size_t)fd)
				world->fds_n = (size_t)fd + 1;
			return fd;
		}
	return fail(EMFILE);
}

size_t fds_open(enum fd_kind kind)
{
	size_t n = 0;
	for (int fd = 0; fd < FDS_MAX; fd++)
		n += world->fds[fd].kind == kind;
	return n;
}

static struct link_state *link_of(const struct descriptor *d)
{
	return &world->links[d->object];
}

static uint32_t state_of(const struct descriptor *d)
{
	uint32_t events = 0;
	const struct link_state *l = link_of(d);
	switch (d->kind) {
	case FD_LISTENING:
		return world->accept_n ? POLLIN : 0;
	case FD_EVENT:
		return d->count ? POLLIN : 0;
	case FD_SIGNAL:
		return world->signals ? POLLIN : 0;
	case FD_PIPE_OUT:
	case FD_PIPE_IN:
		return pipe_state_of(d);
	case FD_STREAM:
		break;
	default:
		return POLLIN | POLLOUT;
	}
	if (l->error)
		return POLLIN | POLLOUT | POLLERR | POLLHUP;
	events |= l->in.n || l->in.ended ? POLLIN : 0;
	events |= l->in.ended ? POLLRDHUP : 0;
	events |= l->connected && l->out.n < LANE_SIZE ? POLLOUT : 0;
	return events;
}

static void edge(struct descriptor *d)
{
	d->edge = true;
	fds_changed();
}

/* ---- links ---- */

struct link_state *link_take(enum role role)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link_state *l = &world->links[i];
		if (l->used)
			continue;
		memset(l, 0, offsetof(struct link_state, in));
		l->in.n = l->out.n = 0;
		l->in.ended = l->out.ended = false;
		l->taking = false;
		l->inbox_n = l->script_n = l->said = 0;
		l->status_n = l->heard = 0;
		l->waiting = l->calls = l->kept = l->forgotten = false;
		l->used = true;
		l->role = role;
		l->fd = -1;
		l->serial = ++world->serials;
		return l;
	}
	violation("more than %d connections at once", LINKS_MAX);
	return NULL;
}

void link_free(struct link_state *l)
{
	l->used = false;
}

static size_t number_of(const struct link_state *l)
{
	return (size_t)(l - world->links);
}

/* NULL if that use of it is over. */
static struct link_state *same_link(size_t i, uint64_t serial)
{
	struct link_state *l = &world->links[i];
	return l->used && l->serial == serial ? l : NULL;
}

void link_edge(struct link_state *l)
{
	if (l->fd >= 0)
		edge(&world->fds[l->fd]);
}

static int64_t distance(void)
{
	return happens(world->weather.slow) ? between(1 * MS, 80 * MS) : between(50, 900);
}

static void peer_takes(size_t i, uint64_t serial)
{
	struct link_state *l = same_link(i, serial);
	if (!l)
		return;
	if (l->forgotten) {
		l->out.n = 0;
		link_end(l, ENDING_RESET);
	}
	size_t room = sizeof(l->inbox) - l->inbox_n, n = l->out.n < room ? l->out.n : room;
	memcpy(l->inbox + l->inbox_n, l->out.bytes, n);
	l->inbox_n += n;
	l->out.n -= n;
	memmove(l->out.bytes, l->out.bytes + n, l->out.n);
	l->taking = false;
	bool ended = l->out.ended && !l->out.n;
	if (n)
		link_edge(l);
	if (l->role == ROLE_SLACK)
		slack_hear(l, ended);
	else
		peer_hear(l, ended);
	if (ended && same_link(i, serial) && l->fd < 0)
		link_free(l);
}

static void have_taken(struct link_state *l)
{
	if (l->taking)
		return;
	l->taking = true;
	later(distance(), peer_takes, number_of(l), l->serial);
}

void link_end(struct link_state *l, enum ending how)
{
	if (how == ENDING_KEEP)
		return;
	if (how == ENDING_RESET) {
		l->error = ECONNRESET;
		l->in.n = 0;
	}
	l->in.ended = true;
	link_edge(l);
}

/* The next piece of what the peer says. */
static void peer_gives(size_t i, uint64_t serial)
{
	struct link_state *l = same_link(i, serial);
	if (!l || l->in.ended)
		return;
	size_t left = l->script_n - l->said, room = LANE_SIZE - l->in.n, n = left;
	n = n < room ? n : room;
	n = n < l->chunk ? n : l->chunk;
	memcpy(l->in.bytes + l->in.n, l->script + l->said, n);
	l->in.n += n;
	l->said += n;
	if (n)
		link_edge(l);
	if (l->said < l->script_n)
		later(l->gap, peer_gives, i, serial);
	else
		link_end(l, l->ending);
}

/* The first `n` bytes of l->script, whole or in pieces, then that ending. */
void link_say(struct link_state *l, size_t n, enum ending ending)
{
	bool whole = happens(80);
	l->script_n = n;
	l->said = 0;
	l->ending = ending;
	l->chunk = whole ? sizeof(l->script) : 1 + below(1 + n / 3);
	l->gap = whole ? 1 : between(10, 2 * MS);
	later(distance(), peer_gives, number_of(l), l->serial);
}

bool link_call(size_t client)
{
	struct link_state *l = &world->links[client];
	if (world->process != PROCESS_UP || !fds_open(FD_LISTENING))
		return false;
	l->connected = l->queued = true;
	world->accept_queue[world->accept_n++] = client;
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (world->fds[fd].kind == FD_LISTENING)
			edge(&world->fds[fd]);
	return true;
}

static void refuse_queued(void)
{
	for (size_t i = 0; i < world->accept_n; i++) {
		struct link_state *l = &world->links[world->accept_queue[i]];
		if (l->role == ROLE_SLACK)
			slack_gone(l);
		link_free(l);
	}
	world->accept_n = 0;
}

void sockets_forget(void)
{
	refuse_queued();
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link_state *l = &world->links[i];
		if (l->used && l->fd >= 0) {
			l->fd = -1;
			/* What the kernel has taken from a process is delivered. */
			l->out.ended = true;
			if (world->process == PROCESS_EXITED) {
				have_taken(l);
				continue;
			}
			if (l->role == ROLE_SLACK)
				slack_gone(l);
			else
				peer_gone(l);
			link_free(l);
		}
	}
	for (int fd = 0; fd < FDS_MAX; fd++)
		world->fds[fd].kind = FD_FREE;
}

/* ---- sockets ---- */

int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
	(void)family, (void)type, (void)protocol;
	if (call_fails("socket"))
		return fail(EMFILE);
	struct link_state *l = link_take(ROLES);
	int fd = l ? fd_open(FD_STREAM, number_of(l)) : fail(EMFILE);
	if (l)
		l->fd = fd;
	return fd;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	(void)fd, (void)level, (void)name, (void)value, (void)n;
	return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	struct link_state *l = link_of(&world->fds[fd]);
	(void)level, (void)name, (void)n;
	*(int *)value = l->error;
	l->error = 0;
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *a, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	(void)fd, (void)a, (void)n;
	return call_fails("bind") ? fail(EADDRINUSE) : 0;
}

int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
	struct descriptor *d = descriptor(fd);
	(void)backlog;
	if (call_fails("listen"))
		return fail(EADDRINUSE);
	link_free(link_of(d));
	d->kind = FD_LISTENING;
	return 0;
}

static int name_socket(struct sockaddr *a, socklen_t *n)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)a;
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	*n = sizeof(*in);
	return 0;
}

int __wrap_getsockname(int fd, struct sockaddr *a, socklen_t *n);
int __wrap_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
	(void)fd;
	return name_socket(a, n);
}

int __wrap_getpeername(int fd, struct sockaddr *a, socklen_t *n);
int __wrap_getpeername(int fd, struct sockaddr *a, socklen_t *n)
{
	(void)fd;
	return name_socket(a, n);
}

int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	(void)fd, (void)flags;
	pause_here();
	if (!world->accept_n)
		return fail(EAGAIN);
	if (call_fails("accept4"))
		return fail(EMFILE);
	struct link_state *l = &world->links[world->accept_queue[0]];
	int taken = fd_open(FD_STREAM, world->accept_queue[0]);
	if (taken < 0)
		return -1;
	world->accept_n--;
	memmove(world->accept_queue, world->accept_queue + 1,
		world->accept_n * sizeof(world->accept_queue[0]));
	l->fd = taken;
	l->queued = false;
	name_socket(a, n);
	return taken;
}

static void connected(size_t i, uint64_t serial)
{
	struct link_state *l = same_link(i, serial);
	if (!l)
		return;
	if (l->role != ROLE_RUNTIME && happens(world->weather.refuse))
		l->error = ECONNREFUSED;
	else
		l->connected = true;
	link_edge(l);
}

int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	struct link_state *l = link_of(&world->fds[fd]);
	(void)n;
	pause_here();
	if (call_fails("connect"))
		return fail(EADDRNOTAVAIL);
	int port = ntohs(((const struct sockaddr_in *)(const void *)a)->sin_port) - FIRST_PORT;
	if (port < ROLE_TARGET || port >= ROLES)
		return fail(ECONNREFUSED);
	l->role = (enum role)port;
	if (l->role == ROLE_RUNTIME || !happens(world->weather.hang))
		later(distance(), connected, number_of(l), l->serial);
	return fail(EINPROGRESS);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
	(void)how;
	struct link_state *l = link_of(&world->fds[fd]);
	l->out.ended = true;
	have_taken(l);
	return 0;
}

/* How much of what was offered is taken now. */
static size_t taken_of(size_t n, size_t room)
{
	n = n < room ? n : room;
	return n > 1 && happens(4) ? 1 + below(n - 1) : n;
}

static ssize_t put_bytes(int fd, const struct iovec *parts, size_t count)
{
	struct descriptor *d = descriptor(fd);
	struct link_state *l = link_of(d);
	size_t total = 0, done = 0;
	pause_here();
	if (call_fails("send"))
		return fail(ECONNRESET);
	if (l->error)
		return fail(EPIPE);
	for (size_t i = 0; i < count; i++)
		total += parts[i].iov_len;
	size_t n = taken_of(total, LANE_SIZE - l->out.n);
	if (!n && total)
		return fail(EAGAIN);
	for (size_t i = 0; done < n; i++) {
		size_t part = parts[i].iov_len < n - done ? parts[i].iov_len : n - done;
		memcpy(l->out.bytes + l->out.n, parts[i].iov_base, part);
		l->out.n += part;
		done += part;
	}
	have_taken(l);
	return (ssize_t)n;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	(void)flags;
	return put_bytes(fd, m->msg_iov, (size_t)m->msg_iovlen);
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
	(void)flags;
	return put_bytes(fd, &(struct iovec){ (void *)(uintptr_t)p, n }, 1);
}

/* An answer that says that a function was started is known when its status line was read. */
static void note_heard(struct link_state *l, size_t n)
{
	if (!l->status_n || l->heard >= l->status_n)
		return;
	l->heard += n;
	if (l->heard < l->status_n)
		return;
	struct ask *root = &world->asks[l->ask];
	root->known = true;
	root->known_life = world->life;
	trace("ask %zu is known to be started", l->ask);
}

ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags)
{
	struct descriptor *d = descriptor(fd);
	struct link_state *l = link_of(d);
	pause_here();
	if (!(flags & MSG_PEEK) && (l->in.n || l->in.ended) && call_fails("recv")) {
		/* Again the one risk of a double start. */
		world->plan.risked = l->role == ROLE_TARGET && l->kept;
		return fail(ECONNRESET);
	}
	if (l->error) {
		int sys = l->error;
		l->error = 0;
		return fail(sys);
	}
	if (!l->in.n)
		return l->in.ended ? 0 : fail(EAGAIN);
	n = n < l->in.n ? n : l->in.n;
	memcpy(p, l->in.bytes, n);
	if (flags & MSG_PEEK)
		return (ssize_t)n;
	l->in.n -= n;
	memmove(l->in.bytes, l->in.bytes + n, l->in.n);
	note_heard(l, n);
	return (ssize_t)n;
}

/* ---- waiting ---- */

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	int64_t until = ms < 0 ? INT64_MAX : world->now + (int64_t)ms * MS;
	bool log = n == 1 && ms == 0 && fds->fd == STDERR_FILENO;
	if (!log)
		pause_here();
	if (!log && call_fails("poll"))
		return fail(ENOMEM);
	for (;;) {
		int ready = 0;
		for (nfds_t i = 0; i < n; i++) {
			const struct descriptor *d = descriptor(fds[i].fd);
			uint32_t wanted = (uint32_t)(unsigned short)fds[i].events | POLLERR | POLLHUP;
			fds[i].revents = (short)(d ? state_of(d) & wanted : 0);
			ready += fds[i].revents != 0;
		}
		if (ready || ms == 0 || world->now >= until)
			return ready;
		(void)wait_for(&world->changes, until);
	}
}

int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	(void)flags;
	return call_fails("epoll_create1") ? fail(EMFILE) : fd_open(FD_EPOLL, 0);
}

int __wrap_epoll_ctl(int epoll, int how, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epoll, int how, int fd, struct epoll_event *ev)
{
	struct descriptor *d = descriptor(fd);
	(void)epoll;
	if (how != EPOLL_CTL_DEL && call_fails("epoll_ctl"))
		return fail(how == EPOLL_CTL_ADD ? ENOSPC : ENOMEM);
	d->watched = how != EPOLL_CTL_DEL;
	if (d->watched) {
		d->wanted = ev->events;
		d->data = ev->data.ptr;
		edge(d);
	}
	return 0;
}

static int collect_events(struct epoll_event *events, int n)
{
	int count = 0;
	size_t all = world->fds_n, at = below(all);
	for (size_t i = 0; i < all && count < n; i++, at = at + 1 == all ? 0 : at + 1) {
		struct descriptor *d = &world->fds[at];
		uint32_t ready =
			d->kind && d->watched ? state_of(d) & (d->wanted | EPOLLERR | EPOLLHUP) : 0;
		if (!ready || ((d->wanted & EPOLLET) && !d->edge))
			continue;
		d->edge = false;
		events[count++] = (struct epoll_event){ .events = ready, .data = { .ptr = d->data } };
	}
	return count;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int n, int ms);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int n, int ms)
{
	int64_t until = ms < 0 ? INT64_MAX : world->now + (int64_t)ms * MS;
	(void)epoll;
	pause_here();
	for (;;) {
		int count = collect_events(events, n);
		if (count || world->now >= until)
			return count;
		(void)wait_for(&world->changes, until);
	}
}

int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	(void)count, (void)flags;
	return call_fails("eventfd") ? fail(EMFILE) : fd_open(FD_EVENT, 0);
}

/* ---- signals ---- */

void signal_raise(int number)
{
	world->signals |= 1ull << number;
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (world->fds[fd].kind == FD_SIGNAL)
			edge(&world->fds[fd]);
}

int __wrap_signalfd(int fd, const sigset_t *set, int flags);
int __wrap_signalfd(int fd, const sigset_t *set, int flags)
{
	(void)fd, (void)set, (void)flags;
	return call_fails("signalfd") ? fail(EMFILE) : fd_open(FD_SIGNAL, 0);
}

static ssize_t read_signal(void *p)
{
	struct signalfd_siginfo *info = p;
	if (!world->signals)
		return fail(EAGAIN);
	int number = __builtin_ctzll(world->signals);
	world->signals &= world->signals - 1;
	*info = (struct signalfd_siginfo){ .ssi_signo = (uint32_t)number };
	return sizeof(*info);
}

/* ---- read, write, close ---- */

static void close_stream(struct link_state *l)
{
	l->fd = -1;
	l->out.ended = true;
	if (l->role != ROLE_SLACK)
		peer_gone(l);
	if (l->role == ROLES || !l->connected || l->error)
		link_free(l);
	else
		have_taken(l);
}

int __wrap_close(int fd);
int __wrap_close(int fd)
{
	struct descriptor *d = descriptor(fd);
	if (!d)
		return fail(EBADF);
	const struct descriptor was = *d;
	enum fd_kind kind = d->kind;
	d->kind = FD_FREE;
	if (kind == FD_STREAM)
		close_stream(link_of(d));
	if (kind == FD_PIPE_OUT || kind == FD_PIPE_IN)
		pipe_close(&was);
	if (kind == FD_LISTENING)
		refuse_queued();
	return 0;
}

ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n)
{
	struct descriptor *d = descriptor(fd);
	if (!d)
		return fail(EBADF);
	if (d->kind == FD_SIGNAL)
		return read_signal(p);
	if (d->kind == FD_PIPE_OUT)
		return pipe_read(d, p, n);
	if (call_fails("read"))
		return fail(EIO);
	return disk_read(d, p, n);
}

ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	struct descriptor *d = descriptor(fd);
	if (!d)
		return fail(EBADF);
	if (d->kind == FD_EVENT) {
		d->count++;
		edge(d);
		return (ssize_t)n;
	}
	if (d->kind == FD_PIPE_IN)
		return pipe_write(d, p, n);
	if (call_fails("write"))
		return fail(EIO);
	if (fd == STDERR_FILENO)
		slack_log(p, n);
	if (fd == STDOUT_FILENO) {
		trace("%.*s", (int)n, (const char *)p);
		world->sentences++;
	}
	return (ssize_t)n;
}

/* ---- what is asked once ---- */

int __wrap_prlimit(pid_t pid, int what, const struct rlimit *new, struct rlimit *old);
int __wrap_prlimit(pid_t pid, int what, const struct rlimit *new, struct rlimit *old)
{
	(void)pid, (void)what, (void)new;
	if (old)
		*old = (struct rlimit){ LIMIT_OF_FILES, LIMIT_OF_FILES };
	return 0;
}
