/* environment.h - the variables of the process as its host sees them, handed down as a look-up
 * function so that everything below the hosts can be tested with a table. */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

#include "base/str.h"

struct environment {
	const char *(*get)(void *ctx, const char *name); /* NULL when it is not set */
	void *ctx;
};

/* The value as str_trim_text leaves it: it is not terminated. Empty when it is not set. Lives as
 * long as the process. */
struct str environment_get(const struct environment *env, const char *name);

#endif
