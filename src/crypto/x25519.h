/* x25519.h - Diffie-Hellman over Curve25519 (RFC 7748).
 *
 * Scalars and u-coordinates are 32 bytes, little-endian, as in the RFC; any scalar will do, as its
 * fixed bits are set here. Constant time. */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include "base/base.h"

enum { X25519_SIZE = 32 };

/* The public key of a scalar. */
void x25519_public(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE]);

/* The secret shared with the owner of public key `u`. False, and all zeros, if `u` is one of the
 * few that make it zeros, whatever the scalar (RFC 7748, 6.1). `out` may be `u`. */
must_check bool x25519_shared(uint8_t out[static X25519_SIZE],
	const uint8_t scalar[static X25519_SIZE], const uint8_t u[static X25519_SIZE]);

#endif
