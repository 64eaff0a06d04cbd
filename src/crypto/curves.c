#include "crypto/curves.h"

#include "base/base.h"
#include "crypto/ct.h"
#include "crypto/ec.h"
#include "crypto/x25519.h"

/* What the engine needs to know of a curve, big-endian; of points it wants to know only the length.
 */
struct curve {
	size_t point_n, x_at, size;
	const char *generator, *order;
};

static const struct curve x25519 = {
	32, 0, 32,
	"\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	/* Not the order: the engine's scalars are random numbers below this. */
	"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
};

static const struct curve p256 = {
	65, 1, 32,
	"\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2"
	"\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96"
	"\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16"
	"\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5",
	"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
	"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
};

static const struct curve p384 = {
	97, 1, 48,
	"\x04\xaa\x87\xca\x22\xbe\x8b\x05\x37\x8e\xb1\xc7\x1e\xf3\x20\xad\x74"
	"\x6e\x1d\x3b\x62\x8b\xa7\x9b\x98\x59\xf7\x41\xe0\x82\x54\x2a\x38"
	"\x55\x02\xf2\x5d\xbf\x55\x29\x6c\x3a\x54\x5e\x38\x72\x76\x0a\xb7"
	"\x36\x17\xde\x4a\x96\x26\x2c\x6f\x5d\x9e\x98\xbf\x92\x92\xdc\x29"
	"\xf8\xf4\x1d\xbd\x28\x9a\x14\x7c\xe9\xda\x31\x13\xb5\xf0\xb8\xc0"
	"\x0a\x60\xb1\xce\x1d\x7e\x81\x9d\x7a\x43\x1d\x7c\x90\xea\x0e\x5f",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	"\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf"
	"\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
};

static const struct curve *curve_of(int id)
{
	check(id == BR_EC_curve25519 || id == BR_EC_secp256r1 || id == BR_EC_secp384r1);
	return id == BR_EC_curve25519 ? &x25519 : id == BR_EC_secp256r1 ? &p256 : &p384;
}

static const unsigned char *get_generator(int id, size_t *n)
{
	const struct curve *c = curve_of(id);
	*n = c->point_n;
	return (const unsigned char *)c->generator;
}

static const unsigned char *get_order(int id, size_t *n)
{
	const struct curve *c = curve_of(id);
	*n = c->size;
	return (const unsigned char *)c->order;
}

static size_t get_x(int id, size_t *n)
{
	const struct curve *c = curve_of(id);
	*n = c->size;
	return c->x_at;
}

/* BearSSL's scalars are big-endian on every curve. */
static void turn(uint8_t out[static X25519_SIZE], const unsigned char *k, size_t n)
{
	check(n <= X25519_SIZE);
	for (size_t i = 0; i < X25519_SIZE; i++)
		out[i] = i < n ? k[n - 1 - i] : 0;
}

static uint32_t multiply(
	unsigned char *point, size_t point_n, const unsigned char *k, size_t k_n, int id)
{
	uint8_t scalar[X25519_SIZE];
	if (id != BR_EC_curve25519)
		return ec_multiply(id, point, point_n, k, k_n);
	if (point_n != X25519_SIZE)
		return 0;
	turn(scalar, k, k_n);
	bool ok = x25519_shared(point, scalar, point);
	ct_wipe(scalar, sizeof(scalar));
	return ok;
}

static size_t multiply_generator(unsigned char *point, const unsigned char *k, size_t k_n, int id)
{
	uint8_t scalar[X25519_SIZE];
	if (id == BR_EC_curve25519) {
		turn(scalar, k, k_n);
		x25519_public(point, scalar);
		ct_wipe(scalar, sizeof(scalar));
	} else {
		ec_multiply_generator(id, point, k, k_n);
	}
	return curve_of(id)->point_n;
}

/* Only BearSSL's own ECDSA would ask for it; ecdsa.h takes its place. */
static uint32_t multiply_and_add(unsigned char *a, const unsigned char *b, size_t n,
	const unsigned char *x, size_t x_n, const unsigned char *y, size_t y_n, int id)
{
	(void)a, (void)b, (void)n, (void)x, (void)x_n, (void)y, (void)y_n, (void)id;
	return 0;
}

const br_ec_impl curves = {
	(uint32_t)1 << BR_EC_curve25519 | (uint32_t)1 << BR_EC_secp256r1 |
		(uint32_t)1 << BR_EC_secp384r1,
	get_generator, get_order, get_x, multiply, multiply_generator, multiply_and_add,
};
