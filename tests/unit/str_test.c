#include "base/str.h"

#include "check.h"

#include <string.h>

TEST(str_c_of_null_is_empty)
{
	expect_str(str_c(NULL), S(""));
	expect(str_c(NULL).p != NULL);
	expect_str(str_c("abc"), S("abc"));
}

TEST(str_sub_cuts_to_what_is_there)
{
	static const struct {
		size_t from, to;
		struct str want;
	} cases[] = {
		{ 0, 3, STR("abc") },
		{ 1, 2, STR("b") },
		{ 1, 9, STR("bc") },
		{ 3, 3, STR("") },
		{ 4, 9, STR("") },
		{ 2, 1, STR("") },
		{ 0, 0, STR("") },
		{ SIZE_MAX, SIZE_MAX, STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_str(str_sub(S("abc"), cases[i].from, cases[i].to), cases[i].want);
	}
	expect_str(str_skip(S("abc"), 1), S("bc"));
	expect_str(str_skip(S("abc"), 7), S(""));
	expect(str_sub((struct str){ NULL, 0 }, 3, 5).p == NULL);
}

TEST(str_eq_and_its_kin)
{
	struct str none = { NULL, 0 };
	expect(str_eq(S("a\0b"), S("a\0b")));
	expect(!str_eq(S("a\0b"), S("a\0c")));
	expect(!str_eq(S("a"), S("ab")));
	expect(str_eq(none, S("")));
	expect(str_eq_nocase(S("X-Slack-SIGNATURE"), S("x-slack-signature")));
	expect(!str_eq_nocase(S("@"), S("`")));
	expect(!str_eq_nocase(S("["), S("{")));
	expect(!str_eq_nocase(S("\xc3\x89"), S("\xc3\xa9")));
	expect(!str_eq_nocase(S("a"), S("ab")));
	expect(str_starts(S("abc"), S("ab")) && str_starts(S("abc"), S("")) &&
		str_starts(S("abc"), S("abc")));
	expect(!str_starts(S("abc"), S("abcd")) && !str_starts(S("abc"), S("b")));
	expect(
		str_ends(S("abc"), S("bc")) && str_ends(S("abc"), S("")) && str_ends(S("abc"), S("abc")));
	expect(!str_ends(S("abc"), S("xabc")) && !str_ends(S("abc"), S("b")));
	expect(str_starts(none, none) && str_ends(none, none));
}

TEST(str_find_first)
{
	expect_int(str_find(S("a=b=c"), '='), 1);
	expect_int(str_find(guard_copy(S("abc")), '='), 3);
	expect_int(str_find((struct str){ NULL, 0 }, '='), 0);
	expect_int(str_find(S("a\0b"), 'b'), 2);
	expect_int(str_find_str(S("aabab"), S("ab")), 1);
	expect_int(str_find_str(S("ab"), S("abc")), 2);
	expect_int(str_find_str(guard_copy(S("xxa")), S("ab")), 3);
	expect_int(str_find_str(S("ab"), S("ab")), 0);
	expect_int(str_find_str(S(""), S("a")), 0);
}

TEST(str_find_at_every_place)
{
	char memory[50];
	for (size_t n = 0; n <= sizeof(memory); n++) {
		for (size_t at = 0; at <= n; at++) {
			memset(memory, 'a', n);
			if (at < n)
				memory[at] = '=';
			context("%zu of %zu", at, n);
			expect_int(str_find(guard_copy((struct str){ memory, n }), '='), at);
		}
	}
}

TEST(str_cut_at_the_first)
{
	static const struct {
		struct str s, head, tail;
		bool found;
	} cases[] = {
		{ STR("a=b"), STR("a"), STR("b"), true },
		{ STR("a=b=c"), STR("a"), STR("b=c"), true },
		{ STR("="), STR(""), STR(""), true },
		{ STR("a="), STR("a"), STR(""), true },
		{ STR("ab"), STR("ab"), STR(""), false },
		{ STR(""), STR(""), STR(""), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str head, tail;
		context("%s", cases[i].s.p);
		expect_int(str_cut(&head, &tail, cases[i].s, '='), cases[i].found);
		expect_str(head, cases[i].head);
		expect_str(tail, cases[i].tail);
		tail = cases[i].s;
		str_cut(&head, &tail, tail, '=');
		expect_str(head, cases[i].head);
		expect_str(tail, cases[i].tail);
		head = cases[i].s;
		str_cut(&head, &tail, head, '=');
		expect_str(head, cases[i].head);
		expect_str(tail, cases[i].tail);
	}
}

TEST(str_trim_takes_only_blanks)
{
	expect_str(str_trim(S(" \t a b\t ")), S("a b"));
	expect_str(str_trim(S("\n a \r")), S("\n a \r"));
	expect_str(str_trim(S(" \t")), S(""));
	expect_str(str_trim(S("\v a\f")), S("\v a\f"));
	expect_str(str_trim_lines(S("\r\n\t a b \n")), S("a b"));
	expect_str(str_trim_lines((struct str){ NULL, 0 }), S(""));
}

TEST(str_to_u64_is_strict)
{
	static const struct {
		struct str s;
		uint64_t max, want;
		bool ok;
	} cases[] = {
		{ STR("0"), 9, 0, true },
		{ STR("007"), 9, 7, true },
		{ STR("10"), 10, 10, true },
		{ STR("11"), 10, 0, false },
		{ STR("100"), 10, 0, false },
		{ STR("0"), 0, 0, true },
		{ STR("1"), 0, 0, false },
		{ STR("18446744073709551615"), UINT64_MAX, UINT64_MAX, true },
		{ STR("18446744073709551616"), UINT64_MAX, 0, false },
		{ STR("99999999999999999999"), UINT64_MAX, 0, false },
		{ STR("9223372036854775808"), INT64_MAX, 0, false },
		{ STR(""), 9, 0, false },
		{ STR("+1"), 9, 0, false },
		{ STR("-1"), 9, 0, false },
		{ STR(" 1"), 9, 0, false },
		{ STR("1 "), 9, 0, false },
		{ STR("1\0"), 9, 0, false },
		{ STR("0x1"), 9, 0, false },
		{ STR("1/"), 99, 0, false },
		{ STR("1:"), 99, 0, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t got = 42;
		context("%s", cases[i].s.p);
		expect_int(str_to_u64(&got, guard_copy(cases[i].s), cases[i].max), cases[i].ok);
		expect(got == (cases[i].ok ? cases[i].want : 42));
	}
}

TEST(str_index_finds_items)
{
	expect_int(str_index(S("a,bc, d"), S("a")), 0);
	expect_int(str_index(S("a,bc, d"), S("bc")), 1);
	expect_int(str_index(S("a,bc, d"), S("d")), 2);
	expect_int(str_index(S("a,bc, d"), S("b")), -1);
	expect_int(str_index(S("a,bc, d"), S("a,bc")), -1);
	expect_int(str_index(S(""), S("")), -1);
}

TEST(str_nth_counts_from_nought)
{
	expect_str(str_nth("one\0\0three", 0), S("one"));
	expect_str(str_nth("one\0\0three", 1), S(""));
	expect_str(str_nth("one\0\0three", 2), S("three"));
}

TEST(str_next_takes_items)
{
	struct str item, rest = S("a,,b");
	expect(str_next(&item, &rest, ','));
	expect_str(item, S("a"));
	expect(str_next(&item, &rest, ','));
	expect_str(item, S(""));
	expect(!str_next(&item, &rest, ','));
	expect_str(item, S("b"));
	expect(rest.n == 0);
}

TEST(str_of_int_knows_the_extremes)
{
	expect_str(DIGITS(0), S("0"));
	expect_str(DIGITS(-1), S("-1"));
	expect_str(DIGITS(1234567890), S("1234567890"));
	expect_str(DIGITS(INT64_MAX), S("9223372036854775807"));
	expect_str(DIGITS(INT64_MIN), S("-9223372036854775808"));
}

TEST(str_classes_are_ascii)
{
	for (int c = 0; c < 256; c++) {
		unsigned char u = (unsigned char)c;
		context("byte %d", c);
		expect_int(is_digit(u), c && strchr("0123456789", c));
		expect_int(
			is_alpha(u), c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c));
		expect_int(is_alnum(u), is_digit(u) || is_alpha(u));
		expect_int(lower(u), c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
}

TEST(str_is_visible_sees_every_byte)
{
	char text[24];
	for (size_t n = 0; n <= sizeof(text); n++) {
		memset(text, '~', n);
		expect(str_is_visible(guard_copy((struct str){ text, n })));
		for (size_t at = 0; at < n; at++) {
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				if (str_is_visible(guard_copy((struct str){ text, n })) != (c > 0x20 && c < 0x7f))
					expect_int(c, -1);
			}
			text[at] = '!';
		}
	}
}

TEST(str_trim_text_leaves_what_was_written)
{
	static const struct {
		struct str text, want;
	} cases[] = {
		{ STR(""), STR("") },
		{ STR(" \t\r\n"), STR("") },
		{ STR("\r\n a b\t\n"), STR("a b") },
		{ STR("\xef\xbb\xbf"), STR("") },
		{ STR(" \xef\xbb\xbf\r\n a \n"), STR("a") },
		{ STR("a\xef\xbb\xbf"), STR("a\xef\xbb\xbf") },
		{ STR("\xef\xbb"), STR("\xef\xbb") },
		{ STR("\v a"), STR("\v a") },
		{ STR("\0 a"), STR("\0 a") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_str(str_trim_text(guard_copy(cases[i].text)), cases[i].want);
	}
}

TEST(str_is_utf16_by_its_first_two_bytes)
{
	static const struct {
		struct str text;
		bool is;
	} cases[] = {
		{ STR(""), false },
		{ STR("a"), false },
		{ STR("\0"), true },
		{ STR("\xff"), false },
		{ STR("\xff\xfe"), true },
		{ STR("\xfe\xff"), true },
		{ STR("a\0"), true },
		{ STR("\0a"), true },
		{ STR("ab\0"), false },
		{ STR("\xfe\xfe"), false },
		{ STR("\xef\xbb\xbf"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(str_is_utf16(guard_copy(cases[i].text)), cases[i].is);
	}
}
