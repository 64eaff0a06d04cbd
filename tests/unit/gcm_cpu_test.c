#include "crypto/gcm_cpu.h"

#include "check.h"

#include <string.h>

/* Compares with BearSSL's portable ones; on a CPU without the instructions there is nothing to
 * do. */

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
}

TEST(gcm_cpu_aes_is_the_portable_one)
{
	uint8_t key[32], iv[12], mine[200], theirs[200];
	if (!(cpu_features() & CPU_GCM))
		return;
	for (size_t size = 16; size <= 32; size += 8) {
		for (size_t n = 0; n <= sizeof(mine); n++) {
			br_aes_gen_ctr_keys a, b;
			uint32_t counter = n % 3 ? (uint32_t)n : UINT32_MAX - 1;
			context("a key of %zu bytes, %zu bytes of data", size, n);
			fill(key, sizeof(key), (unsigned)n);
			fill(iv, sizeof(iv), (unsigned)size);
			fill(mine, sizeof(mine), 1);
			memcpy(theirs, mine, sizeof(mine));
			GCM_CPU_AES->init(&a.vtable, key, size);
			br_aes_ct64_ctr_init(&b.c_ct64, key, size);
			uint32_t after = GCM_CPU_AES->run(&a.vtable, iv, counter, mine, n);
			expect_int(after, br_aes_ct64_ctr_run(&b.c_ct64, iv, counter, theirs, n));
			expect(memcmp(mine, theirs, sizeof(mine)) == 0);
			expect_int(a.vtable == GCM_CPU_AES, 1);
		}
	}
}

TEST(gcm_cpu_ghash_is_the_portable_one)
{
	uint8_t key[16], mine[16], theirs[16], data[100];
	if (!(cpu_features() & CPU_GCM))
		return;
	for (unsigned seed = 0; seed < 50; seed++) {
		for (size_t n = 0; n <= sizeof(data); n++) {
			context("seed %u, %zu bytes", seed, n);
			fill(key, sizeof(key), seed);
			fill(mine, sizeof(mine), seed + 1);
			fill(data, sizeof(data), seed + 2);
			memcpy(theirs, mine, sizeof(mine));
			GCM_CPU_GHASH(mine, key, data, n);
			br_ghash_ctmul64(theirs, key, data, n);
			expect(memcmp(mine, theirs, sizeof(mine)) == 0);
		}
	}
}
