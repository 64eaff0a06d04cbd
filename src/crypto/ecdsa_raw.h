/* ecdsa_raw.h - the arithmetic of ECDSA, where a signature is its two numbers, big-endian, each of the curve's ec_size; between
 * ecdsa.c and ecdsa_raw.c. */
#ifndef CRYPTO_ECDSA_RAW_H
#define CRYPTO_ECDSA_RAW_H

#include "crypto/ec.h"

/* As ecdsa_verify; the key's curve is one of ec.h. */
must_check bool ecdsa_raw_verify(const br_ec_public_key *key, const void *digest, size_t digest_n, const uint8_t *raw);

#endif
