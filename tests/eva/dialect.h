/* dialect.h - for an analyzer that does not know all of C11: included before everything else. */
#ifndef EVA_DIALECT_H
#define EVA_DIALECT_H

#define _Static_assert(condition, message)
#define __builtin_trap abort
void abort(void);

static inline int __builtin_ctzll(unsigned long long bits)
{
	int n = 0;
	while (n < 63 && !(bits >> n & 1))
		n++;
	return n;
}

#include "base/buf.h"

/* Version 25 crashes on NUM, a literal of a structure, in the sizeof that counts the arguments. */
#undef ARGUMENTS
#define ARGUMENTS(format, ...)                                                                     \
	((struct arguments){                                                                           \
		(const struct str[]){ __VA_ARGS__ }, COUNT(__VA_ARGS__, 7, 6, 5, 4, 3, 2, 1, 0) })
#define COUNT(a, b, c, d, e, f, g, h, count, ...) (count)

#endif
