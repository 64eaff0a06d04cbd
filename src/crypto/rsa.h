/* rsa.h - RSA signatures (RFC 8017): PKCS#1 v1.5 and PSS, over SHA-256, SHA-384 and SHA-512.
 *
 * Public keys have an odd modulus of 128 to 1,024 bytes, zeros in front not counted, and an odd
 * exponent of 3 to 2^64 - 1; any other verifies nothing, nor does one of more than some 512 bytes
 * on a 32-bit processor. How long a key must be to be trusted is the caller's decision. The time of
 * a verification may depend on all of it: it is public. */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "crypto/rsa_raw.h"

/* Signs `digest`, a value of `hash`, as PKCS#1 v1.5. Returns the length, that of the modulus; 0 if
 * the numbers of the key do not belong together. Constant time. */
must_check size_t rsa_sign_pkcs1(uint8_t out[static RSA_PRIVATE_SIZE_MAX],
	const struct rsa_key *key, const br_hash_class *hash, const void *digest);

/* Whether `signature`, of the length of the modulus, is one of `digest`, a value of `hash`. PKCS#1
 * v1.5: there is one valid encoding, with NULL parameters in the DigestInfo. */
must_check bool rsa_verify_pkcs1(const br_rsa_public_key *key, const br_hash_class *hash,
	const void *digest, struct str signature);

/* The same for PSS, where MGF1 uses `hash`, too; `salt_n` is the length of the salt that must be
 * found. */
must_check bool rsa_verify_pss(const br_rsa_public_key *key, const br_hash_class *hash,
	const void *digest, size_t salt_n, struct str signature);

/* The first of them in the form of BearSSL's br_rsa_pkcs1_vrfy, for its engine: `digest` gets what
 * was signed. */
uint32_t rsa_pkcs1_vrfy(const unsigned char *signature, size_t signature_n,
	const unsigned char *hash_oid, size_t digest_n, const br_rsa_public_key *key,
	unsigned char *digest);

#endif
