/* roles_anywhere.h - IAM Roles Anywhere: keys for whoever has a certificate of an authority that
 * AWS was told to trust.
 *
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html */
#ifndef AWS_ROLES_ANYWHERE_H
#define AWS_ROLES_ANYWHERE_H

#include "aws/sigv4.h"
#include "x509/identity.h"

enum { ROLES_ANYWHERE_SERIAL_MAX = 49 }; /* digits of a number of 20 bytes */

/* Who signs for `id`, which is borrowed. `serial`: the number of its certificate in decimal, which
 * this writes. E_CONFIG if that is negative or longer than RFC 5280 allows. */
must_check enum err roles_anywhere_signer(struct sigv4_signer *out,
	char serial[static ROLES_ANYWHERE_SERIAL_MAX], const struct identity *id, struct fault *f);

#endif
