#include "crypto/sha256_cpu.h"

#include "crypto/cpu.h"

#if defined(__x86_64__)

#include <immintrin.h>

bool sha256_cpu_able(unsigned features)
{
	return features & CPU_SHA256;
}

__attribute__((target("ssse3,sse4.1,sha")))
void sha256_cpu_blocks(uint32_t state[static 8], const uint8_t *p, size_t count)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i *words = (__m128i *)(void *)state;

	/* The instructions want the state as ABEF and CDGH, from the highest lane to the lowest. */
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
	__m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

	for (; count > 0; count--, p += SHA256_CPU_BLOCK) {
		const __m128i *block = (const __m128i *)(const void *)p;
		__m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128(block), big_endian);
		__m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128(block + 1), big_endian);
		__m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128(block + 2), big_endian);
		__m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128(block + 3), big_endian);
		__m128i old_abef = abef, old_cdgh = cdgh;
		for (int i = 0; i < 64; i += 4) {
			__m128i wk =
				_mm_add_epi32(w0, _mm_loadu_si128((const __m128i *)(const void *)(sha256_k + i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
			/* The last four turns make words that nobody asks for: cheaper than a second loop. */
			__m128i w4 = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
			w4 = _mm_sha256msg2_epu32(w4, w3);
			w0 = w1, w1 = w2, w2 = w3, w3 = w4;
		}
		abef = _mm_add_epi32(abef, old_abef);
		cdgh = _mm_add_epi32(cdgh, old_cdgh);
	}

	__m128i feba = _mm_shuffle_epi32(abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

#elif defined(CPU_ARM_CRYPTO)

#include <arm_neon.h>

bool sha256_cpu_able(unsigned features)
{
	return features & CPU_SHA256;
}

__attribute__((target("+crypto")))
void sha256_cpu_blocks(uint32_t state[static 8], const uint8_t *p, size_t count)
{
	uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
	for (; count > 0; count--, p += SHA256_CPU_BLOCK) {
		uint32x4_t w0 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p)));
		uint32x4_t w1 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16)));
		uint32x4_t w2 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 32)));
		uint32x4_t w3 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 48)));
		uint32x4_t old_abcd = abcd, old_efgh = efgh;
		for (int i = 0; i < 64; i += 4) {
			uint32x4_t wk = vaddq_u32(w0, vld1q_u32(sha256_k + i)), before = abcd;
			abcd = vsha256hq_u32(abcd, efgh, wk);
			efgh = vsha256h2q_u32(efgh, before, wk);
			uint32x4_t w4 = vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
			w0 = w1, w1 = w2, w2 = w3, w3 = w4;
		}
		abcd = vaddq_u32(abcd, old_abcd);
		efgh = vaddq_u32(efgh, old_efgh);
	}
	vst1q_u32(state, abcd);
	vst1q_u32(state + 4, efgh);
}

#else

bool sha256_cpu_able(unsigned features)
{
	(void)features;
	return false;
}

void sha256_cpu_blocks(uint32_t state[static 8], const uint8_t *p, size_t count)
{
	(void)state, (void)p, (void)count;
	check(false);
}

#endif
