#include "aws/names.h"

#include "check.h"

#include <string.h>

static struct str repeat(char *memory, const char *before, char c, size_t n, const char *behind)
{
	size_t at = strlen(before);
	memcpy(memory, before, at);
	memset(memory + at, c, n);
	memcpy(memory + at + n, behind, strlen(behind));
	return (struct str){ memory, at + n + strlen(behind) };
}

TEST(names_knows_regions)
{
	static const struct {
		struct str text;
		bool ok;
	} cases[] = {
		{ STR("eu-west-1"), true },
		{ STR("us-east-1"), true },
		{ STR("ap-southeast-7"), true },
		{ STR("cn-northwest-1"), true },
		{ STR("us-gov-east-1"), true },
		{ STR("us-isob-east-1"), true },
		{ STR("eu-isoe-west-1"), true },
		{ STR("eusc-de-east-1"), true },
		{ STR("mx-central-1"), true },
		{ STR("xx-nowhere-99"), true },
		{ STR(""), false },
		{ STR("-"), false },
		{ STR("eu"), false },
		{ STR("eu-"), false },
		{ STR("eu-1"), false },
		{ STR("eu-west"), false },
		{ STR("eu-west-"), false },
		{ STR("-west-1"), false },
		{ STR("eu--1"), false },
		{ STR("eu-west--1"), false },
		{ STR("eu-west-1-"), false },
		{ STR("eu-west-100"), false },
		{ STR("e-west-1"), false },
		{ STR("euwest-east-1"), false },
		{ STR("eu-west-1a"), false },
		{ STR("eu-west-a"), false },
		{ STR("eu-we1st-1"), false },
		{ STR("EU-WEST-1"), false },
		{ STR("eu-West-1"), false },
		{ STR(" eu-west-1"), false },
		{ STR("eu-west-1 "), false },
		{ STR("eu_west_1"), false },
		{ STR("local"), false },
		{ STR("e1-west-1"), false },
		{ STR("x.evil.com/"), false },
		{ STR("eu-west-1.evil"), false },
		{ STR("eu-west-1.evil.com"), false },
		{ STR("eu-west-1/"), false },
		{ STR("eu-west-1/../x"), false },
		{ STR("eu-west-1?"), false },
		{ STR("eu-west-1#"), false },
		{ STR("eu-west-1:80"), false },
		{ STR("u@eu-west-1"), false },
		{ STR("eu-west-1@evil"), false },
		{ STR("eu-west-1%2e"), false },
		{ STR("eu-west-1\r\nx"), false },
		{ STR("eu-west-1\0"), false },
		{ STR("\0eu-west-1"), false },
		{ STR("eu-w\xc3\xa4st-1"), false },
		{ STR("eu-west-\xd9\xa1"), false },
		{ STR(".."), false },
		{ STR("."), false },
		{ STR("eu-aaaaaaaaaaaaaaaaaaaaaaaaaaa-1"), true },
		{ STR("eu-aaaaaaaaaaaaaaaaaaaaaaaaaaaa-1"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("\"%s\"", cases[i].text.p);
		expect_int(aws_region_ok(guard_copy(cases[i].text)), cases[i].ok);
	}
}

TEST(names_knows_functions)
{
	/* `name` empty: refused. */
	static const struct {
		struct str text, region, name;
	} cases[] = {
		{ STR("f"), STR(""), STR("f") },
		{ STR("my-fn_2.x"), STR(""), STR("my-fn_2.x") },
		{ STR("MyFn"), STR(""), STR("MyFn") },
		{ STR("0"), STR(""), STR("0") },
		{ STR("f:live"), STR(""), STR("f") },
		{ STR("f:1"), STR(""), STR("f") },
		{ STR("f:$LATEST"), STR(""), STR("f") },
		{ STR("f:$LATEST.PUBLISHED"), STR(""), STR("f") },
		{ STR("function"), STR(""), STR("function") },
		{ STR("arn"), STR(""), STR("arn") },
		{ STR("arn:aws"), STR(""), STR("arn") },
		{ STR("eu-west-1"), STR(""), STR("eu-west-1") },
		{ STR("eu-west-1:live"), STR(""), STR("eu-west-1") },
		{ STR("123456789012"), STR(""), STR("123456789012") },
		{ STR("123456789012:f"), STR(""), STR("f") },
		{ STR("123456789012:f:live"), STR(""), STR("f") },
		{ STR("123456789012:$LATEST"), STR(""), STR("123456789012") },
		{ STR("123456789012:function:$LATEST"), STR(""), STR("function") },
		{ STR("123456789012:function"), STR(""), STR("function") },
		{ STR("123456789012:function:f"), STR(""), STR("f") },
		{ STR("123456789012:function:f:live"), STR(""), STR("f") },
		{ STR("eu-west-1:123456789012:function:f"), STR("eu-west-1"), STR("f") },
		{ STR("eu-west-1:123456789012:function:f:7"), STR("eu-west-1"), STR("f") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:f"), STR("eu-west-1"), STR("f") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST"), STR("eu-west-1"),
			STR("f") },
		{ STR("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:v"),
			STR("us-gov-west-1"), STR("f") },
		{ STR("..."), STR(""), STR("...") },

		{ STR(""), STR(""), STR("") },
		{ STR("."), STR(""), STR("") },
		{ STR(".."), STR(""), STR("") },
		{ STR("..:live"), STR(""), STR("") },
		{ STR("123456789012:.."), STR(""), STR("") },
		{ STR(":"), STR(""), STR("") },
		{ STR(":f"), STR(""), STR("") },
		{ STR("f:"), STR(""), STR("") },
		{ STR("f::"), STR(""), STR("") },
		{ STR("f::live"), STR(""), STR("") },
		{ STR("f:live:x"), STR(""), STR("") },
		{ STR("f:li.ve"), STR(""), STR("") },
		{ STR("f:$latest"), STR(""), STR("") },
		{ STR("f:$LATEST."), STR(""), STR("") },
		{ STR("f:x$LATEST"), STR(""), STR("") },
		{ STR("$LATEST"), STR(""), STR("") },
		{ STR("f/g"), STR(""), STR("") },
		{ STR("../f"), STR(""), STR("") },
		{ STR("f?Qualifier=x"), STR(""), STR("") },
		{ STR("f#x"), STR(""), STR("") },
		{ STR("f%2fg"), STR(""), STR("") },
		{ STR("f g"), STR(""), STR("") },
		{ STR(" f"), STR(""), STR("") },
		{ STR("f\n"), STR(""), STR("") },
		{ STR("f\r\nHost: x"), STR(""), STR("") },
		{ STR("f\0"), STR(""), STR("") },
		{ STR("f\xc3\xa4"), STR(""), STR("") },
		{ STR("12345678901:function:f"), STR(""), STR("") },
		{ STR("1234567890123:function:f"), STR(""), STR("") },
		{ STR("12345678901x:function:f"), STR(""), STR("") },
		{ STR("123456789012:functions:f:x"), STR(""), STR("") },
		{ STR("123456789012:"), STR(""), STR("") },
		{ STR("123456789012:function:"), STR(""), STR("") },
		{ STR("123456789012:function:f:"), STR(""), STR("") },
		{ STR("eu-west-1:123456789012:f"), STR(""), STR("") },
		{ STR("eu-west-1:123456789012:function"), STR(""), STR("") },
		{ STR("eu-west-1:123456789012:function:"), STR(""), STR("") },
		{ STR("EU-WEST-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("arn:aws:lambda"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:f:"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:f:v:w"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:function:f:v:"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:123456789012:layer:f"), STR(""), STR("") },
		{ STR("arn:aws:lambda:eu-west-1:12345678901:function:f"), STR(""), STR("") },
		{ STR("arn:aws:lambda:x.evil.com:123456789012:function:f"), STR(""), STR("") },
		{ STR("arn:aws:sqs:eu-west-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("arn:gcp:lambda:eu-west-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("arn:aws1:lambda:eu-west-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("arn::lambda:eu-west-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("ARN:aws:lambda:eu-west-1:123456789012:function:f"), STR(""), STR("") },
		{ STR("a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p"), STR(""), STR("") },
		{ STR(":::::::::::::::"), STR(""), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("\"%s\"", cases[i].text.p);
		struct str text = guard_copy(cases[i].text),
				   region = cases[i].region.n ? cases[i].region : S("ap-south-1");
		bool ok = cases[i].name.n > 0;
		expect_int(aws_function_ok(text, region), ok);
		expect_int(aws_function_ok(text, S("us-east-2")), ok && cases[i].region.n == 0);
		expect_str(aws_function_region(text), cases[i].region);
		expect_str(aws_function_name(text), cases[i].name);
	}
}

TEST(names_bounds_functions)
{
	static const struct {
		const char *before, *behind;
		char c;
		size_t n;
		bool ok;
	} cases[] = {
		{ "", "", 'a', 64, true },
		{ "", "", 'a', 65, true },
		{ "", "", 'a', 140, true },
		{ "", "", 'a', 141, false },
		{ "f:", "", 'v', 128, true },
		{ "f:", "", 'v', 129, false },
		{ "123456789012:function:", "", 'a', 141, false },
		{ "arn:aws:lambda:eu-west-1:123456789012:function:", ":$LATEST", 'a', 140, true },
		{ "arn:aws:lambda:eu-west-1:123456789012:function:"
		  "1234567890123456789012345678901234567890123456789012345678901234567890"
		  "1234567890:",
			"", 'v', 128, true }, /* 256 in all */
		{ "arn:aws:lambda:eu-west-1:123456789012:function:"
		  "1234567890123456789012345678901234567890123456789012345678901234567890"
		  "12345678901:",
			"", 'v', 128, false }, /* 257 */
		{ "", "", 'a', 100000, false },
		{ "", "", ':', 100000, false },
	};
	static char memory[100300];
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		struct str text = repeat(memory, cases[i].before, cases[i].c, cases[i].n, cases[i].behind);
		expect_int(aws_function_ok(guard_copy(text), S("eu-west-1")), cases[i].ok);
	}
}

TEST(names_copies_only_what_is_harmless)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{ STR(""), STR("") },
		{ STR("Name"), STR("Name") },
		{ STR("a-b_c.9"), STR("a-b_c.9") },
		{ STR("Name:http://x"), STR("Name") },
		{ STR(" Name"), STR("") },
		{ STR("<!here>"), STR("") },
		{ STR("1234567"), STR("1234567") },
		{ STR("12345678"), STR("1234567") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char out[8];
		memset(out, 'x', sizeof(out));
		aws_name_copy(out, sizeof(out), guard_copy(cases[i].in));
		expect_str(str_c(out), cases[i].out);
	}
}

TEST(names_finds_names_in_lists)
{
	expect(aws_name_listed(S("a"), S("a")));
	expect(aws_name_listed(S("a,bc,d"), S("a")));
	expect(aws_name_listed(S("a,bc,d"), S("bc")));
	expect(aws_name_listed(S("a,bc,d"), S("d")));
	expect(!aws_name_listed(S("a,bc,d"), S("b")));
	expect(!aws_name_listed(S("a,bc,d"), S("A")));
	expect(!aws_name_listed(S("a,bc,d"), S("a,bc")));
	expect(!aws_name_listed(S("a,bc,d"), S("")));
	expect(!aws_name_listed(S(""), S("")));
}

TEST(names_find_the_region_of_an_arn)
{
	static const struct {
		struct str arn, region;
	} cases[] = {
		{ STR("arn:aws:ssm:eu-west-1:123456789012:parameter/a"), STR("eu-west-1") },
		{ STR("arn:aws-cn:rolesanywhere:cn-north-1"), STR("cn-north-1") },
		{ STR("arn:aws:iam::123456789012:role/r"), STR("") },
		{ STR("arn:aws:iam"), STR("") },
		{ STR("arn:"), STR("") },
		{ STR("arn:a:b:x.evil.com/:c"), STR("x.evil.com/") },
		{ STR(""), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++)
		expect_str(aws_arn_region(guard_copy(cases[i].arn)), cases[i].region);
}
