#include "check.h"
#include "gateway/pattern.h"

#include <string.h>

TEST(pattern_matches)
{
	static const struct {
		struct str pattern, s;
		bool want;
	} cases[] = {
		{ STR(""), STR(""), true },
		{ STR(""), STR("a"), false },
		{ STR("a"), STR(""), false },
		{ STR("a"), STR("a"), true },
		{ STR("a"), STR("A"), false },
		{ STR("a"), STR("ab"), false },
		{ STR("ab"), STR("a"), false },
		{ STR("*"), STR(""), true },
		{ STR("*"), STR("a/b:c*\0\xff"), true },
		{ STR("**"), STR(""), true },
		{ STR("**"), STR("abc"), true },
		{ STR("a*"), STR("a"), true },
		{ STR("a*"), STR("ba"), false },
		{ STR("*a"), STR("a"), true },
		{ STR("*a"), STR("aaab"), false },
		{ STR("*a"), STR("aaaba"), true },
		{ STR("a*b"), STR("ab"), true },
		{ STR("a*b"), STR("acbcb"), true },
		{ STR("a*b"), STR("acbc"), false },
		{ STR("a*bc*d"), STR("abcbcd"), true },
		{ STR("*ab*ab*"), STR("aab"), false },
		{ STR("*ab*ab*"), STR("aabab"), true },
		{ STR("deploy-*:live"), STR("deploy-web:live"), true },
		{ STR("deploy-*:live"), STR("deploy-web:test"), false },
		{ STR("a?c"), STR("abc"), false },
		{ STR("[a]"), STR("a"), false },
		{ STR("a.c"), STR("abc"), false },
		{ STR("\\*"), STR("*"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(
			pattern_matches(guard_copy(cases[i].pattern), guard_copy(cases[i].s)), cases[i].want);
	}
}

/* The definition, word by word. */
static bool matches_by_definition(struct str pattern, struct str s)
{
	if (pattern.n == 0)
		return s.n == 0;
	if (pattern.p[0] == '*')
		return matches_by_definition(str_skip(pattern, 1), s) ||
			(s.n && matches_by_definition(pattern, str_skip(s, 1)));
	return s.n && s.p[0] == pattern.p[0] &&
		matches_by_definition(str_skip(pattern, 1), str_skip(s, 1));
}

TEST(pattern_agrees_with_its_definition)
{
	size_t matched = 0;
	for (int i = 0; i < 100000; i++) {
		char p[10], s[10];
		struct str pattern = { p, test_random(sizeof(p)) }, text = { s, test_random(sizeof(s)) };
		for (size_t j = 0; j < pattern.n; j++)
			p[j] = "ab**"[test_random(4)];
		for (size_t j = 0; j < text.n; j++)
			s[j] = "ab"[test_random(2)];
		bool want = matches_by_definition(pattern, text);
		matched += want;
		if (pattern_matches(pattern, text) != want) {
			context("pattern %.*s, text %.*s", (int)pattern.n, pattern.p, (int)text.n, text.p);
			expect_int(!want, want);
		}
	}
	expect(matched > 1000);
}

/* With backtracking into every star this would not end within the life of anybody. */
TEST(pattern_takes_no_exponential_time)
{
	static char pattern[1001], text[10000];
	for (size_t i = 0; i < sizeof(pattern) - 1; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 1] = 'b';
	memset(text, 'a', sizeof(text));
	expect(!pattern_matches(
		(struct str){ pattern, sizeof(pattern) }, (struct str){ text, sizeof(text) }));
	text[sizeof(text) - 1] = 'b';
	expect(pattern_matches(
		(struct str){ pattern, sizeof(pattern) }, (struct str){ text, sizeof(text) }));
}

TEST(pattern_of_a_path)
{
	static const struct {
		struct str pattern, path;
		bool want;
	} cases[] = {
		{ STR(""), STR(""), true },
		{ STR("*"), STR(""), true },
		{ STR("*"), STR("a"), true },
		{ STR("*"), STR("a/b"), false },
		{ STR("*/*"), STR("a"), false },
		{ STR("*/*"), STR("a/b"), true },
		{ STR("*/*"), STR("a/b/c"), false },
		{ STR("*/"), STR("a/"), true },
		{ STR("*/"), STR("a"), false },
		{ STR("hooks/*"), STR("hooks/a"), true },
		{ STR("hooks/*"), STR("hooks/a/b"), false },
		{ STR("hooks*"), STR("hooks/a"), false },
		{ STR("*a/b*"), STR("xa/by"), true },
		{ STR("a*c"), STR("a/c"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(pattern_matches_path(guard_copy(cases[i].pattern), guard_copy(cases[i].path)),
			cases[i].want);
	}
}

TEST(pattern_of_a_target)
{
	static const struct {
		struct str pattern;
		bool want;
	} cases[] = {
		{ STR("*/*"), true },
		{ STR("eu-west-1/deploy"), true },
		{ STR("eu-*/deploy-*:live"), true },
		{ STR("eu-west-1/arn:aws:lambda:eu-west-1:123456789012:function:deploy"), true },
		{ STR(""), false },
		{ STR("*"), false },
		{ STR("/"), false },
		{ STR("/deploy"), false },
		{ STR("eu-west-1/"), false },
		{ STR("eu-west-1"), false },
		{ STR("/eu-west-1/deploy"), false },
		{ STR("eu-west-1/deploy/"), false },
		{ STR("eu-west-1//deploy"), false },
		{ STR("eu-west-1/x/deploy"), false },
		{ STR("eu-west-1/de ploy"), false },
		{ STR("eu-west-1 /deploy"), false },
		{ STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/harbour"), true },
		{ STR("eu-west-1/arn:aws:events:*:123456789012:*/*"), true },
		{ STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/"), false },
		{ STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/a/b"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(allow_pattern_ok(guard_copy(cases[i].pattern)), cases[i].want);
	}
}

#define ARN "arn:aws:lambda:eu-west-1:123456789012:function"

TEST(pattern_list_allows)
{
	static const struct {
		struct str allow, target;
		bool want;
	} cases[] = {
		{ STR("*/*"), STR("eu-west-1/deploy"), true },
		/* an account must be spelled out */
		{ STR("*/*"), STR("eu-west-1/" ARN ":deploy:live"), false },
		{ STR("eu-west-1/*-slack"), STR("eu-west-1/999999999999:function:evil-slack"), false },
		{ STR("eu-west-1/*-slack"), STR("eu-west-1/999999999999:evil-slack"), false },
		{ STR("eu-west-1/*-slack"), STR("eu-west-1/eu-west-1:999999999999:function:evil-slack"),
			false },
		{ STR("eu-west-1/*-slack"), STR("eu-west-1/my-slack"), true },
		{ STR("eu-west-1/*:123456789012:*"), STR("eu-west-1/" ARN ":deploy"), true },
		{ STR("eu-west-1/*:123456789012:*"),
			STR("eu-west-1/arn:aws:lambda:eu-west-1:999999999999:function:123456789012:x"), false },
		{ STR("eu-west-1/*12345678901*"), STR("eu-west-1/" ARN ":deploy"), false },
		{ STR("eu-west-1/*123456789012*"), STR("eu-west-1/" ARN ":deploy"), false },
		{ STR("eu-west-1/123456789012:*"), STR("eu-west-1/123456789012:function:deploy"), true },
		{ STR("eu-west-1/123456789012:*"), STR("eu-west-1/123456789012:deploy"), true },
		{ STR("*/x,eu-west-1/" ARN ":*"), STR("eu-west-1/" ARN ":deploy:live"), true },
		{ STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/*"),
			STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/harbour"), true },
		{ STR("eu-west-1/*/*"),
			STR("eu-west-1/arn:aws:events:eu-west-1:123456789012:event-bus/harbour"), false },
		{ STR("eu-west-1/*"), STR("eu-west-1/arn:aws:sqs:eu-west-1:123456789012:harbour"), false },
		{ STR("eu-west-1/arn:aws:sqs:*:123456789012:*"),
			STR("eu-west-1/arn:aws:sqs:eu-west-1:123456789012:harbour"), true },
		{ STR("eu-west-1/*"), STR("eu-west-1/deploy"), true },
		{ STR("eu-west-1/*"), STR("eu-west-2/deploy"), false },
		{ STR("eu-west-1/*"), STR("eu-west-10/deploy"), false },
		{ STR("*/deploy"), STR("us-east-1/deploy"), true },
		{ STR("*/deploy"), STR("us-east-1/xdeploy"), false },
		{ STR("eu-west-1/deploy"), STR("eu-west-1/Deploy"), false },
		/* the qualifier is part of what is matched */
		{ STR("eu-west-1/deploy"), STR("eu-west-1/deploy:live"), false },
		{ STR("eu-west-1/deploy:live"), STR("eu-west-1/deploy"), false },
		{ STR("eu-west-1/deploy:live"), STR("eu-west-1/deploy:live"), true },
		{ STR("eu-west-1/deploy:*"), STR("eu-west-1/deploy:42"), true },
		{ STR("eu-west-1/deploy:*"), STR("eu-west-1/deploy"), false },
		{ STR("eu-west-1/deploy"),
			STR("eu-west-1/arn:aws:lambda:eu-west-1:123456789012:function:deploy"), false },
		{ STR("eu-west-1/deploy"), STR("eu-west-1/123456789012:deploy"), false },
		/* a star stays in its segment, whatever the target looks like */
		{ STR("eu*/deploy"), STR("eu-west-1/x/deploy"), false },
		{ STR("eu*deploy/x"), STR("eu-west-1/deploy/x"), false },
		{ STR("*/deploy"), STR("eu-west-1/x/deploy"), false },
		/* lists */
		{ STR("a/b,eu-west-1/deploy,c/d"), STR("eu-west-1/deploy"), true },
		{ STR(" a/b ,\teu-west-1/deploy "), STR("eu-west-1/deploy"), true },
		{ STR("a/b,c/d,"), STR("eu-west-1/deploy"), false },
		{ STR("eu-west-1/x,us-east-1/deploy"), STR("eu-west-1/deploy"), false },
		{ STR(""), STR("eu-west-1/deploy"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(
			allow_matches(guard_copy(cases[i].allow), guard_copy(cases[i].target)), cases[i].want);
	}
}
