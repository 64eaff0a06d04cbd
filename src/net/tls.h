/* tls.h - TLS 1.2 client over BearSSL's engine, and whom it believes.
 *
 * Suites: ECDHE with P-256, X25519, P-384; RSA and ECDSA server keys; AES-128/256-GCM and
 * ChaCha20-Poly1305. Nothing older than TLS 1.2, no CBC, no static RSA, no SHA-1 in signatures, no
 * compression, no renegotiation. The engine is driven by our own loop: a truncated stream is an error,
 * a dead socket ends the loop.
 *
 * The server's certificate must chain to an anchor, be valid now, carry the host in a subjectAltName (DNS
 * name, or IP address for an address), allow server authentication, not be a CA, and have an RSA key of at
 * least 2,048 bits or an EC key on one of the three curves. None of this can be switched off. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/arena.h"
#include "net/stream.h"

#include <bearssl.h>

struct trust {
	const br_x509_trust_anchor *anchors;
	size_t count;
};

/* The anchors compiled in: Amazon's five roots, ISRG Root X1 and X2, DigiCert's roots. Lives for ever. */
struct trust trust_builtin(void);

/* The anchors of a PEM bundle (every CERTIFICATE block that is a CA's; others and unreadable ones are
 * passed over and counted in *skipped). Their memory is taken from `arena` and lives with it.
 * E_CONFIG when not one is usable, E_LIMIT when the arena is too small. */
must_check enum err trust_from_pem(struct trust *out, size_t *skipped, struct str pem, struct arena *arena, struct fault *f);

/* Memory for one TLS connection, about 40 KiB; may be kept and used for one connection after another. To
 * the same host the session is offered again (resumption). */
struct tls; /* complete in net/tls_client.h, for those who must allocate one */

#endif
