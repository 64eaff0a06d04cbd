#include "crypto/x25519.h"

#include "crypto/ct.h"
#include "crypto/limb.h"

#include <string.h>

#ifdef LIMB_WIDE

/* ---- the field: integers modulo p = 2^255 - 19 ---- */

enum { FE_LIMBS = 5, FE_BITS = 51 };

/* Limbs of 51 bits with room above. Products have less than 2^51 + 2^13 in each, sums of two or
 * three of them less than 2^53, and differences of such sums less than 2^54: all of them may be
 * factors, and the former two may be taken off. Results may be written over arguments. */
struct fe {
	limb v[FE_LIMBS];
};

static const limb full = ((limb)1 << FE_BITS) - 1;

static void fe_add(struct fe *out, const struct fe *a, const struct fe *b)
{
	for (int i = 0; i < FE_LIMBS; i++)
		out->v[i] = a->v[i] + b->v[i];
}

/* a - b + 4 p: no limb becomes negative. */
static void fe_sub(struct fe *out, const struct fe *a, const struct fe *b)
{
	out->v[0] = a->v[0] + 4 * (full - 18) - b->v[0];
	for (int i = 1; i < FE_LIMBS; i++)
		out->v[i] = a->v[i] + 4 * full - b->v[i];
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
	fe_carry(out,
		(limb2)a0 * b0 + (limb2)a1 * c4 + (limb2)a2 * c3 + (limb2)a3 * c2 + (limb2)a4 * c1,
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
	fe_carry(out, (limb2)a->v[0] * k, (limb2)a->v[1] * k, (limb2)a->v[2] * k, (limb2)a->v[3] * k,
		(limb2)a->v[4] * k);
}

/* a^(2^times) * b. */
static void fe_sqr_mul(struct fe *out, const struct fe *a, int times, const struct fe *b)
{
	struct fe t = *a;
	while (times-- > 0)
		fe_sqr(&t, &t);
	fe_mul(out, &t, b);
}

/* 1/a = a^(p - 2), and 0 for 0. p - 2 is 250 ones and 01011 in binary; a_n is a to the power of n
 * ones. */
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
	/* Below 2 p. It is not below p if another 19 carries out of the highest limb; the carry then
	 * takes off p. */
	limb t[FE_LIMBS], q = 19;
	for (int i = 0; i < FE_LIMBS; i++)
		q = (a->v[i] + q) >> FE_BITS;
	q *= 19;
	for (int i = 0; i < FE_LIMBS; i++) {
		q += a->v[i];
		t[i] = q & full;
		q >>= FE_BITS;
	}
	const limb w[4] = { t[0] | t[1] << 51, t[1] >> 13 | t[2] << 38, t[2] >> 26 | t[3] << 25,
		t[3] >> 39 | t[4] << 12 };
	for (int i = 0; i < X25519_SIZE; i++)
		p[i] = (uint8_t)(w[i / LIMB_BYTES] >> 8 * (i % LIMB_BYTES));
}

/* ---- the ladder (RFC 7748, 5) ---- */

/* Two points, u-coordinates as fractions, whose difference has the u-coordinate `base`. */
struct ladder {
	struct fe x2, z2, x3, z3, base;
};

/* Doubles the first and adds it to the second. */
static void ladder_step(struct ladder *l)
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

/* The fixed bits of a scalar (RFC 7748, 5). */
static void clamp(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE])
{
	memcpy(out, scalar, X25519_SIZE);
	out[0] &= 0xf8;
	out[31] = (out[31] & 0x7f) | 0x40;
}

static void climb(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
                  const uint8_t u[static X25519_SIZE])
{
	struct ladder l = { .x2 = { { 1 } }, .z3 = { { 1 } } };
	uint8_t k[X25519_SIZE];
	limb swapped = 0;
	clamp(k, scalar);
	fe_read(&l.base, u);
	l.x3 = l.base;
	for (int i = 254; i >= 0; i--) {
		limb bit = k[i / 8] >> i % 8 & 1;
		fe_swap(&l.x2, &l.x3, limb_mask(swapped ^ bit));
		fe_swap(&l.z2, &l.z3, limb_mask(swapped ^ bit));
		swapped = bit;
		ladder_step(&l);
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

/* ---- multiples of the base point, on the same curve in Edwards' form: -x^2 + y^2 = 1 + d x^2 y^2
 * ---- */

/* x = X / Z, y = Y / Z, t = X Y / Z (Hisil, Wong, Carter, Dawson 2008). Addition has no exceptions.
 */
struct edwards {
	struct fe x, y, z, t;
};

/* A point to add: y + x, y - x, 2 d x y. */
struct niels {
	struct fe plus, minus, xy2d;
};

#include "crypto/x25519_table.h"

enum { TEETH = 4, TABLES = 4, ENTRIES = 1 << (TEETH - 1), COLUMNS = 256 / TEETH / TABLES };

/* From the four terms that all additions end in. */
static void edwards_of(struct edwards *out, const struct fe *e, const struct fe *f,
	const struct fe *g, const struct fe *h)
{
	fe_mul(&out->x, e, f);
	fe_mul(&out->y, g, h);
	fe_mul(&out->z, f, g);
	fe_mul(&out->t, e, h);
}

static void edwards_double(struct edwards *p)
{
	struct fe a, b, c, e, f, g, h;
	fe_sqr(&a, &p->x);
	fe_sqr(&b, &p->y);
	fe_sqr(&c, &p->z);
	fe_add(&e, &p->x, &p->y);
	fe_sqr(&e, &e);
	fe_add(&h, &a, &b);
	fe_sub(&e, &e, &h);
	fe_sub(&g, &b, &a);
	fe_add(&c, &c, &c);
	fe_add(&c, &c, &a);
	fe_sub(&f, &c, &b);
	edwards_of(p, &e, &f, &g, &h);
}

static void edwards_add(struct edwards *p, const struct niels *q)
{
	struct fe a, b, c, e, f, g;
	fe_sub(&a, &p->y, &p->x);
	fe_mul(&a, &a, &q->minus);
	fe_add(&b, &p->y, &p->x);
	fe_mul(&b, &b, &q->plus);
	fe_mul(&c, &p->t, &q->xy2d);
	fe_sub(&e, &b, &a);
	fe_add(&b, &b, &a);
	fe_add(&a, &p->z, &p->z);
	fe_sub(&f, &a, &c);
	fe_add(&g, &a, &c);
	edwards_of(p, &e, &f, &g, &b);
}

/* The entry of a table that four bits select: the highest says with which sign. All entries are
 * read. */
static void look_up(struct niels *out, const struct niels table[static ENTRIES], limb bits)
{
	static const struct fe zero;
	struct fe negated;
	limb negative = limb_mask(~bits >> (TEETH - 1) & 1), index = (bits ^ negative) & (ENTRIES - 1);
	limb *to = out->plus.v;
	for (size_t i = 0; i < sizeof(*out) / sizeof(limb); i++)
		to[i] = 0;
	for (limb k = 0; k < ENTRIES; k++) {
		const limb *from = table[k].plus.v, mask = limb_is_zero(k ^ index);
		for (size_t i = 0; i < sizeof(*out) / sizeof(limb); i++)
			to[i] |= mask & from[i];
	}
	fe_swap(&out->plus, &out->minus, negative);
	fe_sub(&negated, &zero, &out->xy2d);
	for (int i = 0; i < FE_LIMBS; i++)
		out->xy2d.v[i] = limb_select(negative, negated.v[i], out->xy2d.v[i]);
}

/* A scalar plus the order of the base point, which is odd as scalars are even, as the sum of b *
 * 2^i over all its 256 bits i: b is 1 for a set bit in `out` and -1 for another. */
static void recode(limb out[static 4], const uint8_t k[static X25519_SIZE])
{
	static const limb order[4] = { 0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000 };
	limb carry = 0;
	for (size_t i = 0; i < 4; i++) {
		limb word = 0;
		for (size_t j = 0; j < LIMB_BYTES; j++)
			word |= (limb)k[i * LIMB_BYTES + j] << 8 * j;
		out[i] = limb_add(word, order[i], &carry);
	}
	for (size_t i = 0; i < 3; i++)
		out[i] = out[i] >> 1 | out[i + 1] << (LIMB_BITS - 1);
	out[3] = out[3] >> 1 | (limb)1 << (LIMB_BITS - 1);
}

/* A comb (Lim and Lee 1994); then u = (1 + y) / (1 - y). */
void x25519_public(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE])
{
	struct edwards sum = { .y = { { 1 } }, .z = { { 1 } } };
	struct niels item;
	uint8_t k[X25519_SIZE];
	limb bits[4];
	clamp(k, scalar);
	recode(bits, k);
	for (size_t column = COLUMNS; column-- > 0;) {
		if (column < COLUMNS - 1)
			edwards_double(&sum);
		for (size_t i = 0; i < TABLES; i++) {
			limb selected = 0;
			for (size_t tooth = 0; tooth < TEETH; tooth++)
				selected |= (bits[tooth] >> (i * COLUMNS + column) & 1) << tooth;
			look_up(&item, x25519_comb[i], selected);
			edwards_add(&sum, &item);
		}
	}
	fe_sub(&item.minus, &sum.z, &sum.y);
	fe_add(&item.plus, &sum.z, &sum.y);
	fe_invert(&item.minus, &item.minus);
	fe_mul(&item.plus, &item.plus, &item.minus);
	fe_write(out, &item.plus);
	ct_wipe(&sum, sizeof(sum));
	ct_wipe(&item, sizeof(item));
	ct_wipe(k, sizeof(k));
	ct_wipe(bits, sizeof(bits));
}

#endif
