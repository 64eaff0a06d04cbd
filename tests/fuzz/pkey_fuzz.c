/* Private keys: what is taken for one lies within the arena and signs within its bounds; a shorter
 * one is none. */
#include "codec/base64.h"
#include "crypto/pkey.h"

enum { INPUT_MAX = 4096, TEXT_MAX = 2 * INPUT_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char memory[TEXT_MAX];

static void within(const unsigned char *p, size_t n)
{
	const char *from = (const char *)p;
	check(from >= memory && from + n <= memory + sizeof(memory));
}

static enum err take(struct pkey *key, const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];
	struct buf pem = BUF(text);
	struct arena arena = { memory, 0, sizeof(memory) };
	struct fault f;
	buf_put(&pem, S("-----BEGIN PRIVATE KEY-----\n"));
	base64_encode(&pem, (struct str){ (const char *)data, size });
	buf_put(&pem, S("\n-----END PRIVATE KEY-----\n"));
	enum err e = pkey_from_pem(key, buf_str(&pem), &arena, &f);
	check(e == OK || e == E_CONFIG);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char digest[64] = { 1 };
	unsigned char signature[PKEY_SIGNATURE_MAX];
	struct pkey key, shorter;
	if (size > INPUT_MAX || take(&key, data, size) != OK)
		return 0;
	if (key.type == BR_KEYTYPE_EC) {
		within(key.as.ec.x, key.as.ec.xlen);
		check(pkey_sign(&key, signature, &br_sha384_vtable, digest) <= 2 * 48 + 10);
	} else {
		const br_rsa_private_key *k = &key.as.rsa.private;
		within(key.as.rsa.public.n, key.as.rsa.public.nlen);
		within(key.as.rsa.public.e, key.as.rsa.public.elen);
		within(k->p, k->plen);
		within(k->q, k->qlen);
		within(k->dp, k->dplen);
		within(k->dq, k->dqlen);
		within(k->iq, k->iqlen);
		check(pkey_sign(&key, signature, &br_sha256_vtable, digest) <= (k->n_bitlen + 7) / 8);
	}
	check(take(&shorter, data, size - 1) == E_CONFIG);
	return 0;
}
