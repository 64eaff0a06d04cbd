/* signature.h - public keys and the signatures of certificates (RFC 3279, 4055, 5480, 5758).
 *
 * Supported are RSA of 2,048 to 8,192 bits, with PKCS#1 v1.5 or PSS, and ECDSA on P-256 and P-384,
 * each over SHA-256, SHA-384 or SHA-512. Other keys and algorithms can be read and named, but
 * verify nothing. Everything here is public: no constant time. */
#ifndef X509_SIGNATURE_H
#define X509_SIGNATURE_H

#include "base/buf.h"

#include <bearssl.h>

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 8192 };

/* A SubjectPublicKeyInfo. */
struct public_key {
	br_x509_pkey key;     /* key_type 0: of a kind, a size or a curve that is not supported */
	bool pss_only;        /* RSA that may be used for PSS alone */
	struct str algorithm; /* OID, for a message */
	struct str curve;     /* OID; empty for other kinds */
	uint32_t rsa_bits;    /* 0 for other kinds */
};

/* How a certificate is signed: an AlgorithmIdentifier. */
struct signature_algorithm {
	enum {
		SIGNED_OTHERWISE,
		SIGNED_PKCS1,
		SIGNED_PSS,
		SIGNED_ECDSA
	} kind;               /* the first: not supported */
	unsigned hash;        /* br_sha256_ID, br_sha384_ID or br_sha512_ID */
	size_t salt;          /* bytes, with PSS */
	struct str algorithm; /* OID, for a message */
};

/* Reads one from the contents of its SEQUENCE; the result has views into them. False when it is
 * malformed, not when it is merely unsupported. */
must_check bool public_key_read(struct public_key *out, struct str contents);
must_check bool signature_algorithm_read(struct signature_algorithm *out, struct str contents);

/* Whether `signature` over `message` was made with the private half of `key`. */
must_check bool signature_check(const struct public_key *key,
	const struct signature_algorithm *algorithm, struct str message, struct str signature);

/* Appends what they are, for people: "RSA of 1024 bits", "SHA-1 with RSA", or the OID with dots. */
void public_key_put(struct buf *b, const struct public_key *key);
void signature_algorithm_put(struct buf *b, const struct signature_algorithm *algorithm);
void oid_put(struct buf *b, struct str oid);

#endif
