/* anchors.h - the trust anchors compiled in; the build makes their definition from vendor/anchors. */
#ifndef X509_ANCHORS_H
#define X509_ANCHORS_H

#include "x509/trust.h"

extern const struct anchor anchors[];
extern const size_t anchors_count;

#endif
