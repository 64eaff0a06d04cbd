/* rsa_raw.h - the arithmetic of RSA, without paddings; between rsa.c and rsa_raw.c. */
#ifndef CRYPTO_RSA_RAW_H
#define CRYPTO_RSA_RAW_H

#include "crypto/rsa.h"

/* Big-endian numbers without the zeros in front. */
struct str rsa_modulus(const br_rsa_public_key *key);

/* out = x^e mod n, both of the modulus' length, big-endian. False if the key is none of those in rsa.h or x not below n. */
must_check bool rsa_public(uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x);

#endif
