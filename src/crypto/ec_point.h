/* ec_point.h - points of elliptic curves as numbers; between ec.c and ecdsa.c.
 *
 * Coordinates are Jacobian (x / z^2, y / z^3; z is 0 at infinity) and in Montgomery form. */
#ifndef CRYPTO_EC_POINT_H
#define CRYPTO_EC_POINT_H

#include "base/base.h"
#include "crypto/mont.h"

#ifdef LIMB_WIDE

enum { EC_LIMBS_MAX = 384 / LIMB_BITS }; /* of P-384 */

struct ec_curve {
	size_t n, size;                   /* of a coordinate or a scalar: limbs, bytes */
	struct mont p, order;
	void (*mul)(limb *out, const limb *a, const limb *b, const struct mont *p);
	void (*sqr)(limb *out, const limb *a, const struct mont *p);
	void (*add)(limb *out, const limb *a, const limb *b, const struct mont *p);
	void (*sub)(limb *out, const limb *a, const limb *b, const struct mont *p);
	const limb *r2, *one, *b;         /* modulo p: R^2; 1 and the curve's b in Montgomery form */
	const limb *order_r2;             /* R^2 modulo the order */
	const limb *comb;                 /* multiples of the generator (scripts/ec-tables) */
};

struct ec_point {
	limb x[EC_LIMBS_MAX], y[EC_LIMBS_MAX], z[EC_LIMBS_MAX];
};

/* The curve that BearSSL numbers `id`; NULL if it is not one of ec.h. */
const struct ec_curve *ec_curve_of(int id);

/* Reads a point. False if it has another form or is not on the curve. Not in constant time. */
must_check bool ec_read(const struct ec_curve *c, struct ec_point *out, const uint8_t *p, size_t n);

/* The affine coordinates, as numbers below p; infinity has zeros. */
void ec_affine(const struct ec_curve *c, limb *x, limb *y, const struct ec_point *a);

/* k times the generator, for k from 1 to order - 1. Constant time. */
void ec_times_generator(const struct ec_curve *c, struct ec_point *out, const limb *k);

/* u times the generator plus v times a point that is not infinity; u and v are below the order. Not
 * in constant time. */
void ec_times_both(const struct ec_curve *c, struct ec_point *out, const limb *u,
	const struct ec_point *a, const limb *v);

/* a^(modulus - 2): 1/a, in Montgomery form. Modulo p, and modulo the order. Constant time. */
void ec_invert(const struct ec_curve *c, limb *out, const limb *a);
void ec_order_invert(const struct ec_curve *c, limb *out, const limb *a);

/* Whether all limbs are 0: a mask. */
limb ec_is_zero(const struct ec_curve *c, const limb *a);

#endif
#endif
