#include "crypto/hmac.h"

#include "crypto/ct.h"

#include <string.h>

/* The state after one block of the padded key with `pad` over it. */
static void pad_state(uint32_t state[static 8], const uint8_t key[static SHA256_BLOCK], uint8_t pad)
{
	uint8_t block[SHA256_BLOCK];
	struct sha256 s;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	sha256_init(&s);
	sha256_update(&s, (struct str){ (const char *)block, sizeof(block) });
	memcpy(state, s.state, sizeof(s.state));
	ct_wipe(block, sizeof(block));
	ct_wipe(&s, sizeof(s));
}

void hmac_key(struct hmac_key *k, struct str key)
{
	uint8_t block[SHA256_BLOCK] = { 0 };
	if (key.n > sizeof(block))
		sha256(block, key);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	pad_state(k->inner, block, 0x36);
	pad_state(k->outer, block, 0x5c);
	ct_wipe(block, sizeof(block));
}

/* A hash that has just taken the padded key. */
static void resume(struct sha256 *s, const uint32_t state[static 8])
{
	memcpy(s->state, state, sizeof(s->state));
	s->n = SHA256_BLOCK;
}

void hmac_init(struct hmac *h, const struct hmac_key *k)
{
	h->key = *k;
	resume(&h->hash, k->inner);
}

void hmac_update(struct hmac *h, struct str bytes)
{
	sha256_update(&h->hash, bytes);
}

void hmac_final(struct hmac *h, uint8_t out[static SHA256_SIZE])
{
	sha256_final(&h->hash, out);
	resume(&h->hash, h->key.outer);
	sha256_update(&h->hash, (struct str){ (const char *)out, SHA256_SIZE });
	sha256_final(&h->hash, out);
	ct_wipe(h, sizeof(*h));
}

void hmac_sha256(uint8_t out[static SHA256_SIZE], struct str key, struct str bytes)
{
	struct hmac_key k;
	struct hmac h;
	hmac_key(&k, key);
	hmac_init(&h, &k);
	hmac_update(&h, bytes);
	hmac_final(&h, out);
	ct_wipe(&k, sizeof(k));
}
