/* json_read.h - a strict reader for JSON (RFC 8259) that copies nothing.
 *
 * A text is first checked whole by json_check: grammar, UTF-8, depth. From then on a `struct json`
 * is a view of one value inside that text, and the functions below walk it without checking again.
 * They must only be given values that come from a successful json_check.
 *
 * Refused: anything outside the grammar (comments, trailing commas, NaN, bare control bytes, a
 * leading byte order mark, bytes after the value), ill-formed UTF-8, nesting deeper than
 * JSON_DEPTH_MAX. Numbers keep their text. A name that stands twice in an object is grammatical:
 * the last one counts, as in the languages that will read the same text. A lone surrogate escape is
 * grammatical too and decodes as U+FFFD. */
#ifndef CODEC_JSON_READ_H
#define CODEC_JSON_READ_H

#include "base/arena.h"
#include "base/fault.h"

enum { JSON_DEPTH_MAX = 64 };

enum json_type {
	JSON_ABSENT,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	struct str text; /* its own bytes, without white space around it; strings with their quotes */
};

/* What it is; JSON_ABSENT for a zeroed struct json, which is what a failed look-up returns. */
enum json_type json_type(struct json v);

/* Checks `text` and sets *out to its value. On failure *position is the offset of the first byte
 * that cannot stand there (text.n when the text ends too early). E_SYNTAX; E_LIMIT for too deep a
 * nesting. */
must_check enum err json_check(struct json *out, size_t *position, struct str text);

/* The same for those who do not ask what is wrong: absent on failure. */
struct json json_parse(struct str text);

/* Walks the members of an object or the elements of an array, in order:
 *     struct json_walk w = json_walk(v);
 *     while (json_next(&w)) ... w.key, w.value ...
 * Over anything else it walks nothing. `key` is the member's name as a JSON string, empty in
 * arrays. */
struct json_walk {
	struct json key, value;
	struct str rest;
};
struct json_walk json_walk(struct json v);
bool json_next(struct json_walk *w);

/* Whether the JSON string `v` has exactly the content `s`, escapes decoded. False for other types.
 */
bool json_is(struct json v, struct str s);

/* The value of member `name` of object `v` (the last one of that name); absent when there is none
 * or `v` is no object. One pass over the object: to pick several members, walk once instead. */
struct json json_member(struct json v, struct str name);

/* The content of a JSON string. A view into the text when it has no escapes, otherwise decoded into
 * `arena`. E_LIMIT when the arena is exhausted; E_SYNTAX when `v` is not a string. */
must_check enum err json_string(struct str *out, struct json v, struct arena *arena);

/* The content of a member that is a string; empty if it is absent or another type, and when the
 * arena is exhausted. */
struct str json_text(struct json object, struct str member, struct arena *arena);

/* The value of an integer number without fraction and exponent that fits. False otherwise. */
must_check bool json_int(int64_t *out, struct json v);

#endif
