/* verifier.h - the certificates of a TLS handshake on their way from BearSSL's engine to path.h: a
 * br_x509_class. */
#ifndef X509_VERIFIER_H
#define X509_VERIFIER_H

#include "x509/path.h"

enum {
	/* All the certificates that a peer sends, duplicates aside. Chains have 3 to 8 KiB; a server's
	 * certificate for some hundred names adds 10. What does not fit is passed over. */
	VERIFIER_BYTES = 32 * 1024,

	/* Errors that end_chain gives the engine, above BearSSL's own for certificates: this, plus an
	 * enum path_code. */
	VERIFIER_ERROR = 64,
};

/* For one connection: some 40 KiB, of which as much is touched as the peer sends. */
struct verifier {
	const br_x509_class *vtable; /* first, for BearSSL */
	struct path_question question;
	struct path_answer answer;
	/* A certificate: the peer is believed only if it shows this one. Empty for none. */
	struct str pinned;
	struct buf *seen; /* gets every certificate as it is sent, one after the other; NULL for none */
	uint32_t position;           /* of the certificate at hand, 0 is the peer's own */
	bool fits;                   /* it is stored as a whole */
	bool malformed, too_many; /* something was passed over: not a certificate, or no place left */
	size_t n, begin;             /* bytes in use, and where the certificate at hand begins */
	struct certificate received[PATH_CERTIFICATES];
	char bytes[VERIFIER_BYTES];
};

/* Prepares `v` for one handshake. `trust` and what `whom` points to are borrowed until its end; for
 * a server `whom` is not empty. `seen` and `pinned` may be set afterwards. */
void verifier_init(struct verifier *v, enum path_role role, const struct reference_identifier *whom,
	const struct trust *trust, int64_t now_s);

/* Appends why the peer's certificate was refused: "the certificate `x` of HOST has expired ...". */
void verifier_put_reason(struct buf *b, const struct verifier *v, struct str host);

#endif
