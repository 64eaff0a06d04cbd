#include "check.h"
#include "gateway/target.h"

static char memory[4096];

/* From fresh memory each time. */
static enum err read(
	struct target *t, struct str *shown, struct str path, struct str stage, struct str base_path)
{
	struct arena a = { memory, 0, sizeof(memory) };
	*t = (struct target){ 0 };
	struct request_path readings;
	request_path_read(&readings, guard_copy(path), guard_copy(stage), guard_copy(base_path), &a);
	*shown = request_path_shown(&readings);
	return target_from_path(t, &readings, &a);
}

#define ARN "arn:aws:lambda:eu-west-1:123456789012:function:my-fn"

TEST(target_reads_paths)
{
	static const struct {
		struct str path, function; /* the region is eu-west-1 each time */
	} cases[] = {
		{ STR("/eu-west-1/my-fn"), STR("my-fn") },
		{ STR("eu-west-1/my-fn"), STR("my-fn") },
		{ STR("//eu-west-1/my-fn"), STR("my-fn") },
		{ STR("///eu-west-1/my-fn//"), STR("my-fn") },
		{ STR("/eu-west-1/my-fn/"), STR("my-fn") },
		{ STR("/eu-west-1/my-fn:live"), STR("my-fn:live") },
		{ STR("/eu-west-1/my-fn:42"), STR("my-fn:42") },
		{ STR("/eu-west-1/my-fn:$LATEST"), STR("my-fn:$LATEST") },
		{ STR("/eu-west-1/my-fn%3Alive"), STR("my-fn:live") },
		{ STR("/eu-west-1/my-fn%3alive"), STR("my-fn:live") },
		{ STR("/eu-west-1/my-fn:%24LATEST"), STR("my-fn:$LATEST") },
		{ STR("/%65u-west-1/m%79-fn"), STR("my-fn") },
		{ STR("/eu-west-1/123456789012:my-fn"), STR("123456789012:my-fn") },
		{ STR("/eu-west-1/123456789012:function:my-fn:live"),
			STR("123456789012:function:my-fn:live") },
		{ STR("/eu-west-1/" ARN), STR(ARN) },
		{ STR("/eu-west-1/" ARN ":live"), STR(ARN ":live") },
		{ STR("/eu-west-1/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Amy-fn"),
			STR(ARN) },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct target t;
		struct str shown;
		char name[128];
		struct buf b = BUF(name);
		buf_format(&b, "eu-west-1/%s", cases[i].function);
		context("case %zu", i);
		expect_int(read(&t, &shown, cases[i].path, S(""), S("")), OK);
		expect_str(t.region, S("eu-west-1"));
		expect_str(t.function, cases[i].function);
		expect_str(t.name, buf_str(&b));
		expect_str(shown, buf_str(&b));
	}
}

TEST(target_refuses_paths)
{
	static const struct {
		struct str path, shown;
	} cases[] = {
		{ STR(""), STR("") },
		{ STR("/"), STR("") },
		{ STR("//"), STR("") },
		{ STR("/eu-west-1"), STR("eu-west-1") },
		{ STR("/eu-west-1/"), STR("eu-west-1") },
		{ STR("//my-fn"), STR("my-fn") },
		{ STR("/eu-west-1/%2f"), STR("eu-west-1//") },
		{ STR("/eu-west-1//my-fn"), STR("eu-west-1//my-fn") },
		{ STR("/eu-west-1/my-fn/invocations"), STR("eu-west-1/my-fn/invocations") },
		{ STR("/my-fn/eu-west-1"), STR("my-fn/eu-west-1") },
		{ STR("/eu-west-1/my-fn?x=1"), STR("eu-west-1/my-fn?x=1") },
		{ STR("/eu-west-1/my-fn#x"), STR("eu-west-1/my-fn#x") },
		{ STR("/eu-west-1/my fn"), STR("eu-west-1/my fn") },
		{ STR("/eu-west-1/my+fn"), STR("eu-west-1/my+fn") },
		{ STR("/eu-west-1\\my-fn"), STR("eu-west-1\\my-fn") },
		/* split first, decoded then */
		{ STR("/eu-west-1%2Fmy-fn"), STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/my%2ffn"), STR("eu-west-1/my/fn") },
		{ STR("/eu-west-1/..%2f..%2f2015-03-31"), STR("eu-west-1/../../2015-03-31") },
		{ STR("/eu-west-1/.."), STR("eu-west-1/..") },
		{ STR("/eu-west-1/%2e%2e"), STR("eu-west-1/..") },
		{ STR("/eu-west-1/."), STR("eu-west-1/.") },
		/* decoded once */
		{ STR("/eu-west-1/my-fn%253Alive"), STR("eu-west-1/my-fn%3Alive") },
		{ STR("/eu-west-1/my-fn%25"), STR("eu-west-1/my-fn%") },
		{ STR("/eu-west-1/%25%36%31"), STR("eu-west-1/%61") },
		{ STR("/eu-west-1/my-fn%"), STR("eu-west-1/my-fn%") },
		{ STR("/eu-west-1/my-fn%3"), STR("eu-west-1/my-fn%3") },
		{ STR("/eu-west-1/my-fn%zz"), STR("eu-west-1/my-fn%zz") },
		{ STR("/eu-west-1/%zz%3Alive"), STR("eu-west-1/%zz%3Alive") },
		/* bytes that mean something to somebody further on */
		{ STR("/eu-west-1/my-fn%00"), STR("eu-west-1/my-fn\0") },
		{ STR("/eu-west-1/my-fn\0"), STR("eu-west-1/my-fn\0") },
		{ STR("/eu-west-1/my-fn%0d%0aHost:%20evil.example"),
			STR("eu-west-1/my-fn\r\nHost: evil.example") },
		{ STR("/eu-west-1/my-fn%0A"), STR("eu-west-1/my-fn\n") },
		{ STR("/eu-west-1/my-fn%7f"), STR("eu-west-1/my-fn\x7f") },
		{ STR("/eu-west-1/my-f\xc3\xbcn"), STR("eu-west-1/my-f\xc3\xbcn") },
		{ STR("/eu-west-1/my-fn%ff"), STR("eu-west-1/my-fn\xff") },
		/* a region becomes part of a host name */
		{ STR("/evil.example/my-fn"), STR("evil.example/my-fn") },
		{ STR("/eu-west-1.evil.example/my-fn"), STR("eu-west-1.evil.example/my-fn") },
		{ STR("/evil.example%2F/my-fn"), STR("evil.example//my-fn") },
		{ STR("/evil.example%23-1/my-fn"), STR("evil.example#-1/my-fn") },
		{ STR("/user@eu-west-1/my-fn"), STR("user@eu-west-1/my-fn") },
		{ STR("/eu-west-1:80/my-fn"), STR("eu-west-1:80/my-fn") },
		{ STR("/eu-west-1%0d%0a/my-fn"), STR("eu-west-1\r\n/my-fn") },
		{ STR("/EU-WEST-1/my-fn"), STR("EU-WEST-1/my-fn") },
		{ STR("/eu-west-1-/my-fn"), STR("eu-west-1-/my-fn") },
		{ STR("/-eu-west-1/my-fn"), STR("-eu-west-1/my-fn") },
		{ STR("/eu--west-1/my-fn"), STR("eu--west-1/my-fn") },
		{ STR("/eu-west/my-fn"), STR("eu-west/my-fn") },
		{ STR("/localhost/my-fn"), STR("localhost/my-fn") },
		{ STR("/127.0.0.1/my-fn"), STR("127.0.0.1/my-fn") },
		/* somewhere else than the path says */
		{ STR("/eu-west-2/" ARN), STR("eu-west-2/" ARN) },
		{ STR("/us-east-1/eu-west-1:123456789012:function:my-fn"),
			STR("us-east-1/eu-west-1:123456789012:function:my-fn") },
		{ STR("/eu-west-1/arn:aws:s3:eu-west-1:123456789012:function:my-fn"),
			STR("eu-west-1/arn:aws:s3:eu-west-1:123456789012:function:my-fn") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct target t;
		struct str shown;
		context("case %zu: %s", i, cases[i].path.p);
		expect_int(read(&t, &shown, cases[i].path, S(""), S("")), E_SYNTAX);
		expect_str(shown, cases[i].shown);
	}
}

TEST(target_takes_prefixes_off)
{
	static const struct {
		struct str path, stage, base_path;
		enum err want;
		struct str shown;
	} cases[] = {
		{ STR("/prod/eu-west-1/my-fn"), STR("prod"), STR(""), OK, STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/my-fn"), STR("prod"), STR(""), OK, STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/my-fn"), STR("$default"), STR(""), OK, STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/my-fn"), STR("eu-west-1"), STR(""), OK, STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/eu-west-1/my-fn"), STR("eu-west-1"), STR(""), OK,
			STR("eu-west-1/my-fn") },
		{ STR("/prod/prod/eu-west-1/my-fn"), STR("prod"), STR(""), E_SYNTAX,
			STR("prod/eu-west-1/my-fn") },
		{ STR("/production/eu-west-1/my-fn"), STR("prod"), STR(""), E_SYNTAX,
			STR("production/eu-west-1/my-fn") },
		{ STR("/PROD/eu-west-1/my-fn"), STR("prod"), STR(""), E_SYNTAX,
			STR("PROD/eu-west-1/my-fn") },
		{ STR("/%70rod/eu-west-1/my-fn"), STR("prod"), STR(""), E_SYNTAX,
			STR("prod/eu-west-1/my-fn") },
		{ STR("//prod/eu-west-1/my-fn/"), STR("prod"), STR(""), OK, STR("eu-west-1/my-fn") },
		{ STR("/prod//eu-west-1/my-fn"), STR("prod"), STR(""), E_SYNTAX, STR("/eu-west-1/my-fn") },
		{ STR("/slack/eu-west-1/my-fn"), STR(""), STR("slack"), OK, STR("eu-west-1/my-fn") },
		{ STR("/eu-west-1/my-fn"), STR(""), STR("slack"), OK, STR("eu-west-1/my-fn") },
		{ STR("/a/b%20c/eu-west-1/my-fn"), STR(""), STR("a/b%20c"), OK, STR("eu-west-1/my-fn") },
		{ STR("/slacks/eu-west-1/my-fn"), STR(""), STR("slack"), E_SYNTAX,
			STR("slacks/eu-west-1/my-fn") },
		{ STR("/slack"), STR(""), STR("slack"), E_SYNTAX, STR("") },
		{ STR("/prod/"), STR("prod"), STR("slack"), E_SYNTAX, STR("") },
		{ STR("/eu-west-1/local/x"), STR("eu-west-1"), STR(""), OK, STR("local/x") },
		{ STR("/slack/"), STR(""), STR("slack"), E_SYNTAX, STR("") },
		{ STR("/slack/slack/eu-west-1/my-fn"), STR(""), STR("slack"), E_SYNTAX,
			STR("slack/eu-west-1/my-fn") },
		{ STR("/prod/slack/eu-west-1/my-fn"), STR("prod"), STR("slack"), OK,
			STR("eu-west-1/my-fn") },
		{ STR("/slack/eu-west-1/my-fn"), STR("prod"), STR("slack"), OK, STR("eu-west-1/my-fn") },
		{ STR("/slack/eu-west-1/my-fn"), STR("slack"), STR("slack"), OK, STR("eu-west-1/my-fn") },
		{ STR("/slack/prod/eu-west-1/my-fn"), STR("prod"), STR("slack"), E_SYNTAX,
			STR("prod/eu-west-1/my-fn") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct target t;
		struct str shown;
		context("case %zu: %s", i, cases[i].path.p);
		expect_int(
			read(&t, &shown, cases[i].path, cases[i].stage, cases[i].base_path), cases[i].want);
		expect_str(cases[i].want == OK ? t.name : shown, cases[i].shown);
	}
}

/* The region that is none of AWS's has neither accounts nor versions. */
TEST(target_local)
{
	static const struct {
		struct str path;
		enum err want;
	} cases[] = {
		{ STR("/local/hello"), OK },
		{ STR("/local/Hello_1-x"), OK },
		{ STR("/%6cocal/hello"), OK },
		{ STR("/local/hello:live"), E_SYNTAX },
		{ STR("/local/.."), E_SYNTAX },
		{ STR("/local/"), E_SYNTAX },
		{ STR("/local/a%2fb"), E_SYNTAX },
		{ STR("/Local/hello"), E_SYNTAX },
		{ STR("/local/123456789012:hello"), E_SYNTAX },
		{ STR("/local/" ARN), E_SYNTAX },
		{ STR("/local-1/hello"), E_SYNTAX },
		{ STR("/local/hello%00"), E_SYNTAX },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct target t;
		struct str shown;
		context("%s", cases[i].path.p);
		expect_int(read(&t, &shown, cases[i].path, S(""), S("")), cases[i].want);
		if (cases[i].want == OK)
			expect_str(t.region, TARGET_LOCAL);
	}
}

/* Running out of memory is an answer, whenever it happens. */
TEST(target_without_memory)
{
	enum err e = E_LIMIT;
	for (size_t cap = 0; e != OK && cap <= sizeof(memory); cap++) {
		struct target t;
		struct request_path path;
		struct arena a = { memory, 0, cap };
		request_path_read(&path, S("/%65u-west-1/my-fn%3Alive"), S(""), S(""), &a);
		e = target_from_path(&t, &path, &a);
		struct str shown = request_path_shown(&path);
		context("%zu bytes", cap);
		expect(e == OK || e == E_LIMIT);
		expect(str_eq(shown, S("eu-west-1/my-fn:live")) ||
			str_eq(shown, S("%65u-west-1/my-fn%3Alive")));
	}
	expect_int(e, OK);
}
