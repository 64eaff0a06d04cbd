/* sha256.h - SHA-256 (FIPS 180-4).
 *
 * Uses the CPU's SHA instructions where they exist and a portable path elsewhere. CPUID is slow in
 * virtual machines, so short inputs use the portable code until the CPU's features are known
 * (cpu.h). The time taken depends on the length alone. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include "base/str.h"

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
	uint32_t state[8];
	uint64_t n; /* bytes taken so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, struct str bytes);

/* Writes the digest; `s` must be initialised again before further use. */
void sha256_final(struct sha256 *s, uint8_t out[static SHA256_SIZE]);

/* The state after the last whole block, for a caller that keeps it. sha256_set_state also sets the
 * number of bytes taken so far to `n`. */
void sha256_get_state(const struct sha256 *s, uint8_t out[static SHA256_SIZE]);
void sha256_set_state(struct sha256 *s, const uint8_t state[static SHA256_SIZE], uint64_t n);

void sha256(uint8_t out[static SHA256_SIZE], struct str bytes);

/* Names of the implementations that this CPU can run ("cpu", "portable"), in order of preference,
 * ended by NULL; and a way to pick one, for tests and benches. sha256_use(NULL) leaves the choice
 * to each hash again; a name that is not among them changes nothing and gives false. */
const char *const *sha256_implementations(void);
must_check bool sha256_use(const char *name);

#endif
