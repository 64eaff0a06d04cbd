/* str.h - a borrowed run of bytes.
 *
 * A `struct str` points into memory somebody else owns: a request, an arena, a literal. It is
 * passed by value, holds any bytes (NUL included) and is not terminated. An empty one may have p ==
 * NULL. Case is ASCII's; no function here consults a locale. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

struct str {
	const char *p;
	size_t n;
};

/* The str of a string literal. */
#define S(literal) ((struct str)STR(literal))

/* The same as an initializer, for static tables. */
#define STR(literal) { "" literal, sizeof(literal) - 1 }

/* The str of a C string; of "" when `c` is NULL. */
struct str str_c(const char *c);

/* The part [from, to) of `s`, both cut to its length. */
struct str str_sub(struct str s, size_t from, size_t to);
struct str str_skip(struct str s, size_t n);

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Offset of the first `c`, or of the first occurrence of `needle` (not empty); s.n when there is
 * none. */
size_t str_find(struct str s, char c);
size_t str_find_str(struct str s, struct str needle);

/* Cuts at the first `sep`: *head is what stands before it, *tail what follows. Without one, *head
 * is the whole of `s`, *tail is empty, and the result is false. `s` may be *head's or *tail's old
 * value. */
bool str_cut(struct str *head, struct str *tail, struct str s, char sep);

/* Takes the next item, and the `sep` behind it, off the front of *rest. False when it was the last.
 */
bool str_next(struct str *item, struct str *rest, char sep);

/* The index of the item of `list` that equals `word`; -1 if none does. Commas separate the items;
 * blanks around an item do not count. */
int str_index(struct str list, struct str word);

/* The i-th of the strings in `list`, which stand one behind the other, each with its NUL:
 * "one\0two\0". */
struct str str_nth(const char *list, size_t i);

/* Without spaces and tabs at both ends; without CR and LF too. */
struct str str_trim(struct str s);
struct str str_trim_lines(struct str s);

/* What somebody wrote, without what an editor, a shell or a form has put around it: blanks, CR and
 * LF at both ends, and a byte order mark at the beginning. */
#define STR_MARK "\xef\xbb\xbf"
struct str str_trim_text(struct str s);

/* Whether a text that begins in ASCII is UTF-16: such a byte order mark, or half a character that
 * is zero, stands in its first two bytes. */
bool str_is_utf16(struct str s);

/* Whether it is visible ASCII only, as keys and tokens are: no blank, no control byte, nothing
 * beyond 0x7e. */
bool str_is_visible(struct str s);

/* Reads a decimal number: digits only, at least one, at most `max`. False otherwise, *out
 * untouched. */
must_check bool str_to_u64(uint64_t *out, struct str s, uint64_t max);

/* Decimal form of `v`, written to `scratch`, which must outlive the result. */
struct str str_of_int(char scratch[static 24], int64_t v);

/* The same with scratch that lives until the end of the enclosing block, for use in lists of parts.
 */
#define DIGITS(v) str_of_int((char[24]){ 0 }, (int64_t)(v))

static inline unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static inline bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static inline bool is_alpha(unsigned char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
static inline bool is_alnum(unsigned char c) { return is_digit(c) || is_alpha(c); }

#endif
