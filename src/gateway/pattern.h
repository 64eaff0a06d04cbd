/* pattern.h - patterns with `*`, and lists of them that say which targets a request may name. */
#ifndef GATEWAY_PATTERN_H
#define GATEWAY_PATTERN_H

#include "base/str.h"

/* Whether the whole of `s` matches: `*` stands for any run of bytes, also none; everything else for
 * itself. */
bool pattern_matches(struct str pattern, struct str s);

/* The same for a path, segment by segment: a `*` never reaches over a '/'. */
bool pattern_matches_path(struct str pattern, struct str path);

/* Whether `pattern` has the form region/target: visible characters, both parts not empty. Only the
 * name of an event bus has one more '/' in it. */
bool allow_pattern_ok(struct str pattern);

/* Whether one entry of the comma list `allow` matches `target` ("region/target", decoded) as a
 * path. A target that holds an account is only matched by an entry that spells out this account. */
bool allow_matches(struct str allow, struct str target);

#endif
