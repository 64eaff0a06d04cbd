/* file.h - the files that settings name, and those of the machine: all texts are read here. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/fault.h"

#include <sys/stat.h>

enum { FILE_PATH_MAX = 4096 };

/* Appends the contents of a text file as it is now, without a byte order mark. A path that begins
 * with "~/" is below HOME. `ctx` is not used. E_FILE, with the path in the text, and ENOENT in
 * f->sys if there is no such file. UTF-16 is refused, and the text says so. */
must_check enum err file_read(void *ctx, struct buf *out, struct str path, struct fault *f);

/* Reads a file of at most `max` bytes, as it is now, into memory of its own. Otherwise as
 * file_read. */
must_check enum err file_load(
	void *ctx, struct str *out, struct str path, size_t max, struct fault *f);

/* Wipes that memory and gives it back; nothing if it is empty. */
void file_unload(void *ctx, struct str text);

/* The path without links that the kernel knows `path` by (/proc must be there), NUL-terminated, and
 * what it is. False with errno if it cannot be had. */
must_check bool file_real_path(char out[static FILE_PATH_MAX], struct stat *st, struct str path);

#endif
