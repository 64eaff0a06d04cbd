/* names.h - names in certificates: whom one is for (RFC 9525), distinguished names (RFC 5280, 7.1),
 * name constraints (RFC 5280, 4.2.1.10). Pure; all names are hostile bytes until a function here
 * has called them well formed. */
#ifndef X509_NAMES_H
#define X509_NAMES_H

#include "base/buf.h"

/* Whom a certificate has to be for: a DNS name without a dot at the end, or an address of 4 or 16
 * bytes. The other is empty. */
struct reference_identifier {
	struct str dns_name, address;
};

/* Tags of a GeneralName. */
enum {
	NAME_OTHER = 0xa0,
	NAME_MAIL = 0x81,
	NAME_DNS = 0x82,
	NAME_X400 = 0xa3,
	NAME_DIRECTORY = 0xa4,
	NAME_EDI = 0xa5,
	NAME_URI = 0x86,
	NAME_ADDRESS = 0x87,
	NAME_OID = 0x88,
};

/* ---- distinguished names: a Name as DER, with its head ---- */

bool name_is_well_formed(struct str name);

/* Whether two are the same: case and runs of blanks aside in texts of the usual types, byte for
 * byte in others. */
bool name_eq(struct str a, struct str b);

/* Appends what people call it: the common name, or else the last organizational unit or
 * organization, at most 64 bytes. A byte that is not printable ASCII becomes '?', and so does a
 * backquote: name_quote puts the name between two of these. */
void name_put(struct buf *b, struct str name);
void name_quote(struct buf *b, struct str name);

/* ---- GeneralNames, as in a subjectAltName ---- */

bool general_name_is_well_formed(unsigned tag, struct str value);

/* Whether one of them is `whom`: an address byte for byte; a name case aside, where "*" may stand
 * for the whole first label if two labels follow. */
bool names_have(struct str names, const struct reference_identifier *whom);

/* Appends the first few DNS names and addresses, for a message. */
void names_put(struct buf *b, struct str names);

/* ---- constraints ---- */

/* GeneralSubtrees: not empty, each with a well-formed base, and neither minimum nor maximum, which
 * nobody may use. */
bool general_subtrees_are_well_formed(struct str subtrees);

enum constraint_verdict {
	NAMES_PERMITTED,
	NAMES_REFUSED,
	NAMES_UNSUPPORTED, /* a name has a form that is constrained in a way that is not understood */
	NAMES_TOO_MANY,    /* the budget is spent */
};

/* DNS names, addresses, directory names, mail addresses and hosts of URIs can be compared with
 * constraints. A name of another form is refused when its form is constrained.
 *
 * The constraints of one certificate against what one below it is called: its subject, its names,
 * and with `whom` the host asked for. *budget is the number of comparisons that may still be made.
 * A name that is not permitted, or excluded, is appended to `refused` as names_put and name_put do.
 */
enum constraint_verdict constraints_check(struct str permitted, struct str excluded,
	struct str subject, struct str names, const struct reference_identifier *whom, unsigned *budget,
	struct buf *refused);

#endif
