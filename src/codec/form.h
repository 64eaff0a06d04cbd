/* form.h - application/x-www-form-urlencoded (WHATWG URL, section 5.1) and percent encoding (RFC
 * 3986). */
#ifndef CODEC_FORM_H
#define CODEC_FORM_H

#include "base/arena.h"
#include "base/fault.h"

/* Takes the next pair off the front of *rest; false at its end. Both are views, still encoded.
 * Empty sequences between two '&' are passed over. */
bool form_next(struct str *name, struct str *value, struct str *rest);

/* Whether every '%' in `body` is followed by two hex digits. */
bool form_check(struct str body);

/* Decodes '+' and %XX. The result is `s` itself when there is nothing to decode, else lies in
 * `arena`. E_SYNTAX for a '%' without two hex digits; E_LIMIT when the arena is exhausted. */
must_check enum err form_decode(struct str *out, struct str s, struct arena *arena);

/* Decodes %XX only ('+' stays), once. Errors as form_decode. */
must_check enum err percent_decode(struct str *out, struct str s, struct arena *arena);

/* Appends `s` with everything outside A-Z a-z 0-9 - . _ ~ as %XX, upper case; the unreserved set of
 * RFC 3986 section 2.3. '/' is kept when `keep_slash`. */
void percent_encode(struct buf *b, struct str s, bool keep_slash);

/* Appends name=value for a form, after a '&' when `b` is not empty. */
void form_put(struct buf *b, struct str name, struct str value);

#endif
