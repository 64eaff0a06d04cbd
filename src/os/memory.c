#include "os/memory.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	REGION_SIZE = 32 << 20,
	LARGE = 16 * 1024, /* from here on at the beginning of a page, as memory_trim wants it */
	PAGE = 4096,
	SMALL = 64, /* what smaller things are aligned to */
};

static char *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		struct fault f;
		fault_set(
			&f, E_LIMIT, errno, "no memory: %d bytes of address space cannot be had", NUM(size));
		log_failure("cannot start", S(""), &f);
		exit(1);
	}
	return p;
}

/* Linkers put common symbols behind all other zeroed data. There it does not part small variables
 * from .data, whose page they share; nor does it ask for a page of its own to begin with: two page
 * faults less. */
extern char memory_region[];
_Alignas(SMALL) __attribute__((common)) char memory_region[REGION_SIZE];

/* All that the Lambda runtime needs comes with the program's own zeroed data, and small things
 * share pages: a mapping costs as much as ten other system calls, and so does a page fault. */
void *memory_map(size_t size)
{
	static size_t used;
	uintptr_t region = (uintptr_t)memory_region, alignment = size < LARGE ? SMALL : PAGE;
	size_t start = ((region + used + alignment - 1) & ~(alignment - 1)) - region;
	/* What does not fit any more has its own; something smaller may still. */
	if (start > REGION_SIZE || size > REGION_SIZE - start)
		return map(size);
	used = start + size;
	return memory_region + start;
}

void memory_trim(void *p, size_t size, size_t keep, size_t used)
{
	if (used > keep)
		madvise((char *)p + keep, size - keep, MADV_DONTNEED);
}
