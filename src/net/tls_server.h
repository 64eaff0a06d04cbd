/* tls_server.h - the server's side of TLS 1.2 over BearSSL's engine, in steps that never wait.
 *
 * Suites and algorithms are those of tls_profile.h, in the order of the client's preference. A
 * client that wants a protocol other than http/1.1 (ALPN) is refused, as is renegotiation;
 * certificates are not asked for. Sessions are kept for resumption by their id, not in tickets.
 *
 * The caller owns the socket and knows when it is readable and writable; the engine's records pass
 * through tls_server_pump. One thread at a time uses a connection, any number of them one identity.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "net/tls.h"
#include "os/lock.h"
#include "x509/identity.h"


enum {
	TLS_SESSIONS = 1024,
	/* Answers are small: room for records of 4096 bytes. What clients send has up to 16384. */
	TLS_OUT = 4096 + BR_SSL_BUFSIZE_OUTPUT - 16384,
};

/* The server's certificate and key, and the sessions that can be resumed. */
struct tls_identity {
	const br_ssl_server_policy_class *policy; /* first, for BearSSL */
	struct identity identity;

	struct tls_sessions {
		const br_ssl_session_cache_class *cache; /* first, for BearSSL */
		struct lock lock; /* of `list` */
		struct tls_session {
			int64_t until; /* monotonic ms */
			br_ssl_session_parameters parameters;
		} list[TLS_SESSIONS];
	} sessions;
};

/* As identity_from_pem; *id stays where it is from now on. */
must_check enum err tls_identity_from_pem(struct tls_identity *id, struct str chain, struct str key,
	struct arena *arena, struct fault *f);

/* Whether its certificate has expired. */
bool tls_identity_has_expired(const struct tls_identity *id, int64_t now_ms);

/* One connection: 25 KiB, of which half is touched while requests are small. All zeros before its
 * first use. */
struct tls_server {
	br_ssl_server_context server;
	struct tls_pump pump;
	bool ready;          /* the handshake is done */
	unsigned char first; /* what came in began with this; 0 while nothing did */
	size_t fruitless;    /* bytes received since data were last sent, less twice those of data */
	unsigned char in[BR_SSL_BUFSIZE_INPUT], out[TLS_OUT];
};

/* Begins a connection. `id` is used until tls_server_handshaking says no more. */
void tls_server_start(struct tls_server *t, struct tls_identity *id);

/* Moves records between engine and socket for as long as that needs no waiting. A flag that is
 * false says not to try that direction; it is cleared when the socket has nothing more, or no more
 * room, and to try again makes sense only when that has changed. Data that has come in is to be
 * read before more is received. During a handshake a call may take the milliseconds of a signature;
 * afterwards it moves a few records, and returns E_MORE if there may be others. E_CLOSED when
 * nothing more will come: the client has ended its side, or after its close_notify the whole
 * connection. E_TLS, E_SYSTEM: it is broken. */
must_check enum err tls_server_pump(
	struct tls_server *t, int fd, bool *readable, bool *writable, struct fault *f);

static inline bool tls_server_handshaking(const struct tls_server *t) { return !t->ready; }

/* Whether anything came in. */
static inline bool tls_server_has_heard(const struct tls_server *t) { return t->pump.received > 0; }

/* Whether what came in begins like a method of HTTP and not like TLS: the handshake will fail, or
 * has. */
static inline bool tls_server_hears_http(const struct tls_server *t) { return is_alpha(t->first); }

/* Takes data that has come in, at most `cap` bytes. Returns how many there were; 0: pump first. */
size_t tls_server_read(struct tls_server *t, char *p, size_t cap);

/* Hands over data to be sent. Returns how much of it fitted; when that was not all, pump and go on
 * with the rest. */
size_t tls_server_write(struct tls_server *t, struct str data);

/* Whether there is something left to be sent. */
bool tls_server_is_pending(const struct tls_server *t);

/* Ends it: tries once to send close_notify and wipes the keys. The socket is the caller's to close.
 */
void tls_server_end(struct tls_server *t, int fd);

#endif
