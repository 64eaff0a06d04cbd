/* tls_fault.h - why TLS failed, in plain words. */
#ifndef NET_TLS_FAULT_H
#define NET_TLS_FAULT_H

#include "net/tls_client.h"

/* Sets the fault for error `code` of a connection: E_CERT when the server's certificate was refused, else E_TLS. */
enum err tls_fault_set(struct fault *f, unsigned code, const struct tls_client *t);

#endif
