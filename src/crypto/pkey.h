/* pkey.h - private keys: read from PEM, used to sign.
 *
 * RSA of 2048 to 4096 bits, and EC on P-256 or P-384; in the forms PKCS#8 ("PRIVATE KEY", RFC
 * 5958), PKCS#1 ("RSA PRIVATE KEY", RFC 8017) and "EC PRIVATE KEY" (RFC 5915). Keys under a
 * passphrase are refused: nobody is there to type it. Signatures are RSA PKCS#1 v1.5 and ECDSA as
 * DER (RFC 3279, 2.2.3), made in time that does not depend on the key's bits. */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include "base/arena.h"
#include "base/fault.h"
#include "crypto/rsa.h"

struct pkey {
	int type; /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
	union {
		struct rsa_key rsa;
		br_ec_private_key ec;
	} as; /* its numbers lie in the arena */
};

/* The longest signature: one by an RSA key of 4096 bits. */
enum { PKEY_SIGNATURE_MAX = RSA_PRIVATE_SIZE_MAX };

/* BearSSL's number for the curve whose OID has these contents; 0 if it is neither P-256 nor
 * P-384. */
int pkey_curve(struct str oid);

/* Takes the first key of a PEM text; other blocks (EC PARAMETERS, certificates) are passed over.
 * `arena` needs the size of the text; it holds secrets afterwards, after a failure too: its owner
 * wipes it (ct_wipe). E_CONFIG: a sentence that begins with "the private key" or "there is no
 * private key", and never tells any of its bytes; E_LIMIT when the arena is too small. */
must_check enum err pkey_from_pem(
	struct pkey *out, struct str pem, struct arena *arena, struct fault *f);

/* Signs `value`, a digest made by `hash` (SHA-256, SHA-384 or SHA-512). Returns the length of the
 * signature; 0 when the key is invalid. */
size_t pkey_sign(const struct pkey *key, unsigned char out[static PKEY_SIGNATURE_MAX],
	const br_hash_class *hash, const unsigned char *value);

#endif
