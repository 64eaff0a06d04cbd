#include "crypto/seed.h"

#include "check.h"

#include <string.h>

TEST(seed_fill_fills_all_and_only_that)
{
	static unsigned char bytes[1024], seen[1024];
	/* The chance that one place is zero sixteen times over is 2^-128. */
	for (int round = 0; round < 16; round++) {
		memset(bytes, 0, sizeof(bytes));
		seed_fill(bytes + 1, sizeof(bytes) - 2);
		for (size_t i = 0; i < sizeof(bytes); i++)
			seen[i] |= bytes[i];
	}
	expect(seen[0] == 0 && seen[sizeof(seen) - 1] == 0);
	for (size_t i = 1; i < sizeof(seen) - 1; i++)
		expect(seen[i] != 0);
	seed_fill(NULL, 0);
}

TEST(seed_below_stays_below)
{
	static const uint32_t bounds[] = { 1, 2, 3, 150, UINT32_MAX };
	for (size_t i = 0; i < countof(bounds); i++)
		for (int k = 0; k < 200; k++)
			expect(seed_below(bounds[i]) < bounds[i]);
	bool seen[3] = { false };
	for (int k = 0; k < 1000; k++)
		seen[seed_below(3)] = true;
	expect(seen[0] && seen[1] && seen[2]);
}
