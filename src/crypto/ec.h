/* ec.h - the elliptic curves P-256 and P-384 (NIST SP 800-186): y^2 = x^3 - 3 x + b over a prime
 * field, of prime order.
 *
 * Points are bytes in the uncompressed form 04 || x || y (SEC 1, 2.3.3), scalars big-endian bytes,
 * and curves have the numbers that they have in TLS and in BearSSL (BR_EC_secp256r1,
 * BR_EC_secp384r1). */
#ifndef CRYPTO_EC_H
#define CRYPTO_EC_H

#include "base/base.h"

#include <bearssl.h>

enum {
	EC_SIZE_MAX = 384 / 8,                /* of a coordinate or a scalar */
	EC_POINT_SIZE_MAX = 1 + 2 * EC_SIZE_MAX,
};

/* Bytes of a coordinate, and of a scalar, on a curve; 0: it is not one of these two. */
size_t ec_size(int curve);

/* Multiplies a point, in place, by a scalar from 1 to order - 1. Constant time with regard to the
 * scalar; the point is public. False when it is not a point of the curve (infinity has no such
 * form). */
must_check bool ec_multiply(
	int curve, uint8_t *point, size_t point_n, const uint8_t *k, size_t k_n);

/* The generator times such a scalar. Constant time. */
void ec_multiply_generator(int curve, uint8_t *point, const uint8_t *k, size_t k_n);

#endif
