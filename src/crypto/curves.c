#include "crypto/curves.h"

#include "base/base.h"
#include "crypto/ct.h"
#include "crypto/x25519.h"

#define OTHERS br_ec_prime_i31

static const unsigned char *get_generator(int curve, size_t *n)
{
	static const unsigned char nine[X25519_SIZE] = { 9 };
	if (curve != BR_EC_curve25519)
		return OTHERS.generator(curve, n);
	*n = sizeof(nine);
	return nine;
}

/* What random scalars must be below; big-endian. */
static const unsigned char *get_order(int curve, size_t *n)
{
	static const unsigned char order[] =
		"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	if (curve != BR_EC_curve25519)
		return OTHERS.order(curve, n);
	*n = X25519_SIZE;
	return order;
}

static size_t get_x(int curve, size_t *n)
{
	if (curve != BR_EC_curve25519)
		return OTHERS.xoff(curve, n);
	*n = X25519_SIZE;
	return 0;
}

/* BearSSL's scalars are big-endian on every curve. */
static void turn(uint8_t out[static X25519_SIZE], const unsigned char *k, size_t n)
{
	check(n <= X25519_SIZE);
	for (size_t i = 0; i < X25519_SIZE; i++)
		out[i] = i < n ? k[n - 1 - i] : 0;
}

static uint32_t multiply(unsigned char *point, size_t point_n, const unsigned char *k, size_t k_n, int curve)
{
	uint8_t scalar[X25519_SIZE];
	if (curve != BR_EC_curve25519)
		return OTHERS.mul(point, point_n, k, k_n, curve);
	if (point_n != X25519_SIZE)
		return 0;
	turn(scalar, k, k_n);
	bool ok = x25519_shared(point, scalar, point);
	ct_wipe(scalar, sizeof(scalar));
	return ok;
}

static size_t multiply_generator(unsigned char *point, const unsigned char *k, size_t k_n, int curve)
{
	uint8_t scalar[X25519_SIZE];
	if (curve != BR_EC_curve25519)
		return OTHERS.mulgen(point, k, k_n, curve);
	turn(scalar, k, k_n);
	x25519_public(point, scalar);
	ct_wipe(scalar, sizeof(scalar));
	return X25519_SIZE;
}

static uint32_t multiply_and_add(unsigned char *a, const unsigned char *b, size_t n, const unsigned char *x, size_t x_n,
                                 const unsigned char *y, size_t y_n, int curve)
{
	return curve == BR_EC_curve25519 ? 0 : OTHERS.muladd(a, b, n, x, x_n, y, y_n, curve);
}

const br_ec_impl curves = {
	(uint32_t)1 << BR_EC_curve25519 | (uint32_t)1 << BR_EC_secp256r1 | (uint32_t)1 << BR_EC_secp384r1,
	get_generator, get_order, get_x, multiply, multiply_generator, multiply_and_add,
};
