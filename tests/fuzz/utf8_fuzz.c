/* Any bytes: the three ways to look at them agree, and what is well-formed is what putting its code
 * points together again gives. */
#include "codec/utf8.h"

enum { MOST = 1 << 14 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint32_t code_point(struct str sequence)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)sequence.p[0] & lead[sequence.n];
	for (size_t i = 1; i < sequence.n; i++)
		c = c << 6 | ((unsigned char)sequence.p[i] & 0x3f);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[MOST];
	struct str s = { (const char *)data, n };
	struct buf b = BUF(memory);
	if (n > MOST)
		return 0;
	size_t good = utf8_check(s), at = 0, count = 0;
	check(good <= n);
	for (size_t length; at < good; at += length, count++) {
		struct str left = str_skip(s, at);
		length = utf8_sequence(left);
		check(length > 0 && length <= left.n && utf8_prefix(left) == length);
		utf8_put(&b, code_point(str_sub(left, 0, length)));
	}
	check(at == good && utf8_take(s, count).n == good && str_eq(buf_str(&b), str_sub(s, 0, good)));
	if (good < n)
		check(utf8_sequence(str_skip(s, good)) == 0 && utf8_prefix(str_skip(s, good)) < 4);
	return 0;
}
