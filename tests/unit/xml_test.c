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
		{ STR("<?xml version=\"1.0\"?>\n<!DOCTYPE Key>\n<a>\n <Key>\tx \n</Key></a>"), STR("\tx \n") },
		{ STR("<Keys>no</Keys><AKey>no</AKey><key>no</key></Key><Key>yes</Key>"), STR("yes") },
		{ STR("<ns:Key xmlns:ns='urn:x'>abc</ns:Key>"), STR("abc") },
		{ STR("<Key a=\">\" b='\">' \r\n>abc</Key >"), STR("abc") },
		{ STR("<Key>abc<!-- no <Key>decoy</Key> -->def</Key>"), STR("abcdef") },
		{ STR("<!-- <Key>decoy</Key> --><Key>abc</Key>"), STR("abc") },
		{ STR("<Key><![CDATA[<a>&amp;]]>&lt;</Key>"), STR("<a>&amp;<") },
		{ STR("<Key>&amp;&lt;&gt;&quot;&apos;</Key>"), STR("&<>\"'") },
		{ STR("<Key>&#65;&#x42;&#x000043;&#233;&#x20ac;&#x1F600;</Key>"), STR("ABC\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") },
		{ STR("<Key>&#xd800;&#x110000;</Key>"), STR("\xef\xbf\xbd\xef\xbf\xbd") },
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
		{ STR("<Key a='>abc</Key>"), STR("") },
		{ STR("</ns:Key>abc</a>"), STR("") },
		{ STR("<!-- <Key>abc</Key>"), STR("") },
		{ STR("<Key><![CDATA[abc</Key>"), STR("") },
		{ STR("<Key>abc<!-- </Key>"), STR("") },
		{ STR("<Key>a&b</Key>"), STR("") },
		{ STR("<Key>a&;</Key>"), STR("") },
		{ STR("<Key>a&nbsp;</Key>"), STR("") },
		{ STR("<Key>a&AMP;</Key>"), STR("") },
		{ STR("<Key>a&#;</Key>"), STR("") },
		{ STR("<Key>a&#x;</Key>"), STR("") },
		{ STR("<Key>a&#1f;</Key>"), STR("") },
		{ STR("<Key>a&#99999999;</Key>"), STR("") },
		{ STR("<Key>a&#x41</Key>"), STR("") },
		{ STR("<Key>a&#x41"), STR("") },
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
	struct str whole = S("<?a?><!-- c --><n:Key a='b'>x&#x41;<![CDATA[y]]><!-- d -->z</n:Key>");
	for (size_t n = 0; n <= whole.n; n++) {
		context("%zu", n);
		expect_str(text_of(str_sub(whole, 0, n), 512), n < whole.n - 6 ? S("") : S("xAyz"));
	}
}
