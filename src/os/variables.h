/* variables.h - the environment variables of this process: the only place that looks at them. */
#ifndef OS_VARIABLES_H
#define OS_VARIABLES_H

#include "base/environment.h"
#include "base/fault.h"

/* A look-up of the variables of this process. */
struct environment variables_of_process(void);

/* Returns `e`, unless a variable that was looked up is UTF-16, as a shell reads it from a file in
 * that encoding: then E_CONFIG, naming the variable. */
must_check enum err variables_check(enum err e, struct fault *f);

/* The name of the first variable that begins with `prefix` and is not `known`; false if there is
 * none. */
must_check bool variables_find_unknown(struct str *name, struct str prefix,
                                       bool (*known)(struct str name, struct str value));

#endif
