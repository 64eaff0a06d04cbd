/* json_plain.h - the run of bytes in a JSON string that mean just themselves; what reader and
 * writer hurry over. */
#ifndef CODEC_JSON_PLAIN_H
#define CODEC_JSON_PLAIN_H

#include "base/str.h"

#include <string.h>

/* How many bytes at the start of `s` are ASCII, no control bytes, no '"' and no '\\'.
 *
 * Eight at a time: each of the four terms below sets the top bit of a byte that ends the run. A
 * borrow may set it wrongly in later bytes, never in the first one that is set, and that one
 * decides. */
static inline size_t json_plain(struct str s)
{
	const uint64_t ones = 0x0101010101010101;
	size_t i = 0;
	for (uint64_t w; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		uint64_t ends = w | (w - ones * ' ') | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones);
		ends &= ones * 0x80;
		if (ends)
			return i + (size_t)__builtin_ctzll(ends) / 8;
	}
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return i;
}

#endif
