#include "crypto/sha256.h"

#include "crypto/cpu.h"
#include "crypto/ct.h"
#include "crypto/sha256_cpu.h"

#include <stdatomic.h>
#include <string.h>

_Static_assert((int)SHA256_CPU_BLOCK == (int)SHA256_BLOCK, "the same blocks");

const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void portable_blocks(uint32_t state[static 8], const uint8_t *p, size_t count)
{
	uint32_t w[64];
	for (; count > 0; count--, p += SHA256_BLOCK) {
		for (int i = 0; i < 16; i++)
			w[i] = load_be32(p + 4 * i);
		for (int i = 16; i < 64; i++) {
			uint32_t x = w[i - 15], y = w[i - 2];
			w[i] = w[i - 16] + w[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) +
			       (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
		}
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
		uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
		for (int i = 0; i < 64; i++) {
			uint32_t t = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) +
				sha256_k[i] + w[i];
			uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
			h = g, g = f, f = e, e = d + t;
			d = c, c = b, b = a, a = t + u;
		}
		state[0] += a, state[1] += b, state[2] += c, state[3] += d;
		state[4] += e, state[5] += f, state[6] += g, state[7] += h;
	}
	ct_wipe(w, sizeof(w)); /* of an HMAC key's block they are the key */
}

/* So many blocks at once make it worth to ask the CPU. */
enum { WORTH_ASKING = 4 };

/* What a test has asked for. */
enum { ANY, CPU, PORTABLE };
static atomic_int choice = ANY;

static bool is_for_cpu(size_t count)
{
	int chosen = atomic_load_explicit(&choice, memory_order_relaxed);
	if (chosen != ANY)
		return chosen == CPU;
	return sha256_cpu_able(count < WORTH_ASKING ? cpu_known() : cpu_features());
}

static void take_blocks(uint32_t state[static 8], const char *p, size_t count)
{
	if (is_for_cpu(count))
		sha256_cpu_blocks(state, (const uint8_t *)p, count);
	else
		portable_blocks(state, (const uint8_t *)p, count);
}

void sha256_init(struct sha256 *s)
{
	static const uint32_t initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
		0x5be0cd19,
	};
	memcpy(s->state, initial, sizeof(initial));
	s->n = 0;
}

void sha256_update(struct sha256 *s, struct str bytes)
{
	size_t held = s->n % SHA256_BLOCK;
	s->n += bytes.n;
	if (held > 0) {
		struct str head = str_sub(bytes, 0, SHA256_BLOCK - held);
		if (head.n > 0)
			memcpy(s->block + held, head.p, head.n);
		if (held + head.n < SHA256_BLOCK)
			return;
		take_blocks(s->state, (const char *)s->block, 1);
		bytes = str_skip(bytes, head.n);
	}
	size_t whole = bytes.n / SHA256_BLOCK;
	if (whole > 0)
		take_blocks(s->state, bytes.p, whole);
	bytes = str_skip(bytes, whole * SHA256_BLOCK);
	if (bytes.n > 0)
		memcpy(s->block, bytes.p, bytes.n);
}

void sha256_final(struct sha256 *s, uint8_t out[static SHA256_SIZE])
{
	static const uint8_t padding[SHA256_BLOCK] = { 0x80 };
	uint8_t length[8];
	store_be32(length, (uint32_t)(s->n >> 29));
	store_be32(length + 4, (uint32_t)(s->n << 3));
	sha256_update(s, (struct str){ (const char *)padding, 1 + (119 - s->n % 64) % 64 });
	sha256_update(s, (struct str){ (const char *)length, sizeof(length) });
	sha256_get_state(s, out);
}

void sha256_get_state(const struct sha256 *s, uint8_t out[static SHA256_SIZE])
{
	for (int i = 0; i < 8; i++)
		store_be32(out + 4 * i, s->state[i]);
}

void sha256_set_state(struct sha256 *s, const uint8_t state[static SHA256_SIZE], uint64_t n)
{
	for (int i = 0; i < 8; i++)
		s->state[i] = load_be32(state + 4 * i);
	s->n = n;
}

void sha256(uint8_t out[static SHA256_SIZE], struct str bytes)
{
	struct sha256 s;
	sha256_init(&s);
	sha256_update(&s, bytes);
	sha256_final(&s, out);
}

static const char *const names[] = { "cpu", "portable", NULL };

const char *const *sha256_implementations(void)
{
	return sha256_cpu_able(cpu_features()) ? names : names + 1;
}

bool sha256_use(const char *name)
{
	int chosen = ANY;
	if (name) {
		const char *const *able = sha256_implementations();
		while (*able && strcmp(*able, name) != 0)
			able++;
		if (!*able)
			return false;
		chosen = able == names ? CPU : PORTABLE;
	}
	atomic_store_explicit(&choice, chosen, memory_order_relaxed);
	return true;
}
