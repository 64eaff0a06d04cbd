#include "crypto/mont.h"

#ifdef LIMB_WIDE

#define INLINE inline __attribute__((always_inline))
#define PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define UNROLL(n) PRAGMA(unroll n)
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
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
static INLINE void reduce(limb *a, limb top, const limb *m, const size_t n)
{
	limb borrow = 0, keep;
	for (size_t i = 0; i < n; i++)
		(void)limb_sub(a[i], m[i], &borrow);
	keep = limb_mask(borrow & ~top);
	borrow = 0;
	for (size_t i = 0; i < n; i++)
		a[i] = limb_sub(a[i], m[i] & ~keep, &borrow);
}

/* Adds the sum of a[i] * b[k - i] for i from `first` up to, not including, `end`. */
static INLINE void add_products(struct column *c, const limb *a, const limb *b, size_t k,
	size_t first, size_t end, const bool unrolled)
{
	if (unrolled) {
		UNROLL(16)
		for (size_t i = first; i < end; i++)
			column_add(c, a[i], b[k - i]);
	} else {
		UNROLL(2)
		for (size_t i = first; i < end; i++)
			column_add(c, a[i], b[k - i]);
	}
}

/* The same of a square, where the product of two different limbs stands twice: a limb of `twice`,
 * which is 2 a, takes the place of the higher of the two, but not next to the lower one, whose
 * highest bit it holds. */
static INLINE void add_square(
	struct column *c, const limb *a, const limb *twice, size_t k, size_t n)
{
	add_products(c, a, twice, k, k < n ? 0 : k - n, k / 2, false);
	if (k % 2 == 0)
		column_add(c, a[k / 2], a[k / 2]);
	else
		column_add(c, a[k / 2], a[k / 2 + 1] << 1);
}

/* One column of a * b + q * m, or with `square`, where b is 2 a, of a * a + q * m. In the lower
 * half q is chosen so that the column vanishes; the upper half is the result. */
static INLINE void add_column(struct column *c, limb *out, limb *q, const limb *a, const limb *b,
	const struct mont *mod, const size_t n, size_t k, const bool square, const bool unrolled)
{
	const bool lower = k < n;
	const size_t first = lower ? 0 : k - n + 1, end = lower ? k + 1 : n;
	if (square)
		add_square(c, a, b, k, n);
	else
		add_products(c, a, b, k, first, end, unrolled);
	add_products(c, q, mod->m, k, first, lower ? k : n, unrolled);
	if (lower) {
		q[k] = c->low * mod->inverse;
		column_add(c, q[k], mod->m[0]);
		column_shift(c);
	} else {
		out[k - n] = column_shift(c);
	}
}

/* 2 a, a limb longer. */
static INLINE void double_into(limb *out, const limb *a, const size_t n)
{
	limb carry = 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = a[i] << 1 | carry;
		carry = a[i] >> (LIMB_BITS - 1);
	}
	out[n] = carry;
}

/* a * b / R. When the upper half is written over an argument, the limbs in question are not needed
 * any more. */
static INLINE void multiply(limb *out, const limb *a, const limb *b, const struct mont *mod,
	const size_t n, const bool square, const bool unrolled)
{
	struct column c = { 0, 0, 0 };
	limb q[MONT_LIMBS_MAX], twice[MONT_LIMBS_MAX + 1];
	if (square) {
		double_into(twice, a, n);
		b = twice;
	}
	if (unrolled) {
		UNROLL(32)
		for (size_t k = 0; k < 2 * n - 1; k++)
			add_column(&c, out, q, a, b, mod, n, k, square, true);
	} else {
		for (size_t k = 0; k < n; k++)
			add_column(&c, out, q, a, b, mod, n, k, square, false);
		for (size_t k = n; k < 2 * n - 1; k++)
			add_column(&c, out, q, a, b, mod, n, k, square, false);
	}
	out[n - 1] = c.low;
	reduce(out, c.high, mod->m, n);
}

/* The widths of curves are worth code of their own for products, but not for squares as well. */
void mont_mul(limb *out, const limb *a, const limb *b, const struct mont *mod)
{
	switch (mod->n) {
	case 4:
		multiply(out, a, b, mod, 4, false, true);
		break;
	case 6:
		multiply(out, a, b, mod, 6, false, true);
		break;
	default:
		multiply(out, a, b, mod, mod->n, false, false);
	}
}

void mont_sqr(limb *out, const limb *a, const struct mont *mod)
{
	if (mod->n == 4 || mod->n == 6)
		mont_mul(out, a, a, mod);
	else
		multiply(out, a, a, mod, mod->n, true, false);
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

/* The highest limb's 1 doubled until it is R, and on to the form of 2^(bits of R / 2^SQUARINGS);
 * then each squaring doubles the exponent. */
void mont_r2(limb *out, const struct mont *mod)
{
	enum { SQUARINGS = 6 };
	const size_t n = mod->n;
	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	out[n - 1] = 1;
	for (size_t i = LIMB_BITS + (n * LIMB_BITS >> SQUARINGS); i > 0; i--)
		mont_add(out, out, out, mod);
	for (int i = 0; i < SQUARINGS; i++)
		mont_sqr(out, out, mod);
}

/* x * 2^64 mod d, where the highest bit of d is set: long division, in which a digit that is
 * estimated from the highest limbs is too large by at most 2 (Knuth, The Art of Computer
 * Programming, 4.3.1). */
static void shift_public(limb *x, const limb *d, size_t n)
{
	const limb top = x[n - 1], second = n > 1 ? x[n - 2] : 0;
	limb digit = top >= d[n - 1] ? ~(limb)0 : (limb)(((limb2)top << LIMB_BITS | second) / d[n - 1]);
	limb high = 0, borrow = 0, below = 0;
	for (size_t i = 0; i < n; i++) {
		limb2 t = (limb2)digit * d[i] + high;
		limb old = x[i];
		high = (limb)(t >> LIMB_BITS);
		x[i] = limb_sub(below, (limb)t, &borrow);
		below = old;
	}
	limb negative = top - high - borrow;
	while (negative != 0) {
		limb carry = 0;
		for (size_t i = 0; i < n; i++)
			x[i] = limb_add(x[i], d[i], &carry);
		negative += carry;
	}
}

/* R mod m is multiplied by 2^64 as often as there are limbs; all of it multiplied by a power of two
 * that sets the modulus' highest bit. */
void mont_r2_public(limb *out, const struct mont *mod)
{
	const size_t n = mod->n;
	const int shift = __builtin_clzll(mod->m[n - 1]);
	limb d[MONT_LIMBS_MAX], borrow = 0;
	for (size_t i = 0; i < n; i++) {
		d[i] = mod->m[i] << shift | (i > 0 && shift > 0 ? mod->m[i - 1] >> (LIMB_BITS - shift) : 0);
		out[i] = limb_sub(0, d[i], &borrow);
	}
	struct mont shifted = { d, n, 0 };
	for (int i = 0; i < shift; i++)
		mont_add(out, out, out, &shifted);
	for (size_t i = 0; i < n; i++)
		shift_public(out, d, n);
	for (size_t i = 0; shift > 0 && i < n; i++)
		out[i] = out[i] >> shift | (i + 1 < n ? out[i + 1] << (LIMB_BITS - shift) : 0);
}

limb mont_below(const limb *a, const limb *b, size_t n)
{
	limb borrow = 0;
	for (size_t i = 0; i < n; i++)
		(void)limb_sub(a[i], b[i], &borrow);
	return limb_mask(borrow);
}

#endif
