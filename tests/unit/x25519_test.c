#include "crypto/x25519.h"

#include "check.h"
#include "codec/hex.h"
#include "crypto/curves.h"

#include <string.h>

static const br_ec_impl *const other = &br_ec_c25519_m31;

static void decode(uint8_t out[static X25519_SIZE], const char *digits)
{
	expect(hex_decode(out, X25519_SIZE, str_c(digits)));
}

static void expect_bytes(const uint8_t got[static X25519_SIZE], const char *want)
{
	char text[2 * X25519_SIZE];
	struct buf b = BUF(text);
	hex_put(&b, got, X25519_SIZE);
	expect_str(buf_str(&b), str_c(want));
}

/* RFC 7748, 5.2; then edges: u at p - 1, p + 1 and above (not reduced), the highest bit set, and a
 * scalar of all ones, worked out with Python's integers. */
TEST(x25519_vectors)
{
	static const struct {
		const char *scalar, *u, *want;
	} cases[] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "0200000000000000000000000000000000000000000000000000000000000000",
		  "1bfd8c01d2fe9fca58ae61ab792b0a68feebfc17a2e95068d12fa5007a519541" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "5c2cc57e180aabc35b96586f294dff95ddab59a0f10cba62afcfe99d847e5b2a" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "5a7fe7f6160ee72b67c6434d69c72e5a7fcd1d6770bcbf23df70510bb1169650" },
		{ "050000000000000000000000f0debc0a89674523010000000000000000000000",
		  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "3263bf3858f149f26f4f371691475f86d1a90d3e9cd3a205e22a42dde189296a" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "fdffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "68b84915ea8c925942805dcf6830e858d9476fe6aa439174a5f5172f7c8bec4d" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  "fdffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  "3afbece18f540e99522ae2452a63218fb5dd542f8c4e0eeacac66c0dc9c41345" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "0900000000000000000000000000000000000000000000000000000000000080",
		  "847c0d2c375234f365e660955187a3735a0f7613d1609d3a6a4d8c53aeaa5a22" },
		{ "050000000000000000000000f0debc0a89674523010000000000000000000000",
		  "0000000000000000000000000000000000000000000000000000000000000040",
		  "cf8aaeae7a8b11439c1a5417855fec0b16ac9823b32342c0a6c6c47938577c22" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "ffffffffffff0700000000000000000000000000000000000000000000000000",
		  "c4daa699b7f9086c6e75e2c825fcd563cafeb943c2094b3f52af0e3a7393cb68" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  "00000000000000000000000000000000000000000000000000f0ffffffffff7f",
		  "da68f4ab02df7f2434641c0422aa30bb470683ac5295ab059df439f14860db20" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		  "ffffffffffffffffffffffffffffffffffffffffffffffffff0f000000000000",
		  "8655d01ea13f1c924a996f003d1dc65e4a342cba9c8f3937bacb4cb6cdbf673d" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		uint8_t scalar[X25519_SIZE], u[X25519_SIZE], out[X25519_SIZE];
		decode(scalar, cases[i].scalar);
		decode(u, cases[i].u);
		expect(x25519_shared(out, scalar, u));
		expect_bytes(out, cases[i].want);
		expect(x25519_shared(u, scalar, u));
		expect_bytes(u, cases[i].want);
	}
}

/* RFC 7748, 5.2: each result is the next scalar, each scalar the next u. */
TEST(x25519_iterated)
{
	uint8_t k[X25519_SIZE] = { 9 }, u[X25519_SIZE] = { 9 }, out[X25519_SIZE];
	for (int i = 1; i <= 1000; i++) {
		expect(x25519_shared(out, k, u));
		memcpy(u, k, sizeof(u));
		memcpy(k, out, sizeof(k));
		if (i == 1)
			expect_bytes(k, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
	}
	expect_bytes(k, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* Both sides come to the same. */
TEST(x25519_exchange)
{
	for (int i = 0; i < 100; i++) {
		uint8_t a[X25519_SIZE], b[X25519_SIZE], public_a[X25519_SIZE], public_b[X25519_SIZE];
		for (size_t j = 0; j < sizeof(a); j++)
			a[j] = (uint8_t)test_random(256), b[j] = (uint8_t)test_random(256);
		x25519_public(public_a, a);
		x25519_public(public_b, b);
		expect(x25519_shared(public_a, b, public_a));
		expect(x25519_shared(public_b, a, public_b));
		expect(memcmp(public_a, public_b, sizeof(public_a)) == 0);
	}
}

/* Every u of small order, in all its encodings: the secret is zero whatever the scalar. */
TEST(x25519_refuses_zero)
{
	static const char *const small[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
	};
	uint8_t scalar[X25519_SIZE], u[X25519_SIZE], out[X25519_SIZE];
	for (size_t i = 0; i < countof(small); i++) {
		context("%s", small[i]);
		for (size_t j = 0; j < sizeof(scalar); j++)
			scalar[j] = (uint8_t)test_random(256);
		decode(u, small[i]);
		expect(!x25519_shared(out, scalar, u));
		expect_bytes(out, "0000000000000000000000000000000000000000000000000000000000000000");
		expect(!curves.mul(u, sizeof(u), scalar, sizeof(scalar), BR_EC_curve25519));
	}
}

/* Bytes that are often all zeros or all ones, so that carries run far. */
static void random_bytes(uint8_t out[static X25519_SIZE])
{
	uint64_t kind = test_random(4);
	for (size_t i = 0; i < X25519_SIZE; i++)
		out[i] = (uint8_t)test_random(256);
	if (kind < 2)
		for (uint64_t i = test_random(32), n = test_random(32); n > 0; n--)
			out[(i + n) % 32] = kind ? 0xff : 0;
}

/* Held against BearSSL's implementation, which shares nothing with this. */
TEST(x25519_is_the_same_as_another)
{
	for (int i = 0; i < 2000; i++) {
		uint8_t scalar[X25519_SIZE], got[X25519_SIZE], want[X25519_SIZE];
		random_bytes(scalar);
		random_bytes(got);
		memcpy(want, got, sizeof(want));
		uint32_t ok = curves.mul(got, sizeof(got), scalar, sizeof(scalar), BR_EC_curve25519);
		/* A random point may be one of small order. */
		expect_int(other->mul(want, sizeof(want), scalar, sizeof(scalar), BR_EC_curve25519), ok);
		expect(memcmp(got, want, sizeof(got)) == 0);
		expect_int(curves.mulgen(got, scalar, sizeof(scalar), BR_EC_curve25519), sizeof(got));
		other->mulgen(want, scalar, sizeof(scalar), BR_EC_curve25519);
		expect(memcmp(got, want, sizeof(got)) == 0);
	}
}

TEST(x25519_refuses_other_lengths)
{
	uint8_t point[X25519_SIZE + 1] = { 9 }, scalar[X25519_SIZE] = { 8 };
	expect(!curves.mul(point, X25519_SIZE - 1, scalar, sizeof(scalar), BR_EC_curve25519));
	expect(!curves.mul(point, X25519_SIZE + 1, scalar, sizeof(scalar), BR_EC_curve25519));
	expect(!curves.mul(point, 0, scalar, sizeof(scalar), BR_EC_curve25519));
}
