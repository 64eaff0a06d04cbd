#include "crypto/ec.h"

#include "check.h"
#include "codec/hex.h"
#include "crypto/curves.h"
#include "crypto/ec_point.h"
#include "crypto/ecdsa.h"
#include "crypto/p256.h"

#include <string.h>

static const int ids[] = { BR_EC_secp256r1, BR_EC_secp384r1 };

/* What BearSSL says of a curve. Its arithmetic, which shares nothing with ours, is what ours is
 * held against. */
static const br_ec_impl *const other = &br_ec_all_m31;

static const uint8_t *order_of(int id)
{
	size_t n;
	return other->order(id, &n);
}

/* The order less `k`, which is small. */
static void below_order(int id, uint8_t *out, unsigned k)
{
	size_t n = ec_size(id);
	memcpy(out, order_of(id), n);
	for (size_t i = n; k > 0; k >>= 8) {
		unsigned last = out[--i];
		out[i] = (uint8_t)(last - (k & 0xff));
		if (last < (k & 0xff))
			k += 0x100;
	}
}

/* From 1 to order - 1: mostly any, sometimes of long runs of the same bit. */
static void random_scalar(int id, uint8_t *out)
{
	size_t n = ec_size(id);
	do {
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)test_random(256);
		uint8_t fill = test_random(2) ? 0xff : 0;
		if (test_random(4) == 0)
			memset(out + test_random(n / 2), fill, 1 + test_random(n / 2));
		out[n - 1] |= 1;
	} while (memcmp(out, order_of(id), n) >= 0);
	if (test_random(2))
		out[n - 1] ^= 3;
}

TEST(curves_are_those_of_others)
{
	static const int all[] = { BR_EC_secp256r1, BR_EC_secp384r1, BR_EC_curve25519 };
	expect_int(
		curves.supported_curves, other->supported_curves & ~((uint32_t)1 << BR_EC_secp521r1));
	for (size_t i = 0; i < countof(all); i++) {
		size_t n, m;
		const unsigned char *a = curves.generator(all[i], &n), *b = other->generator(all[i], &m);
		expect(n == m && memcmp(a, b, n) == 0);
		a = curves.order(all[i], &n), b = other->order(all[i], &m);
		expect(n == m && memcmp(a, b, n) == 0);
		expect(curves.xoff(all[i], &n) == other->xoff(all[i], &m) && n == m);
	}
	expect_int(ec_size(BR_EC_secp521r1), 0);
}

static void try_scalar(int id, uint8_t *point, const uint8_t *k)
{
	size_t size = ec_size(id), n = 1 + 2 * size;
	uint8_t got[EC_POINT_SIZE_MAX], want[EC_POINT_SIZE_MAX];
	expect_int(curves.mulgen(got, k, size, id), n);
	expect_int(other->mulgen(want, k, size, id), n);
	expect(memcmp(got, want, n) == 0);
	memcpy(want, point, n);
	expect_int(curves.mul(point, n, k, size, id), 1);
	expect_int(other->mul(want, n, k, size, id), 1);
	expect(memcmp(point, want, n) == 0);
}

/* The generator and a point that was random before are multiplied by small numbers, those that the
 * order is little more than, powers of two and their neighbours, and random ones. */
TEST(ec_multiplies)
{
	for (size_t i = 0; i < countof(ids); i++) {
		size_t size = ec_size(ids[i]);
		uint8_t k[EC_SIZE_MAX], point[EC_POINT_SIZE_MAX];
		random_scalar(ids[i], k);
		ec_multiply_generator(ids[i], point, k, size);
		for (unsigned j = 1; j <= 33; j++) {
			context("curve %d, %u", ids[i], j);
			memset(k, 0, size);
			k[size - 1] = (uint8_t)j;
			try_scalar(ids[i], point, k);
			below_order(ids[i], k, j);
			try_scalar(ids[i], point, k);
		}
		for (size_t bit = 8; bit < 8 * size - 1; bit += 13) {
			context("curve %d, 2^%zu", ids[i], bit);
			memset(k, 0, size);
			k[size - 1 - bit / 8] = (uint8_t)(1 << bit % 8);
			try_scalar(ids[i], point, k);
			k[size - 1] ^= 1;
			try_scalar(ids[i], point, k);
		}
		for (unsigned j = 0; j < 80; j++) {
			context("curve %d, random", ids[i]);
			random_scalar(ids[i], k);
			try_scalar(ids[i], point, k);
		}
	}
}

/* The generator by its digits and by the table are two ways to one result, quick enough for many.
 */
TEST(ec_generator_as_any_point)
{
	for (size_t i = 0; i < countof(ids); i++) {
		size_t size = ec_size(ids[i]), n = 1 + 2 * size;
		uint8_t k[EC_SIZE_MAX], by_table[EC_POINT_SIZE_MAX], by_digits[EC_POINT_SIZE_MAX],
			generator[EC_POINT_SIZE_MAX];
		size_t length;
		memcpy(generator, curves.generator(ids[i], &length), n);
		for (unsigned j = 1; j < 2000; j++) {
			if (j < 600)
				below_order(ids[i], k, j);
			else
				random_scalar(ids[i], k);
			ec_multiply_generator(ids[i], by_table, k, size);
			memcpy(by_digits, generator, n);
			expect(ec_multiply(ids[i], by_digits, n, k, size));
			expect(memcmp(by_table, by_digits, n) == 0);
		}
	}
}

TEST(ec_refuses_points)
{
	for (size_t i = 0; i < countof(ids); i++) {
		int id = ids[i];
		size_t size = ec_size(id), n = 1 + 2 * size, length;
		uint8_t k[EC_SIZE_MAX], point[EC_POINT_SIZE_MAX + 1], good[EC_POINT_SIZE_MAX];
		random_scalar(id, k);
		memcpy(good, curves.generator(id, &length), n);
		for (size_t at = 0; at < n; at++) {
			memcpy(point, good, n);
			point[at] ^= 1;
			expect(!ec_multiply(id, point, n, k, size));
		}
		memcpy(point, good, n);
		for (size_t cut = 0; cut < n; cut++)
			expect(!ec_multiply(id, point, cut, k, size));
		expect(!ec_multiply(id, point, n + 1, k, size));
		memset(point, 0, n);
		expect(!ec_multiply(id, point, n, k, size));
		point[0] = 4;
		expect(!ec_multiply(id, point, n, k, size));
		memset(point + 1, 0xff, n - 1);
		expect(!ec_multiply(id, point, n, k, size));
		expect(!curves.mul(point, n, k, size, id));
	}
	uint8_t point[EC_POINT_SIZE_MAX] = { 4 }, k[EC_SIZE_MAX] = { 1 };
	expect(!ec_multiply(BR_EC_secp521r1, point, sizeof(point), k, sizeof(k)));
}

/* A digest of 0 modulo the order, which no hash ever makes, is too much for BearSSL. */
#ifdef LIMB_WIDE
static const bool takes_zero = true;
#else
static const bool takes_zero = false;
#endif

static bool is_zero(struct str what)
{
	return str_eq(what, S("digest-empty")) || str_eq(what, S("digest-of-zeros")) ||
		str_eq(what, S("digest-of-order"));
}

/* vectors/ecdsa/make says what the fields are. */
TEST(ecdsa_verifies)
{
	struct str rest = test_file("vectors/ecdsa/verify.txt"), line;
	size_t valid_n = 0, invalid_n = 0;
	while (str_next(&line, &rest, '\n') && line.n > 0) {
		struct str field[6], bytes[3];
		uint8_t data[3][256];
		for (size_t i = 0; i < countof(field); i++)
			str_cut(&field[i], &line, line, ' ');
		for (size_t i = 0; i < 3; i++) {
			size_t n = str_eq(field[3 + i], S("-")) ? 0 : field[3 + i].n / 2;
			expect(n == 0 || hex_decode(data[i], n, field[3 + i]));
			bytes[i] = guard_copy((struct str){ (const char *)data[i], n });
		}
		context("P-%.*s %.*s", (int)field[2].n, field[2].p, (int)field[0].n, field[0].p);
		int id = str_eq(field[2], S("256")) ? BR_EC_secp256r1 : BR_EC_secp384r1;
		br_ec_public_key key = { id, (unsigned char *)(uintptr_t)bytes[0].p, bytes[0].n };
		bool valid = str_eq(field[1], S("1")) && (takes_zero || !is_zero(field[0]));
		*(valid ? &valid_n : &invalid_n) += 1;
		expect_int(ecdsa_verify(&key, bytes[1].p, bytes[1].n, bytes[2]), valid);
		expect_int(
			ecdsa_vrfy(&curves, bytes[1].p, bytes[1].n, &key, bytes[2].p, bytes[2].n), valid);
	}
	expect(valid_n > 300 && invalid_n > 90);
	uint8_t any[200] = { 4 };
	br_ec_public_key key = { BR_EC_secp521r1, any, 133 };
	expect(!ecdsa_verify(&key, any, 32, S("\x30\x06\x02\x01\x01\x02\x01\x01")));
}

/* The same as BearSSL's, byte for byte, as RFC 6979 leaves no choice; and verified. */
TEST(ecdsa_signs)
{
	static const br_hash_class *const hashes[] = { &br_sha256_vtable, &br_sha384_vtable,
		&br_sha512_vtable };
	for (size_t i = 0; i < countof(ids); i++) {
		for (unsigned j = 0; j < 60; j++) {
			size_t size = ec_size(ids[i]), padding = test_random(3);
			uint8_t k[EC_SIZE_MAX + 2] = { 0 }, digest[64], got[ECDSA_SIGNATURE_MAX],
									want[ECDSA_SIGNATURE_MAX];
			uint8_t point[EC_POINT_SIZE_MAX];
			const br_hash_class *hash = hashes[j % countof(hashes)];
			random_scalar(ids[i], k + padding);
			if (j < 4)
				below_order(ids[i], k + padding, j + 1);
			if (j >= 4 && j < 8) {
				memset(k + padding, 0, size);
				k[padding + size - 1] = (uint8_t)(j - 3);
			}
			/* Zeros in front may be there or not. */
			uint8_t *x = k;
			size_t x_n = size + padding;
			while (j % 2 && x_n > 1 && *x == 0)
				x++, x_n--;
			br_ec_private_key key = { ids[i], x, x_n };
			for (size_t byte = 0; byte < sizeof(digest); byte++)
				digest[byte] = j % 5 == 0 ? 0xff : (uint8_t)test_random(256);
			context("curve %d, %u", ids[i], j);
			size_t n = ecdsa_sign(got, &key, hash, digest);
			size_t m = br_ecdsa_i31_sign_asn1(other, hash, digest, &key, want);
			expect(n > 0 && n == m && memcmp(got, want, n) == 0);
			ec_multiply_generator(ids[i], point, k + padding, size);
			br_ec_public_key public = { ids[i], point, 1 + 2 * size };
			size_t digest_n = hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
			expect(ecdsa_verify(&public, digest, digest_n, (struct str){ (const char *)got, n }));
		}
	}
}

TEST(ecdsa_refuses_keys)
{
	for (size_t i = 0; i < countof(ids); i++) {
		size_t size = ec_size(ids[i]);
		uint8_t k[EC_SIZE_MAX + 1] = { 0 }, digest[32] = { 1 }, out[ECDSA_SIGNATURE_MAX];
		br_ec_private_key key = { ids[i], k, size };
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
		memcpy(k, order_of(ids[i]), size);
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
		memset(k, 0xff, size);
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
		memset(k, 0, sizeof(k));
		k[0] = 1, k[size] = 1;
		key.xlen = size + 1;
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
		key.xlen = 0;
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
		key.curve = BR_EC_secp521r1;
		expect_int(ecdsa_sign(out, &key, &br_sha256_vtable, digest), 0);
	}
}

#ifdef LIMB_WIDE

static limb random_limb(void)
{
	switch (test_random(5)) {
	case 0:
		return 0;
	case 1:
		return ~(limb)0;
	case 2:
		return test_random(4) - 2;
	default:
		return test_random(UINT64_MAX);
	}
}

/* Below p, with long runs of the same bit, often close to 0 or p. */
static void random_element(const struct ec_curve *c, limb *a)
{
	limb one[EC_LIMBS_MAX] = { 1 + test_random(3) }, zero[EC_LIMBS_MAX] = { 0 };
	do
		for (size_t i = 0; i < c->n; i++)
			a[i] = random_limb();
	while (!mont_below(a, c->p.m, c->n));
	if (test_random(8) == 0)
		mont_sub(a, zero, one, &c->p);
	if (test_random(8) == 0)
		memcpy(a, c->one, c->n * sizeof(limb));
}

/* The field of P-256, with its own reduction, against arithmetic for any modulus. */
TEST(p256_field)
{
	const struct ec_curve *c = ec_curve_of(BR_EC_secp256r1);
	for (int i = 0; i < 20000; i++) {
		limb a[4], b[4], got[4], want[4];
		random_element(c, a);
		random_element(c, b);
		mont_mul(want, a, b, &c->p);
		p256_mul(got, a, b, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
		mont_sqr(want, a, &c->p);
		p256_sqr(got, a, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
		mont_add(want, a, b, &c->p);
		p256_add(got, a, b, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
		mont_sub(want, a, b, &c->p);
		p256_sub(got, a, b, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
		/* One factor need only be below R. */
		for (size_t j = 0; j < countof(a); j++)
			a[j] = random_limb();
		mont_mul(want, a, b, &c->p);
		p256_mul(got, a, b, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
		memcpy(got, b, sizeof(got));
		p256_mul(got, a, got, &c->p);
		expect(memcmp(got, want, sizeof(got)) == 0);
	}
}

TEST(ec_inverts)
{
	for (size_t i = 0; i < countof(ids); i++) {
		const struct ec_curve *c = ec_curve_of(ids[i]);
		static const limb one[EC_LIMBS_MAX] = { 1 };
		limb a[EC_LIMBS_MAX], t[EC_LIMBS_MAX];
		for (int j = 0; j < 200; j++) {
			random_element(c, a);
			if (ec_is_zero(c, a))
				continue;
			ec_invert(c, t, a);
			c->mul(t, t, a, &c->p);
			expect(memcmp(t, c->one, c->n * sizeof(limb)) == 0);
			if (!mont_below(a, c->order.m, c->n))
				continue;
			ec_order_invert(c, t, a);
			mont_mul(t, t, a, &c->order);
			mont_mul(t, t, one, &c->order);
			expect(memcmp(t, one, c->n * sizeof(limb)) == 0);
		}
		memset(a, 0, sizeof(a));
		ec_invert(c, t, a);
		expect(ec_is_zero(c, t));
	}
}

static void scalar(const struct ec_curve *c, limb *out, int64_t k)
{
	limb borrow = 0;
	memset(out, 0, EC_LIMBS_MAX * sizeof(limb));
	out[0] = (limb)(k < 0 ? -k : k);
	for (size_t i = 0; k < 0 && i < c->n; i++)
		out[i] = limb_sub(c->order.m[i], out[i], &borrow);
}

/* u G + v (m G) for small numbers of either sign, where doublings, opposites and infinity come
 * about inside and at the end. */
TEST(ec_adds_multiples)
{
	for (size_t i = 0; i < countof(ids); i++) {
		const struct ec_curve *c = ec_curve_of(ids[i]);
		limb u[EC_LIMBS_MAX], v[EC_LIMBS_MAX], k[EC_LIMBS_MAX], x[EC_LIMBS_MAX], y[EC_LIMBS_MAX];
		limb want_x[EC_LIMBS_MAX], want_y[EC_LIMBS_MAX];
		struct ec_point q, sum;
		for (int n = 0; n < 1500; n++) {
			int64_t a = (int64_t)test_random(41) - 20, b = (int64_t)test_random(41) - 20,
					m = (int64_t)test_random(41) - 20;
			if (m == 0)
				continue;
			context("curve %d: %d G + %d (%d G)", ids[i], (int)a, (int)b, (int)m);
			scalar(c, u, a);
			scalar(c, v, b);
			scalar(c, k, m);
			ec_times_generator(c, &q, k);
			ec_times_both(c, &sum, u, &q, v);
			if (a + b * m == 0) {
				expect(ec_is_zero(c, sum.z));
				continue;
			}
			ec_affine(c, x, y, &sum);
			scalar(c, k, a + b * m);
			ec_times_generator(c, &q, k);
			ec_affine(c, want_x, want_y, &q);
			expect(memcmp(x, want_x, c->n * sizeof(limb)) == 0 &&
				memcmp(y, want_y, c->n * sizeof(limb)) == 0);
		}
	}
}

#endif
