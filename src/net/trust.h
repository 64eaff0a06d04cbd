/* trust.h - whom a TLS client believes. */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include "base/arena.h"
#include "base/fault.h"

#include <bearssl.h>

struct trust {
	const br_x509_trust_anchor *anchors;
	size_t count;
	const char *source; /* for people */
};

/* The anchors compiled in: Amazon's five roots, ISRG Root X1 and X2, DigiCert Global Root G2 and G3. Lives for ever. */
struct trust trust_builtin(void);

/* The anchors of a PEM bundle (every CERTIFICATE block that is a CA's; others are passed over and counted in *skipped, as
 * are keys that this program has no use for and roots with name constraints, which it could not honour). Validity dates of
 * anchors are not looked at (RFC 5280, 6.1.1 d). Their memory is taken from `arena` and lives with it; the size of the text
 * and 256 bytes are enough.
 * E_CONFIG when the text is not proper PEM or not one block is usable, E_LIMIT when the arena is too small. */
must_check enum err trust_from_pem(struct trust *out, size_t *skipped, struct str pem, struct arena *arena, struct fault *f);

#endif
