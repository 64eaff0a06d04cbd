#include "crypto/sha1.h"

#include <string.h>

enum { BLOCK = 64, ROUNDS = 80 };

static uint32_t rotate(uint32_t v, unsigned bits)
{
	return v << bits | v >> (32 - bits);
}

static void take_block(uint32_t state[static 5], const uint8_t *block)
{
	uint32_t w[ROUNDS], v[5];
	memcpy(v, state, sizeof(v));
	for (size_t i = 0; i < ROUNDS; i++) {
		uint32_t f, k;
		w[i] = i < 16 ? (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
				(uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3]
			: rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		if (i < 20)
			f = (v[1] & v[2]) | (~v[1] & v[3]), k = 0x5a827999;
		else if (i >= 40 && i < 60)
			f = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]), k = 0x8f1bbcdc;
		else
			f = v[1] ^ v[2] ^ v[3], k = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
		uint32_t next = rotate(v[0], 5) + f + v[4] + k + w[i];
		memmove(v + 1, v, 4 * sizeof(*v));
		v[0] = next;
		v[2] = rotate(v[2], 30);
	}
	for (size_t i = 0; i < 5; i++)
		state[i] += v[i];
}

void sha1(uint8_t out[static SHA1_SIZE], struct str text)
{
	uint32_t state[] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t blocks[2 * BLOCK] = { 0 };
	check(text.n <= SHA1_TEXT_MAX);
	size_t end = text.n + 9 > BLOCK ? 2 * BLOCK : BLOCK;
	memcpy(blocks, text.p, text.n);
	blocks[text.n] = 0x80;
	blocks[end - 1] = (uint8_t)(text.n << 3);
	blocks[end - 2] = (uint8_t)(text.n >> 5);
	for (size_t i = 0; i < end; i += BLOCK)
		take_block(state, blocks + i);
	for (size_t i = 0; i < SHA1_SIZE; i++)
		out[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
}
