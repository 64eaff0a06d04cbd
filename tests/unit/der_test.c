#include "codec/der.h"

#include "check.h"

TEST(der_takes_elements)
{
	struct str rest = guard_copy(S("\x02\x01\x05\x30\x03\x04\x01\x61\x05\x00")), value, inner;
	unsigned tag;
	expect(der_next_is(rest, DER_INTEGER) && !der_next_is(rest, DER_OID));
	expect(der_take_number(&rest, &value));
	expect_str(value, S("\5"));
	expect(der_skip_if(&rest, DER_INTEGER));
	expect(der_take(&rest, DER_SEQUENCE, &inner));
	expect(der_take(&inner, DER_OCTET_STRING, &value));
	expect_str(value, S("a"));
	expect(!der_next_is(inner, DER_OCTET_STRING) && !der_take_any(&inner, &tag, &value));
	expect(der_take_any(&rest, &tag, &value));
	expect_int(tag, 5);
	expect_int(value.n, 0);
	expect_int(rest.n, 0);
}

TEST(der_lengths)
{
	static char bytes[70000];
	static const struct {
		struct str head;
		size_t n, behind;
		bool ok;
	} cases[] = {
		{ STR("\x04\x00"), 0, 0, true },
		{ STR("\x04\x7f"), 127, 0, true },
		{ STR("\x04\x81\x80"), 128, 1, true },
		{ STR("\x04\x82\x01\x00"), 256, 0, true },
		{ STR("\x04\x83\x01\x00\x00"), 65536, 3, true },
		{ STR("\x04\x01"), 0, 0, false },
		{ STR("\x04\x81\x7f"), 127, 0, false },       /* longer than needed */
		{ STR("\x04\x82\x00\x80"), 128, 0, false },
		{ STR("\x04\x80"), 2, 0, false },             /* indefinite */
		{ STR("\x04\x84\x00\x01\x00\x00"), 65536, 0, false },
		{ STR("\x04\xff"), 300, 0, false },
		{ STR("\x1f\x01"), 1, 0, false },             /* a tag of more bytes */
		{ STR("\x04"), 0, 0, false },
		{ STR(""), 0, 0, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = BUF(bytes);
		struct str value;
		context("case %zu", i);
		buf_put(&b, cases[i].head);
		b.n += cases[i].n + cases[i].behind;
		struct str rest = guard_copy(buf_str(&b));
		size_t before = rest.n;
		expect(der_take(&rest, DER_OCTET_STRING, &value) == cases[i].ok);
		expect_int(rest.n, cases[i].ok ? cases[i].behind : before);
		if (cases[i].ok)
			expect_int(value.n, cases[i].n);
	}
}

TEST(der_numbers)
{
	static const struct {
		struct str in, want;
		bool ok;
	} cases[] = {
		{ STR("\x02\x01\x00"), STR(""), true },
		{ STR("\x02\x01\x7f"), STR("\x7f"), true },
		{ STR("\x02\x02\x00\x80"), STR("\x80"), true },
		{ STR("\x02\x01\x80"), STR(""), false }, /* negative */
		{ STR("\x02\x00"), STR(""), false },
		{ STR("\x02\x02\x00\x7f"), STR(""), false }, /* one zero more than needed */
		{ STR("\x02\x03\x00\x00\x80"), STR(""), false },
		{ STR("\x02\x02\x00\x00"), STR(""), false },
		{ STR("\x04\x01\x01"), STR(""), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str rest = guard_copy(cases[i].in), value;
		context("case %zu", i);
		if (expect(der_take_number(&rest, &value) == cases[i].ok) && cases[i].ok)
			expect_str(value, cases[i].want);
	}
}
