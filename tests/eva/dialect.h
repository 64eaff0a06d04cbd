/* dialect.h - for an analyzer that does not know all of C11: included before everything else. */
#ifndef EVA_DIALECT_H
#define EVA_DIALECT_H

#define _Static_assert(condition, message)
#define __builtin_trap abort
void abort(void);

#endif
