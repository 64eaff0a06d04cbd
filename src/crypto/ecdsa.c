#include "crypto/ecdsa.h"

#include "codec/der.h"
#include "crypto/ecdsa_raw.h"

#include <string.h>

/* A number, to `size` bytes. */
static bool take_number(uint8_t *out, size_t size, struct str *rest)
{
	struct str number;
	if (!der_take_number(rest, &number) || number.n == 0 || number.n > size)
		return false;
	memset(out, 0, size - number.n);
	memcpy(out + size - number.n, number.p, number.n);
	return true;
}

bool ecdsa_verify(
	const br_ec_public_key *key, const void *digest, size_t digest_n, struct str signature)
{
	uint8_t raw[ECDSA_RAW_MAX];
	size_t size = ec_size(key->curve);
	struct str numbers;
	return size > 0 && der_is_one(signature, DER_SEQUENCE, &numbers) &&
		take_number(raw, size, &numbers) && take_number(raw + size, size, &numbers) &&
		numbers.n == 0 && ecdsa_raw_verify(key, digest, digest_n, raw);
}

/* Appends a number as DER: without zeros in front, but for one before a high bit. */
static size_t put_integer(uint8_t *out, const uint8_t *number, size_t size)
{
	while (size > 1 && *number == 0)
		number++, size--;
	size_t zero = number[0] >> 7;
	out[0] = DER_INTEGER;
	out[1] = (uint8_t)(size + zero);
	out[2] = 0;
	memcpy(out + 2 + zero, number, size);
	return 2 + zero + size;
}

/* Two numbers on P-384 have 102 bytes at most: all lengths fit in one byte. */
size_t ecdsa_sign(uint8_t out[static ECDSA_SIGNATURE_MAX], const br_ec_private_key *key,
	const br_hash_class *hash, const void *digest)
{
	uint8_t raw[ECDSA_RAW_MAX];
	size_t size = ec_size(key->curve);
	if (size == 0 || !ecdsa_raw_sign(raw, key, hash, digest))
		return 0;
	size_t n = put_integer(out + 2, raw, size);
	n += put_integer(out + 2 + n, raw + size, size);
	out[0] = DER_SEQUENCE;
	out[1] = (uint8_t)n;
	return 2 + n;
}

uint32_t ecdsa_vrfy(const br_ec_impl *impl, const void *digest, size_t digest_n,
	const br_ec_public_key *key, const void *signature, size_t signature_n)
{
	(void)impl;
	return ecdsa_verify(key, digest, digest_n, (struct str){ signature, signature_n });
}
