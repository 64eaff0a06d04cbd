/* The arithmetic of rsa_raw.h, ec.h and x25519.h where the compiler has no product of 64 by 64 bits: BearSSL's. */
#include "crypto/limb.h"
#include "crypto/rsa_raw.h"

#include <string.h>

#ifndef LIMB_WIDE

bool rsa_public(uint8_t out[static RSA_SIZE_MAX], const br_rsa_public_key *key, struct str x)
{
	if (rsa_modulus(key).n < RSA_SIZE_MIN || x.n != rsa_modulus(key).n)
		return false;
	memcpy(out, x.p, x.n);
	return br_rsa_i31_public(out, x.n, key);
}

#endif
