#include "crypto/p256.h"

#ifdef LIMB_WIDE

/* The limbs of p are all ones, LOW, 0 and HIGH; -1/p mod 2^64 is 1. */
static const limb LOW = 0x00000000ffffffff, HIGH = 0xffffffff00000001;

/* Takes off p if the number is not below it; it is below 2 p. */
static inline void reduce(limb *out, limb t0, limb t1, limb t2, limb t3, limb top)
{
	limb borrow = 0;
	limb u0 = limb_sub(t0, ~(limb)0, &borrow);
	limb u1 = limb_sub(t1, LOW, &borrow);
	limb u2 = limb_sub(t2, 0, &borrow);
	limb u3 = limb_sub(t3, HIGH, &borrow);
	(void)limb_sub(top, 0, &borrow);
	limb keep = limb_mask(borrow);
	out[0] = limb_select(keep, t0, u0);
	out[1] = limb_select(keep, t1, u1);
	out[2] = limb_select(keep, t2, u2);
	out[3] = limb_select(keep, t3, u3);
}

/* One column of the sum of a product and q * p, where each limb of q is chosen so that its column
 * vanishes. In column k those are: 2^96 times the two limbs before, halves of which meet; and HIGH
 * times the one three columns before. */
static inline void add_word(struct column *c, limb word)
{
	limb carry = 0;
	c->low = limb_add(c->low, word, &carry);
	c->high = limb_add(c->high, 0, &carry);
	c->top += carry;
}

/* The lower half of the columns is all q, the upper half the result. */
#define REDUCE(out, COLUMN) \
	do { \
		struct column c = { 0, 0, 0 }; \
		COLUMN(0); \
		limb q0 = column_shift(&c); \
		COLUMN(1); \
		add_word(&c, q0 << 32); \
		limb q1 = column_shift(&c); \
		COLUMN(2); \
		add_word(&c, q1 << 32 | q0 >> 32); \
		limb q2 = column_shift(&c); \
		COLUMN(3); \
		add_word(&c, q2 << 32 | q1 >> 32); \
		column_add(&c, q0, HIGH); \
		limb q3 = column_shift(&c); \
		COLUMN(4); \
		add_word(&c, q3 << 32 | q2 >> 32); \
		column_add(&c, q1, HIGH); \
		limb t0 = column_shift(&c); \
		COLUMN(5); \
		add_word(&c, q3 >> 32); \
		column_add(&c, q2, HIGH); \
		limb t1 = column_shift(&c); \
		COLUMN(6); \
		column_add(&c, q3, HIGH); \
		limb t2 = column_shift(&c); \
		reduce(out, t0, t1, t2, c.low, c.high); \
	} while (0)

static inline void column_of_product(struct column *c, int k, const limb *a, const limb *b)
{
	for (int i = k < 4 ? 0 : k - 3; i <= (k < 4 ? k : 3); i++)
		column_add(c, a[i], b[k - i]);
}

static inline void column_of_square(struct column *c, int k, const limb *a)
{
	for (int i = k < 4 ? 0 : k - 3; i < k - i; i++) {
		column_add(c, a[i], a[k - i]);
		column_add(c, a[i], a[k - i]);
	}
	if (k % 2 == 0)
		column_add(c, a[k / 2], a[k / 2]);
}

void p256_mul(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	(void)mod;
#define COLUMN(k) column_of_product(&c, k, a, b)
	REDUCE(out, COLUMN);
#undef COLUMN
}

void p256_sqr(limb *out, const limb *a, const struct mont *mod)
{
	(void)mod;
#define COLUMN(k) column_of_square(&c, k, a)
	REDUCE(out, COLUMN);
#undef COLUMN
}

void p256_add(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	limb carry = 0;
	(void)mod;
	limb t0 = limb_add(a[0], b[0], &carry);
	limb t1 = limb_add(a[1], b[1], &carry);
	limb t2 = limb_add(a[2], b[2], &carry);
	limb t3 = limb_add(a[3], b[3], &carry);
	reduce(out, t0, t1, t2, t3, carry);
}

void p256_sub(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	limb borrow = 0, carry = 0;
	(void)mod;
	limb t0 = limb_sub(a[0], b[0], &borrow);
	limb t1 = limb_sub(a[1], b[1], &borrow);
	limb t2 = limb_sub(a[2], b[2], &borrow);
	limb t3 = limb_sub(a[3], b[3], &borrow);
	limb mask = limb_mask(borrow);
	out[0] = limb_add(t0, mask, &carry);
	out[1] = limb_add(t1, mask & LOW, &carry);
	out[2] = limb_add(t2, 0, &carry);
	out[3] = limb_add(t3, mask & HIGH, &carry);
}

#endif
