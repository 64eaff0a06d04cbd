/* listen.h - sockets that wait for connections. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/deadline.h"
#include "base/fault.h"

/* Opens a non-blocking listening socket at `address`: ADDR:PORT, [ADDR]:PORT, :PORT or unix:PATH.
 * ADDR is an IPv4 or IPv6 address, or localhost; without one it is [::], and 0.0.0.0 where the
 * system has no IPv6. Port 0 takes a free one. [::] takes IPv4 as well, where the system lets it. A
 * socket file that nobody listens on any more is replaced. E_CONFIG for an address of another form,
 * E_SYSTEM with a text that says what is in the way. */
must_check enum err listen_open(int *fd, struct str address, struct fault *f);

/* Connects to what listen_open would open there, by a loopback address where that would take every
 * one. The socket is as tcp_connect makes it. E_CONFIG, E_CONNECT, E_TIMEOUT, E_SYSTEM. */
must_check enum err listen_connect(
	int *fd, struct str address, struct deadline *d, struct fault *f);

/* Whether `address` has one of these forms, without opening anything. E_CONFIG. */
must_check enum err listen_check(struct str address, struct fault *f);

/* Appends the address that `fd` is bound to, in the form above: it says which free port was taken.
 */
void listen_name(struct buf *out, int fd);

/* The same of the other end of a connection. */
void listen_peer(struct buf *out, int fd);

/* Accepts one connection: non-blocking, closed on exec, TCP_NODELAY. `peer`: appends the address of
 * the other side without its port, nothing for a unix socket. Connections that were gone before
 * they were accepted are passed over. E_MORE: nobody is waiting, or very many in a row were gone.
 * E_LIMIT: no file descriptor or memory is left. E_SYSTEM: anything else. */
must_check enum err listen_accept(int *fd, struct buf *peer, int listening, struct fault *f);

#endif
