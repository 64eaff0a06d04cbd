/* hmac.h - HMAC-SHA-256 (RFC 2104, FIPS 198-1). */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "crypto/sha256.h"

/* A key prepared once: the states after the inner and the outer padded key block. */
struct hmac_key {
	uint32_t inner[8], outer[8];
};

struct hmac {
	struct sha256 hash;
	struct hmac_key key;
};

void hmac_key(struct hmac_key *k, struct str key);

void hmac_init(struct hmac *h, const struct hmac_key *k);
void hmac_update(struct hmac *h, struct str bytes);

/* Writes the code and wipes `h`. */
void hmac_final(struct hmac *h, uint8_t out[static SHA256_SIZE]);

/* In one go; `out` may be where the key is. */
void hmac_sha256(uint8_t out[static SHA256_SIZE], struct str key, struct str bytes);

#endif
