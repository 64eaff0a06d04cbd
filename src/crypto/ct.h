/* ct.h - handling of secret bytes: compare without telling where they differ, wipe for good. */
#ifndef CRYPTO_CT_H
#define CRYPTO_CT_H

#include "base/base.h"

/* Whether two runs of `n` bytes are equal, in time that depends on `n` alone. */
must_check bool ct_equal(const void *a, const void *b, size_t n);

/* Overwrites with zeros; the compiler cannot leave it out. */
void ct_wipe(void *p, size_t n);

#endif
