#include "crypto/mont.h"

#ifdef LIMB_WIDE

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

struct mont mont_of(const limb *m, size_t n)
{
	check(n >= 1 && n <= MONT_LIMBS_MAX);
	/* Newton: m * m = 1 mod 8, and every step doubles the number of bits that are right. */
	limb x = m[0];
	for (int bits = 3; bits < LIMB_BITS; bits *= 2)
		x *= 2 - m[0] * x;
	return (struct mont){ m, n, 0 - x };
}

/* Takes m off a number of one limb more, `top`, that is below 2 m, if it is not below m. */
static inline __attribute__((always_inline)) void reduce(limb *a, limb top, const limb *m, const size_t n)
{
	limb borrow = 0, keep;
	UNROLL for (size_t i = 0; i < n; i++)
		(void)limb_sub(a[i], m[i], &borrow);
	keep = limb_mask(borrow & ~top);
	borrow = 0;
	UNROLL for (size_t i = 0; i < n; i++)
		a[i] = limb_sub(a[i], m[i] & ~keep, &borrow);
}

/* Adds the sum of a[i] * b[k - i] for i from `first` up to, not including, `end`. */
static inline __attribute__((always_inline)) void add_products(struct column *c, const limb *a, const limb *b, size_t k,
                                                               size_t first, size_t end)
{
	UNROLL for (size_t i = first; i < end; i++)
		column_add(c, a[i], b[k - i]);
}

/* The same of a square, where each product of two different limbs stands twice. */
static inline __attribute__((always_inline)) void add_square(struct column *c, const limb *a, size_t k, size_t first,
                                                             size_t end)
{
	struct column half = { 0, 0, 0 };
	limb carry = 0;
	add_products(&half, a, a, k, first, (first + end) / 2);
	c->low = limb_add(c->low, half.low << 1, &carry);
	c->high = limb_add(c->high, half.high << 1 | half.low >> (LIMB_BITS - 1), &carry);
	c->top += (half.top << 1 | half.high >> (LIMB_BITS - 1)) + carry;
	if (k % 2 == 0)
		column_add(c, a[k / 2], a[k / 2]);
}

/* Column by column, a * b + q * m, where q makes the lower half vanish; a and b are the same pointer for a square. When the
 * upper half is written over an argument, the limbs in question are not needed any more. */
static inline __attribute__((always_inline)) void multiply(limb *out, const limb *a, const limb *b, const struct mont *mod,
                                                           const size_t n, const bool square)
{
	const limb *m = mod->m;
	struct column c = { 0, 0, 0 };
	limb q[MONT_LIMBS_MAX];
	UNROLL for (size_t k = 0; k < n; k++) {
		if (square)
			add_square(&c, a, k, 0, k + 1);
		else
			add_products(&c, a, b, k, 0, k + 1);
		add_products(&c, q, m, k, 0, k);
		q[k] = c.low * mod->inverse;
		column_add(&c, q[k], m[0]);
		column_shift(&c);
	}
	UNROLL for (size_t k = n; k < 2 * n - 1; k++) {
		if (square)
			add_square(&c, a, k, k - n + 1, n);
		else
			add_products(&c, a, b, k, k - n + 1, n);
		add_products(&c, q, m, k, k - n + 1, n);
		out[k - n] = column_shift(&c);
	}
	out[n - 1] = c.low;
	reduce(out, c.high, mod->m, n);
}

/* Widths that curves have are worth code of their own. */
void mont_mul(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	switch (mod->n) {
	case 4:
		multiply(out, a, b, mod, 4, false);
		break;
	case 6:
		multiply(out, a, b, mod, 6, false);
		break;
	default:
		multiply(out, a, b, mod, mod->n, false);
	}
}

void mont_sqr(limb *out, const limb *a, const struct mont *mod)
{
	switch (mod->n) {
	case 4:
		multiply(out, a, a, mod, 4, true);
		break;
	case 6:
		multiply(out, a, a, mod, 6, true);
		break;
	default:
		multiply(out, a, a, mod, mod->n, true);
	}
}

void mont_add(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	limb carry = 0;
	for (size_t i = 0; i < mod->n; i++)
		out[i] = limb_add(a[i], b[i], &carry);
	reduce(out, carry, mod->m, mod->n);
}

void mont_sub(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	limb borrow = 0, carry = 0;
	for (size_t i = 0; i < mod->n; i++)
		out[i] = limb_sub(a[i], b[i], &borrow);
	limb mask = limb_mask(borrow);
	for (size_t i = 0; i < mod->n; i++)
		out[i] = limb_add(out[i], mod->m[i] & mask, &carry);
}

/* 2^(bits of R / 2^SQUARINGS) in its form, by doubling the highest power of two below m; then each squaring doubles the
 * exponent. */
void mont_r2(limb *out, const struct mont *mod)
{
	enum { SQUARINGS = 6 };
	const size_t n = mod->n;
	size_t top = LIMB_BITS - 1 - (size_t)__builtin_clzll(mod->m[n - 1]);
	size_t doublings = LIMB_BITS - top + (n * LIMB_BITS >> SQUARINGS);
	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	out[n - 1] = (limb)1 << top;
	while (doublings-- > 0)
		mont_add(out, out, out, mod);
	for (int i = 0; i < SQUARINGS; i++)
		mont_sqr(out, out, mod);
}

limb mont_below(const limb *a, const limb *b, size_t n)
{
	limb borrow = 0;
	for (size_t i = 0; i < n; i++)
		(void)limb_sub(a[i], b[i], &borrow);
	return limb_mask(borrow);
}

#endif
