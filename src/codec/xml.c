#include "codec/xml.h"

#include "codec/hex.h"
#include "codec/utf8.h"

enum { REFERENCE_MAX = 8 }; /* #x10ffff; no number of that length overflows */

/* Appends the character that is meant. False if `name` is none of those that are known. */
static bool put_reference(struct buf *out, struct str name)
{
	static const char named[][6] = { "&amp", "<lt", ">gt", "\"quot", "'apos" };
	for (size_t i = 0; i < countof(named); i++)
		if (str_eq(name, str_c(named[i] + 1))) {
			buf_put_char(out, named[i][0]);
			return true;
		}
	int base = str_starts(name, S("#x")) ? 16 : 10;
	struct str digits = str_skip(name, base == 16 ? 2 : 1);
	uint32_t c = 0;
	if (!str_starts(name, S("#")) || digits.n == 0)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		int digit = hex_digit((unsigned char)digits.p[i]);
		if (digit < 0 || digit >= base)
			return false;
		c = c * (uint32_t)base + (uint32_t)digit;
	}
	utf8_put(out, c);
	return true;
}

static struct str decode(struct str text, struct arena *arena)
{
	struct buf out = arena_buf(arena, text.n); /* nothing gets longer */
	while (text.n) {
		size_t end = str_find(str_sub(text, 0, REFERENCE_MAX + 2), ';');
		if (text.p[0] == '&' && end < text.n && end <= REFERENCE_MAX + 1 && put_reference(&out, str_sub(text, 1, end))) {
			text = str_skip(text, end + 1);
		} else {
			buf_put_char(&out, text.p[0]);
			text = str_skip(text, 1);
		}
	}
	return buf_str(&out);
}

struct str xml_text(struct str xml, struct str name, struct arena *arena)
{
	struct str before, tag;
	while (str_cut(&before, &xml, xml, '<')) {
		size_t end = str_find(xml, '>');
		tag = str_sub(xml, 0, end);
		if (!str_starts(tag, name) || (tag.n > name.n && tag.p[name.n] != ' '))
			continue;
		xml = str_skip(xml, end + 1);
		end = str_find(xml, '<');
		return end < xml.n ? decode(str_sub(xml, 0, end), arena) : S("");
	}
	return S("");
}
