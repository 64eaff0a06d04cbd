/* unknown.h - for the analysis: bytes and numbers of which only the bounds are known. Lengths are
 * tried one by one, because the analyzer forgets how two of them are related. */
#ifndef EVA_UNKNOWN_H
#define EVA_UNKNOWN_H

#include "base/str.h"

extern volatile unsigned char unknown_byte;
extern volatile unsigned long unknown_number;

/* `n` bytes of any value. */
static inline struct str unknown_text(char *memory, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memory[i] = (char)unknown_byte;
	return (struct str){ memory, n };
}

#endif
