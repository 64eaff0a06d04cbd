#include "crypto/mont.h"

#include "check.h"

#include <string.h>

#ifdef LIMB_WIDE

enum { WIDTH_MAX = 17 };

/* Numbers for tests: often of limbs that are all zeros or all ones, so that carries run far. */
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
		return test_random64();
	}
}

static void random_number(limb *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] = random_limb();
}

static int compare(const limb *a, const limb *b, size_t n)
{
	while (n-- > 0)
		if (a[n] != b[n])
			return a[n] < b[n] ? -1 : 1;
	return 0;
}

/* 2 a + bit mod m, bit by bit: what all others are held against. */
static void shift_in(limb *a, unsigned bit, const limb *m, size_t n)
{
	limb carry = bit, borrow = 0;
	for (size_t i = 0; i < n; i++) {
		limb high = a[i] >> 63;
		a[i] = a[i] << 1 | carry;
		carry = high;
	}
	if (carry || compare(a, m, n) >= 0)
		for (size_t i = 0; i < n; i++)
			a[i] = limb_sub(a[i], m[i], &borrow);
}

/* The remainder of a number of `size` limbs. */
static void remainder_of(limb *out, const limb *a, size_t size, const limb *m, size_t n)
{
	memset(out, 0, n * sizeof(limb));
	for (size_t i = size * 64; i-- > 0;)
		shift_in(out, (unsigned)(a[i / 64] >> i % 64) & 1, m, n);
}

/* a * b mod m as in school. */
static void multiply(limb *out, const limb *a, const limb *b, const limb *m, size_t n)
{
	limb product[2 * WIDTH_MAX] = { 0 };
	for (size_t i = 0; i < n; i++) {
		limb high = 0;
		for (size_t j = 0; j < n; j++) {
			limb2 t = (limb2)a[i] * b[j] + product[i + j] + high;
			product[i + j] = (limb)t;
			high = (limb)(t >> 64);
		}
		product[i + n] = high;
	}
	remainder_of(out, product, 2 * n, m, n);
}

/* a / R mod m: halved as often as R was doubled. */
static void divide_by_r(limb *a, const limb *m, size_t n)
{
	for (size_t k = 0; k < 64 * n; k++) {
		limb carry = 0;
		if (a[0] & 1)
			for (size_t i = 0; i < n; i++)
				a[i] = limb_add(a[i], m[i], &carry);
		for (size_t i = 0; i < n; i++)
			a[i] = a[i] >> 1 | (i + 1 < n ? a[i + 1] << 63 : carry << 63);
	}
}

static void random_modulus(limb *m, size_t n)
{
	random_number(m, n);
	m[0] |= 1;
	if (m[n - 1] == 0)
		m[n - 1] = 1;
	if (n == 1 && m[0] == 1)
		m[0] = 3;
}

/* Below m, often 0, 1 or m - 1. */
static void random_residue(limb *a, const limb *m, size_t n)
{
	limb number[WIDTH_MAX];
	random_number(number, n);
	remainder_of(a, number, n, m, n);
	switch (test_random(8)) {
	case 0:
		memset(a, 0, n * sizeof(limb));
		break;
	case 1:
		memcpy(a, m, n * sizeof(limb));
		a[0]--;
		break;
	}
}

static void expect_equal(const limb *got, const limb *want, size_t n)
{
	expect(compare(got, want, n) == 0);
}

static void try_multiplication(size_t n)
{
	limb m[WIDTH_MAX], a[WIDTH_MAX], b[WIDTH_MAX], got[WIDTH_MAX], want[WIDTH_MAX], wide[WIDTH_MAX];
	random_modulus(m, n);
	struct mont mod = mont_of(m, n);
	expect(m[0] * mod.inverse == ~(limb)0);
	random_residue(a, m, n);
	random_residue(b, m, n);

	multiply(want, a, b, m, n);
	divide_by_r(want, m, n);
	mont_mul(got, a, b, &mod);
	expect_equal(got, want, n);
	memcpy(got, b, sizeof(got));
	mont_mul(got, a, got, &mod);
	expect_equal(got, want, n);

	multiply(want, a, a, m, n);
	divide_by_r(want, m, n);
	mont_sqr(got, a, &mod);
	expect_equal(got, want, n);
	memcpy(got, a, sizeof(got));
	mont_sqr(got, got, &mod);
	expect_equal(got, want, n);

	/* One factor may be any number below R. */
	random_number(wide, n);
	remainder_of(b, wide, n, m, n);
	multiply(want, a, b, m, n);
	divide_by_r(want, m, n);
	mont_mul(got, wide, a, &mod);
	expect_equal(got, want, n);

	/* There and back. */
	mont_r2(got, &mod);
	mont_r2_public(want, &mod);
	expect_equal(got, want, n);
	mont_mul(got, wide, got, &mod);
	divide_by_r(got, m, n);
	expect_equal(got, b, n);
}

TEST(mont_multiplies)
{
	for (size_t i = 0; i < 6000; i++)
		try_multiplication(1 + i % WIDTH_MAX);
}

TEST(mont_adds_and_subtracts)
{
	for (size_t i = 0; i < 4000; i++) {
		size_t n = 1 + i % WIDTH_MAX;
		limb m[WIDTH_MAX], a[WIDTH_MAX], b[WIDTH_MAX], sum[WIDTH_MAX], got[WIDTH_MAX];
		random_modulus(m, n);
		struct mont mod = mont_of(m, n);
		random_residue(a, m, n);
		random_residue(b, m, n);
		mont_add(sum, a, b, &mod);
		expect(compare(sum, m, n) < 0);
		mont_sub(got, sum, b, &mod);
		expect_equal(got, a, n);
		mont_sub(got, sum, a, &mod);
		expect_equal(got, b, n);
		mont_sub(got, a, a, &mod);
		memset(sum, 0, sizeof(sum));
		expect_equal(got, sum, n);
		expect_int(mont_below(a, b, n) != 0, compare(a, b, n) < 0);
	}
}

/* The column of the widest product, all its limbs all ones, holds it. */
TEST(mont_bears_all_ones)
{
	static limb m[MONT_LIMBS_MAX], a[MONT_LIMBS_MAX], product[MONT_LIMBS_MAX],
		square[MONT_LIMBS_MAX];
	memset(m, 0xff, sizeof(m));
	memset(a, 0xff, sizeof(a));
	struct mont mod = mont_of(m, MONT_LIMBS_MAX);
	/* (-1)^2 / R, where R = 1 mod m. */
	a[0]--;
	mont_mul(product, a, a, &mod);
	mont_sqr(square, a, &mod);
	limb one[MONT_LIMBS_MAX] = { 1 };
	expect_equal(product, one, MONT_LIMBS_MAX);
	expect_equal(square, one, MONT_LIMBS_MAX);
}

TEST(limb_reads_and_writes)
{
	uint8_t bytes[24] = { 0 }, out[24];
	limb a[4];
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)test_random(256);
		limb_read(a, countof(a), bytes, size);
		limb_write(out, size, a);
		expect(memcmp(bytes, out, size) == 0);
		expect(a[3] == 0);
	}
}

#endif
