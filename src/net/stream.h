/* stream.h - the seam: a connected byte stream over TCP, plain or under TLS, where every call that
 * can wait has a deadline.
 *
 * One thread uses a stream at a time. Sockets are non-blocking and have TCP_NODELAY; all waiting is
 * poll(2) bounded by deadline_left, so that the soft moment of a deadline is served in the middle
 * of any wait. SIGPIPE is never raised. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/deadline.h"
#include "base/fault.h"

struct proxy_server;
struct tls_client;
struct tls_peer;

struct stream {
	int fd;           /* -1: not connected */
	bool secure;      /* TLS is spoken on it */
	bool wrapped;     /* all of it goes through TLS with a proxy */
	struct tls_client *tls;   /* memory for TLS, given by the owner; NULL if it is never used */
	struct tls_client *outer; /* the same for TLS with a proxy; NULL unless the owner sets it */
	const struct proxy_server *via; /* the proxy that plain requests on it are for, see dial.h */
};

/* A stream that is not connected; dial.h connects it. `tls` outlives it. */
struct stream stream_none(struct tls_client *tls);

/* The TLS handshake, on a connected stream that was plain so far (net/tls_client.h has struct
 * tls_peer). Nothing of what the peer sent may have been read ahead. Closes the stream after a
 * failure. E_TLS, E_CERT, E_TIMEOUT, E_SYSTEM; E_NAME when peer->host cannot be a host's. */
must_check enum err stream_secure(
	struct stream *s, const struct tls_peer *peer, struct deadline *d, struct fault *f);

/* The same with a proxy: what follows, TLS with somebody behind it included, goes through it. `s`
 * has s->outer for that. */
must_check enum err stream_wrap(
	struct stream *s, const struct tls_peer *proxy, struct deadline *d, struct fault *f);

/* Writes all parts in order, in as few system calls as the socket allows: one sendmsg(2) in plain,
 * one for every full TLS record (16 KiB) otherwise. OK means that every byte has been handed to the
 * kernel; after any error the peer has surely not received the whole of it. E_CLOSED, E_TIMEOUT,
 * E_SYSTEM, E_TLS. */
must_check enum err stream_write(
	struct stream *s, const struct str *parts, size_t count, struct deadline *d, struct fault *f);

/* Reads at least one byte, at most `cap`; *got says how many.
 * E_CLOSED when the peer ended the stream, with `sys` 0 if it did so orderly. Under TLS, an end
 * without a close_notify is E_CLOSED only if nothing has arrived since the last write; after that
 * it is E_TLS, as is a record that was damaged: something of an answer has then arrived, even if
 * none of it can be read. E_TIMEOUT, E_SYSTEM. */
must_check enum err stream_read(
	struct stream *s, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f);

/* Whether an idle connection is still good: nothing to read, no end, no error. Does not wait. One
 * system call. A peer that spoke unasked makes it unfit too. */
bool stream_is_idle(struct stream *s);

/* Ends it; with TLS tries to send close_notify without waiting. A closed one stays as it is. */
void stream_close(struct stream *s);

#endif
