#include "crypto/rsa_raw.h"

#include "crypto/mont.h"

static struct str strip(const unsigned char *p, size_t n)
{
	while (n > 0 && *p == 0)
		p++, n--;
	return (struct str){ (const char *)p, n };
}

struct str rsa_modulus(const br_rsa_public_key *key)
{
	return strip(key->n, key->nlen);
}

#ifdef LIMB_WIDE

static const uint8_t *bytes(struct str s)
{
	return (const uint8_t *)s.p;
}

/* An exponent of at most 64 bits; 0: no good one. */
static limb read_exponent(const br_rsa_public_key *key)
{
	struct str e = strip(key->e, key->elen);
	limb out = 0;
	if (e.n == 0 || e.n > LIMB_BYTES)
		return 0;
	limb_read(&out, 1, bytes(e), e.n);
	return out & 1 && out > 1 ? out : 0;
}

/* x^e mod m for an odd e > 1. All but the last bit is done with forms; the last factor is x itself, which makes the product a
 * plain number. */
static void raise(limb *out, const limb *x, limb e, const struct mont *mod)
{
	limb form[MONT_LIMBS_MAX];
	mont_r2(form, mod);
	mont_mul(form, x, form, mod);
	for (size_t i = 0; i < mod->n; i++)
		out[i] = form[i];
	for (int i = LIMB_BITS - 2 - __builtin_clzll(e); i > 0; i--) {
		mont_sqr(out, out, mod);
		if (e >> i & 1)
			mont_mul(out, out, form, mod);
	}
	mont_sqr(out, out, mod);
	mont_mul(out, out, x, mod);
}

bool rsa_public(uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x)
{
	limb m[MONT_LIMBS_MAX], base[MONT_LIMBS_MAX], result[MONT_LIMBS_MAX];
	struct str modulus = rsa_modulus(key);
	limb e = read_exponent(key);
	size_t n = (modulus.n + LIMB_BYTES - 1) / LIMB_BYTES;
	if (e == 0 || modulus.n < RSA_SIZE_MIN || modulus.n > RSA_SIZE_MAX || x.n != modulus.n)
		return false;
	limb_read(m, n, bytes(modulus), modulus.n);
	limb_read(base, n, bytes(x), x.n);
	if (!(m[0] & 1) || !mont_below(base, m, n))
		return false;
	struct mont mod = mont_of(m, n);
	raise(result, base, e, &mod);
	limb_write(out, x.n, result);
	return true;
}

#endif
