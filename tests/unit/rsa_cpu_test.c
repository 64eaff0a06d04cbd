#include "crypto/rsa_cpu.h"

#include "check.h"

#include <string.h>

#ifdef LIMB_WIDE

enum { N = RSA_CPU_LIMBS };

/* Numbers of limbs that are all zeros or all ones as often as not, so that carries run far. */
static void random_number(limb *a)
{
	for (size_t i = 0; i < N; i++) {
		limb choice = test_random(4);
		a[i] = choice < 2 ? 0 - choice : test_random64();
	}
}

/* Bit by bit, from the highest: out = base^exponent, in form. */
static void raise(limb *out, const limb *base, const limb *one, const limb *exponent,
	const struct mont *mod)
{
	memcpy(out, one, N * sizeof(limb));
	for (size_t i = N * LIMB_BITS; i-- > 0;) {
		mont_sqr(out, out, mod);
		if (exponent[i / LIMB_BITS] >> i % LIMB_BITS & 1)
			mont_mul(out, out, base, mod);
	}
}

/* A modulus, and numbers to be raised that are often 0, 1 or -1. */
static struct rsa_cpu_power random_power(struct mont *mod, limb memory[static 6 * N])
{
	static const limb plain_one[N] = { 1 };
	limb *m = memory, *base = m + N, *one = base + N, *exponent = one + N, *out = exponent + N,
		 *r2 = out + N;
	const limb zero[N] = { 0 };
	random_number(m);
	m[0] |= 1;
	m[N - 1] |= (limb)1 << 63;
	*mod = mont_of(m, N);
	mont_r2(r2, mod);
	mont_mul(one, r2, plain_one, mod);
	random_number(base);
	mont_mul(base, base, r2, mod);
	switch (test_random(6)) {
	case 0:
		memset(base, 0, sizeof(zero));
		break;
	case 1:
		memcpy(base, one, sizeof(zero));
		break;
	case 2:
		mont_sub(base, zero, one, mod);
		break;
	}
	random_number(exponent);
	return (struct rsa_cpu_power){ mod, base, one, exponent, out };
}

/* Against products by mont.h, which know nothing of these instructions. */
TEST(rsa_cpu_raises_as_mont_does)
{
	static limb memory[2][6 * N];
	for (int round = 0; rsa_cpu_able() && round < 100; round++) {
		struct mont mod[2];
		struct rsa_cpu_power power[2];
		for (size_t i = 0; i < 2; i++)
			power[i] = random_power(&mod[i], memory[i]);
		rsa_cpu_raise(power);
		for (size_t i = 0; i < 2; i++) {
			limb want[N], got[N];
			raise(want, power[i].base, power[i].one, power[i].exponent, &mod[i]);
			mont_mul(got, power[i].out, memory[i] + 5 * N, &mod[i]);
			expect(memcmp(got, want, sizeof(want)) == 0);
		}
	}
}

#endif
