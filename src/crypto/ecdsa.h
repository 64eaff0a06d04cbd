/* ecdsa.h - signatures of elliptic curves (FIPS 186-5, 6) on P-256 and P-384, as DER (RFC 3279,
 * 2.2.3).
 *
 * A digest may have any length. If it is longer than the curve's order, its first bytes count. */
#ifndef CRYPTO_ECDSA_H
#define CRYPTO_ECDSA_H

#include "base/str.h"
#include "crypto/ec.h"

/* Two numbers, three heads, and a zero in front of each number. */
enum { ECDSA_SIGNATURE_MAX = 2 * EC_SIZE_MAX + 8 };

/* Signs `digest`, a value of `hash`, with a nonce made of it and the key (RFC 6979): it needs no
 * randomness, and the signature is always the same. Returns its length; 0 if the key is invalid.
 * Constant time. */
must_check size_t ecdsa_sign(uint8_t out[static ECDSA_SIGNATURE_MAX], const br_ec_private_key *key,
	const br_hash_class *hash, const void *digest);

/* Whether `signature` is one of the digest by this key, an uncompressed point as certificates hold
 * it. DER is taken strictly: a signature has one form. Everything here is public: the time may
 * depend on it. */
must_check bool ecdsa_verify(
	const br_ec_public_key *key, const void *digest, size_t digest_n, struct str signature);

/* The same in the form of BearSSL's br_ecdsa_vrfy, for its engine. */
uint32_t ecdsa_vrfy(const br_ec_impl *impl, const void *digest, size_t digest_n,
	const br_ec_public_key *key, const void *signature, size_t signature_n);

#endif
