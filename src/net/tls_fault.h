/* tls_fault.h - BearSSL's error numbers in plain words. */
#ifndef NET_TLS_FAULT_H
#define NET_TLS_FAULT_H

#include "net/x509.h"

/* Sets the fault for error `code` of a connection with v->host: E_CERT when its certificate was refused, else E_TLS. */
enum err tls_fault_set(struct fault *f, unsigned code, const struct x509_verifier *v);

#endif
