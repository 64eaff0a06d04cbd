#include "crypto/rsa.h"

#include "crypto/rsa_raw.h"

#include <string.h>

enum { DIGEST_MAX = 64 };

static size_t digest_size(const br_hash_class *hash)
{
	return hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

/* ---- PKCS#1 v1.5 (RFC 8017, 9.2) ---- */

/* The one encoding of a digest; false when there is no room for it. `oid` has its length in front.
 */
static bool encode_pkcs1(
	uint8_t *out, size_t size, const uint8_t *oid, const uint8_t *digest, size_t digest_n)
{
	const uint8_t oid_n = oid[0];
	const uint8_t head[] = {
		0x30, (uint8_t)(oid_n + 8 + digest_n), 0x30, (uint8_t)(oid_n + 4), 0x06, oid_n,
	};
	const uint8_t tail[] = { 0x05, 0x00, 0x04, (uint8_t)digest_n };
	size_t info = sizeof(head) + oid_n + sizeof(tail) + digest_n;
	if (size < info + 11)
		return false;
	uint8_t *p = out + size - info;
	memset(out, 0xff, size - info);
	out[0] = 0;
	out[1] = 1;
	p[-1] = 0;
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	memcpy(p, oid + 1, oid_n);
	p += oid_n;
	memcpy(p, tail, sizeof(tail));
	memcpy(p + sizeof(tail), digest, digest_n);
	return true;
}

uint32_t rsa_pkcs1_vrfy(const unsigned char *signature, size_t signature_n,
	const unsigned char *hash_oid, size_t digest_n, const br_rsa_public_key *key,
	unsigned char *digest)
{
	uint8_t encoded[RSA_SIZE_MAX], want[RSA_SIZE_MAX];
	if (!hash_oid || digest_n > DIGEST_MAX ||
	    !rsa_public(encoded, key, (struct str){ (const char *)signature, signature_n }))
		return 0;
	memcpy(digest, encoded + signature_n - digest_n, digest_n);
	return encode_pkcs1(want, signature_n, hash_oid, digest, digest_n) &&
		memcmp(encoded, want, signature_n) == 0;
}

static const unsigned char *oid_of(const br_hash_class *hash)
{
	switch (hash->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK) {
	case br_sha256_ID:
		return BR_HASH_OID_SHA256;
	case br_sha384_ID:
		return BR_HASH_OID_SHA384;
	case br_sha512_ID:
		return BR_HASH_OID_SHA512;
	default:
		return NULL;
	}
}

bool rsa_verify_pkcs1(const br_rsa_public_key *key, const br_hash_class *hash, const void *digest,
	struct str signature)
{
	unsigned char found[DIGEST_MAX];
	return rsa_pkcs1_vrfy((const unsigned char *)signature.p, signature.n, oid_of(hash),
			   digest_size(hash), key, found) &&
		memcmp(found, digest, digest_size(hash)) == 0;
}

size_t rsa_sign_pkcs1(uint8_t out[static RSA_PRIVATE_SIZE_MAX], const struct rsa_key *key,
	const br_hash_class *hash, const void *digest)
{
	uint8_t encoded[RSA_PRIVATE_SIZE_MAX];
	size_t n = rsa_modulus(&key->public).n;
	check(oid_of(hash));
	if (n > sizeof(encoded) || !encode_pkcs1(encoded, n, oid_of(hash), digest, digest_size(hash)))
		return 0;
	return rsa_private(out, key, encoded) ? n : 0;
}

/* ---- PSS (RFC 8017, 9.1) ---- */

/* Takes MGF1 of a digest off what it was laid over. */
static void unmask(uint8_t *p, size_t n, const br_hash_class *hash, const uint8_t *seed)
{
	uint8_t block[DIGEST_MAX];
	size_t size = digest_size(hash);
	for (size_t i = 0; i < n; i++) {
		if (i % size == 0) {
			br_hash_compat_context context;
			uint8_t counter[4] = { 0, 0, (uint8_t)(i / size >> 8), (uint8_t)(i / size) };
			hash->init(&context.vtable);
			hash->update(&context.vtable, seed, size);
			hash->update(&context.vtable, counter, sizeof(counter));
			hash->out(&context.vtable, block);
		}
		p[i] ^= block[i % size];
	}
}

/* The digest of eight zeros, a digest and a salt. */
static void digest_salted(
	uint8_t *out, const br_hash_class *hash, const void *digest, const uint8_t *salt, size_t salt_n)
{
	static const uint8_t zeros[8];
	br_hash_compat_context context;
	hash->init(&context.vtable);
	hash->update(&context.vtable, zeros, sizeof(zeros));
	hash->update(&context.vtable, digest, digest_size(hash));
	hash->update(&context.vtable, salt, salt_n);
	hash->out(&context.vtable, out);
}

bool rsa_verify_pss(const br_rsa_public_key *key, const br_hash_class *hash, const void *digest,
	size_t salt_n, struct str signature)
{
	uint8_t encoded[RSA_SIZE_MAX], want[DIGEST_MAX], *data = encoded;
	if (!oid_of(hash) || !rsa_public(encoded, key, signature))
		return false;
	/* It has one bit less than the modulus: perhaps a byte less. */
	int bits = __builtin_clz((unsigned char)rsa_modulus(key).p[0]) - 24 + 1;
	size_t n = signature.n, size = digest_size(hash);
	if (bits == 8) {
		if (*data++ != 0)
			return false;
		n--;
		bits = 0;
	}
	if (n < size + 2 || salt_n > n - size - 2 || data[n - 1] != 0xbc || data[0] >> (8 - bits) != 0)
		return false;
	size_t masked = n - size - 1, zeros = masked - salt_n - 1;
	unmask(data, masked, hash, data + masked);
	data[0] &= (uint8_t)(0xff >> bits);
	for (size_t i = 0; i < zeros; i++)
		if (data[i] != 0)
			return false;
	if (data[zeros] != 1)
		return false;
	digest_salted(want, hash, digest, data + zeros + 1, salt_n);
	return memcmp(want, data + masked, size) == 0;
}
