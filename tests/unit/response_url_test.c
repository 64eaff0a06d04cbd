#include "check.h"
#include "gateway/response_url.h"

#define DEFAULT_HOSTS "hooks.slack.com,hooks.slack-gov.com"

TEST(response_url_parts)
{
	static const struct {
		struct str url, hosts;
		struct response_url want;
	} cases[] = {
		{ STR("https://hooks.slack.com/commands/T1/2/abc"), STR(DEFAULT_HOSTS),
			{ true, STR("hooks.slack.com"), 443, STR("hooks.slack.com"),
				STR("/commands/T1/2/abc") } },
		{ STR("https://hooks.slack-gov.com/"), STR(DEFAULT_HOSTS),
			{ true, STR("hooks.slack-gov.com"), 443, STR("hooks.slack-gov.com"), STR("/") } },
		{ STR("https://Hooks.Slack.com:443/a?b=c&d=https://x/"), STR(DEFAULT_HOSTS),
			{ true, STR("Hooks.Slack.com"), 443, STR("Hooks.Slack.com:443"),
				STR("/a?b=c&d=https://x/") } },
		{ STR("https://hooks.slack.com/a@evil.example/"), STR(DEFAULT_HOSTS),
			{ true, STR("hooks.slack.com"), 443, STR("hooks.slack.com"),
				STR("/a@evil.example/") } },
		{ STR("https://slack.test:8443/x"), STR("slack.test:8443"),
			{ true, STR("slack.test"), 8443, STR("slack.test:8443"), STR("/x") } },
		{ STR("https://slack.test/x"), STR(" a.test , slack.test:443 "),
			{ true, STR("slack.test"), 443, STR("slack.test"), STR("/x") } },
		{ STR("https://[2001:db8::1]/x"), STR("[2001:DB8::1]"),
			{ true, STR("2001:db8::1"), 443, STR("[2001:db8::1]"), STR("/x") } },
		{ STR("https://[::1]:8443/x"), STR("[::1]:8443"),
			{ true, STR("::1"), 8443, STR("[::1]:8443"), STR("/x") } },
		{ STR("http://127.0.0.1:8080/x"), STR("http://127.0.0.1:8080"),
			{ false, STR("127.0.0.1"), 8080, STR("127.0.0.1:8080"), STR("/x") } },
		{ STR("http://127.0.0.1/x"), STR("http://127.0.0.1:80"),
			{ false, STR("127.0.0.1"), 80, STR("127.0.0.1"), STR("/x") } },
		{ STR("http://[::1]:8080/x"), STR("http://[::1]:8080"),
			{ false, STR("::1"), 8080, STR("[::1]:8080"), STR("/x") } },
		{ STR("http://localhost:8080/x"), STR("http://localhost:8080"),
			{ false, STR("localhost"), 8080, STR("localhost:8080"), STR("/x") } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct response_url got;
		context("case %zu", i);
		if (!expect(response_url_read(&got, guard_copy(cases[i].url), guard_copy(cases[i].hosts))))
			continue;
		expect_int(got.secure, cases[i].want.secure);
		expect_str(got.host, cases[i].want.host);
		expect_int(got.port, cases[i].want.port);
		expect_str(got.authority, cases[i].want.authority);
		expect_str(got.path, cases[i].want.path);
	}
}

TEST(response_url_refusals)
{
	static const struct {
		struct str url, hosts;
	} cases[] = {
		/* not a URL of this kind at all */
		{ STR(""), STR(DEFAULT_HOSTS) },
		{ STR("hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("//hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https:/hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://"), STR(DEFAULT_HOSTS) },
		{ STR("https:///x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com"), STR(DEFAULT_HOSTS) },
		{ STR("ftp://hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("file:///etc/passwd"), STR(DEFAULT_HOSTS) },
		{ STR(" https://hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		/* no TLS */
		{ STR("http://hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("http://hooks.slack.com:443/x"), STR(DEFAULT_HOSTS) },
		{ STR("http://127.0.0.1:8080/x"), STR("127.0.0.1:8080") },
		{ STR("https://127.0.0.1:8080/x"), STR("http://127.0.0.1:8080") },
		/* another host that looks like it */
		{ STR("https://evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com.evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://xhooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://a.hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com./x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks-slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.co/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com,hooks.slack-gov.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://*/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://[hooks.slack.com]/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://[hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://169.254.169.254/latest/meta-data/"), STR(DEFAULT_HOSTS) },
		{ STR("https://[::1]/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://[::ffff:127.0.0.1]/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://[]/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://::1/x"), STR("[::1]") },
		{ STR("https://[::1]x/x"), STR("[::1]") },
		{ STR("https://[::1%25eth0]/x"), STR("[::1]") },
		{ STR("https://hooks.slack.com\xc2\xad/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.sl\xd0\xb0" "ck.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://%68ooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		/* where readers of URLs disagree about what the host is */
		{ STR("https://hooks.slack.com@evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://evil.example@hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://user:password@hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://@hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com\\@evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://evil.example\\@hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com\\.evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https:\\\\hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://evil.example#hooks.slack.com/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com#@evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/x#y"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com?x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com?@evil.example/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com;evil.example/x"), STR(DEFAULT_HOSTS) },
		/* ports */
		{ STR("https://hooks.slack.com:80/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:8443/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:0/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:443:443/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:+443/x"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com:65979/x"), STR(DEFAULT_HOSTS) }, /* 443 in 16 bits */
		{ STR("https://slack.test/x"), STR("slack.test:8443") },
		{ STR("https://slack.test:8443/x"), STR("slack.test") },
		/* what would break out of the request line */
		{ STR("https://hooks.slack.com/x y"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/x\r\nHost: evil.example"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/x\ty"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/\0"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/\x7f"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com/\xc3\xa4"), STR(DEFAULT_HOSTS) },
		{ STR("https://hooks.slack.com\n/x"), STR(DEFAULT_HOSTS) },
		/* nowhere */
		{ STR("https://hooks.slack.com/x"), STR("") },
		{ STR("https://hooks.slack.com/x"), STR(",") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct response_url out;
		context("case %zu: %s", i, cases[i].url.p);
		expect(!response_url_read(&out, guard_copy(cases[i].url), guard_copy(cases[i].hosts)));
	}
}

TEST(response_url_beginnings)
{
	struct str url = S("https://hooks.slack.com:443/x");
	for (size_t n = 0; n < url.n; n++) {
		struct response_url out;
		context("the first %zu bytes", n);
		expect_int(response_url_read(&out, guard_copy(str_sub(url, 0, n)), S(DEFAULT_HOSTS)),
			n >= S("https://hooks.slack.com:443/").n);
	}
}

TEST(response_host_entries)
{
	static const struct {
		struct str entry;
		bool want;
	} cases[] = {
		{ STR("hooks.slack.com"), true },
		{ STR("hooks.slack.com:8443"), true },
		{ STR("localhost"), true },
		{ STR("10.0.0.1"), true },
		{ STR("[::1]"), true },
		{ STR("[2001:db8::1]:8443"), true },
		{ STR("http://127.0.0.1:8080"), true },
		{ STR("http://127.255.0.1:1"), true },
		{ STR("http://localhost:65535"), true },
		{ STR("http://[::1]:8080"), true },
		{ STR(""), false },
		{ STR("https://hooks.slack.com"), false },
		{ STR("hooks.slack.com/"), false },
		{ STR("hooks.slack.com:0"), false },
		{ STR("hooks.slack.com:65536"), false },
		{ STR("hooks.slack.com:"), false },
		{ STR("hooks.slack.com:x"), false },
		{ STR("user@hooks.slack.com"), false },
		{ STR("*.slack.com"), false },
		{ STR("*"), false },
		{ STR("a b"), false },
		{ STR(":443"), false },
		{ STR("::1"), false },
		{ STR("[::1"), false },
		{ STR("[]"), false },
		{ STR("[]:443"), false },
		{ STR("[hooks.slack.com]"), false },
		{ STR("[::1]443"), false },
		{ STR("[::g]"), false },
		{ STR("[::1%eth0]"), false },
		{ STR("[::1]:443:443"), false },
		{ STR("http://127.0.0.1"), false },
		{ STR("http://127.0.0.1:0"), false },
		{ STR("http://127.0.0.1:8080/"), false },
		{ STR("http://hooks.slack.com:80"), false },
		{ STR("http://10.0.0.1:80"), false },
		{ STR("http://0.0.0.0:80"), false },
		{ STR("http://[::]:80"), false },
		{ STR("http://[::ffff:10.0.0.1]:80"), false },
		{ STR("http://127.evil.example:80"), false },
		{ STR("http://127.0.0.1.evil.example:80"), false },
		{ STR("http://localhost.evil.example:80"), false },
		{ STR("http://128.0.0.1:80"), false },
		{ STR("http://1270.0.0.1:80"), false },
		{ STR("http://127.:80"), false },
		{ STR("http://127.1:80"), false },
		{ STR("http://127.0.0.256:80"), false },
		{ STR("http://127.0.0.1.1:80"), false },
		{ STR("http://127...1:80"), false },
		{ STR("http://127.0.0.1.:80"), false },
		{ STR("http://:80"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu: %s", i, cases[i].entry.p);
		expect_int(response_host_entry_ok(guard_copy(cases[i].entry)), cases[i].want);
	}
}
