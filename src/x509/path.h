/* path.h - whether a certificate may be believed: a path from it to an anchor (RFC 5280, 6; RFC
 * 4158).
 *
 * The peer's own certificate comes first, the others in any order; duplicates and strangers are
 * passed over. The shortest path that satisfies every rule counts. What is checked:
 *
 * - the peer's own: not a CA's; in a server's, the host asked for, in the subjectAltName alone; a
 *   key that may sign;
 * - every certificate: its dates, the anchor's too; an extended key usage, critical or not, that
 *   allows the role or any; no critical extension that is not understood; SHA-256, SHA-384 or
 *   SHA-512; a key that is supported (signature.h);
 * - every issuer: a CA, with keyCertSign if it has a key usage; its path length, which self-issued
 *   certificates do not use up; its name constraints, the anchor's too. Only an anchor may be of
 *   X.509 version 1;
 * - policies, where a certificate demands one (policies.h).
 *
 * An anchor that is a server's own certificate is believed as a path of one. Its signature, and
 * whether it is a CA's, then do not matter. Revocation is not checked.
 *
 * Pure: time is handed in, nothing is allocated, the work is bounded by the limits below. */
#ifndef X509_PATH_H
#define X509_PATH_H

#include "x509/names.h"
#include "x509/trust.h"

enum {
	PATH_CERTIFICATES = 16, /* that are received; more are passed over */
	PATH_SIGNATURES = 32, /* that are checked: about 100 ms, if every key is of the slowest kind */
	PATH_STEPS = 1024,         /* issuers that are tried */
	PATH_COMPARISONS = 100000, /* of names with constraints */
};

enum path_role { PATH_SERVER, PATH_CLIENT };

/* Whether `signature` over `message` was made with the private half of `key`. */
typedef bool path_verify(const struct public_key *key, const struct signature_algorithm *algorithm,
	struct str message, struct str signature);

struct path_question {
	enum path_role role;                /* what the peer is */
	struct reference_identifier whom;   /* a server's host; both empty for a client */
	int64_t now_s;                      /* since 1970 */
	const struct trust *trust;
	const struct certificate *received; /* the peer's own first */
	size_t count;
	path_verify *verify;                /* how signatures are checked: signature_check */
};

enum path_code {
	PATH_OK,
	PATH_MALFORMED,
	PATH_CRITICAL,
	PATH_NOT_YET_VALID,
	PATH_EXPIRED,
	PATH_KEY,            /* of a kind that is not supported, or weak */
	PATH_PURPOSE,        /* extended key usage */
	PATH_CA_AS_PEER,
	PATH_NO_SIGNING,     /* the peer's key usage has no digitalSignature */
	PATH_NO_NAMES,       /* no subjectAltName */
	PATH_OTHER_NAME,
	PATH_ALGORITHM,      /* of the signature */
	PATH_BAD_SIGNATURE,
	PATH_OTHER_KEY,      /* than that of the anchor which has the issuer's name */
	PATH_NOT_CA,
	PATH_NO_ISSUING,     /* a CA's key usage without keyCertSign */
	PATH_TOO_LONG,       /* more certificates below than a path length allows */
	PATH_CONSTRAINED,
	PATH_CONSTRAINT_UNSUPPORTED,
	PATH_POLICY,
	PATH_UNKNOWN_ISSUER, /* no certificate and no anchor has the issuer's name */
	PATH_LIMIT,
	PATH_CODES
};

struct path_answer {
	enum path_code code;
	size_t length;               /* certificates of the path, the anchor aside */
	int64_t not_after;           /* the first of their ends and the anchor's */
	const struct anchor *anchor;

	/* When it failed: which certificate is to blame. Views into it, or into the bundle. */
	bool own;                    /* the peer's own */
	struct str blamed;           /* the DER of it */
	char refused_memory[80];
	struct buf refused;          /* a name that it does not permit */
};

/* Finds a path and fills `a`, which must not move while it is used. */
must_check enum path_code path_find(struct path_answer *a, const struct path_question *q);

/* Appends what is wrong, as what follows "the certificate of HOST " when it is the peer's own, or
 * else the name of a certificate. `q` as it was for path_find. */
void path_put_reason(struct buf *b, const struct path_answer *a, const struct path_question *q);

#endif
