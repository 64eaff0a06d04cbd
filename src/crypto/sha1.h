/* sha1.h - SHA-1 (FIPS 180-4) of short texts, for the handshake of WebSockets, where it protects
 * nothing. Small rather than fast. */
#ifndef CRYPTO_SHA1_H
#define CRYPTO_SHA1_H

#include "base/str.h"

enum { SHA1_SIZE = 20, SHA1_TEXT_MAX = 119 }; /* two blocks, with what ends them */

/* Traps on a longer text. */
void sha1(uint8_t out[static SHA1_SIZE], struct str text);

#endif
