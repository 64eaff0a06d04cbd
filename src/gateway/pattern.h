/* pattern.h - patterns with `*`, and lists of them that say which targets a request may name. */
#ifndef GATEWAY_PATTERN_H
#define GATEWAY_PATTERN_H

#include "base/str.h"

/* Whether the whole of `s` matches: `*` stands for any run of bytes, also none; everything else for itself. */
bool pattern_matches(struct str pattern, struct str s);

/* The same for a path, segment by segment: a `*` never reaches over a '/'. */
bool pattern_matches_path(struct str pattern, struct str path);

/* Whether `pattern` has the form region/function, both parts not empty. */
bool allow_pattern_ok(struct str pattern);

/* Whether one entry of the comma list `allow` matches `target` ("region/function", decoded) as a path. */
bool allow_matches(struct str allow, struct str target);

#endif
