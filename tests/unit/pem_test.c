#include "codec/pem.h"

#include "check.h"

#include <string.h>

static char memory[1024];

TEST(pem_next_takes_block_after_block)
{
	struct str text = guard_copy(S(
		"# Bundle of roots\r\n"
		"Subject: CN=First -- with dashes\r\n"
		"-----BEGIN CERTIFICATE-----\r\n"
		"Zm9v\r\n"
		"YmFy\r\n"
		"-----END CERTIFICATE-----\r\n"
		"\r\n"
		"  -----BEGIN X509 CRL-----\t\n"
		"\n"
		"  Zm9vY\n"
		"\tg==\n"
		"  -----END X509 CRL-----  \n"
		"-----BEGIN EC PRIVATE KEY-----\n"
		"Zg\n"
		"-----END EC PRIVATE KEY-----"));
	static const struct {
		struct str label, der;
	} want[] = {
		{ STR("CERTIFICATE"), STR("foobar") },
		{ STR("X509 CRL"), STR("foob") },
		{ STR("EC PRIVATE KEY"), STR("f") },
	};
	struct buf der = BUF(memory);
	struct str label;
	for (size_t i = 0; i < countof(want); i++) {
		size_t before = der.n;
		expect_int(pem_next(&label, &der, &text), OK);
		expect_str(label, want[i].label);
		expect_str(str_skip(buf_str(&der), before), want[i].der);
	}
	for (int i = 0; i < 2; i++) {
		expect_int(pem_next(&label, &der, &text), OK);
		expect(label.p == NULL);
		expect_int(text.n, 0);
		expect_str(buf_str(&der), S("foobarfoobf"));
	}
}

TEST(pem_next_finds_nothing_where_nothing_is)
{
	static const struct str cases[] = {
		STR(""),
		STR("\n"),
		STR("no certificate here\n"),
		STR("----BEGIN A-----\n"),
		STR("-----BEGINA-----\n"),
		STR("Zm9v\n"),
		STR("-----\n"),
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str text = guard_copy(cases[i]), label = S("old");
		struct buf der = BUF(memory);
		context("case %zu", i);
		expect_int(pem_next(&label, &der, &text), OK);
		expect(label.p == NULL && der.n == 0 && text.n == 0);
	}
}

#define GOOD "-----BEGIN A-----\nZm9v\n-----END A-----\n"

TEST(pem_next_refuses_what_only_looks_like_a_block)
{
	static const struct {
		struct str text, left; /* what *text begins with afterwards */
	} cases[] = {
		/* the boundaries */
		{ STR("-----BEGIN A-----\nZm9v\n-----END B-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n-----END a-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n-----END A----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n-----END A-----x\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A----- Zm9v\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A----- Zm9v -----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A----\nZm9v\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN -----\nZm9v\n-----END -----\n"), STR("-----BEGIN -") },
		{ STR("-----BEGIN A-----\nZm9v\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----"), STR("-----BEGIN A") },
		{ STR("-----BEGIN "), STR("-----BEGIN ") },
		{ STR("-----BEGIN A-----\nZm9v\n-----END "), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n-----BEGIN A-----\nZm9v\n-----END A-----\n"),
			STR("-----BEGIN A") },
		{ STR("Zm9v\n-----END A-----\n"), STR("-----END A") },
		{ STR("-----END A-----\n" GOOD), STR("-----END A") },
		{ STR("x -----BEGIN A-----\nZm9v\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("\xef\xbb\xbf" GOOD), STR("-----BEGIN A") },
		/* the contents */
		{ STR("-----BEGIN A-----\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\n \n\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm 9v\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZg==\nZg==\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nZm9v\n=x9F\n-----END A-----\n"), STR("-----BEGIN A") },
		{ STR("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n"),
			STR("-----BEGIN A") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str text = guard_copy(cases[i].text), label;
		struct buf der = BUF(memory);
		context("case %zu: %s", i, cases[i].text.p);
		expect_int(pem_next(&label, &der, &text), E_SYNTAX);
		expect(label.p == NULL);
		expect_str(str_sub(text, 0, cases[i].left.n), cases[i].left);
		expect_int(der.n, 0);
	}
}

TEST(pem_next_stops_at_the_block_that_is_wrong)
{
	struct str text = guard_copy(S(GOOD "between\n-----BEGIN B-----\nZm9\n-----END B-----\n" GOOD)),
			   label;
	struct buf der = BUF(memory);
	expect_int(pem_next(&label, &der, &text), OK);
	expect_int(pem_next(&label, &der, &text), E_SYNTAX);
	expect(str_starts(text, S("-----BEGIN B-----")));
	expect_str(buf_str(&der), S("foo"));
}

TEST(pem_next_needs_room_for_the_base64_form)
{
	for (size_t cap = 0; cap <= 4; cap++) {
		struct str whole = guard_copy(S(GOOD)), text = whole, label;
		struct buf der = { memory, 0, cap, false };
		context("%zu bytes", cap);
		memory[cap] = '#';
		expect_int(pem_next(&label, &der, &text), cap < 4 ? E_LIMIT : OK);
		expect_str(buf_str(&der), cap < 4 ? S("") : S("foo"));
		expect_str(text, cap < 4 ? whole : S(""));
		expect(memory[cap] == '#');
	}
}

TEST(pem_next_bears_any_cut)
{
	struct str whole = S("text\n" GOOD GOOD);
	for (size_t n = 0; n <= whole.n; n++) {
		struct str text = guard_copy(str_sub(whole, 0, n)), label;
		struct buf der = BUF(memory);
		size_t blocks = 0;
		enum err e;
		while ((e = pem_next(&label, &der, &text)) == OK && label.p)
			blocks++;
		context("cut to %zu", n);
		expect_int(der.n, 3 * blocks);
		size_t first = S("text\n" GOOD).n;
		expect_int(blocks, (n >= first - 1) + (n >= whole.n - 1));
		if (n == whole.n || n == first)
			expect_int(e, OK);
	}
}

TEST(pem_next_of_no_memory)
{
	struct str text = { NULL, 0 }, label;
	struct buf der = { NULL, 0, 0, false };
	expect_int(pem_next(&label, &der, &text), OK);
	expect(label.p == NULL);
	text = S(GOOD);
	expect_int(pem_next(&label, &der, &text), E_LIMIT);
}
