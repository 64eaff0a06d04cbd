/* curves.h - key exchange on X25519, P-256 and P-384, as BearSSL's engine wants it done. */
#ifndef CRYPTO_CURVES_H
#define CRYPTO_CURVES_H

#include <bearssl.h>

/* Points that are not on their curve are refused, and so is a public key for X25519 that makes the
 * shared secret zero (RFC 8422, 5.11). Constant time. Multiplying and adding, which key exchange
 * does not need, always fails. */
extern const br_ec_impl curves;

#endif
