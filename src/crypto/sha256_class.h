/* sha256_class.h - sha256.h as BearSSL wants a hash, so that there is one SHA-256 in the program,
 * and TLS gains the processor's instructions for it. */
#ifndef CRYPTO_SHA256_CLASS_H
#define CRYPTO_SHA256_CLASS_H

#include <bearssl.h>

/* To be used where BearSSL's own br_sha256_vtable could be. */
extern const br_hash_class sha256_class;

#endif
