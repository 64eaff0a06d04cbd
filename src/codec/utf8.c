#include "codec/utf8.h"

#include <string.h>

/* How many bytes at the start of `s` agree with one sequence, which would have *length of them. */
static size_t match(size_t *length, struct str s)
{
	unsigned char lead = (unsigned char)s.p[0], low = 0x80, high = 0xbf;
	*length = (size_t)1 + (lead >= 0xc0) + (lead >= 0xe0) + (lead >= 0xf0);
	if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
		return 0;
	/* The second byte rules out overlong forms, surrogates and what lies above U+10FFFF. */
	switch (lead) {
	case 0xe0: low = 0xa0; break;
	case 0xed: high = 0x9f; break;
	case 0xf0: low = 0x90; break;
	case 0xf4: high = 0x8f; break;
	}
	size_t n = 1;
	while (
		n < *length && n < s.n && (unsigned char)s.p[n] >= low && (unsigned char)s.p[n] <= high) {
		low = 0x80, high = 0xbf;
		n++;
	}
	return n;
}

size_t utf8_sequence(struct str s)
{
	size_t length, n = match(&length, s);
	return n == length ? n : 0;
}

size_t utf8_prefix(struct str s)
{
	size_t length;
	return match(&length, s);
}

size_t utf8_check(struct str s)
{
	size_t i = 0;
	while (i < s.n) {
		uint64_t word;
		if (s.n - i >= sizeof(word)) {
			memcpy(&word, s.p + i, sizeof(word));
			if (!(word & 0x8080808080808080)) {
				i += sizeof(word);
				continue;
			}
		}
		size_t n = utf8_sequence(str_skip(s, i));
		if (n == 0)
			return i;
		i += n;
	}
	return i;
}

void utf8_put(struct buf *b, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	char bytes[4];
	size_t n = (size_t)1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
	for (size_t i = n; --i > 0; c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	bytes[0] = (char)(lead[n - 1] | c);
	buf_put(b, (struct str){ bytes, n });
}

struct str utf8_take(struct str s, size_t max)
{
	size_t i = 0;
	while (i < s.n && max-- > 0) {
		size_t n = utf8_sequence(str_skip(s, i));
		i += n ? n : 1;
	}
	return str_sub(s, 0, i);
}
