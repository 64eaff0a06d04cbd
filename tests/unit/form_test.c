#include "codec/form.h"

#include "check.h"

#include <string.h>

static char memory[4096];

TEST(form_next_goes_through_the_pairs)
{
	static const struct {
		struct str body, want; /* as name:value; */
	} cases[] = {
		{ STR(""), STR("") },
		{ STR("a=b"), STR("a:b;") },
		{ STR("a=b&c=d"), STR("a:b;c:d;") },
		{ STR("a&b=&=c&="), STR("a:;b:;:c;:;") },
		{ STR("a=b=c"), STR("a:b=c;") },
		{ STR("&&a=1&&&b=2&"), STR("a:1;b:2;") },
		{ STR("&"), STR("") },
		{ STR("a=1&a=2"), STR("a:1;a:2;") },
		{ STR("a%20b=c+d;e=f"), STR("a%20b:c+d;e=f;") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = BUF(memory);
		struct str name, value, rest = guard_copy(cases[i].body);
		context("%s", cases[i].body.p);
		while (form_next(&name, &value, &rest))
			buf_format(&b, "%s:%s;", name, value);
		expect_str(buf_str(&b), cases[i].want);
		expect(!form_next(&name, &value, &rest));
	}
}

static const struct {
	struct str text, form, percent;
	enum err want;
} decodings[] = {
	{ STR(""), STR(""), STR(""), OK },
	{ STR("plain"), STR("plain"), STR("plain"), OK },
	{ STR("a+b"), STR("a b"), STR("a+b"), OK },
	{ STR("a%2Bb%2bc"), STR("a+b+c"), STR("a+b+c"), OK },
	{ STR("%00%ff%7F"), STR("\0\xff\x7f"), STR("\0\xff\x7f"), OK },
	{ STR("%2525"), STR("%25"), STR("%25"), OK },
	{ STR("web+to+%E2%9C%93"), STR("web to \xe2\x9c\x93"), STR("web+to+\xe2\x9c\x93"), OK },
	{ STR("%"), STR(""), STR(""), E_SYNTAX },
	{ STR("%4"), STR(""), STR(""), E_SYNTAX },
	{ STR("abc%4"), STR(""), STR(""), E_SYNTAX },
	{ STR("%zz"), STR(""), STR(""), E_SYNTAX },
	{ STR("%4g"), STR(""), STR(""), E_SYNTAX },
	{ STR("%g4"), STR(""), STR(""), E_SYNTAX },
	{ STR("%%41"), STR(""), STR(""), E_SYNTAX },
	{ STR("%+1"), STR(""), STR(""), E_SYNTAX },
	{ STR("%u0041"), STR(""), STR(""), E_SYNTAX },
	{ STR("+%"), STR(""), STR(""), E_SYNTAX },
};

TEST(form_decode_and_percent_decode)
{
	for (size_t i = 0; i < countof(decodings); i++) {
		struct arena arena = { memory, 0, sizeof(memory) };
		struct str text = guard_copy(decodings[i].text), got;
		context("%s", decodings[i].text.p);
		expect_int(form_decode(&got, text, &arena), decodings[i].want);
		if (decodings[i].want == OK)
			expect_str(got, decodings[i].form);
		else
			expect_int(arena.n, 0);
		expect_int(percent_decode(&got, text, &arena), decodings[i].want);
		if (decodings[i].want == OK)
			expect_str(got, decodings[i].percent);
		expect_int(form_check(text), decodings[i].want == OK);
	}
}

TEST(form_decode_copies_only_what_it_must)
{
	struct arena arena = { memory, 0, sizeof(memory) };
	struct str text = S("plain"), got;
	expect_int(form_decode(&got, text, &arena), OK);
	expect(got.p == text.p && arena.n == 0);
	text = S("a+b");
	expect_int(percent_decode(&got, text, &arena), OK);
	expect(got.p == text.p && arena.n == 0);
	expect_int(form_decode(&got, text, &arena), OK);
	expect(got.p == memory && arena.n == 3);
	for (size_t cap = 0; cap < 3; cap++) {
		arena = (struct arena){ memory, 0, cap };
		expect_int(form_decode(&got, S("%61+b"), &arena), E_LIMIT);
		expect_int(arena.n, 0);
	}
	arena = (struct arena){ memory, 0, 3 };
	expect_int(form_decode(&got, S("%61+b"), &arena), OK);
	expect_str(got, S("a b"));
}

TEST(percent_encode_keeps_the_unreserved)
{
	for (int c = 0; c < 256; c++)
		for (int keep = 0; keep < 2; keep++) {
			char byte = (char)c;
			struct buf b = BUF(memory);
			struct arena arena = { memory + 16, 0, 16 };
			struct str back;
			percent_encode(&b, (struct str){ &byte, 1 }, keep);
			context("byte %d", c);
			static const char unreserved[] =
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
			bool plain = c && (strchr(unreserved, c) || (keep && c == '/'));
			expect_int(b.n, plain ? 1 : 3);
			expect_int(percent_decode(&back, buf_str(&b), &arena), OK);
			expect_str(back, ((struct str){ &byte, 1 }));
		}
	struct buf b = BUF(memory);
	percent_encode(&b, S("name:prod/x \xe2\x9c\x93"), false);
	expect_str(buf_str(&b), S("name%3Aprod%2Fx%20%E2%9C%93"));
	buf_reset(&b);
	percent_encode(&b, S("/a b/c"), true);
	expect_str(buf_str(&b), S("/a%20b/c"));
}

TEST(form_put_builds_what_form_next_reads)
{
	struct buf b = { memory, 0, 256, false };
	form_put(&b, S("Action"), S("AssumeRole"));
	form_put(&b, S("a b"), S("x&y=z+%"));
	form_put(&b, S("e"), S(""));
	expect_str(buf_str(&b), S("Action=AssumeRole&a%20b=x%26y%3Dz%2B%25&e="));
	struct arena arena = { memory + 256, 0, 256 };
	struct str name, value, rest = buf_str(&b);
	expect(form_next(&name, &value, &rest) && form_next(&name, &value, &rest));
	expect_int(form_decode(&name, name, &arena), OK);
	expect_int(form_decode(&value, value, &arena), OK);
	expect_str(name, S("a b"));
	expect_str(value, S("x&y=z+%"));
}

TEST(form_of_no_memory)
{
	struct str none = { NULL, 0 }, got, rest = none;
	struct arena arena = { memory, 0, 0 };
	struct buf b = BUF(memory);
	expect(!form_next(&got, &got, &rest));
	expect(form_check(none));
	expect_int(form_decode(&got, none, &arena), OK);
	expect_str(got, none);
	expect_int(form_decode(&got, S("+"), &arena), E_LIMIT);
	form_put(&b, none, none);
	expect_str(buf_str(&b), S("="));
}
