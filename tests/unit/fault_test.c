#include "base/fault.h"

#include "check.h"

#include <errno.h>
#include <string.h>

TEST(fault_set_sets_all)
{
	struct fault f;
	memset(&f, 0x55, sizeof(f));
	expect_int(fault_set(&f, E_NAME, 0, "cannot resolve example.com"), E_NAME);
	expect_int(f.code, E_NAME);
	expect_int(f.sys, 0);
	expect_str(fault_text(&f), S("cannot resolve example.com"));
}

TEST(fault_set_describes_the_system_call)
{
	struct fault f;
	expect_int(fault_set(&f, E_SYSTEM, ECONNREFUSED, "connect"), E_SYSTEM);
	expect_int(f.sys, ECONNREFUSED);
	expect(str_starts(fault_text(&f), S("connect: ")));
	expect_str(str_skip(fault_text(&f), 9), str_c(strerror(ECONNREFUSED)));
}

TEST(fault_set_can_quote_itself)
{
	struct fault f;
	(void)fault_set(&f, E_TLS, 0, "handshake refused");
	(void)fault_set(&f, E_CONNECT, 0, "no address: %s; %s", fault_text(&f), fault_text(&f));
	expect_str(fault_text(&f), S("no address: handshake refused; handshake refused"));
}

TEST(fault_text_is_cut_to_its_room)
{
	static char long_text[FAULT_TEXT_MAX + 10];
	struct fault f;
	memset(long_text, 'x', sizeof(long_text));
	(void)fault_set(&f, E_LIMIT, EPIPE, "a%s", (struct str){ long_text, sizeof(long_text) });
	expect_int(f.n, sizeof(f.text));
	expect(f.text[0] == 'a' && f.text[sizeof(f.text) - 1] == 'x');
	(void)fault_set(&f, E_LIMIT, 0, "");
	expect_int(f.n, 0);
}
