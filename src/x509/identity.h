/* identity.h - who the gateway is to others: a certificate, those of the authorities above it, and
 * the private key. */
#ifndef X509_IDENTITY_H
#define X509_IDENTITY_H

#include "crypto/pkey.h"
#include "x509/certificate.h"

enum { IDENTITY_CHAIN_MAX = 8 };

struct identity {
	struct pkey key;
	br_x509_certificate chain[IDENTITY_CHAIN_MAX]; /* its own first */
	size_t chain_n;
	struct certificate own;
};

/* Reads it from PEM texts. Blocks of other kinds are passed over, so `chain` and `key` may be the
 * same text. *id is zeroed by the caller and points into `arena` afterwards, which needs the size
 * of both texts; it holds secrets until it is wiped. E_CONFIG, and E_LIMIT when the arena is too
 * small: a sentence that begins with "the certificate", "the private key" or "there is". */
must_check enum err identity_from_pem(
	struct identity *id, struct str chain, struct str key, struct arena *arena, struct fault *f);

#endif
