/* trust.h - whom to believe: the certificates at the top of every path. */
#ifndef X509_TRUST_H
#define X509_TRUST_H

#include "base/arena.h"
#include "base/fault.h"
#include "x509/certificate.h"

struct anchor {
	struct str der;     /* the certificate */
	struct str subject; /* its Name, a view into it */
	/* A server's own certificate, that nobody else has signed: it is believed when it is shown,
	 * byte for byte, and issues nothing. */
	bool is_leaf;
};

/* Why a certificate of a bundle did not become an anchor. */
enum left_out_reason {
	LEFT_OUT_MALFORMED, /* its subject is then empty */
	LEFT_OUT_NOT_CA,
	LEFT_OUT_USAGE,     /* a CA whose key may not sign certificates */
	LEFT_OUT_KEY,       /* a kind of key that is not supported */
	LEFT_OUT_CRITICAL,  /* a critical extension that is not supported */
	LEFT_OUT_LABEL,     /* a block of another kind than CERTIFICATE */
};

struct left_out {
	enum left_out_reason reason;
	struct str subject;
	struct str der;
};

struct trust {
	const struct anchor *anchors;
	size_t count;
	const struct left_out *left_out;
	size_t left_out_n;
	const char *source; /* for people */
};

/* The build makes these from vendor/anchors. */
extern const struct anchor anchors[];
extern const size_t anchors_count;

/* The anchors compiled in: Amazon's five roots, ISRG Root X1, X2, YR and YE, DigiCert Global Root
 * G2 and G3. Lives for ever. */
struct trust trust_builtin(void);

/* The anchors of a PEM bundle: certificates of CAs, whether roots or not; self-signed ones of X.509
 * version 1, which cannot say what they are; and servers' own that are self-signed. The others are
 * listed in out->left_out. Memory is taken from `arena` and lives with it; trust_size(pem) bytes
 * are enough. E_CONFIG when the text is not proper PEM or has no usable block, E_LIMIT when the
 * arena is too small. */
must_check enum err trust_from_pem(
	struct trust *out, struct str pem, struct arena *arena, struct fault *f);
size_t trust_size(struct str pem);

/* Appends what was left out and why, as far as there is room: "`Old Root` (its key is RSA of 1024
 * bits); and 2 more". */
void trust_put_left_out(struct buf *b, const struct trust *trust);
void left_out_put_reason(struct buf *b, const struct left_out *l);

/* The anchor that is this certificate, byte for byte; NULL if none is. */
const struct anchor *trust_find(const struct trust *trust, struct str der);

/* Whether an anchor has the subject `name`, and so may have issued a certificate that names it. */
bool trust_knows(const struct trust *trust, struct str name);

/* The certificate with the subject `name` that was left out of a bundle; NULL if none was. */
const struct left_out *trust_find_left_out(const struct trust *trust, struct str name);

#endif
