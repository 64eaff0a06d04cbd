/* refuse.h - system calls that fail, as they do in sandboxes. */
#ifndef TESTS_REFUSE_H
#define TESTS_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

/* From now on these calls, REFUSED_MAX at most, fail with errno `sys` in this process; call it in a
 * child. False if the kernel takes no filter. */
enum { REFUSED_MAX = 8 };
bool refuse_calls(const long *numbers, size_t count, int sys);

#endif
