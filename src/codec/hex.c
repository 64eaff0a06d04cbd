#include "codec/hex.h"

void hex_put(struct buf *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = bytes[i] >> 4, low = bytes[i] & 15;
		/* 9 - v is negative for the letters, which stand 39 places further on. */
		const char digits[] = {
			(char)('0' + high + ((9 - high) >> 8 & 39)),
			(char)('0' + low + ((9 - low) >> 8 & 39)),
		};
		buf_put(out, (struct str){ digits, sizeof(digits) });
	}
}

int hex_digit(unsigned char c)
{
	int digit = c - '0', letter = (c | 0x20) - 'a';
	int no_digit = (digit | (9 - digit)) >> 31, no_letter = (letter | (5 - letter)) >> 31;
	return (digit & ~no_digit) | ((letter + 10) & ~no_letter) | (no_digit & no_letter);
}

bool hex_decode(uint8_t *out, size_t n, struct str text)
{
	if (text.n / 2 != n || text.n % 2 != 0)
		return false;
	int bad = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char a = (unsigned char)text.p[2 * i], b = (unsigned char)text.p[2 * i + 1];
		int high = hex_digit(a), low = hex_digit(b);
		bad |= high | low | -(~(a & b) & 0x20); /* upper case lacks that bit, as a digit does not */
		out[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	}
	return bad >= 0;
}
