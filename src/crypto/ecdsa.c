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

bool ecdsa_verify(const br_ec_public_key *key, const void *digest, size_t digest_n, struct str signature)
{
	uint8_t raw[ECDSA_RAW_MAX];
	size_t size = ec_size(key->curve);
	struct str numbers;
	return size > 0 && der_is_one(signature, DER_SEQUENCE, &numbers) && take_number(raw, size, &numbers) &&
	       take_number(raw + size, size, &numbers) && numbers.n == 0 && ecdsa_raw_verify(key, digest, digest_n, raw);
}

uint32_t ecdsa_vrfy(const br_ec_impl *impl, const void *digest, size_t digest_n, const br_ec_public_key *key,
                    const void *signature, size_t signature_n)
{
	(void)impl;
	return ecdsa_verify(key, digest, digest_n, (struct str){ signature, signature_n });
}
