/* json_plain.h - the run of bytes in a JSON string that stand for themselves, which the reader and
 * the writer skip quickly. */
#ifndef CODEC_JSON_PLAIN_H
#define CODEC_JSON_PLAIN_H

#include "base/block.h"
#include "base/str.h"

/* How many bytes at the start of `s` are ASCII, no control bytes, no '"' and no '\\'. */
static inline size_t json_plain(struct str s)
{
	size_t i = 0;
	for (; s.n - i >= BLOCK_SIZE; i += BLOCK_SIZE) {
		block b = block_load(s.p + i);
		block ends = block_or(block_or(block_high(b), block_below(b, ' ')),
			block_or(block_equal(b, '"'), block_equal(b, '\\')));
		size_t at = block_first(ends);
		if (at < BLOCK_SIZE)
			return i + at;
	}
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return i;
}

#endif
