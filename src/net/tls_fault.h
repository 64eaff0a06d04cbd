/* tls_fault.h - why TLS failed, in plain words. */
#ifndef NET_TLS_FAULT_H
#define NET_TLS_FAULT_H

#include "x509/verifier.h"

#include <bearssl.h>

/* Sets the fault for error `code` of a connection with `host`: E_CERT when its certificate was
 * refused, which `v` knows more about, else E_TLS. `asked`: the server wanted a certificate of
 * ours. */
enum err tls_fault_set(
	struct fault *f, unsigned code, struct str host, const struct verifier *v, bool asked);

#endif
