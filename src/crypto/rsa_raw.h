/* rsa_raw.h - the arithmetic of RSA, without paddings; between rsa.c and rsa_raw.c. */
#ifndef CRYPTO_RSA_RAW_H
#define CRYPTO_RSA_RAW_H

#include "crypto/rsa.h"

/* The modulus without zeros in front. */
struct str rsa_modulus(const br_rsa_public_key *key);

/* The exponent; 0: none of those in rsa.h. */
uint64_t rsa_exponent(const br_rsa_public_key *key);

/* out = x^e mod n, both of the modulus' length, big-endian. False if the key is none of those in rsa.h or x not below n. */
must_check bool rsa_public(uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x);

/* out = x^d mod n, for another `x` of the modulus' length and below n. The private numbers have no zeros in front. The result is put to the public key's test before it is handed
 * out: false, and zeros, if it fails. One wrong bit in one of the halves of the computation would give away the key. */
must_check bool rsa_private(uint8_t *out, const struct rsa_key *key, const uint8_t *x);

#endif
