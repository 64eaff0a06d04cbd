/* x509.h - what a certificate says (RFC 5280). Who may be believed is the business of net/x509.h. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "base/fault.h"

#include <bearssl.h>

/* What a certificate says, as views into its DER form. */
struct x509_certificate {
	struct str serial;      /* its number, as the contents of a DER INTEGER, not looked at */
	struct str subject, issuer; /* distinguished names, DER */
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

/* Reads a time in one of the two forms in which it stands there as 2026-01-01T00:00:00Z: YYMMDDhhmmssZ begins in 1950 (RFC 5280,
 * 4.1.2.5.1). False for anything else. */
enum { X509_TIME = sizeof("2026-01-01T00:00:00Z") - 1 };
must_check bool x509_read_time(char out[static X509_TIME], struct str time);

#endif
