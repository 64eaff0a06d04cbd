/* memory.h - the memory of the process: taken while it starts, never given back. */
#ifndef OS_MEMORY_H
#define OS_MEMORY_H

#include <stddef.h>

/* Zeroed memory from the kernel, for ever, aligned for any type; from 16 KiB on, to a page. Only
 * while the process starts: it ends the process when there is none. Pages that are never touched
 * cost nothing. */
void *memory_map(size_t size);

/* Gives the pages behind the first `keep` bytes back to the kernel if more than that was used; they
 * read as zeros afterwards. */
void memory_trim(void *p, size_t size, size_t keep, size_t used);

#endif
