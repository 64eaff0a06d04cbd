/* target.h - which function a path names: POST /{region}/{function}. */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

#include "base/arena.h"
#include "base/fault.h"

struct target {
	struct str region, function; /* decoded; function with its qualifier */
	struct str name;             /* "region/function", as GATEWAY_ALLOW sees it */
};

/* The region that is no region of AWS's: executables that the gateway runs itself. */
#define TARGET_LOCAL S("local")

/* Whether region and function are of the form that AWS takes, and of one region; or local. */
bool target_ok(const struct target *t);

/* Reads `path`. A leading `stage` (if two segments remain without it) and then a leading `base_path` (no
 * slashes at its ends) are taken off where they are there, as whole segments. Exactly two segments must
 * remain: split at '/' first, then decoded once each.
 * *shown: what remained, decoded, for a message; set always.
 * E_SYNTAX: not two segments, an empty one, a control byte, a '%' left over or without two hex digits, not a
 * region, not a function, or a function in another region. E_LIMIT: the arena is exhausted. */
must_check enum err target_from_path(struct target *out, struct str *shown, struct str path, struct str stage,
                                     struct str base_path, struct arena *arena);

#endif
