#include "check.h"

#include "codec/authority.h"

static const struct {
	struct str text;
	bool peer, listening;
	struct str host;
	uint64_t port; /* 7: none was given */
} cases[] = {
	{ STR("a"), true, false, STR("a"), 7 },
	{ STR("a.b-c_d.1"), true, false, STR("a.b-c_d.1"), 7 },
	{ STR("a:1"), true, true, STR("a"), 1 },
	{ STR("a:65535"), true, true, STR("a"), 65535 },
	{ STR("10.0.0.1:80"), true, true, STR("10.0.0.1"), 80 },
	{ STR("[::1]"), true, false, STR("::1"), 7 },
	{ STR("[::1]:80"), true, true, STR("::1"), 80 },
	{ STR("[::ffff:1.2.3.4]:80"), true, true, STR("::ffff:1.2.3.4"), 80 },
	{ STR("a:0"), false, true, STR("a"), 0 },
	{ STR("[::]:0"), false, true, STR("::"), 0 },
	{ STR(":80"), false, true, STR(""), 80 },
	{ STR(":0"), false, true, STR(""), 0 },
	{ .text = STR("") },
	{ .text = STR(":") },
	{ .text = STR("a:") },
	{ .text = STR("a:x") },
	{ .text = STR("a:+1") },
	{ .text = STR("a:65536") },
	{ .text = STR("a:99999999999999999999") },
	{ .text = STR("a: 1") },
	{ .text = STR("a :1") },
	{ .text = STR("a:1:2") },
	{ .text = STR("::1") },
	{ .text = STR("::1:80") },
	{ .text = STR("[]") },
	{ .text = STR("[]:80") },
	{ .text = STR("[::1") },
	{ .text = STR("[::1]80") },
	{ .text = STR("[::1]:") },
	{ .text = STR("[::1]]:80") },
	{ .text = STR("[10.0.0.1]:80") },
	{ .text = STR("[a]:80") },
	{ .text = STR("[fe80::1%eth0]:80") },
	{ .text = STR("::1]:80") },
	{ .text = STR("u@a:80") },
	{ .text = STR("a/b:80") },
	{ .text = STR("a%20b:80") },
	{ .text = STR("a\0b:80") },
	{ .text = STR("\xc3\xa9:80") },
};

TEST(authority_of_a_peer_and_to_listen_on)
{
	for (size_t i = 0; i < countof(cases); i++) {
		struct str host, text = guard_copy(cases[i].text);
		uint64_t port = 7;
		context("%s", cases[i].text.p);
		if (expect(authority_split(&host, &port, text) == cases[i].peer) && cases[i].peer) {
			expect_str(host, cases[i].host);
			expect_int(port, cases[i].port);
		}
		if (expect(authority_split_listening(&host, &port, text) == cases[i].listening) &&
			cases[i].listening) {
			expect_str(host, cases[i].host);
			expect_int(port, cases[i].port);
		}
	}
}
