/* hex.h - base 16. Branch-free, table-free: fit for secrets. */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include "base/buf.h"

/* Appends two lower-case digits a byte. */
void hex_put(struct buf *out, const uint8_t *bytes, size_t n);

/* Decodes exactly 2*n lower-case digits; false (contents of `out` unspecified) for anything else.
 */
must_check bool hex_decode(uint8_t *out, size_t n, struct str text);

/* Value of one digit of either case, or -1. */
int hex_digit(unsigned char c);

#endif
