/* tls.h - TLS records between BearSSL's engine and a socket: one pump for both roles.
 *
 * The engine does no I/O. tls_move carries its records in the smallest steps, never waits and is
 * bounded, so that a dead socket ends every loop around it (br_sslio_* may spin for ever). What the
 * roles do while nothing can be moved, they decide: a client waits with a deadline (tls_client.h),
 * a server returns to its event loop (tls_server.h). */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/fault.h"

#include <bearssl.h>

struct tls_pump {
	br_ssl_engine_context *engine;
	/* The connection whose data are this one's records; NULL if they go to the socket. */
	struct tls_pump *below;
	bool readable, writable; /* whether the socket is worth trying; cleared when it would block */
	bool mute; /* sending has failed: nothing more is sent, what the peer sent is still read */
	size_t sent, received;   /* bytes of records so far */
};

/* A pump for a connection that begins: on a socket, or inside of the connection `below`, whose
 * handshake is done. */
struct tls_pump tls_pump_init(br_ssl_engine_context *engine, struct tls_pump *below);

/* Sends what the engine wants to send, or else receives what it can take, in one system call.
 * E_MORE: neither can be done now, because the socket is not ready, the engine holds data to be
 * taken first, or it has ended (tls_has_ended). Records of a connection below move on the way.
 * E_CLOSED when the peer has ended its side, or all of it; E_SYSTEM. */
must_check enum err tls_move(struct tls_pump *t, int fd, struct fault *f);

/* Whether data have come in below, which a socket does not tell of. */
bool tls_can_take_below(const struct tls_pump *t);

/* Whether the engine is done with the connection: br_ssl_engine_last_error says why, BR_ERR_OK
 * after a close_notify. */
bool tls_has_ended(const struct tls_pump *t);

/* Takes data that has come in, at most `cap` bytes, and wipes it in the engine's buffer. Returns
 * how many there were. */
size_t tls_take(struct tls_pump *t, char *p, size_t cap);

/* Hands data to the engine. Returns how much of it fitted. It becomes a record when there is no
 * more room, or by br_ssl_engine_flush. */
size_t tls_give(struct tls_pump *t, struct str data);

/* How many bytes of records wait to be sent, without those below; none before the connection
 * begins. */
size_t tls_pending(const struct tls_pump *t);

/* Tries once to send close_notify; but not behind an unfinished record, the rest of which could
 * complete a request that was given up. */
void tls_send_close(struct tls_pump *t, int fd);

#endif
