/* tls_prf.h - the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246, 5). */
#ifndef CRYPTO_TLS_PRF_H
#define CRYPTO_TLS_PRF_H

#include <bearssl.h>

/* Fills `out` from the secret, the label and the parts of the seed; in the form of BearSSL's
 * br_tls_prf_impl. */
void tls_prf_sha256(void *out, size_t n, const void *secret, size_t secret_n, const char *label,
	size_t count, const br_tls_prf_seed_chunk *seed);

#endif
