#include "codec/xml.h"

#include "codec/hex.h"
#include "codec/utf8.h"

/* Takes what stands before `end` off the front of *xml, and `end` too. All of it if there is no `end`. */
static struct str take_until(struct str *xml, struct str end)
{
	struct str s = *xml;
	size_t at = str_find_str(s, end);
	*xml = str_skip(s, at + end.n);
	return str_sub(s, 0, at);
}

/* Takes a tag, of which '<' is taken already. Whether it is the start of element `name`, in any name space. */
static bool take_tag(struct str *xml, struct str name)
{
	struct str tag = *xml, space, local;
	size_t n = 0;
	for (char quote = 0; n < tag.n && (quote || tag.p[n] != '>'); n++)
		if (quote ? tag.p[n] == quote : tag.p[n] == '"' || tag.p[n] == '\'')
			quote = quote ? 0 : tag.p[n];
	*xml = str_skip(tag, n + 1);
	tag = str_sub(tag, 0, n);
	for (n = 0; n < tag.n && (unsigned char)tag.p[n] > ' '; n++)
		;
	tag = str_sub(tag, 0, n);
	if (!str_cut(&space, &local, tag, ':'))
		local = tag;
	return str_eq(local, name) && !str_starts(tag, S("/"));
}

/* Appends the character that is meant. False if `reference` is none of those that are known. */
static bool put_reference(struct buf *out, struct str reference)
{
	static const char named[][6] = { "&amp", "<lt", ">gt", "\"quot", "'apos" };
	enum { DIGITS_MAX = 7 }; /* of which no number overflows */
	for (size_t i = 0; i < countof(named); i++)
		if (str_eq(reference, str_c(named[i] + 1))) {
			buf_put_char(out, named[i][0]);
			return true;
		}
	int base = str_starts(reference, S("#x")) ? 16 : 10;
	struct str digits = str_skip(reference, base == 16 ? 2 : 1);
	uint32_t c = 0;
	if (!str_starts(reference, S("#")) || digits.n == 0 || digits.n > DIGITS_MAX)
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

/* Appends the text at the front of `xml`. False if there is no end tag behind it. */
static bool put_text(struct buf *out, struct str xml)
{
	while (xml.n) {
		char c = xml.p[0];
		struct str before = xml;
		xml = str_skip(xml, 1);
		if (str_starts(before, S("<!--"))) {
			take_until(&xml, S("-->"));
		} else if (str_starts(before, S("<![CDATA["))) {
			xml = str_skip(xml, 8);
			buf_put(out, take_until(&xml, S("]]>")));
		} else if (c == '<') {
			return str_starts(xml, S("/"));
		} else if (c != '&') {
			buf_put_char(out, c);
		} else if (!put_reference(out, take_until(&xml, S(";")))) {
			return false;
		}
	}
	return false;
}

struct str xml_text(struct str xml, struct str name, struct arena *arena)
{
	while (xml.n) {
		take_until(&xml, S("<"));
		if (str_starts(xml, S("!--"))) {
			take_until(&xml, S("-->"));
		} else if (take_tag(&xml, name)) {
			struct buf out = arena_rest(arena);
			if (!put_text(&out, xml) || out.full)
				out.n = 0;
			return arena_keep(arena, &out);
		}
	}
	return S("");
}
