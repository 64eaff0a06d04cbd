/* stream.h - the seam: a connected byte stream over TCP, plain or under TLS, where every call that can
 * wait has a deadline.
 *
 * One thread uses a stream at a time. Sockets are non-blocking and have TCP_NODELAY; all waiting is
 * poll(2) bounded by deadline_left, so that the soft moment of a deadline is served in the middle of any
 * wait. SIGPIPE is never raised. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/deadline.h"
#include "base/fault.h"

struct tls;
struct proxy;
struct proxy_server;
struct resolver;
struct trust;

struct stream {
	int fd;           /* -1: not connected */
	bool secure;      /* TLS is spoken on it */
	struct tls *tls;  /* memory for TLS, given by the owner; NULL if it will only be used in plain */
	const struct proxy_server *via; /* the proxy that plain requests on it are for, see stream_connect; usually NULL */
};

struct stream_target {
	struct str host;           /* a name, or an IPv4 or IPv6 address without brackets */
	uint16_t port;
	bool secure;
	const struct trust *trust; /* whom to believe, if secure */
	struct resolver *resolver;
	const struct proxy *proxy; /* the ways out, see proxy.h; NULL: always straight */
	struct buf *seen;          /* gets the certificates that the server sends, DER one behind the other; NULL: nobody asks */
};

/* A stream that is not connected. `tls` (see tls.h) outlives it. */
struct stream stream_none(struct tls *tls);

/* Resolves, connects (every address in turn, IPv6 and IPv4 interleaved, a new attempt at the latest 250 ms
 * after the one before) and does the TLS handshake. `s` is not connected before, nor after a failure.
 * Where a proxy stands between (proxy_for), it is that which is resolved and connected to, and what fails names it. With TLS
 * it is asked to connect on, and the handshake is with the target as ever. Without, s->via says that requests are for it: they
 * name their target in absolute form, http://AUTHORITY before the path, and carry its field (proxy_put_field).
 * E_NAME, E_CONNECT, E_TLS, E_CERT, E_TIMEOUT, E_SYSTEM, from a proxy E_REFUSED; nothing of a request has been sent in any
 * of these cases. */
must_check enum err stream_connect(struct stream *s, const struct stream_target *to, struct deadline *d, struct fault *f);

/* The handshake alone, on a connected stream that was plain so far, as behind a proxy's answer to CONNECT. Nothing of what
 * the peer sent may have been read ahead. Closes it after a failure. */
must_check enum err stream_secure(struct stream *s, const struct stream_target *to, struct deadline *d, struct fault *f);

/* Writes all parts in order, in as few system calls as the socket allows: one sendmsg(2) in plain, one for every full TLS
 * record (16 KiB) otherwise. OK means that every byte has been handed to the kernel; after any error the
 * peer has surely not received the whole of it.
 * E_CLOSED, E_TIMEOUT, E_SYSTEM, E_TLS. */
must_check enum err stream_write(struct stream *s, const struct str *parts, size_t count, struct deadline *d, struct fault *f);

/* Reads at least one byte, at most `cap`; *got says how many.
 * E_CLOSED when the peer ended the stream, with `sys` 0 if it did so orderly. Under TLS, an end without a close_notify
 * is E_CLOSED only if nothing has arrived since the last write; after that it is E_TLS, as is a record that was damaged: something
 * of an answer has then arrived, even if none of it can be read.
 * E_TIMEOUT, E_SYSTEM. */
must_check enum err stream_read(struct stream *s, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f);

/* Whether an idle connection is still good: nothing to read, no end, no error. Does not wait. One system
 * call. A peer that spoke unasked makes it unfit too. */
bool stream_is_idle(struct stream *s);

/* Ends it; with TLS tries to send close_notify without waiting. A closed one stays as it is. */
void stream_close(struct stream *s);

#endif
