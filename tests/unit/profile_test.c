#include "aws/profile.h"

#include "check.h"
#include "codec/json_read.h"

#include <string.h>

static char memory[65536];
static struct arena arena;
static struct fault fault;

static bool readable(const struct profile_files *files)
{
	return profile_check(files->config, S("config"), &fault) == OK && profile_check(files->credentials, S("credentials"), &fault) == OK;
}

static struct str string_of(struct json v)
{
	struct str s = S("");
	expect(json_string(&s, v, &arena) == OK);
	return s;
}

/* The value as SDKs have it: without blanks around the line ends. */
static struct str joined(struct str value)
{
	struct buf b = arena_buf(&arena, value.n);
	struct str line;
	for (bool more = true; more;) {
		more = str_cut(&line, &value, value, '\n');
		buf_put(&b, str_trim_lines(line));
		if (more)
			buf_put_char(&b, '\n');
	}
	return buf_str(&b);
}

/* `service`: the members of `object` are keys inside it. */
static void expect_members(const struct profile_files *files, struct str section, struct str service, struct json object)
{
	for (struct json_walk w = json_walk(object); json_next(&w);) {
		struct str key = string_of(w.key);
		if (json_type(w.value) != JSON_OBJECT)
			expect_str(joined(service.n ? profile_service_get(files, section, service, key) : profile_get(files, section, key)),
				string_of(w.value));
		else if (service.n == 0)
			expect_str(profile_get(files, section, key), S(""));
	}
}

/* What botocore reads from the same files. */
TEST(profile_agrees_with_botocore)
{
	struct json cases;
	size_t position, count = 0;
	check(json_check(&cases, &position, test_file("vectors/profile/cases.json")) == OK);
	for (struct json_walk w = json_walk(cases); json_next(&w);) {
		struct json config = json_member(w.value, S("config"));
		if (json_type(config) == JSON_ABSENT)
			continue;
		context("case %zu", count++);
		arena = (struct arena){ memory, 0, sizeof(memory) };
		struct str credentials = string_of(json_member(w.value, S("credentials")));
		const struct profile_files files = { guard_copy(string_of(config)), guard_copy(credentials) };
		expect_int(readable(&files), json_type(json_member(w.value, S("readable"))) == JSON_TRUE);
		for (struct json_walk p = json_walk(json_member(w.value, S("profiles"))); json_next(&p);) {
			expect(profile_exists(&files, string_of(p.key)));
			expect_members(&files, string_of(p.key), S(""), p.value);
		}
		for (struct json_walk s = json_walk(json_member(w.value, S("services"))); json_next(&s);)
			for (struct json_walk inner = json_walk(s.value); json_next(&inner);)
				if (json_type(inner.value) == JSON_OBJECT)
					expect_members(&files, string_of(s.key), string_of(inner.key), inner.value);
	}
	expect(count > 30);
}

/* Where the SDKs differ from each other, or there is no such profile or key. */
TEST(profile_finds_values)
{
	static const struct {
		struct str config, credentials, profile, key, value;
	} cases[] = {
		{ STR("[default]\nregion = x # comment\n"), STR(""), STR("default"), STR("region"), STR("x") },
		{ STR("[default]\nregion = x\t; comment ; more\n"), STR(""), STR("default"), STR("region"), STR("x") },
		{ STR("[default]\nregion = x#y;z\n"), STR(""), STR("default"), STR("region"), STR("x#y;z") },
		{ STR("[default]\nregion = # nothing\n"), STR(""), STR("default"), STR("region"), STR("") },
		{ STR("[default] # comment\nregion = x"), STR(""), STR("default"), STR("region"), STR("x") },
		{ STR("[profile a]; comment\nregion = x"), STR(""), STR("a"), STR("region"), STR("x") },
		{ STR("[ profile\ta\t]\nregion = x"), STR("[ a ]\noutput = y"), STR("a"), STR("region"), STR("x") },
		{ STR("[ profile\ta\t]\nregion = x"), STR("[ a ]\noutput = y"), STR("a"), STR("output"), STR("y") },
		{ STR("[default]\nregion = x\nregion = y\n"), STR(""), STR("default"), STR("region"), STR("y") },
		{ STR("[profile a]\nregion = x\n[default]\nregion = no\n[profile a]\nRegion = y\n"), STR(""), STR("a"), STR("region"), STR("y") },
		{ STR("[profile a]\nregion = x\n[default]\nregion = no\n[profile a]\noutput = y\n"), STR(""), STR("a"), STR("region"), STR("x") },
		{ STR("[profile default]\nregion = x\n[default]\noutput = y\n"), STR(""), STR("default"), STR("region"), STR("x") },
		{ STR("[profile default]\nregion = x\n[default]\noutput = y\n"), STR(""), STR("default"), STR("output"), STR("y") },
		{ STR("[default]\nregion = x"), STR("[default]\nregion =\n"), STR("default"), STR("region"), STR("x") },
		{ STR("[a]\nregion = x"), STR("[profile a]\nregion = y"), STR("a"), STR("region"), STR("") },
		{ STR("[profilea]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[profile \"a]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[profile \"]\nregion = x"), STR(""), STR("\""), STR("region"), STR("x") },
		{ STR("[profile]\nregion = x"), STR(""), STR(""), STR("region"), STR("") },
		{ STR("[default]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[default]\nregion = x"), STR(""), STR("default"), STR("regio"), STR("") },
		{ STR("[default]\ns3 =\n region = x"), STR(""), STR("default"), STR("region"), STR("") },
		{ STR("[default]\na = x\n"), STR("[default]\na = 1\n 2 \n   3\nb = 4"), STR("default"), STR("a"), STR("1\n 2 \n   3") },
		{ STR("[services a]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const struct profile_files files = { guard_copy(cases[i].config), guard_copy(cases[i].credentials) };
		expect(readable(&files));
		expect_str(profile_get(&files, cases[i].profile, cases[i].key), cases[i].value);
	}
}

TEST(profile_knows_which_exist)
{
	const struct profile_files files = {
		guard_copy(S("[profile a]\n[b]\nregion = x\n[profilec]\n[services d]\n[profile \"e f\"]")), guard_copy(S("[g]\n[profile h]\n")),
	};
	expect(profile_exists(&files, S("a")));
	expect(profile_exists(&files, S("e f")));
	expect(profile_exists(&files, S("g")));
	static const struct str others[] = { STR(""), STR("b"), STR("c"), STR("d"), STR("e"), STR("h"), STR("A"), STR("default"), STR("profile a") };
	for (size_t i = 0; i < countof(others); i++) {
		context("\"%s\"", others[i].p);
		expect(!profile_exists(&files, others[i]));
	}
}

TEST(profile_finds_settings_of_services)
{
	const struct profile_files files = {
		guard_copy(S("[services default]\nlambda =\n endpoint_url = no\n[services \"s t\"]\nendpoint_url = no\nLambda =\n  # a\n"
			"  Endpoint_URL = http://x # comment\nsts = y\n[default]\nlambda =\n endpoint_url = no")),
		S(""),
	};
	expect_int(profile_check(files.config, S("config"), &fault), OK);
	expect_str(profile_service_get(&files, S("s t"), S("lambda"), S("endpoint_url")), S("http://x"));
	expect_str(profile_service_get(&files, S("s t"), S("sts"), S("endpoint_url")), S(""));
	expect_str(profile_service_get(&files, S("s t"), S("lambda"), S("other")), S(""));
	expect_str(profile_service_get(&files, S("s"), S("lambda"), S("endpoint_url")), S(""));
}

TEST(profile_names_the_line_that_cannot_be_read)
{
	static const struct {
		struct str text;
		int line;
	} cases[] = {
		{ STR("region = x"), 1 },
		{ STR("\n# comment\n  -x"), 3 },
		{ STR("\r\n[default\r\nregion = x"), 2 },
		{ STR("[]\n"), 1 },
		{ STR("[ \t]\n"), 1 },
		{ STR("[a]\nregion : x"), 2 },
		{ STR("[a]\nhunter2\n"), 2 },
		{ STR("[a]\n = hunter2\n"), 2 },
		{ STR("[a]\nkey # = hunter2\n"), 2 },
		{ STR("[a]\ns3 =\n  a = b\n  hunter2\n"), 4 },
		{ STR("[a]\ns3 =\n  = b\n"), 3 },
		{ STR("[a]\nk = a # b\n  c\n"), 3 },
		{ STR("[a]\nk = a\n# b\n  c\n"), 4 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char why[128];
		struct buf b = BUF(why);
		context("case %zu", i);
		buf_format(&b, "line %d of FILE is neither `[section]` nor `key = value` below one", NUM(cases[i].line));
		expect_int(profile_check(guard_copy(cases[i].text), S("FILE"), &fault), E_CONFIG);
		expect_str(fault_text(&fault), buf_str(&b));
	}
}
