/* utf8.h - UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include "base/buf.h"

/* Length of the well-formed sequence at the start of `s` (not empty), 1 to 4; 0 when there is none.
 */
size_t utf8_sequence(struct str s);

/* How many bytes at the start of `s` (not empty) agree with one sequence, 0 to 4. Where
 * utf8_sequence finds none, the byte after these is wrong or missing. */
size_t utf8_prefix(struct str s);

/* Offset of the first ill-formed sequence; s.n when `s` is well-formed. */
size_t utf8_check(struct str s);

/* Appends a code point, U+FFFD for one that cannot be encoded. */
void utf8_put(struct buf *b, uint32_t code_point);

/* `s` cut to at most `max` code points, never inside a sequence. A byte that belongs to none counts
 * as one. */
struct str utf8_take(struct str s, size_t max);

#endif
