/* limb.h - multiple-precision numbers: their digits, and the few steps that all arithmetic on them
 * is made of.
 *
 * A number is an array of 64-bit limbs, least significant first, of a width that the caller knows;
 * leading zeros are kept. Every function here takes time that depends on widths alone. A "mask" is
 * all ones for true and 0 for false.
 *
 * LIMB_WIDE is defined where the compiler multiplies 64 by 64 bits. Elsewhere, on 32-bit ARM, this
 * header is empty, and so is all that is made of it: narrow.c then does the same with BearSSL. */
#ifndef CRYPTO_LIMB_H
#define CRYPTO_LIMB_H

#include "base/base.h"

#ifdef __SIZEOF_INT128__
#define LIMB_WIDE 1

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef uint64_t limb;
__extension__ typedef unsigned __int128 limb2;

enum { LIMB_BYTES = sizeof(limb), LIMB_BITS = 8 * LIMB_BYTES };

/* Hides from the compiler what it knows of a mask, so that it does not make a branch of it. */
static inline limb limb_hide(limb x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* Masks: of a bit; whether x is 0; whether a and b are equal. */
static inline limb limb_mask(limb bit)
{
	return limb_hide(0 - bit);
}

static inline limb limb_is_zero(limb x)
{
	return limb_mask(1 ^ ((x | (0 - x)) >> (LIMB_BITS - 1)));
}

static inline limb limb_select(limb mask, limb yes, limb no)
{
	return no ^ (mask & (yes ^ no));
}

/* a + b + *carry and a - b - *borrow; both are 0 or 1, before and after. */
static inline limb limb_add(limb a, limb b, limb *carry)
{
#if defined(__x86_64__)
	/* It is what keeps the carry in the processor's flag. */
	unsigned long long out;
	*carry = _addcarry_u64((unsigned char)*carry, a, b, &out);
	return out;
#else
	limb2 t = (limb2)a + b + *carry;
	*carry = (limb)(t >> LIMB_BITS);
	return (limb)t;
#endif
}

static inline limb limb_sub(limb a, limb b, limb *borrow)
{
#if defined(__x86_64__)
	unsigned long long out;
	*borrow = _subborrow_u64((unsigned char)*borrow, a, b, &out);
	return out;
#else
	limb2 t = (limb2)a - b - *borrow;
	*borrow = (limb)(t >> LIMB_BITS) & 1;
	return (limb)t;
#endif
}

/* The sum of a column of products: three limbs, enough for 2^64 of them. */
struct column {
	limb low, high, top;
};

/* Adds a * b. Compilers keep the carry between the limbs in a register of its own, which makes this
 * twice as slow. */
static inline void column_add(struct column *c, limb a, limb b)
{
	limb2 t = (limb2)a * b;
	limb low = (limb)t, high = (limb)(t >> LIMB_BITS);
#if defined(__x86_64__)
	__asm__("add %3, %0\n\tadc %4, %1\n\tadc $0, %2"
	        : "+r"(c->low), "+r"(c->high), "+r"(c->top) : "r"(low), "r"(high) : "cc");
#elif defined(__aarch64__)
	__asm__("adds %0, %0, %3\n\tadcs %1, %1, %4\n\tadc %2, %2, xzr"
	        : "+r"(c->low), "+r"(c->high), "+r"(c->top) : "r"(low), "r"(high) : "cc");
#else
	limb carry = 0;
	c->low = limb_add(c->low, low, &carry);
	c->high = limb_add(c->high, high, &carry);
	c->top += carry;
#endif
}

/* Takes off the lowest limb. */
static inline limb column_shift(struct column *c)
{
	limb low = c->low;
	*c = (struct column){ c->high, c->top, 0 };
	return low;
}

/* Reads the big-endian number in p[0..size), which must fit, and writes the number of `n` limbs as
 * `size` bytes, where limbs that do not fit are left out. */
static inline void limb_read(limb *out, size_t n, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	for (size_t i = 0; i < size; i++)
		out[i / LIMB_BYTES] |= (limb)p[size - 1 - i] << 8 * (i % LIMB_BYTES);
}

static inline void limb_write(uint8_t *p, size_t size, const limb *a)
{
	for (size_t i = 0; i < size; i++)
		p[size - 1 - i] = (uint8_t)(a[i / LIMB_BYTES] >> 8 * (i % LIMB_BYTES));
}

#endif
#endif
