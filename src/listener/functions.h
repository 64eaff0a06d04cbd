/* functions.h - the executables of the embedded backend: DIR/NAME is the function NAME. */
#ifndef LISTENER_FUNCTIONS_H
#define LISTENER_FUNCTIONS_H

#include "base/fault.h"
#include "os/file.h"

enum { FUNCTION_NAME_MAX = 64 };

/* Whether `name` may be a function's: A-Z a-z 0-9 _ -, at most FUNCTION_NAME_MAX. */
bool function_name_ok(struct str name);

/* Finds DIR/NAME. `path` gets its real path, NUL-terminated. `directory` is a real path without a
 * trailing slash. E_REFUSED: there is no such file, it is not an executable regular file, or a link
 * leads out of DIR. */
must_check enum err function_find(
	char path[static FILE_PATH_MAX], const char *directory, struct str name, struct fault *f);

#endif
