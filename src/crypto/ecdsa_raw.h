/* ecdsa_raw.h - the arithmetic of ECDSA, where a signature is its two numbers, big-endian, each of
 * the curve's ec_size; between ecdsa.c and ecdsa_raw.c. */
#ifndef CRYPTO_ECDSA_RAW_H
#define CRYPTO_ECDSA_RAW_H

#include "crypto/ec.h"

enum { ECDSA_RAW_MAX = 2 * EC_SIZE_MAX };

/* As ecdsa_verify; the key's curve is one of ec.h. */
must_check bool ecdsa_raw_verify(
	const br_ec_public_key *key, const void *digest, size_t digest_n, const uint8_t *raw);

/* As ecdsa_sign; all zeros if it is false. Constant time, but for how often a nonce had to be
 * drawn. */
must_check bool ecdsa_raw_sign(uint8_t raw[static ECDSA_RAW_MAX], const br_ec_private_key *key,
	const br_hash_class *hash, const void *digest);

#endif
