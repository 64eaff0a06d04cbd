#include "base/str.h"

#include "base/block.h"

#include <string.h>

struct str str_c(const char *c)
{
	return c ? (struct str){ c, strlen(c) } : S("");
}

struct str str_nth(const char *list, size_t i)
{
	while (i-- > 0)
		list += strlen(list) + 1;
	return str_c(list);
}

struct str str_sub(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (struct str){ from ? s.p + from : s.p, to - from };
}

struct str str_skip(struct str s, size_t n)
{
	return str_sub(s, n, s.n);
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

size_t str_find(struct str s, char c)
{
	size_t i = 0;
	for (; s.n - i >= BLOCK_SIZE; i += BLOCK_SIZE) {
		size_t at = block_first(block_equal(block_load(s.p + i), c));
		if (at < BLOCK_SIZE)
			return i + at;
	}
	while (i < s.n && s.p[i] != c)
		i++;
	return i;
}

size_t str_find_str(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++) {
		i += str_find(str_skip(s, i), needle.p[0]);
		if (str_starts(str_skip(s, i), needle))
			return i;
	}
	return s.n;
}

bool str_cut(struct str *head, struct str *tail, struct str s, char sep)
{
	size_t at = str_find(s, sep);
	*head = str_sub(s, 0, at);
	*tail = str_skip(s, at + 1);
	return at < s.n;
}

bool str_next(struct str *item, struct str *rest, char sep)
{
	return str_cut(item, rest, *rest, sep);
}

static bool is_any(char c, struct str of)
{
	return (unsigned char)c <= ' ' && str_find(of, c) < of.n;
}

static struct str trim(struct str s, struct str blanks)
{
	while (s.n && is_any(s.p[0], blanks))
		s = str_skip(s, 1);
	while (s.n && is_any(s.p[s.n - 1], blanks))
		s.n--;
	return s;
}

struct str str_trim(struct str s)
{
	return trim(s, S(" \t"));
}

struct str str_trim_lines(struct str s)
{
	return trim(s, S(" \t\r\n"));
}

struct str str_trim_text(struct str s)
{
	s = str_trim_lines(s);
	return str_starts(s, S(STR_MARK)) ? str_trim_lines(str_skip(s, 3)) : s;
}

bool str_is_utf16(struct str s)
{
	s = str_sub(s, 0, 2);
	return str_eq(s, S("\xff\xfe")) || str_eq(s, S("\xfe\xff")) || str_find(s, 0) < s.n;
}

/* In blocks, for a session token has a thousand bytes and more and is looked at before the first
 * event. */
bool str_is_visible(struct str s)
{
	size_t i = 0;
	for (; s.n - i >= BLOCK_SIZE; i += BLOCK_SIZE) {
		block b = block_load(s.p + i);
		block bad = block_or(block_high(b), block_or(block_below(b, '!'), block_equal(b, 0x7f)));
		if (block_first(bad) < BLOCK_SIZE)
			return false;
	}
	while (i < s.n && s.p[i] > ' ' && s.p[i] < 0x7f)
		i++;
	return i == s.n;
}

int str_index(struct str list, struct str word)
{
	struct str item;
	for (int i = 0; list.n; i++) {
		str_next(&item, &list, ',');
		if (str_eq(str_trim(item), word))
			return i;
	}
	return -1;
}

bool str_to_u64(uint64_t *out, struct str s, uint64_t max)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
		if (digit > 9 || v > max / 10 || digit > max - v * 10)
			return false;
		v = v * 10 + digit;
	}
	if (s.n == 0)
		return false;
	*out = v;
	return true;
}

struct str str_of_int(char scratch[static 24], int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char *p = scratch + 24;
	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		*--p = '-';
	return (struct str){ p, (size_t)(scratch + 24 - p) };
}
