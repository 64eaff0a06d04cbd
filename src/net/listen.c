#include "net/listen.h"

#include "base/clock.h"
#include "codec/authority.h"
#include "net/address.h"
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
	ABORTED_MAX =
		64, /* connections that were gone before they were accepted, passed over in one call */
	LOCK_AGAIN_MS = 100,
	LOCK_TRIES = 50, /* five seconds; a gateway has it for a moment */
};

union any_address {
	struct sockaddr any;
	union socket_address ip;
	struct sockaddr_un un;
};

static enum err bad_address(struct str address, struct fault *f)
{
	return fault_set(f, E_CONFIG, 0,
		"cannot listen on %s: it must be ADDRESS:PORT, [IPV6-ADDRESS]:PORT, :PORT or unix:PATH",
		str_sub(address, 0, 100));
}

static enum err parse_unix(
	union any_address *out, socklen_t *size, struct str address, struct fault *f)
{
	struct str path = str_skip(address, 5);
	if (path.n == 0 || path.n >= sizeof(out->un.sun_path) || path.p[0] != '/')
		return fault_set(f, E_CONFIG, 0,
			"cannot listen on %s: a socket needs an absolute path of at most %d bytes",
			str_sub(address, 0, 100), NUM(sizeof(out->un.sun_path) - 1));
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path.p, path.n);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return OK;
}

/* `v6` says which family an address without a host is of. */
static enum err parse_listening(
	union any_address *out, socklen_t *size, struct str address, bool v6, struct fault *f)
{
	struct address ip;
	struct str host;
	uint64_t port;
	memset(out, 0, sizeof(*out));
	if (str_starts(address, S("unix:")))
		return parse_unix(out, size, address, f);
	if (!authority_split_listening(&host, &port, address))
		return bad_address(address, f);
	if (host.n == 0)
		host = v6 ? S("::") : S("0.0.0.0");
	if (str_eq(host, S("localhost")))
		host = S("127.0.0.1");
	if (!address_parse(&ip, host))
		return bad_address(address, f);
	*size = address_to_socket(&out->ip, &ip, (uint16_t)port);
	return OK;
}

/* While it is held no other gateway looks at a socket there, or makes one. Not everybody may have
 * it, and who keeps it for longer than a gateway does must not stop this one; without it two that
 * start at one moment may both find the same stale socket. */
static int lock_directory(union any_address a)
{
	if (a.any.sa_family != AF_UNIX)
		return -1;
	strrchr(a.un.sun_path, '/')[1] = 0;
	int fd = open(a.un.sun_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int tries = LOCK_TRIES;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && tries-- > 0)
		clock_sleep_ms(LOCK_AGAIN_MS);
	return fd;
}

/* A file left behind by a process that is gone would be in the way for ever; one that somebody
 * listens on stays. */
static void remove_stale_socket(const union any_address *a, socklen_t size)
{
	struct stat st;
	if (a->any.sa_family != AF_UNIX || lstat(a->un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, &a->any, size) != 0 && errno == ECONNREFUSED)
		unlink(a->un.sun_path);
	if (fd >= 0)
		close(fd);
}

static enum err bind_at(
	int *fd, const union any_address *a, socklen_t size, struct str address, struct fault *f)
{
	static const int on = 1, off = 0;
	remove_stale_socket(a, size);
	*fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return fault_set(f, E_SYSTEM, errno, "no socket to listen on %s", address);
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->any.sa_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(*fd, &a->any, size) == 0 && listen(*fd, BACKLOG) == 0)
		return OK;
	fault_set(f, E_SYSTEM, errno, "cannot listen on %s", address);
	close(*fd);
	*fd = -1;
	return E_SYSTEM;
}

static enum err open_at(int *fd, struct str address, bool v6, struct fault *f)
{
	union any_address a;
	socklen_t size = 0;
	enum err e = parse_listening(&a, &size, address, v6, f);
	if (e != OK)
		return e;
	int directory = lock_directory(a);
	e = bind_at(fd, &a, size, address, f);
	if (directory >= 0)
		close(directory);
	return e;
}

/* Nobody can connect to the address that stands for all of them. */
static void prefer_loopback(union any_address *a)
{
	static const struct in6_addr every = IN6ADDR_ANY_INIT, loopback = IN6ADDR_LOOPBACK_INIT;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->any;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->any;
	if (a->any.sa_family == AF_INET && v4->sin_addr.s_addr == 0)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (a->any.sa_family == AF_INET6 && memcmp(&v6->sin6_addr, &every, sizeof(every)) == 0)
		v6->sin6_addr = loopback;
}

enum err listen_connect(int *fd, struct str address, struct deadline *d, struct fault *f)
{
	union any_address a;
	socklen_t size = 0, length = sizeof(int);
	int sys = 0;
	enum err e = parse_listening(&a, &size, address, false, f);
	if (e != OK)
		return e;
	prefer_loopback(&a);
	*fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return fault_set(f, E_SYSTEM, errno, "no socket to connect to %s", address);
	if (connect(*fd, &a.any, size) != 0 && errno != EINPROGRESS) {
		sys = errno;
	} else {
		struct pollfd wanted = { .fd = *fd, .events = POLLOUT };
		e = socket_wait(&wanted, 1, d, f);
		if (e == OK)
			check(getsockopt(*fd, SOL_SOCKET, SO_ERROR, &sys, &length) == 0);
	}
	if (e == OK && sys == 0)
		return OK;
	close(*fd);
	*fd = -1;
	if (e == E_TIMEOUT)
		return fault_set(f, e, 0, "%s does not answer", address);
	return e != OK ? e : fault_set(f, E_CONNECT, sys, "nothing answers at %s", address);
}

enum err listen_check(struct str address, struct fault *f)
{
	union any_address a;
	socklen_t size = 0;
	return parse_listening(&a, &size, address, false, f);
}

enum err listen_open(int *fd, struct str address, struct fault *f)
{
	enum err e = open_at(fd, address, true, f);
	bool without_v6 = e == E_SYSTEM && (f->sys == EAFNOSUPPORT || f->sys == EADDRNOTAVAIL);
	return without_v6 && str_starts(address, S(":")) ? open_at(fd, address, false, f) : e;
}

static bool ip_of(struct address *ip, uint16_t *port, const union any_address *a)
{
	if (a->any.sa_family == AF_INET) {
		*ip = address_v4((const uint8_t *)&a->ip.v4.sin_addr);
		*port = ntohs(a->ip.v4.sin_port);
	} else if (a->any.sa_family == AF_INET6) {
		*ip = address_v6(a->ip.v6.sin6_addr.s6_addr);
		*port = ntohs(a->ip.v6.sin6_port);
	}
	return a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6;
}

static void put_end(struct buf *out, int fd, int (*end)(int, struct sockaddr *, socklen_t *))
{
	union any_address a;
	struct address ip;
	uint16_t port;
	socklen_t size = sizeof(a);
	memset(&a, 0, sizeof(a));
	if (end(fd, &a.any, &size) != 0)
		return;
	if (!ip_of(&ip, &port, &a)) {
		buf_format(out, "unix:%s", str_c(a.un.sun_path));
		return;
	}
	bool v4 = address_is_v4(&ip);
	buf_put(out, v4 ? S("") : S("["));
	address_put(out, &ip);
	buf_format(out, "%s%d", v4 ? S(":") : S("]:"), NUM(port));
}

void listen_name(struct buf *out, int fd)
{
	put_end(out, fd, getsockname);
}

void listen_peer(struct buf *out, int fd)
{
	put_end(out, fd, getpeername);
}

/* Whether accept(2) failed because of the one connection it would have given, which is gone: the
 * next one may be well. */
static bool is_of_a_connection(int sys)
{
	static const int those[] = {
		ECONNABORTED,
		EINTR,
		EPERM,
		EPROTO,
		ENOPROTOOPT,
		ENETDOWN,
		ENETUNREACH,
		EHOSTDOWN,
		EHOSTUNREACH,
		ENONET,
		ETIMEDOUT,
	};
	size_t i = 0;
	while (i < countof(those) && those[i] != sys)
		i++;
	return i < countof(those);
}

enum err listen_accept(int *fd, struct buf *peer, int listening, struct fault *f)
{
	union any_address a;
	struct address ip;
	uint16_t port;
	static const int on = 1;
	socklen_t size;
	int tries = 0;
	do {
		size = sizeof(a);
		*fd = accept4(listening, &a.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (*fd < 0 && is_of_a_connection(errno) && ++tries < ABORTED_MAX);
	if (*fd < 0 && (errno == EAGAIN || is_of_a_connection(errno)))
		return E_MORE;
	if (*fd < 0) {
		bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return fault_set(f, full ? E_LIMIT : E_SYSTEM, errno, "no connection can be accepted");
	}
	if (ip_of(&ip, &port, &a)) {
		setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		address_put(peer, &ip);
	}
	return OK;
}
