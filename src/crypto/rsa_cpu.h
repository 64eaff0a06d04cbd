/* rsa_cpu.h - the private exponentiations of RSA-2048 in instructions that not every CPU has;
 * between rsa_raw.c and rsa_cpu.c. */
#ifndef CRYPTO_RSA_CPU_H
#define CRYPTO_RSA_CPU_H

#include "crypto/mont.h"

#ifdef LIMB_WIDE

enum { RSA_CPU_LIMBS = 1024 / LIMB_BITS };

/* What is raised: `base` is a form, `one` that of 1, the exponent has the modulus' width. */
struct rsa_cpu_power {
	const struct mont *mod;
	const limb *base, *one, *exponent;
	limb *out; /* the power: no form, but a plain number, which may be the modulus instead of 0 */
};

/* Whether this CPU has instructions that this build knows: x86's AVX-512 IFMA. */
bool rsa_cpu_able(void);

/* Raises two numbers beside each other, each modulo one of RSA_CPU_LIMBS limbs. Only where
 * rsa_cpu_able. Constant time. */
void rsa_cpu_raise(const struct rsa_cpu_power power[static 2]);

#endif
#endif
