/* The arithmetic of rsa_raw.h, ecdsa_raw.h, ec.h and x25519.h where the compiler has no product of
 * 64 by 64 bits: BearSSL's, which ends at RSA with some 4,096 bits. */
#include "crypto/ct.h"
#include "crypto/ecdsa_raw.h"
#include "crypto/limb.h"
#include "crypto/rsa_raw.h"
#include "crypto/x25519.h"

#include <string.h>

#ifndef LIMB_WIDE

bool rsa_public(uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x)
{
	if (rsa_exponent(key) == 0 || rsa_modulus(key).n < RSA_SIZE_MIN || x.n != rsa_modulus(key).n)
		return false;
	memcpy(out, x.p, x.n);
	return br_rsa_i31_public(out, x.n, key);
}

/* BearSSL's scalars are big-endian. */
bool x25519_shared(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
                   const uint8_t u[static X25519_SIZE])
{
	uint8_t turned[X25519_SIZE], any = 0;
	for (size_t i = 0; i < X25519_SIZE; i++)
		turned[i] = scalar[X25519_SIZE - 1 - i];
	memmove(out, u, X25519_SIZE);
	br_ec_c25519_m31.mul(out, X25519_SIZE, turned, X25519_SIZE, BR_EC_curve25519);
	ct_wipe(turned, sizeof(turned));
	for (int i = 0; i < X25519_SIZE; i++)
		any |= out[i];
	return any != 0;
}

void x25519_public(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE])
{
	static const uint8_t base[X25519_SIZE] = { 9 };
	(void)!x25519_shared(out, scalar, base);
}

bool ec_multiply(int curve, uint8_t *point, size_t point_n, const uint8_t *k, size_t k_n)
{
	return ec_size(curve) > 0 && br_ec_prime_i31.mul(point, point_n, k, k_n, curve);
}

void ec_multiply_generator(int curve, uint8_t *point, const uint8_t *k, size_t k_n)
{
	br_ec_prime_i31.mulgen(point, k, k_n, curve);
}

bool ecdsa_raw_verify(
	const br_ec_public_key *key, const void *digest, size_t digest_n, const uint8_t *raw)
{
	return br_ecdsa_i31_vrfy_raw(
		&br_ec_prime_i31, digest, digest_n, key, raw, 2 * ec_size(key->curve));
}

bool ecdsa_raw_sign(uint8_t raw[static ECDSA_RAW_MAX], const br_ec_private_key *key,
	const br_hash_class *hash, const void *digest)
{
	return br_ecdsa_i31_sign_raw(&br_ec_prime_i31, hash, digest, key, raw) > 0;
}

bool rsa_private(uint8_t *out, const struct rsa_key *key, const uint8_t *x)
{
	uint8_t again[RSA_SIZE_MAX];
	size_t n = rsa_modulus(&key->public).n;
	memcpy(out, x, n);
	bool ok = br_rsa_i31_private(out, &key->private) &&
		rsa_public(again, &key->public, (struct str){ (const char *)out, n }) &&
		memcmp(again, x, n) == 0;
	if (!ok)
		memset(out, 0, n);
	return ok;
}

#endif
