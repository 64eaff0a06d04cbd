#include "codec/form.h"

#include "codec/hex.h"

bool form_next(struct str *name, struct str *value, struct str *rest)
{
	struct str pair = { NULL, 0 };
	while (pair.n == 0 && rest->n > 0)
		str_next(&pair, rest, '&');
	str_cut(name, value, pair, '=');
	return pair.n > 0;
}

/* The byte that two hex digits at s.p[*i] mean; moves *i past them. Negative if they do not stand
 * there. */
static int take_hex(size_t *i, struct str s)
{
	if (s.n - *i < 2)
		return -1;
	int high = hex_digit((unsigned char)s.p[*i]), low = hex_digit((unsigned char)s.p[*i + 1]);
	*i += 2;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool form_check(struct str body)
{
	for (size_t i = 0; i < body.n;)
		if (body.p[i++] == '%' && take_hex(&i, body) < 0)
			return false;
	return true;
}

/* Interactions are some kilobytes of which every sixth byte is encoded. */
static enum err decode(struct str *out, struct str s, struct arena *arena, bool plus)
{
	*out = s;
	if (str_find(s, '%') == s.n && (!plus || str_find(s, '+') == s.n))
		return OK;
	struct buf b = arena_rest(arena);
	size_t n = 0;
	enum err e = OK;
	for (size_t i = 0; i < s.n && e == OK;) {
		int c = (unsigned char)s.p[i++];
		if (c == '%')
			c = take_hex(&i, s);
		else if (c == '+' && plus)
			c = ' ';
		if (c < 0)
			e = E_SYNTAX;
		else if (n == b.cap)
			e = E_LIMIT;
		else
			b.p[n++] = (char)c;
	}
	b.n = e == OK ? n : 0;
	*out = arena_keep(arena, &b);
	return e;
}

enum err form_decode(struct str *out, struct str s, struct arena *arena)
{
	return decode(out, s, arena, true);
}

enum err percent_decode(struct str *out, struct str s, struct arena *arena)
{
	return decode(out, s, arena, false);
}

void percent_encode(struct buf *b, struct str s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash))
			buf_put_char(b, (char)c);
		else
			buf_format(b, "%s%s%s", S("%"), (struct str){ digits + (c >> 4), 1 },
				(struct str){ digits + (c & 15), 1 });
	}
}

void form_put(struct buf *b, struct str name, struct str value)
{
	if (b->n > 0)
		buf_put_char(b, '&');
	percent_encode(b, name, false);
	buf_put_char(b, '=');
	percent_encode(b, value, false);
}
