/* tls_client.h - one TLS 1.2 client connection over BearSSL's engine, where every call that can
 * wait has a deadline.
 *
 * Suites: ECDHE with X25519, P-256 or P-384; RSA and ECDSA server keys; AES-128/256-GCM and
 * ChaCha20-Poly1305. Nothing older than TLS 1.2, no CBC, no static RSA, no SHA-1 in signatures, no
 * compression, no renegotiation. A truncated stream is an error. An extended master secret (RFC
 * 7627) is asked for, but not demanded.
 *
 * The server's certificate must be for the host and lead to an anchor by the rules of x509/path.h,
 * none of which can be switched off. */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "base/deadline.h"
#include "net/tls.h"
#include "x509/verifier.h"

/* Whom to speak TLS with. */
struct tls_peer {
	struct str host;           /* a name, or an IPv4 or IPv6 address without brackets */
	uint16_t port;
	const struct trust *trust; /* whom to believe */
	/* A certificate that it must show, whoever signed it and whatever it is for; empty for none. */
	struct str pinned;
	struct buf *seen; /* gets the certificates that it sends, DER, one after the other; or NULL */
	struct tls_pump *below;    /* as in struct tls_pump */
	bool rsa_first; /* offers only suites with RSA, unless the host was found to decline that */
};

/* Memory for one TLS connection, about 81 KiB, of which 20 to 32 are touched; all zeros before its
 * first use. May be kept and used for one connection after another. The session is offered again,
 * by its ticket (RFC 5077) or else by its id, to the same host, port and anchors, for at most an
 * hour and while the certificates of its first connection are valid. A resumed connection does
 * without certificates and public keys. */
struct tls_client {
	br_ssl_client_context client;
	struct tls_pump pump;
	struct verifier verifier;
	struct tls_refusal {
		const br_ssl_client_certificate_class *class; /* first, for BearSSL */
		bool asked; /* the server wants a certificate of ours, and gets none */
	} refusal;
	size_t asked; /* pump.received when the last write began */
	/* The last handshake seems to have failed because of rsa_first: the next one with the same
	 * host offers all suites. */
	bool declined;

	/* Whom it is, or was, connected with, and the session that may be offered to the same one
	 * again. */
	char host[256]; /* without a dot at the end, NUL-terminated */
	uint16_t port;
	const struct anchor *anchors; /* that it was verified with */
	struct tls_client_session {
		br_ssl_session_parameters parameters; /* session_id_len is 0 when it has no id */
		uint8_t ticket[BR_MAX_TICKET_SIZE];
		size_t ticket_n;   /* 0: it has none */
		int64_t until;     /* monotonic ms */
		int64_t not_after; /* when the first of the certificates ends, seconds since 1970 */
	} session;

	unsigned char in[BR_SSL_BUFSIZE_INPUT], out[BR_SSL_BUFSIZE_OUTPUT];
};

/* The handshake with to->host over the connected socket `fd`.
 * E_TLS, E_CERT, E_TIMEOUT, E_SYSTEM; E_NAME when the host cannot be one. */
must_check enum err tls_connect(
	struct tls_client *t, int fd, const struct tls_peer *to, struct deadline *d, struct fault *f);

/* As stream_write, stream_read and stream_is_idle, but a time-out leaves the fault's text to the
 * caller, and tls_is_idle looks only at what the engine holds. */
must_check enum err tls_write(struct tls_client *t, int fd, const struct str *parts, size_t count,
	struct deadline *d, struct fault *f);
must_check enum err tls_read(struct tls_client *t, int fd, size_t *got, char *p, size_t cap,
	struct deadline *d, struct fault *f);
bool tls_is_idle(const struct tls_client *t);

/* Tries once to send close_notify and wipes the keys. The socket is the caller's to close. */
void tls_close(struct tls_client *t, int fd);

#endif
