#include "check.h"

#include "net/address.h"

TEST(address_parses_and_prints)
{
	static const struct {
		const char *text, *printed; /* printed NULL: no address */
		bool v4, loopback;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", true, true },
		{ "127.255.0.9", "127.255.0.9", true, true },
		{ "255.255.255.255", "255.255.255.255", true, false },
		{ "0.0.0.0", "0.0.0.0", true, false },
		{ "::1", "::1", false, true },
		{ "::", "::", false, false },
		{ "::ffff:10.0.0.1", "10.0.0.1", true, false },
		{ "2001:DB8::0:1", "2001:db8::1", false, false },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", false, false },
		{ "2001:0:0:1::1", "2001:0:0:1::1", false, false },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", false, false },
		{ "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8", false, false },
		{ "fe80:0:0:0:0:0:0:0", "fe80::", false, false },
		{ "fd00:ec2::254", "fd00:ec2::254", false, false },
		{ "", NULL, false, false },
		{ "127.1", NULL, false, false },
		{ "1.2.3.4.5", NULL, false, false },
		{ "1.2.3.256", NULL, false, false },
		{ "1.2.3.04", NULL, false, false },
		{ "0x7f.0.0.1", NULL, false, false },
		{ "2130706433", NULL, false, false },
		{ " 127.0.0.1", NULL, false, false },
		{ "127.0.0.1 ", NULL, false, false },
		{ "[::1]", NULL, false, false },
		{ "fe80::1%eth0", NULL, false, false },
		{ "1::2::3", NULL, false, false },
		{ "::12345", NULL, false, false },
		{ "1:2:3:4:5:6:7", NULL, false, false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, false,
			false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[64];
		struct buf printed = BUF(text);
		struct address a;
		context("%s", cases[i].text);
		bool ok = address_parse(&a, guard_copy(str_c(cases[i].text)));
		if (!expect(ok == (cases[i].printed != NULL)) || !ok)
			continue;
		address_put(&printed, &a);
		expect_str(buf_str(&printed), str_c(cases[i].printed));
		expect(address_is_v4(&a) == cases[i].v4);
		expect(address_is_loopback(&a) == cases[i].loopback);
	}
}

TEST(address_with_nul_is_none)
{
	struct address a;
	expect(!address_parse(&a, S("127.0.0.1\0")));
	expect(!address_parse(&a, S("127.0.0.1\0.evil")));
}

TEST(address_list_leaves_out_what_is_too_much)
{
	struct addresses list = { .count = 0 };
	for (uint8_t i = 0; i < 20; i++)
		addresses_add(&list, address_v4((const uint8_t[]){ 10, 0, 0, i }));
	expect_int(list.count, ADDRESSES_MAX);
	expect_int(list.list[ADDRESSES_MAX - 1].ip.s6_addr[15], ADDRESSES_MAX - 1);
}

TEST(address_for_sockets_keeps_its_family)
{
	union socket_address to;
	struct address a;
	expect(address_parse(&a, S("192.0.2.1")));
	expect_int(address_to_socket(&to, &a, 443), sizeof(struct sockaddr_in));
	expect_int(to.any.sa_family, AF_INET);
	expect_int(to.v4.sin_addr.s_addr, htonl(0xc0000201));
	expect_int(to.v4.sin_port, htons(443));
	expect(address_parse(&a, S("2001:db8::1")));
	expect_int(address_to_socket(&to, &a, 53), sizeof(struct sockaddr_in6));
	expect_int(to.any.sa_family, AF_INET6);
	expect_int(to.v6.sin6_port, htons(53));
	expect_int(to.v6.sin6_addr.s6_addr[15], 1);
}
