/* x509.h - what a certificate says (RFC 5280). Who may be believed is the business of net/x509.h. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "base/fault.h"

#include <bearssl.h>

/* What a certificate says, as views into its DER form. */
struct x509_certificate {
	struct str serial;      /* its number, as the contents of a DER INTEGER, not looked at */
	struct str subject;     /* distinguished name, DER */
	struct str not_after;   /* as it stands there: YYMMDDhhmmssZ or YYYYMMDDhhmmssZ, not looked at */
	br_x509_pkey key;       /* key_type 0: neither RSA nor EC on P-256 or P-384 */
	struct str names;       /* contents of the subjectAltName; p is NULL without one */
	bool is_ca;             /* by its basicConstraints */
	bool has_constraints;   /* nameConstraints */
	bool has_purposes;      /* extKeyUsage ... */
	bool for_servers;       /* ... with serverAuth */
};

/* Reads one certificate. Pure; signatures and dates are not looked at. E_SYNTAX when it is not DER or not a certificate,
 * has something behind it, or the same extension twice. */
must_check enum err x509_parse(struct x509_certificate *out, struct str der);

#endif
