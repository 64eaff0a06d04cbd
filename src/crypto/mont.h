/* mont.h - arithmetic modulo odd numbers of any width, after Montgomery (1985).
 *
 * A residue a is kept as its Montgomery form a * R mod m, R = 2^(64 n) for a modulus of n limbs;
 * mont_mul(a, b) is a * b / R mod m. So the product of two forms is a form, and the product of a
 * form and a plain number is a plain number. All numbers have the modulus' width. Arguments and
 * results are below the modulus; results may be written over arguments.
 *
 * Constant time: neither branches nor addresses depend on numbers, the modulus' included, but for
 * mont_r2_public. */
#ifndef CRYPTO_MONT_H
#define CRYPTO_MONT_H

#include "crypto/limb.h"

#ifdef LIMB_WIDE

enum { MONT_LIMBS_MAX = 8192 / LIMB_BITS };

struct mont {
	const limb *m;   /* the modulus: odd, at least 3, its highest limb is not 0; borrowed */
	size_t n;        /* its width, 1 to MONT_LIMBS_MAX */
	limb inverse;    /* -1/m mod 2^64 */
};

/* Prepares arithmetic modulo `m`. */
struct mont mont_of(const limb *m, size_t n);

/* a * b / R and a^2 / R. At least one factor must be below the modulus, the other below R. */
void mont_mul(limb *out, const limb *a, const limb *b, const struct mont *mod);
void mont_sqr(limb *out, const limb *a, const struct mont *mod);

void mont_add(limb *out, const limb *a, const limb *b, const struct mont *mod);
void mont_sub(limb *out, const limb *a, const limb *b, const struct mont *mod);

/* R^2 mod m: mont_mul by it turns a number, which need only be below R, into its form. The second
 * is for a modulus that is public, and ten times as fast. */
void mont_r2(limb *out, const struct mont *mod);
void mont_r2_public(limb *out, const struct mont *mod);

/* Whether a < b: a mask. */
limb mont_below(const limb *a, const limb *b, size_t n);

#endif
#endif
