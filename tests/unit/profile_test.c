#include "aws/profile.h"

#include "check.h"
#include "codec/json_read.h"

#include <string.h>

static char memory[65536];
static struct arena arena;
static struct fault fault;

/* Every line says something, so that botocore can read it, too. */
static bool readable(const struct profile_files *files)
{
	size_t first;
	return profile_bad_lines(&first, files->config) == 0 &&
		profile_bad_lines(&first, files->credentials) == 0;
}

static struct profile found(const struct profile_files *files, struct str name)
{
	struct profile p;
	profile_find(&p, files, name);
	return p;
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
static void expect_members(const struct profile *p, struct str service, struct json object)
{
	for (struct json_walk w = json_walk(object); json_next(&w);) {
		struct str key = string_of(w.key);
		if (json_type(w.value) != JSON_OBJECT)
			expect_str(
				joined(service.n ? profile_service_get(p, service, key) : profile_get(p, key)),
				string_of(w.value));
		else if (service.n == 0)
			expect_str(profile_get(p, key), S(""));
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
		const struct profile_files files = { .config = guard_copy(string_of(config)),
			.credentials = guard_copy(credentials) };
		expect_int(readable(&files), json_type(json_member(w.value, S("readable"))) == JSON_TRUE);
		for (struct json_walk p = json_walk(json_member(w.value, S("profiles"))); json_next(&p);) {
			struct profile profile = found(&files, string_of(p.key));
			expect(profile_exists(&profile));
			expect_int(profile_check(&profile, &fault), OK);
			expect_members(&profile, S(""), p.value);
		}
		for (struct json_walk s = json_walk(json_member(w.value, S("services"))); json_next(&s);) {
			/* By way of a profile that names them. */
			char text[1024];
			struct buf b = BUF(text);
			buf_format(
				&b, "%s\n[profile of-test]\nservices = %s\n", files.config, string_of(s.key));
			check(!b.full);
			struct profile profile =
				found(&(struct profile_files){ .config = buf_str(&b) }, S("of-test"));
			for (struct json_walk inner = json_walk(s.value); json_next(&inner);)
				if (json_type(inner.value) == JSON_OBJECT)
					expect_members(&profile, string_of(inner.key), inner.value);
		}
	}
	expect(count > 30);
}

/* Where the SDKs differ from each other, or there is no such profile or key. */
TEST(profile_finds_values)
{
	static const struct {
		struct str config, credentials, profile, key, value;
	} cases[] = {
		{ STR("[default]\nregion = x # comment\n"), STR(""), STR("default"), STR("region"),
			STR("x") },
		{ STR("[default]\nregion = x\t; comment ; more\n"), STR(""), STR("default"), STR("region"),
			STR("x") },
		{ STR("[default]\nregion = x#y;z\n"), STR(""), STR("default"), STR("region"),
			STR("x#y;z") },
		{ STR("[default]\nregion = # nothing\n"), STR(""), STR("default"), STR("region"), STR("") },
		{ STR("[default] # comment\nregion = x"), STR(""), STR("default"), STR("region"),
			STR("x") },
		{ STR("[profile a]; comment\nregion = x"), STR(""), STR("a"), STR("region"), STR("x") },
		{ STR("[ profile\ta\t]\nregion = x"), STR("[ a ]\noutput = y"), STR("a"), STR("region"),
			STR("x") },
		{ STR("[ profile\ta\t]\nregion = x"), STR("[ a ]\noutput = y"), STR("a"), STR("output"),
			STR("y") },
		{ STR("[default]\nregion = x\nregion = y\n"), STR(""), STR("default"), STR("region"),
			STR("y") },
		{ STR("[profile a]\nregion = x\n[default]\nregion = no\n[profile a]\nRegion = y\n"),
			STR(""), STR("a"), STR("region"), STR("y") },
		{ STR("[profile a]\nregion = x\n[default]\nregion = no\n[profile a]\noutput = y\n"),
			STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[profile default]\nregion = x\n[default]\noutput = y\n"), STR(""), STR("default"),
			STR("region"), STR("") },
		{ STR("[profile default]\nregion = x\n[default]\noutput = y\n"), STR(""), STR("default"),
			STR("output"), STR("y") },
		{ STR("[default]\nregion = x\n[profile default]\noutput = y\n"), STR(""), STR("default"),
			STR("region"), STR("") },
		{ STR("[default]\nregion: x\noutput:y=z\nca_bundle=a:b\n"), STR(""), STR("default"),
			STR("region"), STR("x") },
		{ STR("[default]\nregion: x\noutput:y=z\nca_bundle=a:b\n"), STR(""), STR("default"),
			STR("output"), STR("y=z") },
		{ STR("[default]\nregion: x\noutput:y=z\nca_bundle=a:b\n"), STR(""), STR("default"),
			STR("ca_bundle"), STR("a:b") },
		{ STR("[default]\ncli_pager =\nregion = x"), STR(""), STR("default"), STR("region"),
			STR("x") },
		{ STR("[default]\nregion = x"), STR("[default]\nregion =\n"), STR("default"), STR("region"),
			STR("x") },
		{ STR("[a]\nregion = x"), STR("[profile a]\nregion = y"), STR("a"), STR("region"),
			STR("") },
		{ STR("[profilea]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[profile \"a]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[profile \"]\nregion = x"), STR(""), STR("\""), STR("region"), STR("x") },
		{ STR("[profile]\nregion = x"), STR(""), STR(""), STR("region"), STR("") },
		{ STR("[default]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
		{ STR("[default]\nregion = x"), STR(""), STR("default"), STR("regio"), STR("") },
		{ STR("[default]\ns3 =\n region = x"), STR(""), STR("default"), STR("region"), STR("") },
		{ STR("[default]\na = x\n"), STR("[default]\na = 1\n 2 \n   3\nb = 4"), STR("default"),
			STR("a"), STR("1\n 2 \n   3") },
		{ STR("[services a]\nregion = x"), STR(""), STR("a"), STR("region"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const struct profile_files files = { .config = guard_copy(cases[i].config),
			.credentials = guard_copy(cases[i].credentials) };
		struct profile p = found(&files, cases[i].profile);
		expect(readable(&files));
		expect_str(profile_get(&p, cases[i].key), cases[i].value);
	}
}

TEST(profile_knows_which_exist)
{
	const struct profile_files files = {
		.config = guard_copy(
			S("[profile a]\n[b]\nregion = x\n[profilec]\n[services d]\n[profile \"e f\"]")),
		.credentials = guard_copy(S("[g]\n[profile h]\n")),
	};
	static const struct str there[] = { STR("a"), STR("e f"), STR("g") };
	static const struct str others[] = { STR(""), STR("b"), STR("c"), STR("d"), STR("e"), STR("h"),
		STR("A"), STR("default"), STR("profile a") };
	for (size_t i = 0; i < countof(there); i++) {
		struct profile p = found(&files, there[i]);
		expect(profile_exists(&p));
	}
	for (size_t i = 0; i < countof(others); i++) {
		struct profile p = found(&files, others[i]);
		context("\"%s\"", others[i].p);
		expect(!profile_exists(&p));
	}
}

TEST(profile_finds_settings_of_services)
{
	const struct profile_files files = {
		.config = guard_copy(S("[services default]\nlambda =\n endpoint_url = no\n[services \"s "
							   "t\"]\nendpoint_url = no\nLambda =\n  # a\n"
							   "  Endpoint_URL = http://x # comment\nsts = y\n[default]\nlambda "
							   "=\n endpoint_url = no\n[profile a]\nservices = s t\n"
							   "[profile b]\nservices = s\n")),
	};
	struct profile a = found(&files, S("a")), b = found(&files, S("b")),
				   none = found(&files, S("default"));
	expect_int(profile_check(&a, &fault), OK);
	expect_str(profile_service_get(&a, S("lambda"), S("endpoint_url")), S("http://x"));
	expect_str(profile_service_get(&a, S("sts"), S("endpoint_url")), S(""));
	expect_str(profile_service_get(&a, S("lambda"), S("other")), S(""));
	expect_str(profile_service_get(&b, S("lambda"), S("endpoint_url")), S(""));
	expect_str(profile_service_get(&none, S("lambda"), S("endpoint_url")), S(""));
}

/* Lines that cannot be read, and whether they concern the profile `a`. */
TEST(profile_names_the_line_that_cannot_be_read)
{
	static const struct {
		struct str text;
		int line, bad;
		bool concerns;
	} cases[] = {
		{ STR("region = x"), 1, 1, true },
		{ STR("\n# comment\n  -x"), 3, 1, true },
		{ STR("\xff\xfe[\0a\0]\0\n\0"), 1, 2, true },
		{ STR("\r\n[profile a\r\nregion = x"), 2, 1, true },
		{ STR("\r\n[profile b\r\nregion = x"), 2, 1, false },
		{ STR("[]\n"), 1, 1, false },
		{ STR("[ \t]\n"), 1, 1, false },
		{ STR("[profile a]\nhunter2\nother\nx = y\n"), 2, 2, true },
		{ STR("[profile b]\nhunter2\n[profile a]\nx = y\n"), 2, 1, false },
		{ STR("[profile a]\nx = y\n[profile b]\nhunter2\n"), 4, 1, false },
		{ STR("[profile a]\nhunter2\n[profile a]\nx = y\n"), 2, 1, false },
		{ STR("[profile a]\n = hunter2\n"), 2, 1, true },
		{ STR("[profile a]\nkey # = hunter2\n"), 2, 1, true },
		{ STR("[profile a]\ns3 =\n  a = b\n  hunter2\n"), 4, 1, true },
		{ STR("[profile a]\ns3 =\n  = b\n"), 3, 1, true },
		{ STR("[profile a]\nk = a # b\n  c\n"), 3, 1, true },
		{ STR("[profile a]\nk = a\n# b\n  c\n"), 4, 1, true },
		{ STR("[profile a]\nservices = s\n[services s]\nlambda\n"), 4, 1, true },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char why[128];
		struct buf b = BUF(why);
		size_t first;
		context("case %zu", i);
		const struct profile_files files = { .config = guard_copy(cases[i].text) };
		struct profile p = found(&files, S("a"));
		buf_format(&b,
			"line %d of ~/.aws/config is neither `[section]` nor `key = value` below one",
			NUM(cases[i].line));
		expect_int(profile_bad_lines(&first, files.config), cases[i].bad);
		expect_int(first, cases[i].line);
		if (expect_int(profile_check(&p, &fault), cases[i].concerns ? E_FILE : OK) &&
			cases[i].concerns)
			expect_str(fault_text(&fault), buf_str(&b));
	}
}
