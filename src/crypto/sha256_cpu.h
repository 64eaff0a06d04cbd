/* sha256_cpu.h - the blocks of SHA-256 in the CPU's own instructions; between sha256.c and
 * sha256_cpu.c. */
#ifndef CRYPTO_SHA256_CPU_H
#define CRYPTO_SHA256_CPU_H

#include "base/base.h"

enum { SHA256_CPU_BLOCK = 64 }; /* bytes */

/* The round constants (FIPS 180-4, section 4.2.2). */
extern const uint32_t sha256_k[64];

/* Whether a CPU with these features (cpu.h) has instructions that this build knows: the SHA
 * extensions of x86, or those of ARMv8. */
bool sha256_cpu_able(unsigned features);

/* Takes `count` blocks into `state`. Only where sha256_cpu_able. */
void sha256_cpu_blocks(uint32_t state[static 8], const uint8_t *blocks, size_t count);

#endif
