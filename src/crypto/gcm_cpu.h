/* gcm_cpu.h - AES in counter mode and GHASH, the two halves of GCM, in the CPU's own instructions
 * and in BearSSL's form. Only where cpu_features() says CPU_GCM. For x86, BearSSL has them
 * itself. */
#ifndef CRYPTO_GCM_CPU_H
#define CRYPTO_GCM_CPU_H

#include "crypto/cpu.h"

#include <bearssl.h>

#if defined(__x86_64__)

#define GCM_CPU_AES (&br_aes_x86ni_ctr_vtable)
#define GCM_CPU_GHASH br_ghash_pclmul

#elif defined(CPU_ARM_CRYPTO)

/* NIST SP 800-38D, with keys of 16, 24 and 32 bytes. */
extern const br_block_ctr_class gcm_cpu_aes;
void gcm_cpu_ghash(void *y, const void *h, const void *data, size_t n);
#define GCM_CPU_AES (&gcm_cpu_aes)
#define GCM_CPU_GHASH gcm_cpu_ghash

#else

/* No CPU that this build knows has any; CPU_GCM is never set. */
#define GCM_CPU_AES (&br_aes_ct64_ctr_vtable)
#define GCM_CPU_GHASH br_ghash_ctmul64

#endif

#endif
