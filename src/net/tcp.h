/* tcp.h - sockets that do not block, and waiting for them with a deadline.
 *
 * net/ waits nowhere but in socket_wait. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "base/deadline.h"
#include "base/fault.h"
#include "net/address.h"

#include <poll.h>
#include <sys/uio.h>

/* Waits until at least one of `fds` has something to tell in its `revents`, or the hard moment has
 * passed: E_TIMEOUT, without a text in the fault, because only the caller knows what was waited
 * for. A signal does not end it. E_SYSTEM. */
must_check enum err socket_wait(
	struct pollfd *fds, size_t count, struct deadline *d, struct fault *f);

/* The same for at most `ms`; E_MORE when they are over before the deadline is. */
must_check enum err socket_wait_within(
	struct pollfd *fds, size_t count, int64_t ms, struct deadline *d, struct fault *f);

/* Tries the addresses in order: the next one as soon as one has failed, or CONNECT_STAGGER_MS after
 * the last one began, in the end all at once (RFC 8305). The first that answers wins. An address
 * without a route fails at once and costs nothing. *fd is non-blocking, has TCP_NODELAY and is
 * closed on exec; -1 after a failure. `name` is for the text. E_CONNECT, E_TIMEOUT, E_SYSTEM. */
enum { CONNECT_STAGGER_MS = 250 };
must_check enum err tcp_connect(int *fd, const struct addresses *to, struct str name, uint16_t port,
	struct deadline *d, struct fault *f);

/* One sendmsg(2) without SIGPIPE: *sent says how much it took, at least one byte. E_MORE when there
 * is no room now; E_CLOSED, E_SYSTEM. */
must_check enum err tcp_send(
	int fd, size_t *sent, struct iovec *parts, size_t count, struct fault *f);

/* One recv(2): *got says how much it gave, at least one byte. E_MORE when there is nothing now;
 * E_CLOSED when the peer has ended its side, or all of it; E_SYSTEM. */
must_check enum err tcp_receive(int fd, size_t *got, void *p, size_t cap, struct fault *f);

#endif
