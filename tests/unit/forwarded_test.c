#include "http/forwarded.h"

#include "check.h"

static struct trusted_proxies proxies(const char *const list[], size_t count)
{
	struct trusted_proxies p = { .count = count };
	for (size_t i = 0; i < count; i++)
		check(address_block_parse(&p.list[i], str_c(list[i])));
	return p;
}

TEST(forwarded_for_is_who_no_trusted_proxy_is)
{
	static const char *const trusted[] = { "10.0.0.0/8", "2001:db8::/32", "192.0.2.7" };
	static const struct {
		const char *first, *second; /* fields */
		const char *want;           /* NULL: nobody */
	} cases[] = {
		{ "203.0.113.9", NULL, "203.0.113.9" },
		{ "203.0.113.9, 10.1.2.3", NULL, "203.0.113.9" },
		{ "198.51.100.1, 203.0.113.9,10.1.2.3 , 192.0.2.7", NULL, "203.0.113.9" },
		{ "203.0.113.9", "2001:db8:1::1", "203.0.113.9" },
		{ "203.0.113.9", "2001:db9::1", "2001:db9::1" },
		{ "203.0.113.9, 10.1.2.3", "not an address", NULL },
		{ "203.0.113.9:1234", NULL, NULL },
		{ "10.1.2.3", "10.1.2.4", NULL },
		{ "203.0.113.9,", NULL, NULL },
		{ ",", NULL, NULL },
		{ "", NULL, NULL },
		{ NULL, NULL, NULL },
	};
	const struct trusted_proxies p = proxies(trusted, countof(trusted));
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_head head = { 0 };
		struct address got;
		char memory[64];
		struct buf text = BUF(memory);
		context("case %zu", i);
		if (cases[i].first)
			head.fields[head.count++] =
				(struct http_field){ S("X-Forwarded-For"), guard_copy(str_c(cases[i].first)) };
		head.fields[head.count++] = (struct http_field){ S("Host"), S("a") };
		if (cases[i].second)
			head.fields[head.count++] =
				(struct http_field){ S("x-forwarded-for"), str_c(cases[i].second) };
		bool found = forwarded_for(&got, &head, &p);
		if (expect(found == (cases[i].want != NULL)) && found) {
			address_put(&text, &got);
			expect_str(buf_str(&text), str_c(cases[i].want));
		}
	}
}

TEST(blocks_of_addresses_hold_what_begins_like_them)
{
	static const struct {
		const char *block, *address;
		bool want;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "::1", true },
		{ "::/0", "203.0.113.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct address_block block;
		struct address a;
		context("%s has %s", cases[i].block, cases[i].address);
		check(address_parse(&a, str_c(cases[i].address)));
		if (expect(address_block_parse(&block, str_c(cases[i].block))))
			expect(address_block_has(&block, &a) == cases[i].want);
	}
}

TEST(blocks_of_addresses_are_refused_when_they_are_none)
{
	static const char *const bad[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.0/-1", "10.0.0/8", "a/8", "10.0.0.0/8/8" };
	for (size_t i = 0; i < countof(bad); i++) {
		struct address_block block;
		context("%s", bad[i]);
		expect(!address_block_parse(&block, str_c(bad[i])));
	}
}
