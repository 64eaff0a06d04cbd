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

/* Without slashes at its ends. */
struct str path_trim(struct str path);

/* Whether region and function are of the form that AWS takes, and of one region; or local. */
bool target_ok(const struct target *t);

/* The path of a request, without slashes at its ends and without the base path. A first segment
 * that equals the stage may belong to the path or not: then there are two readings, the longer one
 * first. */
enum { PATH_READINGS_MAX = 2 };
struct request_path {
	size_t count;
	struct str coded[PATH_READINGS_MAX];
	struct str decoded[PATH_READINGS_MAX]; /* for messages and patterns; else as `coded` */
};

/* `base_path` has no slashes at its ends. The readings are views into `path` or lie in `arena`. */
void request_path_read(struct request_path *out, struct str path, struct str stage,
	struct str base_path, struct arena *arena);

/* What a message shows of it. */
struct str request_path_shown(const struct request_path *path);

/* Takes the first reading that names a target: exactly two segments, split at '/' first, then
 * decoded once each. E_SYNTAX: not two segments, an empty one, a control byte, a '%' left over or
 * without two hex digits, not a region, not a function, or a function in another region. E_LIMIT:
 * the arena is exhausted. */
must_check enum err target_from_path(
	struct target *out, const struct request_path *path, struct arena *arena);

#endif
