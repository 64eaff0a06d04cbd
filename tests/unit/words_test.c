#include "codec/words.h"

#include "check.h"
#include "codec/json_read.h"

#include <string.h>

enum { MOST = 8 };

static char *words[MOST];
static char memory[64];
static struct buf buf;

static enum err split(struct str text)
{
	buf = BUF(memory);
	memset(words, 0xff, sizeof(words));
	return words_split(words, MOST, &buf, guard_copy(text));
}

/* As Python's shlex does. */
TEST(words_agree_with_shlex)
{
	struct json cases;
	size_t position, count = 0;
	static char decoded[4096];
	check(json_check(&cases, &position, test_file("vectors/profile/cases.json")) == OK);
	for (struct json_walk w = json_walk(cases); json_next(&w);) {
		struct json command = json_member(w.value, S("command"));
		if (json_type(command) == JSON_ABSENT)
			continue;
		context("case %zu", count++);
		struct arena arena = { decoded, 0, sizeof(decoded) };
		static char *long_words[20];
		static char long_memory[256];
		struct buf b = BUF(long_memory);
		struct str text, want;
		size_t n = 0;
		check(json_string(&text, command, &arena) == OK);
		enum err e = words_split(long_words, countof(long_words), &b, guard_copy(text));
		for (struct json_walk word = json_walk(json_member(w.value, S("words"))); json_next(&word);
			 n++)
			if (expect_int(e, OK) && expect(long_words[n] != NULL)) {
				check(json_string(&want, word.value, &arena) == OK);
				expect_str(str_c(long_words[n]), want);
			}
		expect_int(e, n ? OK : E_SYNTAX);
		expect(!n || !long_words[n]);
	}
	expect(count > 30);
}

/* As a shell does; shlex would keep these backslashes. */
TEST(words_follow_the_shell)
{
	static const struct {
		struct str text, first, second;
	} cases[] = {
		{ STR("\"\\$a\\`b\" c"), STR("$a`b"), STR("c") },
		{ STR("a\\\nb c"), STR("ab"), STR("c") },
		{ STR("\"a\\\nb\" c"), STR("ab"), STR("c") },
		{ STR("'a\\\nb' c"), STR("a\\\nb"), STR("c") },
		{ STR("a \\\n c"), STR("a"), STR("c") },
		{ STR("\\\na c"), STR("a"), STR("c") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		if (!expect_int(split(cases[i].text), OK))
			continue;
		expect_str(str_c(words[0]), cases[i].first);
		expect_str(str_c(words[1]), cases[i].second);
		expect(words[2] == NULL);
	}
}

TEST(words_have_bounds)
{
	static const struct {
		struct str text;
		enum err want;
	} cases[] = {
		{ STR("1 2 3 4 5 6 7"), OK },
		{ STR("1 2 3 4 5 6 7 8"), E_LIMIT },
		{ STR("1 2 3 4 5 6 ''"), OK },
		{ STR("1 2 3 4 5 6 7 ''"), E_LIMIT },
		{ STR("123456789012345678901234567890123456789012345678901234567890123"), OK },
		{ STR("1234567890123456789012345678901234567890123456789012345678901234"), E_LIMIT },
		{ STR("123456789012345678901234567890 12345678901234567890123456789012"), OK },
		{ STR("123456789012345678901234567890 123456789012345678901234567890123"), E_LIMIT },
		{ STR("a\0b"), OK },
		{ STR("a\\\0b"), E_SYNTAX },
		{ STR("'a\0b'"), E_SYNTAX },
		{ STR("\\\n"), E_SYNTAX },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(split(cases[i].text), cases[i].want);
		expect(buf.n <= sizeof(memory));
	}
}
