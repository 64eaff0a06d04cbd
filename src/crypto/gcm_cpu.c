#include "crypto/gcm_cpu.h"

#if defined(CPU_ARM_CRYPTO)

#include <arm_neon.h>
#include <string.h>

#define CRYPTO __attribute__((target("+crypto")))

enum { BLOCK = 16, AT_ONCE = 4, ROUNDS_MOST = 14 };

struct keys {
	const br_block_ctr_class *class;
	uint32_t rounds;
	uint32_t words[(ROUNDS_MOST + 1) * 4]; /* in the order of bytes */
};
_Static_assert(sizeof(struct keys) <= sizeof(br_aes_gen_ctr_keys), "BearSSL sets that much aside");

/* AES's S-box on each byte of a word: the instruction also shifts rows, which does nothing to four
 * equal columns. */
CRYPTO
static uint32_t substitute(uint32_t word)
{
	uint8x16_t columns = vreinterpretq_u8_u32(vdupq_n_u32(word));
	return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(columns, vdupq_n_u8(0))), 0);
}

/* FIPS 197, section 5.2, with words whose first byte is the lowest. */
static void init(const br_block_ctr_class **context, const void *key, size_t n)
{
	struct keys *keys = (struct keys *)(void *)context;
	uint32_t *w = keys->words, many = (uint32_t)n / 4, constant = 1;
	keys->class = &gcm_cpu_aes;
	keys->rounds = many + 6;
	memcpy(w, key, n);
	for (uint32_t i = many; i < (keys->rounds + 1) * 4; i++) {
		uint32_t word = w[i - 1];
		if (i % many == 0) {
			word = substitute(word >> 8 | word << 24) ^ constant;
			constant = (constant << 1) ^ (constant >> 7) * 0x11b;
		} else if (many > 6 && i % many == 4) {
			word = substitute(word);
		}
		w[i] = w[i - many] ^ word;
	}
}

/* Four blocks at once keep the CPU's pipelines busy. */
CRYPTO
static void key_stream(
	const struct keys *keys, uint32x4_t iv, uint32_t counter, uint8x16_t out[AT_ONCE])
{
	const uint8_t *key = (const uint8_t *)keys->words;
	for (uint32_t i = 0; i < AT_ONCE; i++)
		out[i] = vreinterpretq_u8_u32(vsetq_lane_u32(__builtin_bswap32(counter + i), iv, 3));
	for (uint32_t round = 1; round < keys->rounds; round++, key += BLOCK)
		for (uint32_t i = 0; i < AT_ONCE; i++)
			out[i] = vaesmcq_u8(vaeseq_u8(out[i], vld1q_u8(key)));
	for (uint32_t i = 0; i < AT_ONCE; i++)
		out[i] = veorq_u8(vaeseq_u8(out[i], vld1q_u8(key)), vld1q_u8(key + BLOCK));
}

static uint32_t run(const br_block_ctr_class *const *context, const void *iv, uint32_t counter,
	void *data, size_t n)
{
	uint8_t *p = data;
	uint32_t start[4] = { 0 };
	memcpy(start, iv, 12);
	while (n > 0) {
		uint8x16_t stream[AT_ONCE];
		size_t many = n < sizeof(stream) ? n : sizeof(stream);
		key_stream((const struct keys *)(const void *)context, vld1q_u32(start), counter, stream);
		for (size_t i = 0; i < many; i++)
			p[i] ^= ((const uint8_t *)stream)[i];
		counter += (uint32_t)(many / BLOCK);
		p += many;
		n -= many;
	}
	return counter;
}

const br_block_ctr_class gcm_cpu_aes = {
	.context_size = sizeof(struct keys),
	.block_size = BLOCK,
	.log_block_size = 4,
	.init = init,
	.run = run,
};

/* ---- GHASH --------------------------------------------------------------------------------- */

/* With the bits of each byte reversed, bit i of the little-endian number belongs to x^i. */
static uint64x2_t polynomial(const void *p)
{
	return vreinterpretq_u64_u8(vrbitq_u8(vld1q_u8(p)));
}

CRYPTO
static uint64x2_t times(uint64_t a, uint64_t b)
{
	return vreinterpretq_u64_p128(vmull_p64((poly64_t)a, (poly64_t)b));
}

/* Modulo x^128 + x^7 + x^2 + x + 1: what lies above x^128 comes back 0x87 times, from the top. */
CRYPTO
static uint64x2_t multiply_blocks(uint64x2_t a, uint64x2_t b)
{
	uint64x2_t low = times(a[0], b[0]), high = times(a[1], b[1]);
	uint64x2_t middle = veorq_u64(times(a[0], b[1]), times(a[1], b[0]));
	uint64x2_t fold = times(high[1], 0x87);
	low[1] ^= middle[0] ^ fold[0];
	return veorq_u64(low, times(high[0] ^ middle[1] ^ fold[1], 0x87));
}

void gcm_cpu_ghash(void *y, const void *h, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64x2_t sum = polynomial(y), key = polynomial(h);
	while (n > 0) {
		uint8_t block[BLOCK] = { 0 };
		size_t many = n < BLOCK ? n : BLOCK;
		memcpy(block, p, many);
		sum = multiply_blocks(veorq_u64(sum, polynomial(block)), key);
		p += many;
		n -= many;
	}
	vst1q_u8(y, vrbitq_u8(vreinterpretq_u8_u64(sum)));
}

#endif
