/* base64.h - base64 with the standard alphabet (RFC 4648, section 4). */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include "base/buf.h"
#include "base/fault.h"

#define BASE64_DECODED_MAX(n) ((n) / 4 * 3 + 3)
#define BASE64_ENCODED(n) (((n) + 2) / 3 * 4)

/* Appends the bytes of `text`. Padding may be left out, but may not be wrong. Unused bits of the
 * last digit must be zero. White space is not allowed. `text` may lie where its bytes will go
 * (decoding in place). On failure nothing is appended, but the room behind the contents may be
 * overwritten. E_SYNTAX; E_LIMIT when it does not fit. */
must_check enum err base64_decode(struct buf *out, struct str text);

/* Appends `bytes` encoded with padding; nothing, and `full` is set, when that does not fit. */
void base64_encode(struct buf *out, struct str bytes);

#endif
