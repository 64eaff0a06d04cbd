#include "aws/endpoint.h"

#include "check.h"

#include <string.h>

/* Pairs of name and value, ended by NULL. */
static const char *table_get(void *ctx, const char *name)
{
	for (const char **p = ctx; *p; p += 2)
		if (strcmp(p[0], name) == 0)
			return p[1];
	return NULL;
}

static enum aws_service service_of(struct str name)
{
	enum aws_service service = 0;
	while (service < AWS_SERVICES && !str_eq(aws_service_name(service), name))
		service++;
	return service;
}

TEST(endpoint_follows_service_and_partition)
{
	struct str line, rest = test_file("vectors/endpoints/cases.txt");
	size_t count = 0;
	while (rest.n) {
		struct str service, region, host;
		str_cut(&line, &rest, rest, '\n');
		if (!line.n || line.p[0] == '#')
			continue;
		str_cut(&service, &line, line, ' ');
		str_cut(&region, &line, line, ' ');
		for (int variant = 0; variant < 4; variant++, count++) {
			struct endpoint e;
			const struct endpoints endpoints = { .dual_stack = variant & 1, .fips = variant & 2 };
			context("%.*s %.*s %d", (int)service.n, service.p, (int)region.n, region.p, variant);
			str_cut(&host, &line, line, ' ');
			endpoint_get(&e, &endpoints, service_of(service), guard_copy(region));
			expect_str(e.host, host);
			expect_str(e.authority, host);
			expect_str(e.base_path, S(""));
			expect(e.secure);
			expect_int(e.port, 443);
		}
	}
	expect(count > 150);
}

TEST(endpoints_are_read_from_variables_and_profiles)
{
	static const struct {
		const char *table[9];
		struct str config;
		struct str lambda, secrets_manager;
		bool fips, dual_stack;
	} cases[] = {
		{ { NULL }, STR(""), STR(""), STR(""), false, false },
		{ { "AWS_ENDPOINT_URL", "http://a" }, STR(""), STR("http://a"), STR("http://a"), false,
			false },
		{ { "AWS_ENDPOINT_URL", "http://a", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://b" },
			STR(""), STR("http://a"), STR("http://b"), false, false },
		{ { "AWS_ENDPOINT_URL_LAMBDA", "http://a" }, STR(""), STR("http://a"), STR(""), false,
			false },
		{ { "AWS_ENDPOINT_URL", "" }, STR("endpoint_url = http://p"), STR("http://p"),
			STR("http://p"), false, false },
		{ { NULL },
			STR("endpoint_url = http://p\nservices = x\n[services x]\nsecrets_manager =\n  "
				"endpoint_url = http://s"),
			STR("http://p"), STR("http://s"), false, false },
		{ { "AWS_ENDPOINT_URL", "http://a" },
			STR("services = x\n[services x]\nlambda =\n  endpoint_url = http://s"), STR("http://a"),
			STR("http://a"), false, false },
		{ { "AWS_ENDPOINT_URL", "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True" },
			STR(""), STR(""), STR(""), false, false },
		{ { "AWS_ENDPOINT_URL", "http://a" }, STR("ignore_configured_endpoint_urls=true"), STR(""),
			STR(""), false, false },
		{ { "AWS_USE_FIPS_ENDPOINT", "TRUE" }, STR(""), STR(""), STR(""), true, false },
		{ { "AWS_USE_DUALSTACK_ENDPOINT", "true" }, STR(""), STR(""), STR(""), false, true },
		{ { NULL }, STR("use_fips_endpoint = true\nuse_dualstack_endpoint=True"), STR(""), STR(""),
			true, true },
		{ { "AWS_USE_FIPS_ENDPOINT", "false" }, STR("use_fips_endpoint = true"), STR(""), STR(""),
			false, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const char *table[9];
		char memory[256];
		struct buf text = BUF(memory);
		struct endpoints e;
		struct fault f;
		memcpy(table, cases[i].table, sizeof(table));
		buf_format(&text, "[profile p]\n%s\n", cases[i].config);
		const struct environment env = { table_get, table };
		struct profile profile;
		profile_find(
			&profile, &(struct profile_files){ .config = guard_copy(buf_str(&text)) }, S("p"));
		expect_int(endpoints_read(&e, &env, cases[i].config.n ? &profile : NULL, &f), OK);
		expect_str(e.urls[AWS_LAMBDA], cases[i].lambda);
		expect_str(e.urls[AWS_SECRETS_MANAGER], cases[i].secrets_manager);
		expect_int(e.fips, cases[i].fips);
		expect_int(e.dual_stack, cases[i].dual_stack);
	}
}

TEST(endpoints_that_cannot_be_used_are_refused)
{
	static const struct {
		const char *table[5];
		struct str why;
	} cases[] = {
		{ { "AWS_ENDPOINT_URL_STS", "ftp://secret" }, STR("AWS_ENDPOINT_URL_STS cannot be used") },
		{ { "AWS_ENDPOINT_URL", "http://secret@host" }, STR("AWS_ENDPOINT_URL cannot be used") },
		{ { "AWS_USE_FIPS_ENDPOINT", "secret" }, STR("AWS_USE_FIPS_ENDPOINT") },
		{ { "AWS_USE_FIPS_ENDPOINT", "true", "AWS_ENDPOINT_URL_SSM", "http://localhost" },
			STR("AWS_ENDPOINT_URL_SSM cannot be combined") },
		{ { "AWS_USE_DUALSTACK_ENDPOINT", "true", "AWS_ENDPOINT_URL", "http://localhost" },
			STR("AWS_ENDPOINT_URL cannot be combined") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const char *table[5];
		struct endpoints e;
		struct fault f;
		memcpy(table, cases[i].table, sizeof(table));
		const struct environment env = { table_get, table };
		expect_int(endpoints_read(&e, &env, NULL, &f), E_CONFIG);
		expect(str_find_str(fault_text(&f), cases[i].why) < f.n);
		expect(str_find_str(fault_text(&f), S("secret")) == f.n);
	}
}

TEST(endpoint_reads_urls)
{
	static const struct {
		struct str url;
		bool secure;
		uint16_t port;
		struct str host, authority, base_path;
	} cases[] = {
		{ STR("https://example.com"), true, 443, STR("example.com"), STR("example.com"), STR("") },
		{ STR("https://example.com/"), true, 443, STR("example.com"), STR("example.com"), STR("") },
		{ STR("https://example.com:443/"), true, 443, STR("example.com"), STR("example.com"),
			STR("") },
		{ STR("https://example.com:80"), true, 80, STR("example.com"), STR("example.com:80"),
			STR("") },
		{ STR("HTTPS://Example.COM"), true, 443, STR("example.com"), STR("example.com"), STR("") },
		{ STR("http://localhost:4566"), false, 4566, STR("localhost"), STR("localhost:4566"),
			STR("") },
		{ STR("http://localhost:80"), false, 80, STR("localhost"), STR("localhost"), STR("") },
		{ STR("http://localhost:443"), false, 443, STR("localhost"), STR("localhost:443"),
			STR("") },
		{ STR("http://localhost:0080"), false, 80, STR("localhost"), STR("localhost"), STR("") },
		{ STR("http://localhost:65535"), false, 65535, STR("localhost"), STR("localhost:65535"),
			STR("") },
		{ STR("http://127.0.0.1:3001"), false, 3001, STR("127.0.0.1"), STR("127.0.0.1:3001"),
			STR("") },
		{ STR("http://[::1]"), false, 80, STR("::1"), STR("[::1]"), STR("") },
		{ STR("http://[FE80::1]:8080/x"), false, 8080, STR("fe80::1"), STR("[fe80::1]:8080"),
			STR("/x") },
		{ STR("http://[::ffff:1.2.3.4]"), false, 80, STR("::ffff:1.2.3.4"), STR("[::ffff:1.2.3.4]"),
			STR("") },
		{ STR("https://vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"), true, 443,
			STR("vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"),
			STR("vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"), STR("") },
		{ STR("http://my_host"), false, 80, STR("my_host"), STR("my_host"), STR("") },
		{ STR("http://h/base"), false, 80, STR("h"), STR("h"), STR("/base") },
		{ STR("http://h/base/"), false, 80, STR("h"), STR("h"), STR("/base") },
		{ STR("http://h/Base/a%20b/c//"), false, 80, STR("h"), STR("h"), STR("/Base/a%20b/c") },
		{ STR("http://h//"), false, 80, STR("h"), STR("h"), STR("") },
		{ STR("http://h/a!b:c"), false, 80, STR("h"), STR("h"), STR("/a!b:c") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].url.p);
		struct endpoint e;
		struct fault f;
		expect_int(endpoint_from_url(&e, guard_copy(cases[i].url), &f), OK);
		expect_int(e.secure, cases[i].secure);
		expect_int(e.port, cases[i].port);
		expect_str(e.host, cases[i].host);
		expect_str(e.authority, cases[i].authority);
		expect_str(e.base_path, cases[i].base_path);
	}
}

TEST(endpoint_refuses_urls)
{
	static const struct {
		struct str url, why;
	} cases[] = {
		{ STR(""), STR("http:// or https://") },
		{ STR("http"), STR("http:// or https://") },
		{ STR("http:"), STR("http:// or https://") },
		{ STR("http:/h"), STR("http:// or https://") },
		{ STR("//h"), STR("http:// or https://") },
		{ STR("h:80"), STR("http:// or https://") },
		{ STR("ftp://h"), STR("http:// or https://") },
		{ STR(" http://h"), STR("http:// or https://") },
		{ STR("http://"), STR("host") },
		{ STR("http:///path"), STR("host") },
		{ STR("http://:80"), STR("host") },
		{ STR("http://h h"), STR("host") },
		{ STR("http://h\\x"), STR("host") },
		{ STR("http://h%41"), STR("host") },
		{ STR("http://h\xc3\xa4"), STR("host") },
		{ STR("http://h\r\nx"), STR("host") },
		{ STR("http://h\0"), STR("host") },
		{ STR("http://[::1"), STR("host") },
		{ STR("http://[]"), STR("host") },
		{ STR("http://[::1/]"), STR("host") },
		{ STR("http://[::1%25eth0]"), STR("host") },
		{ STR("http://::1"), STR("host") },
		{ STR("http://h:"), STR("port") },
		{ STR("http://h:0"), STR("port") },
		{ STR("http://h:65536"), STR("port") },
		{ STR("http://h:8o"), STR("port") },
		{ STR("http://h:80:80"), STR("port") },
		{ STR("http://h:+80"), STR("port") },
		{ STR("http://[::1]80"), STR("port") },
		{ STR("http://[::1]:"), STR("port") },
		{ STR("http://user@h"), STR("user") },
		{ STR("http://user:hunter2@h"), STR("user") },
		{ STR("http://h/a@b"), STR("path") },
		{ STR("http://h?x"), STR("query") },
		{ STR("http://h/p?x=y"), STR("path") },
		{ STR("http://h/p#x"), STR("path") },
		{ STR("http://h/a b"), STR("path") },
		{ STR("http://h/a\tb"), STR("path") },
		{ STR("http://h/a\"b"), STR("path") },
		{ STR("http://h/a%2"), STR("path") },
		{ STR("http://h/%zz"), STR("path") },
		{ STR("http://h/\xc3\xa4"), STR("path") },
		{ STR("http://h/a\r\nHost: x"), STR("path") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].url.p);
		struct endpoint e;
		struct fault f;
		expect_int(endpoint_from_url(&e, guard_copy(cases[i].url), &f), E_CONFIG);
		expect_int(f.code, E_CONFIG);
		struct str text = fault_text(&f), reason = str_sub(text, 0, str_find(text, ';'));
		expect(str_find_str(reason, cases[i].why) < reason.n);
		expect(str_find_str(text, S("hunter2")) == text.n);
	}
}

TEST(endpoint_takes_urls_up_to_its_limit)
{
	char url[ENDPOINT_URL_MAX + 1];
	memset(url, 'a', sizeof(url));
	memcpy(url, "http://host:8080/", 17);
	struct endpoint e;
	struct fault f;
	expect_int(endpoint_from_url(&e, guard_copy((struct str){ url, ENDPOINT_URL_MAX }), &f), OK);
	expect_int(e.base_path.n, ENDPOINT_URL_MAX - 16);
	expect_int(
		endpoint_from_url(&e, guard_copy((struct str){ url, ENDPOINT_URL_MAX + 1 }), &f), E_CONFIG);
}

TEST(endpoints_take_the_mark_of_fips_off_a_region)
{
	static const struct {
		struct str in, out;
		bool fips;
	} cases[] = {
		{ STR("us-east-1"), STR("us-east-1"), false },
		{ STR("fips-us-east-1"), STR("us-east-1"), true },
		{ STR("us-gov-west-1-fips"), STR("us-gov-west-1"), true },
		{ STR(""), STR(""), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct endpoints e = { .fips = false };
		struct str region = cases[i].in;
		struct fault f;
		context("case %zu", i);
		expect_int(endpoints_take_region(&e, &region, &f), OK);
		expect_str(region, cases[i].out);
		expect_int(e.fips, cases[i].fips);
		region = cases[i].in;
		e.urls[AWS_LAMBDA] = S("http://a");
		expect_int(endpoints_take_region(&e, &region, &f), cases[i].fips ? E_CONFIG : OK);
	}
}

TEST(endpoints_know_where_sts_was)
{
	static const struct {
		struct str region;
		bool legacy, fips, global;
	} cases[] = {
		{ STR(""), false, false, true },
		{ STR(""), false, true, false },
		{ STR("eu-west-1"), false, false, false },
		{ STR("eu-west-1"), true, false, true },
		{ STR("eu-west-1"), true, true, false },
		{ STR("us-west-2"), true, false, true },
		{ STR("eu-south-2"), true, false, false },
		{ STR("cn-north-1"), true, false, false },
		{ STR("us-gov-west-1"), true, false, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		const struct endpoints e = { .sts_legacy = cases[i].legacy, .fips = cases[i].fips };
		context("case %zu", i);
		expect_int(endpoints_sts_is_global(&e, cases[i].region), cases[i].global);
	}
	static const struct {
		const char *table[3];
		struct str config;
		enum err want;
		bool legacy;
	} settings[] = {
		{ { "AWS_STS_REGIONAL_ENDPOINTS", "Legacy" }, STR(""), OK, true },
		{ { "AWS_STS_REGIONAL_ENDPOINTS", "regional" }, STR("sts_regional_endpoints = legacy"), OK,
			false },
		{ { NULL }, STR("sts_regional_endpoints = legacy"), OK, true },
		{ { "AWS_STS_REGIONAL_ENDPOINTS", "global" }, STR(""), E_CONFIG, false },
	};
	for (size_t i = 0; i < countof(settings); i++) {
		char memory[128];
		struct buf text = BUF(memory);
		struct endpoints e;
		struct fault f;
		struct profile profile;
		const char *table[3];
		context("setting %zu", i);
		memcpy(table, settings[i].table, sizeof(table));
		buf_format(&text, "[default]\n%s\n", settings[i].config);
		const struct profile_files files = { .config = buf_str(&text) };
		profile_find(&profile, &files, S("default"));
		const struct environment env = { table_get, table };
		expect_int(endpoints_read(&e, &env, &profile, &f), settings[i].want);
		if (settings[i].want == OK)
			expect_int(e.sts_legacy, settings[i].legacy);
	}
}
