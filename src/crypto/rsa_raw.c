#include "crypto/rsa_raw.h"

#include "crypto/ct.h"
#include "crypto/mont.h"
#include "crypto/rsa_cpu.h"

#include <string.h>

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

uint64_t rsa_exponent(const br_rsa_public_key *key)
{
	struct str e = strip(key->e, key->elen);
	uint64_t out = 0;
	if (e.n > sizeof(out))
		return 0;
	for (size_t i = 0; i < e.n; i++)
		out = out << 8 | (unsigned char)e.p[i];
	return out % 2 == 1 && out > 1 ? out : 0;
}

#ifdef LIMB_WIDE

static const uint8_t *octets(struct str s)
{
	return (const uint8_t *)s.p;
}

/* x^e mod m for an odd e > 1. All but the last bit is done with forms; the last factor is x itself,
 * which makes the product a plain number. */
static void raise(limb *out, const limb *x, limb e, const struct mont *mod)
{
	limb form[MONT_LIMBS_MAX];
	mont_r2_public(form, mod);
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
	limb e = rsa_exponent(key);
	size_t n = (modulus.n + LIMB_BYTES - 1) / LIMB_BYTES;
	if (e == 0 || modulus.n < RSA_SIZE_MIN || modulus.n > RSA_SIZE_MAX || x.n != modulus.n)
		return false;
	limb_read(m, n, octets(modulus), modulus.n);
	limb_read(base, n, octets(x), x.n);
	if (!(m[0] & 1) || !mont_below(base, m, n))
		return false;
	struct mont mod = mont_of(m, n);
	raise(result, base, e, &mod);
	limb_write(out, x.n, result);
	return true;
}

/* ---- private ---- */

enum {
	LIMBS_MAX = RSA_PRIVATE_SIZE_MAX / LIMB_BYTES,
	FACTOR_MAX = RSA_FACTOR_SIZE_MAX / LIMB_BYTES
};

/* A prime factor, the exponent modulo it less 1, and x to that power. */
struct factor {
	limb m[FACTOR_MAX], r2[FACTOR_MAX], exponent[FACTOR_MAX];
	limb base[FACTOR_MAX], result[FACTOR_MAX];
	size_t n;
	struct mont mod;
};

/* All that is secret on the way. */
struct work {
	struct factor p, q;
	limb power[16][FACTOR_MAX], iq[FACTOR_MAX], chunk[FACTOR_MAX], item[FACTOR_MAX],
		quotient[FACTOR_MAX];
	limb x[LIMBS_MAX], result[2 * FACTOR_MAX], again[LIMBS_MAX];
};

static bool read_factor(struct factor *f, const unsigned char *m, size_t m_n,
	const unsigned char *exponent, size_t exponent_n)
{
	f->n = (m_n + LIMB_BYTES - 1) / LIMB_BYTES;
	if (m_n == 0 || m_n > RSA_FACTOR_SIZE_MAX || exponent_n > m_n)
		return false;
	limb_read(f->m, f->n, m, m_n);
	limb_read(f->exponent, f->n, exponent, exponent_n);
	f->mod = mont_of(f->m, f->n);
	mont_r2(f->r2, &f->mod);
	return true;
}

/* The form of a longer number: digit by digit in base R, the highest first. */
static void reduce_into(limb *out, const struct factor *f, const limb *a, size_t n, struct work *w)
{
	const size_t digits = (n + f->n - 1) / f->n;
	for (size_t i = 0; i < f->n; i++)
		out[i] = 0;
	for (size_t k = digits; k-- > 0;) {
		for (size_t i = 0; i < f->n; i++)
			w->chunk[i] = k * f->n + i < n ? a[k * f->n + i] : 0;
		mont_mul(out, out, f->r2, &f->mod);
		mont_mul(w->chunk, w->chunk, f->r2, &f->mod);
		mont_add(out, out, w->chunk, &f->mod);
	}
}

/* result = base^exponent, both in form, four bits of the exponent at a time; of the table all
 * entries are read every time. */
static void raise_secretly(struct factor *f, struct work *w)
{
	const struct mont *mod = &f->mod;
	for (size_t i = 0; i < f->n; i++)
		w->power[0][i] = f->result[i];
	for (size_t i = 1; i < countof(w->power); i++)
		mont_mul(w->power[i], w->power[i - 1], f->base, mod);
	for (size_t place = f->n * LIMB_BITS; place > 0;) {
		place -= 4;
		limb digit = f->exponent[place / LIMB_BITS] >> place % LIMB_BITS & 15, mask[16];
		for (int i = 0; i < 4; i++)
			mont_sqr(f->result, f->result, mod);
		for (limb k = 0; k < countof(mask); k++)
			mask[k] = limb_is_zero(k ^ digit);
		for (size_t i = 0; i < f->n; i++) {
			w->item[i] = 0;
			for (size_t k = 0; k < countof(mask); k++)
				w->item[i] |= mask[k] & w->power[k][i];
		}
		mont_mul(f->result, f->result, w->item, mod);
	}
}

/* The same for both factors. */
static void raise_both(struct work *w)
{
	static const limb one[FACTOR_MAX] = { 1 };
	struct factor *p = &w->p, *q = &w->q;
	mont_mul(p->result, p->r2, one, &p->mod);
	mont_mul(q->result, q->r2, one, &q->mod);
	if (p->n == RSA_CPU_LIMBS && q->n == RSA_CPU_LIMBS && rsa_cpu_able()) {
		rsa_cpu_raise((struct rsa_cpu_power[]){
			{ &p->mod, p->base, p->result, p->exponent, p->result },
			{ &q->mod, q->base, q->result, q->exponent, q->result },
		});
		mont_mul(p->result, p->result, p->r2, &p->mod);
		mont_mul(q->result, q->result, q->r2, &q->mod);
	} else {
		raise_secretly(p, w);
		raise_secretly(q, w);
	}
}

/* result = q's result + q * (p's result - q's result) / q mod p (RFC 8017, 5.1.2). */
static void recombine(struct work *w)
{
	static const limb one[FACTOR_MAX] = { 1 };
	struct factor *p = &w->p, *q = &w->q;
	struct column c = { 0, 0, 0 };
	limb carry = 0;
	mont_mul(q->result, q->result, one, &q->mod);
	reduce_into(w->quotient, p, q->result, q->n, w);
	mont_sub(w->quotient, p->result, w->quotient, &p->mod);
	mont_mul(w->quotient, w->quotient, w->iq, &p->mod);
	for (size_t k = 0; k < p->n + q->n; k++) {
		for (size_t i = k < q->n ? 0 : k - q->n + 1; i <= k && i < p->n; i++)
			column_add(&c, w->quotient[i], q->m[k - i]);
		w->result[k] = limb_add(column_shift(&c), k < q->n ? q->result[k] : 0, &carry);
	}
}

/* Whether the result, raised to the public exponent, is x again: a mask. */
static limb is_right(struct work *w, const limb *modulus, size_t n, limb e)
{
	limb differ = 0;
	struct mont mod = mont_of(modulus, n);
	for (size_t i = n; i < w->p.n + w->q.n; i++)
		differ |= w->result[i];
	for (size_t i = w->p.n + w->q.n; i < n; i++)
		w->result[i] = 0;
	raise(w->again, w->result, e, &mod);
	for (size_t i = 0; i < n; i++)
		differ |= w->again[i] ^ w->x[i];
	return limb_is_zero(differ);
}

bool rsa_private(uint8_t *out, const struct rsa_key *key, const uint8_t *x)
{
	const br_rsa_private_key *k = &key->private;
	struct work w;
	limb modulus[LIMBS_MAX], e = rsa_exponent(&key->public), right = 0;
	struct str number = rsa_modulus(&key->public);
	const size_t n = (number.n + LIMB_BYTES - 1) / LIMB_BYTES;
	memset(out, 0, number.n < RSA_PRIVATE_SIZE_MAX ? number.n : RSA_PRIVATE_SIZE_MAX);
	if (e != 0 && number.n <= RSA_PRIVATE_SIZE_MAX && number.n >= RSA_SIZE_MIN &&
		number.p[number.n - 1] & 1 && read_factor(&w.p, k->p, k->plen, k->dp, k->dplen) &&
		read_factor(&w.q, k->q, k->qlen, k->dq, k->dqlen) && w.p.n + w.q.n >= n &&
		k->iqlen <= k->plen) {
		limb_read(modulus, n, octets(number), number.n);
		limb_read(w.x, n, x, number.n);
		limb_read(w.iq, w.p.n, k->iq, k->iqlen);
		reduce_into(w.p.base, &w.p, w.x, n, &w);
		reduce_into(w.q.base, &w.q, w.x, n, &w);
		raise_both(&w);
		recombine(&w);
		right = is_right(&w, modulus, n, e);
		limb_write(out, number.n, w.result);
	}
	for (size_t i = 0; i < number.n && i < RSA_PRIVATE_SIZE_MAX; i++)
		out[i] &= (uint8_t)right;
	ct_wipe(&w, sizeof(w));
	return right != 0;
}

#endif
