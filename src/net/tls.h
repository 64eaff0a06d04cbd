/* tls.h - TLS 1.2 client over BearSSL's engine.
 *
 * Suites: ECDHE with X25519, P-256 or P-384; RSA and ECDSA server keys; AES-128/256-GCM and ChaCha20-Poly1305.
 * Nothing older than TLS 1.2, no CBC, no static RSA, no SHA-1 in signatures, no compression, no renegotiation. The engine
 * is driven by our own loop: a truncated stream is an error, a dead socket ends the loop.
 *
 * The server's certificate must chain to an anchor (trust.h), be valid now, carry the host in a subjectAltName (DNS
 * name, or IP address for an address), allow server authentication, not be a CA's, and have an RSA key of at
 * least 2,048 bits or an EC key on one of the two NIST curves. None of this can be switched off. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/stream.h"
#include "net/trust.h"

/* Memory for one TLS connection, about 48 KiB, of which 16 to 24 are touched; all zeros before its first use. May be kept
 * and used for one connection after another. To the same host the session is offered again (resumption). */
struct tls; /* complete in net/tls_client.h, for those who must allocate one */

#endif
