#include "crypto/tls_prf.h"

#include "crypto/ct.h"
#include "crypto/hmac.h"

#include <string.h>

/* HMAC of what came before, if anything did, the label and the seed. */
static void derive(uint8_t out[static SHA256_SIZE], const struct hmac_key *key, struct str before,
	const char *label, size_t count, const br_tls_prf_seed_chunk *seed)
{
	struct hmac h;
	hmac_init(&h, key);
	hmac_update(&h, before);
	hmac_update(&h, str_c(label));
	for (size_t i = 0; i < count; i++)
		hmac_update(&h, (struct str){ seed[i].data, seed[i].len });
	hmac_final(&h, out);
}

void tls_prf_sha256(void *out, size_t n, const void *secret, size_t secret_n, const char *label,
	size_t count, const br_tls_prf_seed_chunk *seed)
{
	uint8_t a[SHA256_SIZE], block[SHA256_SIZE];
	struct str a_bytes = { (const char *)a, sizeof(a) };
	struct hmac_key key;
	struct hmac h;
	hmac_key(&key, (struct str){ secret, secret_n });
	derive(a, &key, S(""), label, count, seed);
	for (size_t at = 0; at < n; at += sizeof(block)) {
		derive(block, &key, a_bytes, label, count, seed);
		memcpy((uint8_t *)out + at, block, n - at < sizeof(block) ? n - at : sizeof(block));
		hmac_init(&h, &key);
		hmac_update(&h, a_bytes);
		hmac_final(&h, a);
	}
	ct_wipe(&key, sizeof(key));
	ct_wipe(a, sizeof(a));
	ct_wipe(block, sizeof(block));
}
