#include "codec/xml.h"

/* Appends the character that is meant. False if `name` is none of those that are known. */
static bool put_reference(struct buf *out, struct str name)
{
	static const char known[][6] = { "&amp", "<lt", ">gt", "\"quot", "'apos" };
	size_t i = 0;
	while (i < countof(known) && !str_eq(name, str_c(known[i] + 1)))
		i++;
	if (i < countof(known))
		buf_put_char(out, known[i][0]);
	return i < countof(known);
}

struct str xml_text(struct str xml, struct str name, struct arena *arena)
{
	struct buf out = arena_rest(arena);
	struct str text, tag, plain = S(""), reference;
	do {
		str_next(&text, &xml, '<');
		str_next(&tag, &xml, '>');
	} while (xml.n && !str_eq(tag, name));
	bool ok = str_next(&text, &xml, '<') && str_starts(xml, S("/"));
	while (ok && str_next(&plain, &text, '&')) {
		buf_put(&out, plain);
		ok = str_next(&reference, &text, ';') && put_reference(&out, reference);
	}
	buf_put(&out, plain);
	if (!ok || out.full)
		out.n = 0;
	return arena_keep(arena, &out);
}
