#include "codec/utf8.h"

#include "check.h"

#include <string.h>

TEST(utf8_sequence_knows_every_code_point)
{
	int bad = 0;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char bytes[8];
		struct buf b = BUF(bytes);
		utf8_put(&b, c);
		size_t want = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		struct str s = buf_str(&b);
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		bad += s.n != want || utf8_sequence(s) != want || utf8_check(s) != want;
		bad += surrogate != (c != 0xfffd && str_eq(s, S("\xef\xbf\xbd")));
		for (size_t n = 1; n < want; n++) {
			struct str cut = str_sub(s, 0, n);
			bad += utf8_sequence(cut) != 0 || utf8_prefix(cut) != n || utf8_check(cut) != 0;
		}
	}
	expect_int(bad, 0);
}

/* Table 3-7 of the Unicode standard, row by row. */
static bool well_formed(const unsigned char *p, size_t n)
{
	static const unsigned char rows[][8] = {
		{ 0x00, 0x7f },
		{ 0xc2, 0xdf, 0x80, 0xbf },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf },
		{ 0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf },
		{ 0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf },
		{ 0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf },
		{ 0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf },
		{ 0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf },
		{ 0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf },
	};
	static const size_t lengths[] = { 1, 2, 3, 3, 3, 3, 4, 4, 4 };
	for (size_t i = 0; i < countof(rows); i++) {
		if (lengths[i] != n)
			continue;
		size_t k = 0;
		while (k < n && p[k] >= rows[i][2 * k] && p[k] <= rows[i][2 * k + 1])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

TEST(utf8_sequence_agrees_with_the_table)
{
	static const unsigned char tails[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
		0xc0, 0xc2, 0xff };
	int bad = 0;
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++)
			for (size_t c = 0; c < countof(tails); c++)
				for (size_t d = 0; d < countof(tails); d++) {
					unsigned char p[4] = { (unsigned char)a, (unsigned char)b, tails[c], tails[d] };
					struct str s = { (const char *)p, 4 };
					size_t want = 0;
					for (size_t n = 1; n <= 4; n++)
						if (well_formed(p, n))
							want = n;
					bad += utf8_sequence(s) != want;
				}
	expect_int(bad, 0);
}

TEST(utf8_prefix_stops_at_the_byte_that_is_wrong)
{
	static const struct {
		struct str text;
		size_t want;
	} cases[] = {
		{ STR("a"), 1 },
		{ STR("\xc3\xa9x"), 2 },
		{ STR("\xf0\x9f\x98\x80\x80"), 4 },
		{ STR("\x80"), 0 },
		{ STR("\xc0\x80"), 0 },
		{ STR("\xc1\xbf"), 0 },
		{ STR("\xf5\x80"), 0 },
		{ STR("\xff"), 0 },
		{ STR("\xc3"), 1 },
		{ STR("\xc3x"), 1 },
		{ STR("\xc3\xc3"), 1 },
		{ STR("\xe0\x9f\x80"), 1 },
		{ STR("\xe2\x82"), 2 },
		{ STR("\xe2\x82x"), 2 },
		{ STR("\xed\xa0\x80"), 1 },
		{ STR("\xf0\x8f\x80\x80"), 1 },
		{ STR("\xf0\x9f\x98"), 3 },
		{ STR("\xf0\x9f\x98\xc0"), 3 },
		{ STR("\xf4\x90\x80\x80"), 1 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(utf8_prefix(guard_copy(cases[i].text)), cases[i].want);
	}
}

TEST(utf8_check_finds_a_bad_byte_at_any_place)
{
	for (size_t n = 0; n <= 20; n++)
		for (size_t at = 0; at <= n; at++) {
			char bytes[20];
			memset(bytes, 'a', sizeof(bytes));
			if (at < n)
				bytes[at] = (char)0xff;
			context("%zu of %zu", at, n);
			expect_int(utf8_check(guard_copy((struct str){ bytes, n })), at);
		}
	expect_int(utf8_check(S("abcdefg\xc3\xa9hijklmnop\xe2\x9c\x93")), 21);
	expect_int(utf8_check(S("abcdefg\xc3\xa9hijklmnop\xe2\x9c")), 18);
}

TEST(utf8_put_replaces_what_has_no_form)
{
	static const uint32_t cases[] = { 0xd800, 0xdbff, 0xdc00, 0xdfff, 0x110000, UINT32_MAX };
	for (size_t i = 0; i < countof(cases); i++) {
		char bytes[4];
		struct buf b = BUF(bytes);
		utf8_put(&b, cases[i]);
		expect_str(buf_str(&b), S("\xef\xbf\xbd"));
	}
}

TEST(utf8_take_counts_code_points)
{
	static const struct {
		struct str text;
		size_t max;
		struct str want;
	} cases[] = {
		{ STR("abc"), 0, STR("") },
		{ STR("abc"), 2, STR("ab") },
		{ STR("abc"), 3, STR("abc") },
		{ STR("abc"), 9, STR("abc") },
		{ STR(""), 1, STR("") },
		{ STR("\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80z"), 1, STR("\xc3\xa9") },
		{ STR("\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80z"), 2, STR("\xc3\xa9\xe2\x9c\x93") },
		{ STR("\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80z"), 3,
			STR("\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80") },
		{ STR("\xff\xe2\x9c"), 2, STR("\xff\xe2") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_str(utf8_take(guard_copy(cases[i].text), cases[i].max), cases[i].want);
	}
}

TEST(utf8_of_no_memory)
{
	expect_int(utf8_check((struct str){ NULL, 0 }), 0);
	expect_str(utf8_take((struct str){ NULL, 0 }, 5), S(""));
}
