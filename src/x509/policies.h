/* policies.h - certificate policies along a path (RFC 5280, 6.1, as RFC 9618 simplifies it).
 *
 * Nobody here asks for a certain policy: "any policy" is enough. So policies matter only where a
 * certificate of the path demands that one holds along the whole of it (requireExplicitPolicy). */
#ifndef X509_POLICIES_H
#define X509_POLICIES_H

#include "x509/certificate.h"

/* Whether they hold: `path` is the end entity's certificate and those above it, without the anchor.
 * Of more than 64 policies at once some are forgotten, so that less holds. */
bool policies_hold(const struct certificate *const *path, size_t count);

#endif
