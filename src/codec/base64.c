#include "codec/base64.h"

#include <string.h>

/* The value of each digit plus 64, so that 0 says "none". */
static const uint8_t digit_value[256] = {
	['A'] = 64,
	65,
	66,
	67,
	68,
	69,
	70,
	71,
	72,
	73,
	74,
	75,
	76,
	77,
	78,
	79,
	80,
	81,
	82,
	83,
	84,
	85,
	86,
	87,
	88,
	89,
	['a'] = 90,
	91,
	92,
	93,
	94,
	95,
	96,
	97,
	98,
	99,
	100,
	101,
	102,
	103,
	104,
	105,
	106,
	107,
	108,
	109,
	110,
	111,
	112,
	113,
	114,
	115,
	['0'] = 116,
	117,
	118,
	119,
	120,
	121,
	122,
	123,
	124,
	125,
	['+'] = 126,
	['/'] = 127,
};

/* The 24 bits of four digits; bit 6 of *all is cleared when one of them is none. */
static uint32_t group(unsigned *all, const char *text)
{
	unsigned a = digit_value[(unsigned char)text[0]], b = digit_value[(unsigned char)text[1]];
	unsigned c = digit_value[(unsigned char)text[2]], d = digit_value[(unsigned char)text[3]];
	*all &= a & b & c & d;
	return (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
}

enum err base64_decode(struct buf *out, struct str text)
{
	if (text.n % 4 == 0)
		for (int i = 0; i < 2 && str_ends(text, S("=")); i++)
			text.n--;
	size_t odd = text.n % 4, whole = text.n - odd;
	if (odd == 1)
		return E_SYNTAX;
	size_t n = whole / 4 * 3 + (odd ? odd - 1 : 0);
	if (n == 0)
		return OK;
	if (n > out->cap - out->n)
		return E_LIMIT;

	char *to = out->p + out->n;
	unsigned all = 64;
	for (size_t i = 0; i < whole; i += 4) {
		uint32_t v = group(&all, text.p + i);
		*to++ = (char)(v >> 16);
		*to++ = (char)(v >> 8);
		*to++ = (char)v;
	}
	if (odd) {
		char last[4] = { 'A', 'A', 'A', 'A' };
		memcpy(last, text.p + whole, odd);
		uint32_t v = group(&all, last);
		if (v & (odd == 2 ? 0xffff : 0xff))
			return E_SYNTAX;
		*to++ = (char)(v >> 16);
		if (odd == 3)
			*to++ = (char)(v >> 8);
	}
	if (!all)
		return E_SYNTAX;
	out->n += n;
	return OK;
}

void base64_encode(struct buf *out, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (bytes.n == 0)
		return;
	if (BASE64_ENCODED(bytes.n) > out->cap - out->n) {
		out->full = true;
		return;
	}
	char *to = out->p + out->n;
	for (size_t i = 0; i < bytes.n; i += 3, to += 4) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;
		if (left > 1)
			v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)bytes.p[i + 2];
		to[0] = digits[v >> 18];
		to[1] = digits[v >> 12 & 63];
		to[2] = left > 1 ? digits[v >> 6 & 63] : '=';
		to[3] = left > 2 ? digits[v & 63] : '=';
	}
	out->n += BASE64_ENCODED(bytes.n);
}
