/* x509.h - server certificates: what BearSSL's chain engine does not look at (RFC 5280, 6125).
 *
 * The engine checks signatures, dates, names of issuers, CA flags and path lengths of the chain. This adds to it, for the
 * server's own certificate: the host must be in a subjectAltName, as a DNS name or as an IP address (the common name never
 * counts); a CA's certificate is none. And for every certificate that the chain needs: if it says what it is for
 * (extended key usage, critical or not), serverAuth must be among it. anyExtendedKeyUsage will not do: authorities may not
 * put it into server certificates, and an issuer for mail or code is not watched over like one for servers. A certificate
 * with name constraints is refused, because they are not evaluated. */
#ifndef NET_X509_H
#define NET_X509_H

#include "crypto/x509.h"
#include "net/trust.h"

/* Whether its subjectAltName has `host`: an IP address literally, a name case aside, where "*" may stand for the whole
 * first label if two labels follow. */
bool x509_is_for(const struct x509_certificate *c, struct str host);

/* Appends the first few DNS names, for a message. */
void x509_put_names(struct buf *b, const struct x509_certificate *c);

/* Codes of our own, behind BearSSL's (BR_ERR_X509_*, at most 63). */
enum {
	X509_MALFORMED = 64,
	X509_TOO_LARGE,   /* more than X509_SIZE_MAX */
	X509_NO_NAMES,    /* no subjectAltName */
	X509_CA_AS_SERVER,
	X509_NOT_FOR_SERVERS,
	X509_CONSTRAINED,
};

enum { X509_SIZE_MAX = 8192 };

/* A br_x509_class around BearSSL's engine. */
struct x509_verifier {
	const br_x509_class *vtable; /* first, for BearSSL */
	br_x509_minimal_context chain;
	struct str host;
	struct buf *seen;    /* gets every certificate as it is sent, one behind the other; NULL: nobody asks */
	unsigned error;      /* ours; 0: none so far */
	unsigned position;   /* of the certificate at hand, 0 is the server's */
	bool needed;         /* the chain is not complete without it */
	size_t n;
	char der[X509_SIZE_MAX]; /* the certificate at hand */
};

/* Prepares `v` for one handshake with `host`, which must not be empty; both it and the anchors are borrowed until then.
 * `now_s`: seconds since 1970. `seen` may be set afterwards. */
void x509_verifier_init(struct x509_verifier *v, const struct trust *trust, struct str host, int64_t now_s);

#endif
