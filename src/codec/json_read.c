#include "codec/json_read.h"

#include "codec/hex.h"
#include "codec/json_plain.h"
#include "codec/utf8.h"

#include <string.h>

/* A text being checked. After a failure `at` is the byte that cannot stand there. */
struct reader {
	const char *at, *end;
};

static struct reader reader(struct str text)
{
	return (struct reader){ text.p, text.n ? text.p + text.n : text.p };
}

/* The byte at hand; at the end 0, which nothing begins or goes on with. */
static unsigned char peek(const struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : 0;
}

static struct str rest(const struct reader *r)
{
	return (struct str){ r->at, (size_t)(r->end - r->at) };
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The byte at hand after white space. */
static unsigned char peek_token(struct reader *r)
{
	while (is_blank(peek(r)))
		r->at++;
	return peek(r);
}

static bool read_char(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool read_word(struct reader *r, struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!read_char(r, word.p[i]))
			return false;
	return true;
}

static bool read_digits(struct reader *r)
{
	if (!is_digit(peek(r)))
		return false;
	while (is_digit(peek(r)))
		r->at++;
	return true;
}

static bool scan_number(struct reader *r)
{
	read_char(r, '-');
	if (!read_char(r, '0') && !read_digits(r))
		return false;
	if (read_char(r, '.') && !read_digits(r))
		return false;
	if (read_char(r, 'e') || read_char(r, 'E')) {
		if (!read_char(r, '-'))
			read_char(r, '+');
		return read_digits(r);
	}
	return true;
}

static bool read_escape(struct reader *r)
{
	unsigned char c = peek(r);
	if (c == 0 || str_find(S("\"\\/bfnrtu"), (char)c) == 9)
		return false;
	r->at++;
	for (int i = 0; c == 'u' && i < 4; i++, r->at++)
		if (hex_digit(peek(r)) < 0)
			return false;
	return true;
}

static bool read_string(struct reader *r)
{
	r->at++;
	for (;;) {
		r->at += json_plain(rest(r));
		unsigned char c = peek(r);
		if (c == '"') {
			r->at++;
			return true;
		} else if (c == '\\') {
			r->at++;
			if (!read_escape(r))
				return false;
		} else if (c >= 0x80) {
			size_t n = utf8_sequence(rest(r));
			r->at += n ? n : utf8_prefix(rest(r));
			if (n == 0)
				return false;
		} else {
			return false;
		}
	}
}

static bool read_scalar(struct reader *r)
{
	switch (peek(r)) {
	case '"': return read_string(r);
	case 't': return read_word(r, S("true"));
	case 'f': return read_word(r, S("false"));
	case 'n': return read_word(r, S("null"));
	default: return scan_number(r);
	}
}

static bool scan_name(struct reader *r)
{
	if (peek_token(r) != '"' || !read_string(r) || peek_token(r) != ':')
		return false;
	r->at++;
	return true;
}

/* The whole text, without recursion: `objects` has a bit for each open bracket, the innermost
 * lowest, that tells whether it is an object's. */
static enum err check_text(struct reader *r)
{
	uint64_t objects = 0;
	int depth = 0;
	_Static_assert(JSON_DEPTH_MAX <= 64, "one bit a level");
	for (;;) {
		if ((objects & 1) && !scan_name(r))
			return E_SYNTAX;
		unsigned char c = peek_token(r);
		if (c == '{' || c == '[') {
			if (depth++ == JSON_DEPTH_MAX)
				return E_LIMIT;
			objects = objects << 1 | (c == '{');
			r->at++;
			if (peek_token(r) != c + 2) /* either bracket's counterpart in ASCII */
				continue;
		} else if (!read_scalar(r)) {
			return E_SYNTAX;
		}
		while ((c = peek_token(r)) == (objects & 1 ? '}' : ']') && depth > 0) {
			objects >>= 1;
			depth--;
			r->at++;
		}
		if (depth == 0)
			return r->at == r->end ? OK : E_SYNTAX;
		if (c != ',')
			return E_SYNTAX;
		r->at++;
	}
}

enum err json_check(struct json *out, size_t *position, struct str text)
{
	struct reader r = reader(text);
	enum err e = check_text(&r);
	*position = (size_t)(r.at - text.p);
	*out = (struct json){ e == OK ? str_trim_lines(text) : S("") };
	return e;
}

struct json json_parse(struct str text)
{
	struct json v;
	size_t position;
	(void)!json_check(&v, &position, text);
	return v;
}

/* From here on the text is known to be right. */

/* To behind the closing quote, which an even number of backslashes precedes, from behind the
 * opening one. */
static void skip_string(struct reader *r)
{
	const char *p;
	do {
		r->at += str_find(rest(r), '"');
		check(r->at < r->end);
		for (p = r->at; p[-1] == '\\'; p--)
			;
	} while ((r->at++ - p) % 2 != 0);
}

static void skip_brackets(struct reader *r)
{
	int depth = 0;
	do {
		check(r->at < r->end);
		switch (*r->at++) {
		case '"': skip_string(r); break;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']': depth--; break;
		}
	} while (depth > 0);
}

static struct json take_value(struct reader *r)
{
	const char *start = r->at;
	unsigned char c = peek(r);
	if (c == '"') {
		r->at++;
		skip_string(r);
	} else if (c == '{' || c == '[') {
		skip_brackets(r);
	} else {
		while (peek(r) > ' ' && *r->at != ',')
			r->at++;
	}
	return (struct json){ { start, (size_t)(r->at - start) } };
}

enum json_type json_type(struct json v)
{
	if (v.text.n == 0)
		return JSON_ABSENT;
	switch (v.text.p[0]) {
	case 'n': return JSON_NULL;
	case 'f': return JSON_FALSE;
	case 't': return JSON_TRUE;
	case '"': return JSON_STRING;
	case '[': return JSON_ARRAY;
	case '{': return JSON_OBJECT;
	default: return JSON_NUMBER;
	}
}

/* What stands between the quotes or brackets of `v`. */
static struct str inside(struct json v)
{
	return str_sub(v.text, 1, v.text.n - 1);
}

struct json_walk json_walk(struct json v)
{
	bool has_parts = json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT;
	return (struct json_walk){ .rest = has_parts ? inside(v) : S("") };
}

bool json_next(struct json_walk *w)
{
	struct reader r = reader(w->rest);
	if (peek_token(&r) == ',') {
		r.at++;
		peek_token(&r);
	}
	w->key = (struct json){ S("") };
	w->value = take_value(&r);
	if (peek_token(&r) == ':') {
		r.at++;
		peek_token(&r);
		w->key = w->value;
		w->value = take_value(&r);
	}
	w->rest = rest(&r);
	return w->value.text.n > 0;
}

/* The UTF-16 unit whose four digits begin at `p`. */
static uint32_t utf16_unit(const char *p)
{
	uint32_t u = 0;
	for (int i = 0; i < 4; i++)
		u = u << 4 | (uint32_t)hex_digit((unsigned char)p[i]);
	return u;
}

/* Takes the escape at hand; appends what it stands for. */
static void put_unescaped(struct buf *b, struct reader *r)
{
	char c = r->at[1];
	if (c != 'u') {
		size_t i = str_find(S("bfnrt"), c);
		buf_put_char(b, i < 5 ? "\b\f\n\r\t"[i] : c);
		r->at += 2;
		return;
	}
	uint32_t u = utf16_unit(r->at + 2);
	r->at += 6;
	if (u >= 0xd800 && u <= 0xdbff && str_starts(rest(r), S("\\u"))) {
		uint32_t low = utf16_unit(r->at + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
			r->at += 6;
		}
	}
	utf8_put(b, u);
}

bool json_is(struct json v, struct str s)
{
	if (json_type(v) != JSON_STRING)
		return false;
	size_t i = 0;
	for (struct reader r = reader(inside(v)); r.at < r.end;) {
		if (*r.at != '\\') {
			if (i == s.n || s.p[i++] != *r.at++)
				return false;
			continue;
		}
		char bytes[4];
		struct buf b = BUF(bytes);
		put_unescaped(&b, &r);
		if (!str_starts(str_skip(s, i), buf_str(&b)))
			return false;
		i += b.n;
	}
	return i == s.n;
}

struct json json_member(struct json v, struct str name)
{
	struct json found = { S("") };
	struct json_walk w = json_walk(v);
	while (json_next(&w))
		if (json_is(w.key, name))
			found = w.value;
	return found;
}

enum err json_string(struct str *out, struct json v, struct arena *arena)
{
	if (json_type(v) != JSON_STRING)
		return E_SYNTAX;
	*out = inside(v);
	if (str_find(*out, '\\') == out->n)
		return OK;
	struct buf b = arena_rest(arena);
	for (struct reader r = reader(*out); r.at < r.end;) {
		size_t plain = str_find(rest(&r), '\\');
		buf_put(&b, str_sub(rest(&r), 0, plain));
		r.at += plain;
		if (r.at < r.end)
			put_unescaped(&b, &r);
	}
	if (b.full)
		b.n = 0;
	*out = arena_keep(arena, &b);
	return b.full ? E_LIMIT : OK;
}

struct str json_text(struct json object, struct str member, struct arena *arena)
{
	struct str s;
	return json_string(&s, json_member(object, member), arena) == OK ? s : S("");
}

bool json_int(int64_t *out, struct json v)
{
	if (json_type(v) != JSON_NUMBER)
		return false;
	bool negative = v.text.p[0] == '-';
	uint64_t u;
	if (!str_to_u64(&u, str_skip(v.text, negative), (uint64_t)INT64_MAX + negative))
		return false;
	*out = negative ? -(int64_t)(u - (u > 0)) - (u > 0) : (int64_t)u;
	return true;
}
