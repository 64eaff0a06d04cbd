/* base.h - what every file relies on: attributes, the assumptions of the code as static asserts,
 * and check().
 *
 * Argument order here and everywhere: context, outputs, inputs, then `struct deadline *` and
 * `struct fault *`. A pointer is never NULL unless its comment says so. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_check __attribute__((warn_unused_result))

#define countof(a) (sizeof(a) / sizeof((a)[0]))

/* A condition that only a bug in this program can break. It traps in release too: to go on with a
 * broken invariant while holding keys is worse than to end. Never used on anything a peer sends. */
#define check(cond) ((cond) ? (void)0 : __builtin_trap())

_Static_assert(CHAR_BIT == 8, "bytes are octets");
_Static_assert(sizeof(int) == 4, "int has 32 bits");
_Static_assert((-1 >> 1) == -1, "right shift of a negative number is arithmetic");

#endif
