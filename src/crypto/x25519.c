#include "crypto/x25519.h"

#include "crypto/ct.h"
#include "crypto/limb.h"

#include <string.h>

#ifdef LIMB_WIDE

/* ---- the field: integers modulo p = 2^255 - 19 ---- */

enum { FE_LIMBS = 5, FE_BITS = 51 };

/* Limbs of 51 bits with room above. Products leave less than 2^51 + 2^13; a sum or a difference of two products, less than
 * 2^53, may be a factor, but not a term. Results may be written over arguments. */
struct fe {
	limb v[FE_LIMBS];
};

static const limb full = ((limb)1 << FE_BITS) - 1;

static void fe_add(struct fe *out, const struct fe *a, const struct fe *b)
{
	for (int i = 0; i < FE_LIMBS; i++)
		out->v[i] = a->v[i] + b->v[i];
}

/* a - b + 2 p: no limb becomes negative. */
static void fe_sub(struct fe *out, const struct fe *a, const struct fe *b)
{
	out->v[0] = a->v[0] + 2 * (full - 18) - b->v[0];
	for (int i = 1; i < FE_LIMBS; i++)
		out->v[i] = a->v[i] + 2 * full - b->v[i];
}

/* Carries between sums of products, from the highest limb to the lowest as 2^255 is 19. */
static inline void fe_carry(struct fe *out, limb2 t0, limb2 t1, limb2 t2, limb2 t3, limb2 t4)
{
	t1 += (limb)(t0 >> FE_BITS);
	t2 += (limb)(t1 >> FE_BITS);
	t3 += (limb)(t2 >> FE_BITS);
	t4 += (limb)(t3 >> FE_BITS);
	limb low = ((limb)t0 & full) + 19 * (limb)(t4 >> FE_BITS);
	out->v[0] = low & full;
	out->v[1] = ((limb)t1 & full) + (low >> FE_BITS);
	out->v[2] = (limb)t2 & full;
	out->v[3] = (limb)t3 & full;
	out->v[4] = (limb)t4 & full;
}

static void fe_mul(struct fe *out, const struct fe *a, const struct fe *b)
{
	const limb a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
	const limb b0 = b->v[0], b1 = b->v[1], b2 = b->v[2], b3 = b->v[3], b4 = b->v[4];
	const limb c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
	fe_carry(out, (limb2)a0 * b0 + (limb2)a1 * c4 + (limb2)a2 * c3 + (limb2)a3 * c2 + (limb2)a4 * c1,
	         (limb2)a0 * b1 + (limb2)a1 * b0 + (limb2)a2 * c4 + (limb2)a3 * c3 + (limb2)a4 * c2,
	         (limb2)a0 * b2 + (limb2)a1 * b1 + (limb2)a2 * b0 + (limb2)a3 * c4 + (limb2)a4 * c3,
	         (limb2)a0 * b3 + (limb2)a1 * b2 + (limb2)a2 * b1 + (limb2)a3 * b0 + (limb2)a4 * c4,
	         (limb2)a0 * b4 + (limb2)a1 * b3 + (limb2)a2 * b2 + (limb2)a3 * b1 + (limb2)a4 * b0);
}

static void fe_sqr(struct fe *out, const struct fe *a)
{
	const limb a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
	const limb d0 = 2 * a0, d1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4, e3 = 2 * c3, e4 = 2 * c4;
	fe_carry(out, (limb2)a0 * a0 + (limb2)a1 * e4 + (limb2)a2 * e3,
	         (limb2)d0 * a1 + (limb2)a2 * e4 + (limb2)a3 * c3,
	         (limb2)d0 * a2 + (limb2)a1 * a1 + (limb2)a3 * e4,
	         (limb2)d0 * a3 + (limb2)d1 * a2 + (limb2)a4 * c4,
	         (limb2)d0 * a4 + (limb2)d1 * a3 + (limb2)a2 * a2);
}

static void fe_mul_small(struct fe *out, const struct fe *a, limb k)
{
	fe_carry(out, (limb2)a->v[0] * k, (limb2)a->v[1] * k, (limb2)a->v[2] * k, (limb2)a->v[3] * k, (limb2)a->v[4] * k);
}

/* a^(2^times) * b. */
static void fe_sqr_mul(struct fe *out, const struct fe *a, int times, const struct fe *b)
{
	struct fe t = *a;
	while (times-- > 0)
		fe_sqr(&t, &t);
	fe_mul(out, &t, b);
}

/* 1/a = a^(p - 2), and 0 for 0. p - 2 is 250 ones and 01011 in binary; a_n is a to the power of n ones. */
static void fe_invert(struct fe *out, const struct fe *a)
{
	struct fe square, a_1001, a_1011, a_5, a_10, t;
	fe_sqr(&square, a);
	fe_sqr_mul(&a_1001, &square, 2, a);
	fe_mul(&a_1011, &a_1001, &square);
	fe_sqr_mul(&a_5, &a_1011, 1, &a_1001);
	fe_sqr_mul(&a_10, &a_5, 5, &a_5);
	fe_sqr_mul(&t, &a_10, 10, &a_10);
	fe_sqr_mul(&t, &t, 20, &t);
	fe_sqr_mul(&a_5, &t, 10, &a_10); /* 50 by now */
	fe_sqr_mul(&t, &a_5, 50, &a_5);
	fe_sqr_mul(&t, &t, 100, &t);
	fe_sqr_mul(&t, &t, 50, &a_5);
	fe_sqr_mul(out, &t, 5, &a_1011);
}

static void fe_swap(struct fe *a, struct fe *b, limb mask)
{
	for (int i = 0; i < FE_LIMBS; i++) {
		limb differ = mask & (a->v[i] ^ b->v[i]);
		a->v[i] ^= differ;
		b->v[i] ^= differ;
	}
}

/* The highest bit is ignored. */
static void fe_read(struct fe *out, const uint8_t p[static X25519_SIZE])
{
	limb w[4] = { 0 };
	for (int i = 0; i < X25519_SIZE; i++)
		w[i / LIMB_BYTES] |= (limb)p[i] << 8 * (i % LIMB_BYTES);
	out->v[0] = w[0] & full;
	out->v[1] = (w[0] >> 51 | w[1] << 13) & full;
	out->v[2] = (w[1] >> 38 | w[2] << 26) & full;
	out->v[3] = (w[2] >> 25 | w[3] << 39) & full;
	out->v[4] = (w[3] >> 12) & full;
}

/* The one representation below p, of a product. */
static void fe_write(uint8_t p[static X25519_SIZE], const struct fe *a)
{
	/* Below 2 p. It is not below p if another 19 carries out of the highest limb; the carry then takes off p. */
	limb t[FE_LIMBS], q = 19;
	for (int i = 0; i < FE_LIMBS; i++)
		q = (a->v[i] + q) >> FE_BITS;
	q *= 19;
	for (int i = 0; i < FE_LIMBS; i++) {
		q += a->v[i];
		t[i] = q & full;
		q >>= FE_BITS;
	}
	const limb w[4] = { t[0] | t[1] << 51, t[1] >> 13 | t[2] << 38, t[2] >> 26 | t[3] << 25, t[3] >> 39 | t[4] << 12 };
	for (int i = 0; i < X25519_SIZE; i++)
		p[i] = (uint8_t)(w[i / LIMB_BYTES] >> 8 * (i % LIMB_BYTES));
}

/* ---- the ladder (RFC 7748, 5) ---- */

/* Two points, u-coordinates as fractions, whose difference has the u-coordinate `base`. */
struct ladder {
	struct fe x2, z2, x3, z3, base;
};

/* Doubles the first and adds it to the second. */
static void step(struct ladder *l)
{
	struct fe sum, difference, da, cb, aa, bb, e;
	fe_add(&sum, &l->x2, &l->z2);
	fe_sub(&difference, &l->x2, &l->z2);
	fe_add(&cb, &l->x3, &l->z3);
	fe_sub(&da, &l->x3, &l->z3);
	fe_mul(&da, &da, &sum);
	fe_mul(&cb, &cb, &difference);
	fe_sqr(&aa, &sum);
	fe_sqr(&bb, &difference);
	fe_mul(&l->x2, &aa, &bb);
	fe_sub(&e, &aa, &bb);
	fe_mul_small(&bb, &e, 121665);
	fe_add(&aa, &aa, &bb);
	fe_mul(&l->z2, &e, &aa);
	fe_add(&sum, &da, &cb);
	fe_sub(&difference, &da, &cb);
	fe_sqr(&l->x3, &sum);
	fe_sqr(&difference, &difference);
	fe_mul(&l->z3, &difference, &l->base);
}

static void climb(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
                  const uint8_t u[static X25519_SIZE])
{
	struct ladder l = { .x2 = { { 1 } }, .z3 = { { 1 } } };
	uint8_t k[X25519_SIZE];
	limb swapped = 0;
	memcpy(k, scalar, sizeof(k));
	k[0] &= 0xf8;
	k[31] = (k[31] & 0x7f) | 0x40;
	fe_read(&l.base, u);
	l.x3 = l.base;
	for (int i = 254; i >= 0; i--) {
		limb bit = k[i / 8] >> i % 8 & 1;
		fe_swap(&l.x2, &l.x3, limb_mask(swapped ^ bit));
		fe_swap(&l.z2, &l.z3, limb_mask(swapped ^ bit));
		swapped = bit;
		step(&l);
	}
	/* The lowest bit is 0: nothing is swapped. */
	fe_invert(&l.z2, &l.z2);
	fe_mul(&l.x2, &l.x2, &l.z2);
	fe_write(out, &l.x2);
	ct_wipe(&l, sizeof(l));
	ct_wipe(k, sizeof(k));
}

bool x25519_shared(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
                   const uint8_t u[static X25519_SIZE])
{
	uint8_t any = 0;
	climb(out, scalar, u);
	for (int i = 0; i < X25519_SIZE; i++)
		any |= out[i];
	return any != 0;
}

void x25519_public(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE])
{
	static const uint8_t base[X25519_SIZE] = { 9 };
	climb(out, scalar, base);
}

#endif
