/* rsa_raw.h - keys of RSA, and the arithmetic without paddings, for rsa.h. */
#ifndef CRYPTO_RSA_RAW_H
#define CRYPTO_RSA_RAW_H

#include "base/str.h"

#include <bearssl.h>

enum { RSA_SIZE_MIN = 1024 / 8, RSA_SIZE_MAX = 8192 / 8 };

/* A private key, with what is public of it. The modulus has RSA_PRIVATE_SIZE_MAX bytes at most, a
 * factor RSA_FACTOR_SIZE_MAX; the private numbers have no zeros in front. */
enum { RSA_PRIVATE_SIZE_MAX = 4096 / 8, RSA_FACTOR_SIZE_MAX = RSA_PRIVATE_SIZE_MAX / 2 + 32 };

struct rsa_key {
	br_rsa_public_key public;
	br_rsa_private_key private;
};

/* The modulus without zeros in front. */
struct str rsa_modulus(const br_rsa_public_key *key);

/* The exponent; 0 if rsa.h does not support it. */
uint64_t rsa_exponent(const br_rsa_public_key *key);

/* out = x^e mod n, both of the modulus' length, big-endian. False if the key is none of those in
 * rsa.h or x not below n. */
must_check bool rsa_public(
	uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x);

/* out = x^d mod n, for another `x` of the modulus' length and below n. The private numbers have no
 * zeros in front. The result is put to the public key's test before it is handed out: false, and
 * zeros, if it fails. One wrong bit in one of the halves of the computation would give away the
 * key. */
must_check bool rsa_private(uint8_t *out, const struct rsa_key *key, const uint8_t *x);

#endif
