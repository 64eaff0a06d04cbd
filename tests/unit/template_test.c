#include "check.h"
#include "gateway/template.h"

TEST(template_pieces)
{
	static const struct {
		struct str template;
		struct {
			enum template_name name;
			struct str piece;
		} want[5];
	} cases[] = {
		{ STR(""), { { 0 } } },
		{ STR("plain"), { { TEMPLATE_LITERAL, STR("plain") } } },
		{ STR("{function}"), { { TEMPLATE_FUNCTION, STR("function") } } },
		{ STR("{region}"), { { TEMPLATE_REGION, STR("region") } } },
		{ STR("{command}"), { { TEMPLATE_COMMAND, STR("command") } } },
		{ STR("{text}"), { { TEMPLATE_TEXT, STR("text") } } },
		{ STR("{user_name}"), { { TEMPLATE_USER_NAME, STR("user_name") } } },
		{ STR("{user_id}"), { { TEMPLATE_USER_ID, STR("user_id") } } },
		{ STR("{channel_id}"), { { TEMPLATE_CHANNEL_ID, STR("channel_id") } } },
		{ STR("{request_id}"), { { TEMPLATE_REQUEST_ID, STR("request_id") } } },
		{ STR("a{text}b{region}c"),
			{ { TEMPLATE_LITERAL, STR("a") }, { TEMPLATE_TEXT, STR("text") },
				{ TEMPLATE_LITERAL, STR("b") }, { TEMPLATE_REGION, STR("region") },
				{ TEMPLATE_LITERAL, STR("c") } } },
		{ STR("{text}{text}"), { { TEMPLATE_TEXT, STR("text") }, { TEMPLATE_TEXT, STR("text") } } },
		{ STR("{Text}"), { { TEMPLATE_UNKNOWN, STR("Text") } } },
		{ STR("{texts}"), { { TEMPLATE_UNKNOWN, STR("texts") } } },
		{ STR("{tex}"), { { TEMPLATE_UNKNOWN, STR("tex") } } },
		{ STR("{_}"), { { TEMPLATE_UNKNOWN, STR("_") } } },
		{ STR("{"), { { TEMPLATE_LITERAL, STR("{") } } },
		{ STR("}"), { { TEMPLATE_LITERAL, STR("}") } } },
		{ STR("{}"), { { TEMPLATE_LITERAL, STR("{") }, { TEMPLATE_LITERAL, STR("}") } } },
		{ STR("{text"), { { TEMPLATE_LITERAL, STR("{text") } } },
		{ STR("{ text}"), { { TEMPLATE_LITERAL, STR("{") }, { TEMPLATE_LITERAL, STR(" text}") } } },
		{ STR("{text }"), { { TEMPLATE_LITERAL, STR("{text") }, { TEMPLATE_LITERAL, STR(" }") } } },
		{ STR("{1}"), { { TEMPLATE_LITERAL, STR("{") }, { TEMPLATE_LITERAL, STR("1}") } } },
		{ STR("{{text}}"),
			{ { TEMPLATE_LITERAL, STR("{") }, { TEMPLATE_TEXT, STR("text") },
				{ TEMPLATE_LITERAL, STR("}") } } },
		{ STR("{te{text}"), { { TEMPLATE_LITERAL, STR("{te") }, { TEMPLATE_TEXT, STR("text") } } },
		{ STR("<@U1> \xf0\x9f\x9a\xa2 {text}"),
			{ { TEMPLATE_LITERAL, STR("<@U1> \xf0\x9f\x9a\xa2 ") },
				{ TEMPLATE_TEXT, STR("text") } } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		enum template_name name;
		struct str piece, rest = guard_copy(cases[i].template);
		size_t n = 0;
		for (; template_next(&name, &piece, &rest) && n < countof(cases[i].want); n++) {
			context("case %zu, piece %zu", i, n);
			expect_int(name, cases[i].want[n].name);
			expect_str(piece, cases[i].want[n].piece);
		}
		context("case %zu", i);
		expect(n == countof(cases[i].want) || cases[i].want[n].piece.n == 0);
		expect_int(rest.n, 0);
	}
}

/* Put together again, the pieces of any text are the text. */
TEST(template_loses_nothing)
{
	for (int i = 0; i < 20000; i++) {
		char text[24], again[24];
		struct str template = { text, test_random(sizeof(text)) };
		for (size_t j = 0; j < template.n; j++)
			text[j] = "{}text_ \xff"[test_random(9)];
		struct buf b = BUF(again);
		enum template_name name;
		for (struct str piece, rest = template; template_next(&name, &piece, &rest);) {
			if (name == TEMPLATE_LITERAL)
				buf_put(&b, piece);
			else
				buf_format(&b, "{%s}", piece);
			expect(piece.n > 0);
		}
		expect_str(buf_str(&b), template);
	}
}
