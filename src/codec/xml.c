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
	size_t n = 0, blank = tag.n;
	for (char quote = 0; n < tag.n && (quote || tag.p[n] != '>'); n++) {
		char c = tag.p[n];
		if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		if (n < blank && (unsigned char)c <= ' ')
			blank = n;
	}
	*xml = str_skip(tag, n + 1);
	tag = str_sub(tag, 0, blank < n ? blank : n);
	if (!str_cut(&space, &local, tag, ':'))
		local = tag;
	return str_eq(local, name) && tag.p[0] != '/';
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

/* Appends text without tags in it. False if there is a reference in it that means nothing. */
static bool put_text(struct buf *out, struct str text)
{
	struct str plain, reference;
	while (str_next(&plain, &text, '&')) {
		buf_put(out, plain);
		if (!str_next(&reference, &text, ';') || !put_reference(out, reference))
			return false;
	}
	buf_put(out, plain);
	return true;
}

struct str xml_text(struct str xml, struct str name, struct arena *arena)
{
	struct buf out = arena_rest(arena);
	bool inside = false, ended = false;
	while (xml.n) {
		struct str text = take_until(&xml, S("<"));
		if (inside && !put_text(&out, text))
			break;
		if (str_starts(xml, S("!--"))) {
			take_until(&xml, S("-->"));
		} else if (str_starts(xml, S("![CDATA["))) {
			text = str_skip(take_until(&xml, S("]]>")), 8);
			buf_put(&out, inside ? text : S(""));
		} else if (inside) {
			ended = str_starts(xml, S("/"));
			break;
		} else {
			inside = take_tag(&xml, name);
		}
	}
	if (!ended || out.full)
		out.n = 0;
	return arena_keep(arena, &out);
}
