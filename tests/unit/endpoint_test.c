#include "aws/endpoint.h"

#include "check.h"

#include <string.h>

TEST(endpoint_follows_the_partition)
{
	static const struct {
		struct str region, host;
	} cases[] = {
		{ STR("eu-west-1"), STR("lambda.eu-west-1.amazonaws.com") },
		{ STR("us-east-1"), STR("lambda.us-east-1.amazonaws.com") },
		{ STR("il-central-1"), STR("lambda.il-central-1.amazonaws.com") },
		{ STR("xx-nowhere-9"), STR("lambda.xx-nowhere-9.amazonaws.com") },
		{ STR("cn-north-1"), STR("lambda.cn-north-1.amazonaws.com.cn") },
		{ STR("eusc-de-east-1"), STR("lambda.eusc-de-east-1.amazonaws.eu") },
		{ STR("us-gov-west-1"), STR("lambda.us-gov-west-1.amazonaws.com") },
		{ STR("us-iso-east-1"), STR("lambda.us-iso-east-1.c2s.ic.gov") },
		{ STR("us-isob-east-1"), STR("lambda.us-isob-east-1.sc2s.sgov.gov") },
		{ STR("eu-isoe-west-1"), STR("lambda.eu-isoe-west-1.cloud.adc-e.uk") },
		{ STR("us-isof-south-1"), STR("lambda.us-isof-south-1.csp.hci.ic.gov") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].region.p);
		struct endpoint e;
		endpoint_get(&e, &(struct endpoints){ 0 }, AWS_LAMBDA, guard_copy(cases[i].region));
		expect_str(e.host, cases[i].host);
		expect_str(e.authority, cases[i].host);
		expect_str(e.base_path, S(""));
		expect(e.secure);
		expect_int(e.port, 443);
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
		{ STR("https://example.com:443/"), true, 443, STR("example.com"), STR("example.com"), STR("") },
		{ STR("https://example.com:80"), true, 80, STR("example.com"), STR("example.com:80"), STR("") },
		{ STR("HTTPS://Example.COM"), true, 443, STR("example.com"), STR("example.com"), STR("") },
		{ STR("http://localhost:4566"), false, 4566, STR("localhost"), STR("localhost:4566"), STR("") },
		{ STR("http://localhost:80"), false, 80, STR("localhost"), STR("localhost"), STR("") },
		{ STR("http://localhost:443"), false, 443, STR("localhost"), STR("localhost:443"), STR("") },
		{ STR("http://localhost:0080"), false, 80, STR("localhost"), STR("localhost"), STR("") },
		{ STR("http://localhost:65535"), false, 65535, STR("localhost"), STR("localhost:65535"), STR("") },
		{ STR("http://127.0.0.1:3001"), false, 3001, STR("127.0.0.1"), STR("127.0.0.1:3001"), STR("") },
		{ STR("http://[::1]"), false, 80, STR("::1"), STR("[::1]"), STR("") },
		{ STR("http://[FE80::1]:8080/x"), false, 8080, STR("fe80::1"), STR("[fe80::1]:8080"), STR("/x") },
		{ STR("http://[::ffff:1.2.3.4]"), false, 80, STR("::ffff:1.2.3.4"), STR("[::ffff:1.2.3.4]"), STR("") },
		{ STR("https://vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"), true, 443,
		  STR("vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"), STR("vpce-0a-b1.lambda.eu-west-1.vpce.amazonaws.com"), STR("") },
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
		{ STR("http://h."), STR("host") },
		{ STR("http://.h"), STR("host") },
		{ STR("http://a..b"), STR("host") },
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
		{ STR("http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), STR("host") },
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
		{ STR("http://h/a@b"), STR("user") },
		{ STR("http://h?x"), STR("query") },
		{ STR("http://h/p?x=y"), STR("query") },
		{ STR("http://h/p#x"), STR("fragment") },
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
	expect_int(endpoint_from_url(&e, guard_copy((struct str){ url, ENDPOINT_URL_MAX + 1 }), &f), E_CONFIG);
}
