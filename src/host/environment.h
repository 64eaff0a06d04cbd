/* environment.h - the process's own variables and files: the only place that looks at them. */
#ifndef HOST_ENVIRONMENT_H
#define HOST_ENVIRONMENT_H

#include "base/environment.h"
#include "base/fault.h"

/* The variables of this process. */
struct environment environment_of_process(void);

/* Finds variables of this process that begin like the gateway's own but are unknown, most likely misspelt.
 * E_CONFIG names the first. */
must_check enum err environment_check_names(struct fault *f);

/* Maps a file of at most `max` bytes into memory, for ever. `variable` named it, for the message. E_CONFIG. */
must_check enum err environment_map_file(struct str *out, const char *variable, const char *path, size_t max, struct fault *f);

/* Appends the contents of a file as it is now; a path that begins with "~/" is below HOME. `ctx` is not used. E_CONFIG, with the
 * path in the text, and ENOENT in f->sys if there is no such file. */
must_check enum err environment_read_file(void *ctx, struct buf *out, struct str path, struct fault *f);

/* Zeroed memory from the kernel, aligned for any type, from 16 KiB on to a page, for ever; only while the process starts, for it ends when there is
 * none. Pages that are never touched cost nothing. */
void *environment_map_memory(size_t size);

/* Gives the pages behind the first `keep` bytes back to the kernel, if more than that was used; they read as
 * zeros afterwards. */
void environment_trim_memory(void *p, size_t size, size_t keep, size_t used);

#endif
