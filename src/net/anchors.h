/* anchors.h - the trust anchors compiled in; the build makes their definition from vendor/anchors. */
#ifndef NET_ANCHORS_H
#define NET_ANCHORS_H

#include <bearssl.h>

extern const br_x509_trust_anchor anchors[];
extern const size_t anchors_count;

#endif
