/* certificate.h - what an X.509 certificate says (RFC 5280).
 *
 * Reading checks the form, strictly: DER, nothing behind it, no extension twice, extensions in
 * version 3 only, the same algorithm inside and outside of what is signed. Whether a certificate
 * may be believed is the business of path.h. Three departures from DER and RFC 5280 are taken
 * because certificates in use have them: a FALSE that is written out, times before 2050 as
 * GeneralizedTime, serial numbers that are negative or too long. */
#ifndef X509_CERTIFICATE_H
#define X509_CERTIFICATE_H

#include "base/fault.h"
#include "x509/signature.h"

/* Bits of `purposes` (extKeyUsage) and of `usage` (keyUsage, RFC 5280, 4.2.1.3). */
enum { PURPOSE_SERVER = 1, PURPOSE_CLIENT = 2, PURPOSE_ANY = 4 };
enum { USAGE_SIGNATURE = 1 << 0, USAGE_CERTIFICATES = 1 << 5 };

/* Everything is a view into the certificate, whose bytes the owner keeps. A view whose p is NULL
 * means that the field is absent. */
struct certificate {
	struct str der;             /* all of it */
	struct str signed_part;     /* TBSCertificate */
	struct signature_algorithm algorithm;
	struct str signature;
	int version;                /* 1 to 3 */
	struct str serial;          /* contents of the INTEGER */
	struct str issuer, subject; /* Name, as DER */
	int64_t not_before, not_after; /* seconds since 1970, both included; negative before */
	struct public_key key;

	bool is_ca;                 /* basicConstraints */
	int path_length;            /* -1: not limited */
	bool has_usage;
	unsigned usage;
	bool has_purposes;
	unsigned purposes;
	struct str names;           /* GeneralNames of the subjectAltName */
	struct str permitted, excluded; /* GeneralSubtrees of the nameConstraints */
	struct str subject_key, issuer_key; /* key identifiers */
	struct str policies;        /* contents of certificatePolicies */
	struct str mappings;        /* contents of policyMappings */
	int explicit_policy, inhibit_mapping,
		inhibit_any; /* skip counts of policyConstraints and inhibitAnyPolicy; -1: none */
	struct str critical;        /* OID of a critical extension that is not understood */
};

/* Reads one certificate. Pure. E_SYNTAX when `der` is not one. */
must_check enum err certificate_read(struct certificate *out, struct str der);

/* Whether subject and issuer are the same. */
bool certificate_is_self_issued(const struct certificate *c);

#endif
