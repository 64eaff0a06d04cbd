/* cpu.h - which of the instructions that not every CPU has this one has.
 *
 * In a virtual machine, CPUID traps to the hypervisor and takes 10 microseconds or more, as long as
 * hashing some KiB without special instructions. So the first thread that needs to know asks, once
 * in a process. The answer is the only state here. */
#ifndef CRYPTO_CPU_H
#define CRYPTO_CPU_H

#include "base/base.h"

enum {
	CPU_ASKED = 1,
	CPU_SHA256 = 2, /* instructions for SHA-256 */
	CPU_GCM = 4,    /* instructions for AES and its Galois/Counter Mode */
	CPU_IFMA = 8,   /* AVX-512 IFMA, which multiplies eight integers at once */
};

/* Where the compiler has ARMv8's intrinsics for both. Before version 16 clang has them only where
 * the whole build may use the instructions. */
#if defined(__aarch64__) && (!defined(__clang__) || __clang_major__ >= 16)
#define CPU_ARM_CRYPTO 1
#endif

/* What is known so far: 0, or CPU_ASKED and what it can do. */
unsigned cpu_known(void);

/* Asks if need be: CPU_ASKED and what it can do. */
unsigned cpu_features(void);

#endif
