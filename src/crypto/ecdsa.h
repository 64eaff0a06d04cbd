/* ecdsa.h - signatures of elliptic curves (FIPS 186-5, 6): P-256 and P-384, as DER (RFC 3279, 2.2.3).
 *
 * A digest may have any length; of one that is longer than the curve's order the first bytes count. Public keys are
 * uncompressed points, as certificates hold them; one that is not on its curve verifies nothing.
 * What is verified is public: the time may depend on it. */
#ifndef CRYPTO_ECDSA_H
#define CRYPTO_ECDSA_H

#include "base/str.h"

#include <bearssl.h>

/* Whether `signature` is one of the digest by this key. */
must_check bool ecdsa_verify(const br_ec_public_key *key, const void *digest, size_t digest_n, struct str signature);

#endif
