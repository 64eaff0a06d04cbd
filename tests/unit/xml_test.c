#include "codec/xml.h"

#include "check.h"

#include <string.h>

static struct str text_of(struct str xml, size_t room)
{
	static char memory[512];
	struct arena arena = { memory, 0, room };
	return xml_text(guard_copy(xml), S("Key"), &arena);
}

TEST(xml_finds_the_text)
{
	static const struct {
		struct str xml, text;
	} cases[] = {
		{ STR("<Key>abc</Key>"), STR("abc") },
		{ STR("<a><b/><Key>first</Key><Key>second</Key></a>"), STR("first") },
		{ STR("<?xml version=\"1.0\"?>\n<!DOCTYPE Key>\n<a>\n <Key>\tx \n</Key></a>"),
			STR("\tx \n") },
		{ STR("<Keys>no</Keys><AKey>no</AKey><key>no</key></Key><Key>yes</Key>"), STR("yes") },
		{ STR("<Key>&amp;&lt;&gt;&quot;&apos;</Key>"), STR("&<>\"'") },
		/* nothing */
		{ STR("<Key>a<b>c</b></Key>"), STR("") },
		{ STR("<Key>a<![cdata[b]]></Key>"), STR("") },
		{ STR(""), STR("") },
		{ STR("Key"), STR("") },
		{ STR("<"), STR("") },
		{ STR("<Key"), STR("") },
		{ STR("<Key>"), STR("") },
		{ STR("<Key>abc"), STR("") },
		{ STR("<Key/>"), STR("") },
		{ STR("<Key></Key>"), STR("") },
		{ STR("<Key a='b'>abc</Key>"), STR("") },
		{ STR("<ns:Key>abc</ns:Key>"), STR("") },
		{ STR("</ns:Key>abc</a>"), STR("") },
		{ STR("<Key><![CDATA[abc</Key>"), STR("") },
		{ STR("<Key>abc<!-- </Key>"), STR("") },
		{ STR("<Key>a&b</Key>"), STR("") },
		{ STR("<Key>a&;</Key>"), STR("") },
		{ STR("<Key>a&nbsp;</Key>"), STR("") },
		{ STR("<Key>a&AMP;</Key>"), STR("") },
		{ STR("<Key>a&#65;</Key>"), STR("") },
		{ STR("<Key>a&amp</Key>"), STR("") },
		{ STR("<Key>a&amp"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_str(text_of(cases[i].xml, 512), cases[i].text);
	}
}

TEST(xml_needs_memory_for_the_text)
{
	expect_str(text_of(S("<Key>a&amp;c</Key>"), 3), S("a&c"));
	for (size_t room = 0; room < 3; room++)
		expect_str(text_of(S("<Key>a&amp;c</Key>"), room), S(""));
}

TEST(xml_ends_where_the_input_ends)
{
	struct str whole = S("<?a?><b c='d'><Key>x&amp;y</Key>");
	for (size_t n = 0; n <= whole.n; n++) {
		context("%zu", n);
		expect_str(text_of(str_sub(whole, 0, n), 512), n < whole.n - 4 ? S("") : S("x&y"));
	}
}
