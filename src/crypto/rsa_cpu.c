#include "crypto/rsa_cpu.h"

#ifdef LIMB_WIDE

#if defined(__x86_64__)

#include "crypto/cpu.h"
#include "crypto/ct.h"

#include <immintrin.h>
#include <string.h>

bool rsa_cpu_able(void)
{
	return cpu_features() & CPU_IFMA;
}

/* The instructions multiply 52 by 52 bits, eight times at once. A number has DIGITS of them, and
 * zeros to the end of its vectors. Here R is 2^1040, more than four times a modulus: products of
 * numbers below 2 m stay below 2 m, and need not be reduced. */
enum {
	DIGIT_BITS = 52,
	DIGITS = 20,
	VECTORS = 3,
	SHIFT = DIGITS * DIGIT_BITS - RSA_CPU_LIMBS * LIMB_BITS,
	WINDOW = 4,
};

static const limb DIGIT_MASK = ((limb)1 << DIGIT_BITS) - 1;

/* A number in each of the two computations. */
struct pair {
	_Alignas(64) limb of[2][8 * VECTORS];
};

struct work {
	struct pair m, power[1 << WINDOW], item, result;
	limb inverse[2];
};

static void split_limbs(limb *out, const limb *a)
{
	for (size_t i = 0; i < DIGITS; i++) {
		const size_t k = i * DIGIT_BITS / LIMB_BITS, bit = i * DIGIT_BITS % LIMB_BITS;
		limb2 two = (k + 1 < RSA_CPU_LIMBS ? (limb2)a[k + 1] << LIMB_BITS : 0) | a[k];
		out[i] = (limb)(two >> bit) & DIGIT_MASK;
	}
}

static void write_number(limb *out, const limb *a)
{
	for (size_t i = 0; i < RSA_CPU_LIMBS; i++) {
		const size_t k = i * LIMB_BITS / DIGIT_BITS, bit = i * LIMB_BITS % DIGIT_BITS;
		out[i] = a[k] >> bit | a[k + 1] << (DIGIT_BITS - bit);
		if (bit > 2 * DIGIT_BITS - LIMB_BITS)
			out[i] |= a[k + 2] << (2 * DIGIT_BITS - bit);
	}
}

/* From a form of mont.h to one of this R. */
static void read_form(limb *out, const limb *form, const struct mont *mod)
{
	limb a[RSA_CPU_LIMBS];
	memcpy(a, form, sizeof(a));
	for (int i = 0; i < SHIFT; i++)
		mont_add(a, a, a, mod);
	split_limbs(out, a);
	ct_wipe(a, sizeof(a));
}

#define TARGET __attribute__((target("avx512f,avx512ifma")))
#define INLINE inline __attribute__((always_inline))

/* A product on its way. Digits of t are sums of which nothing has been carried on. */
struct product {
	__m512i t0, t1, t2, a0, a1, a2, m0, m1, m2;
	limb inverse;
};

TARGET static INLINE struct product begin(const limb *a, const limb *m, limb inverse)
{
	const __m512i zero = _mm512_setzero_si512();
	return (struct product){
		zero, zero, zero,
		_mm512_load_si512(a), _mm512_load_si512(a + 8), _mm512_load_si512(a + 16),
		_mm512_load_si512(m), _mm512_load_si512(m + 8), _mm512_load_si512(m + 16),
		inverse,
	};
}

/* t = (t + a * digit + m * q) / 2^52, where q makes the lowest digit vanish. */
TARGET static INLINE void add_digit(struct product *p, limb digit)
{
	const __m512i b = _mm512_set1_epi64((long long)digit);
	p->t0 = _mm512_madd52lo_epu64(p->t0, p->a0, b);
	p->t1 = _mm512_madd52lo_epu64(p->t1, p->a1, b);
	p->t2 = _mm512_madd52lo_epu64(p->t2, p->a2, b);
	const limb lowest = (limb)_mm_cvtsi128_si64(_mm512_castsi512_si128(p->t0));
	const __m512i q = _mm512_set1_epi64((long long)(lowest * p->inverse));
	p->t0 = _mm512_madd52lo_epu64(p->t0, p->m0, q);
	p->t1 = _mm512_madd52lo_epu64(p->t1, p->m1, q);
	p->t2 = _mm512_madd52lo_epu64(p->t2, p->m2, q);
	const __m512i carry = _mm512_maskz_srli_epi64(1, p->t0, DIGIT_BITS);
	p->t0 = _mm512_add_epi64(_mm512_alignr_epi64(p->t1, p->t0, 1), carry);
	p->t1 = _mm512_alignr_epi64(p->t2, p->t1, 1);
	p->t2 = _mm512_maskz_alignr_epi64(0x7f, p->t2, p->t2, 1);
	p->t0 = _mm512_madd52hi_epu64(p->t0, p->a0, b);
	p->t1 = _mm512_madd52hi_epu64(p->t1, p->a1, b);
	p->t2 = _mm512_madd52hi_epu64(p->t2, p->a2, b);
	p->t0 = _mm512_madd52hi_epu64(p->t0, p->m0, q);
	p->t1 = _mm512_madd52hi_epu64(p->t1, p->m1, q);
	p->t2 = _mm512_madd52hi_epu64(p->t2, p->m2, q);
}

TARGET static void end(limb *out, const struct product *p)
{
	limb carry = 0;
	_mm512_store_si512(out, p->t0);
	_mm512_store_si512(out + 8, p->t1);
	_mm512_store_si512(out + 16, p->t2);
	for (size_t i = 0; i < DIGITS; i++) {
		carry += out[i];
		out[i] = carry & DIGIT_MASK;
		carry >>= DIGIT_BITS;
	}
}

/* out = a * b / R, in both computations: one alone would wait for itself most of the time. */
TARGET static void multiply(
	struct pair *out, const struct pair *a, const struct pair *b, const struct work *w)
{
	struct product p = begin(a->of[0], w->m.of[0], w->inverse[0]);
	struct product q = begin(a->of[1], w->m.of[1], w->inverse[1]);
	for (size_t i = 0; i < DIGITS; i++) {
		add_digit(&p, b->of[0][i]);
		add_digit(&q, b->of[1][i]);
	}
	end(out->of[0], &p);
	end(out->of[1], &q);
}

/* Of the table all entries are read every time. */
TARGET static void look_up(struct work *w, size_t which, limb digit)
{
	__m512i found[VECTORS] = { 0 };
	for (limb k = 0; k < countof(w->power); k++) {
		const __m512i mask = _mm512_set1_epi64((long long)limb_is_zero(k ^ digit));
		for (size_t i = 0; i < VECTORS; i++)
			found[i] = _mm512_or_si512(found[i],
				_mm512_and_si512(mask, _mm512_load_si512(w->power[k].of[which] + 8 * i)));
	}
	for (size_t i = 0; i < VECTORS; i++)
		_mm512_store_si512(w->item.of[which] + 8 * i, found[i]);
}

void rsa_cpu_raise(const struct rsa_cpu_power power[static 2])
{
	struct work w;
	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i < 2; i++) {
		const struct mont *mod = power[i].mod;
		w.inverse[i] = mod->inverse;
		split_limbs(w.m.of[i], mod->m);
		read_form(w.power[0].of[i], power[i].one, mod);
		read_form(w.power[1].of[i], power[i].base, mod);
	}
	for (size_t k = 2; k < countof(w.power); k++)
		multiply(&w.power[k], &w.power[k - 1], &w.power[1], &w);
	w.result = w.power[0];
	for (size_t place = RSA_CPU_LIMBS * LIMB_BITS; place > 0;) {
		place -= WINDOW;
		for (int i = 0; i < WINDOW; i++)
			multiply(&w.result, &w.result, &w.result, &w);
		for (size_t i = 0; i < 2; i++)
			look_up(&w, i, power[i].exponent[place / LIMB_BITS] >> place % LIMB_BITS & 15);
		multiply(&w.result, &w.result, &w.item, &w);
	}
	/* The product of a form and 1 is the number itself, at most m. */
	memset(&w.item, 0, sizeof(w.item));
	w.item.of[0][0] = w.item.of[1][0] = 1;
	multiply(&w.result, &w.result, &w.item, &w);
	for (size_t i = 0; i < 2; i++)
		write_number(power[i].out, w.result.of[i]);
	ct_wipe(&w, sizeof(w));
}

#else

bool rsa_cpu_able(void)
{
	return false;
}

void rsa_cpu_raise(const struct rsa_cpu_power power[static 2])
{
	(void)power;
	check(false);
}

#endif
#endif
