/* seed.h - random bytes from the kernel: getrandom(2), or /dev/urandom where that is missing or
 * refused (before Linux 3.17, in some sandboxes). No user-space state. */
#ifndef CRYPTO_SEED_H
#define CRYPTO_SEED_H

#include "base/base.h"

/* Fills `p`. Blocks only while the kernel's pool is not initialised yet, early in a machine's life.
 * Where there is neither, one sentence says so, and the process exits with 1. */
void seed_fill(void *p, size_t n);

/* A number below `bound` (> 0), for jitter; not exactly uniform. */
uint32_t seed_below(uint32_t bound);

#endif
