/* tls_client.h - one TLS client connection, for stream.c and for owners of its memory. */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "net/tls.h"
#include "net/x509.h"

struct tls {
	br_ssl_client_context client;
	struct x509_verifier verifier;
	bool heard; /* something has arrived since the last write began */
	bool mute; /* a write has failed: nothing more is sent, what the peer sent is still read */

	/* Whom it is, or was, connected with, and the session that may be offered to the same one again. */
	char host[256]; /* without a dot at the end, NUL-terminated */
	uint16_t port;
	const br_x509_trust_anchor *anchors; /* that it was verified with */
	br_ssl_session_parameters session;   /* session_id_len is 0 when there is none */
	int64_t session_until;               /* monotonic ms */

	unsigned char in[BR_SSL_BUFSIZE_INPUT], out[BR_SSL_BUFSIZE_OUTPUT];
};

/* The handshake with to->host over the connected socket `fd`.
 * E_TLS, E_CERT, E_TIMEOUT, E_SYSTEM; E_NAME when the host cannot be one. */
must_check enum err tls_connect(struct tls *t, int fd, const struct stream_target *to, struct deadline *d, struct fault *f);

/* As stream_write, stream_read and stream_is_idle, but a time-out leaves the fault's text to the caller, and
 * tls_is_idle looks only at what the engine holds. */
must_check enum err tls_write(struct tls *t, int fd, const struct str *parts, size_t count, struct deadline *d, struct fault *f);
must_check enum err tls_read(struct tls *t, int fd, size_t *got, char *p, size_t cap, struct deadline *d, struct fault *f);
bool tls_is_idle(const struct tls *t);

/* Tries once to send close_notify and wipes the keys. The socket is the caller's to close. */
void tls_close(struct tls *t, int fd);

#endif
