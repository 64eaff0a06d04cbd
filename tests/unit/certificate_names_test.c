#include "check.h"
#include "chain.h"

#include "net/address.h"
#include "x509/names.h"

/* ---- whom a certificate is for ---- */

static struct reference_identifier host_of(const char *host)
{
	struct address a;
	if (!address_parse(&a, str_c(host)))
		return (struct reference_identifier){ .dns_name = guard_copy(str_c(host)) };
	struct str bytes = guard_copy((struct str){ (const char *)a.ip.s6_addr, 16 });
	return (struct reference_identifier){ .address = str_skip(bytes, address_is_v4(&a) ? 12 : 0) };
}

TEST(names_are_matched)
{
	static const struct {
		struct str names;
		const char *host;
		bool want;
	} cases[] = {
		{ STR("\x82\x0bserver.test"), "server.test", true },
		{ STR("\x82\x0bserver.test"), "SERVER.Test", true },
		{ STR("\x82\x0bSERVER.TEST"), "server.test", true },
		{ STR("\x82\x0bserver.test"), "a.server.test", false },
		{ STR("\x82\x0bserver.test"), "erver.test", false },
		{ STR("\x82\x0bserver.test"), "server.tes", false },
		{ STR("\x82\4a.bc\x82\x0bserver.test"), "server.test", true },
		{ STR("\x81\x0bserver.test\x86\x0bserver.test"), "server.test", false },
		{ STR("\x82\x0c*.a.test.com"), "b.a.test.com", true },
		{ STR("\x82\x0c*.a.test.com"), "B.A.test.com", true },
		{ STR("\x82\x0c*.a.test.com"), "a.test.com", false },
		{ STR("\x82\x0c*.a.test.com"), ".a.test.com", false },
		{ STR("\x82\x0c*.a.test.com"), "c.b.a.test.com", false },
		{ STR("\x82\x0c*.a.test.com"), "*.a.test.com", true },
		{ STR("\x82\5*.com"), "a.com", false },
		{ STR("\x82\1*"), "a", false },
		{ STR("\x82\2*."), "a.", false },
		{ STR("\x82\7w*.a.bc"), "ww.a.bc", false },
		{ STR("\x82\7*w.a.bc"), "ww.a.bc", false },
		{ STR("\x82\7a.*.bcd"), "a.b.bcd", false },
		{ STR("\x87\4\x7f\0\0\1"), "127.0.0.1", true },
		{ STR("\x87\4\x7f\0\0\1"), "::ffff:127.0.0.1", true },
		{ STR("\x87\4\x7f\0\0\1"), "127.0.0.2", false },
		{ STR("\x87\5\x7f\0\0\1\0"), "127.0.0.1", false },
		{ STR("\x87\3\x7f\0\0"), "127.0.0.1", false },
		{ STR("\x82\x09" "127.0.0.1"), "127.0.0.1", false },
		{ STR("\x82\x09*.0.0.1xx"), "127.0.0.1", false },
		{ STR("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "::1", true },
		{ STR("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "::2", false },
		{ STR(""), "server.test", false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct reference_identifier whom = host_of(cases[i].host);
		context("%zu: %s", i, cases[i].host);
		expect(names_have(guard_copy(cases[i].names), &whom) == cases[i].want);
	}
}

TEST(names_in_a_message)
{
	char text[128];
	struct buf b = BUF(text);
	struct certificate c = chain_first("other-name");
	names_put(&b, c.names);
	expect_str(buf_str(&b), S("other.test, *.other.test, c.test and 2 more"));
	/* What is not a name is not printed. */
	buf_reset(&b);
	names_put(&b,
		S("\x82\6a\nb.cd\x82\4a."
		  "bc\x82\0\x87\4\1\2\xff\4\x87\3\1\2\3\x87\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
	expect_str(buf_str(&b), S("a.bc, 1.2.255.4, 2001:0db8:0000:0000:0000:0000:0000:0001"));
}

/* ---- distinguished names ---- */

#define AVA(type, value) "\x31\x0e\x30\x0c\6\3\x55\4" type value
#define CN(value) AVA("\3", value)
#define O(value) AVA("\x0a", value)
#define UTF8(five) "\x0c\5" five
#define PRINTABLE(five) "\x13\5" five
#define T61(five) "\x14\5" five
#define ONE(set) "\x30\x10" set
#define TWO(set, other) "\x30\x20" set other

TEST(names_of_people)
{
	static const struct {
		struct str a, b;
		bool same;
	} cases[] = {
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(CN(UTF8("Alice")))), true },
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(CN(PRINTABLE("Alice")))), true },
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(CN(PRINTABLE("aLICE")))), true },
		{ STR(ONE(CN(UTF8("Al ce")))), STR(ONE(CN(PRINTABLE("al ce")))), true },
		{ STR(ONE(CN(UTF8("A  ce")))), STR("\x30\x0f\x31\x0d\x30\x0b\6\3\x55\4\3\x0c\4a ce"),
			true },
		{ STR(ONE(CN(UTF8("Ace  ")))), STR(ONE(CN(UTF8("  Ace")))), true },
		{ STR(ONE(CN(UTF8("A  ce")))), STR(ONE(CN(UTF8("Ac  e")))), false },
		{ STR(ONE(CN(UTF8("A\0ice")))), STR(ONE(CN(UTF8("A\0ICE")))), true },
		{ STR(ONE(CN(UTF8("A\0ice")))), STR(ONE(CN(UTF8("A\0Ica")))), false },
		{ STR(ONE(CN(UTF8("Al\xc3\xa9x")))), STR(ONE(CN(UTF8("Al\xc3\x89x")))), false },
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(CN(UTF8("Alicf")))), false },
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(O(UTF8("Alice")))), false },
		{ STR(ONE(CN(UTF8("Alice")))), STR(ONE(CN(T61("Alice")))), false },
		{ STR(ONE(CN(T61("Alice")))), STR(ONE(CN(T61("alice")))), false },
		{ STR(ONE(CN(UTF8("Alice")))), STR(TWO(CN(UTF8("Alice")), O(UTF8("Alice")))), false },
		{ STR(TWO(CN(UTF8("Alice")), O(UTF8("Bobby")))),
			STR(TWO(CN(UTF8("ALICE")), O(UTF8("BOBBY")))), true },
		{ STR(TWO(CN(UTF8("Alice")), O(UTF8("Bobby")))),
			STR(TWO(O(UTF8("Bobby")), CN(UTF8("Alice")))), false },
		{ STR("\x30\0"), STR("\x30\0"), true },
		{ STR("\x30\0"), STR(ONE(CN(UTF8("Alice")))), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str a = guard_copy(cases[i].a), b = guard_copy(cases[i].b);
		context("%zu", i);
		expect(name_is_well_formed(a) && name_is_well_formed(b));
		expect(name_eq(a, b) == cases[i].same);
		expect(name_eq(b, a) == cases[i].same);
		for (size_t n = 0; n < a.n; n++)
			expect(!name_is_well_formed(guard_copy(str_sub(a, 0, n))));
	}
}

TEST(names_in_print)
{
	static const struct {
		struct str name;
		const char *text;
	} cases[] = {
		{ STR(TWO(O(UTF8("Bobby")), CN(UTF8("Alice")))), "`Alice`" },
		{ STR(ONE(O(UTF8("Bobby")))), "`Bobby`" },
		{ STR(ONE(CN(UTF8("\x1b`\n\xc3\xa9")))), "`?????`" },
		{ STR("\x30\0"), "`?`" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[128];
		struct buf b = BUF(text);
		name_quote(&b, guard_copy(cases[i].name));
		expect_str(buf_str(&b), str_c(cases[i].text));
	}
}

/* ---- constraints ---- */

#define DNS(name) "\x82" name
#define SUB(base) "\x30" base

TEST(names_are_constrained)
{
	static const struct {
		struct str permitted, excluded, names;
		const char *host;
		enum constraint_verdict want;
	} cases[] = {
		/* DNS names: the base itself and what is left of it. */
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\4A.BC"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\6x.a.bc"), "x.a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\5xa.bc"), "xa.bc", NAMES_REFUSED },
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\2bc"), "bc", NAMES_REFUSED },
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\4a.bc\x82\4b.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\6\x82\4a.bc") SUB("\6\x82\4b.bc")), STR(""), STR("\x82\4a.bc\x82\4b.bc"),
			"a.bc", NAMES_PERMITTED },
		{ STR(SUB("\7\x82\5.a.bc")), STR(""), STR("\x82\6x.a.bc"), "x.a.bc", NAMES_PERMITTED },
		{ STR(SUB("\7\x82\5.a.bc")), STR(""), STR("\x82\4a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\2\x82\0")), STR(""), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\2\x82\0")), STR("\x82\4a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\4b.bc"), "b.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\4a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\6x.A.bc"), "x.a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\7\x82\5.a.bc")), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\4\x82\2bc")), STR(SUB("\6\x82\4a.bc")), STR("\x82\4b.bc"), "b.bc",
			NAMES_PERMITTED },
		{ STR(SUB("\4\x82\2bc")), STR(SUB("\6\x82\4a.bc")), STR("\x82\4a.bc"), "a.bc",
			NAMES_REFUSED },
		/* Wildcards: permitted if all that they stand for is, excluded if any of it is. */
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\6*.a.bc"), "x.a.bc", NAMES_PERMITTED },
		{ STR(SUB("\7\x82\5.a.bc")), STR(""), STR("\x82\6*.a.bc"), "x.a.bc", NAMES_PERMITTED },
		{ STR(SUB("\x08\x82\6x.a.bc")), STR(""), STR("\x82\6*.a.bc"), "x.a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\x08\x82\6x.a.bc")), STR("\x82\6*.a.bc"), "y.a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\x0a\x82\x08z.x.a.bc")), STR("\x82\6*.a.bc"), "y.a.bc",
			NAMES_PERMITTED },
		{ STR(""), STR(SUB("\x09\x82\7.x.a.bc")), STR("\x82\6*.a.bc"), "x.a.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\6*.a.bc"), "y.a.bc", NAMES_REFUSED },
		/* The host asked for, which a wildcard may stand for. */
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR(""), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR(""), "a.bc", NAMES_REFUSED },
		/* Names of no proper form are permitted by nothing and excluded by all. */
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x82\5a.bc."), "a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\5.b.bc"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\6b b.bc"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x82\4a.bc")), STR("\x82\0"), "b.bc", NAMES_REFUSED },
		/* Addresses and masks. */
		{ STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR(""), STR("\x87\4\x0a\1\2\3"),
			"10.1.2.3", NAMES_PERMITTED },
		{ STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR(""), STR("\x87\4\x0b\1\2\3"),
			"11.1.2.3", NAMES_REFUSED },
		{ STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR(""), STR("\x87\4\x0a\1\2\3"),
			"11.1.2.3", NAMES_REFUSED },
		{ STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR(""),
			STR("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "::1", NAMES_REFUSED },
		{ STR(""), STR(SUB("\x0a\x87\x08\0\0\0\0\0\0\0\0")), STR("\x87\4\x0a\1\2\3"), "10.1.2.3",
			NAMES_REFUSED },
		{ STR(""), STR(SUB("\x0a\x87\x08\0\0\0\0\0\0\0\0")),
			STR("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "::1", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR("\x87\5\x0b\1\2\3\4"),
			"11.1.2.3", NAMES_REFUSED },
		/* One kind of names says nothing of another. */
		{ STR(SUB("\6\x82\4a.bc")), STR(""), STR("\x87\4\x0b\1\2\3"), "11.1.2.3", NAMES_PERMITTED },
		{ STR(SUB("\x0a\x87\x08\x0a\0\0\0\xff\0\0\0")), STR(""), STR("\x82\4a.bc"), "a.bc",
			NAMES_PERMITTED },
		/* Other kinds matter when a name is of one. */
		{ STR(SUB("\6\x81\4a.bc")), STR(""), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x81\4a.bc")), STR(""), STR("\x82\4a.bc\x81\6x@A.bc"), "a.bc",
			NAMES_PERMITTED },
		{ STR(SUB("\6\x81\4a.bc")), STR(""), STR("\x81\7x@xa.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\6\x81\4a.bc")), STR(""), STR("\x81\x08x@b.a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\7\x81\5.a.bc")), STR(""), STR("\x81\x08x@b.a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\7\x81\5.a.bc")), STR(""), STR("\x81\6x@a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\x08\x81\6x@a.bc")), STR(""), STR("\x81\6x@A.BC"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\x08\x81\6x@a.bc")), STR(""), STR("\x81\6X@a.bc"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\2\x81\0")), STR(""), STR("\x81\6X@a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x81\4a.bc")), STR("\x81\6x@a.bc"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x81\4a.bc")), STR("\x81\6x@b.bc"), "b.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x81\4a.bc")), STR("\x81\4b.bc"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x81\4a.bc")), STR("\x81\x08x@y@b.bc"), "b.bc", NAMES_REFUSED },
		{ STR(SUB("\7\x81\5@a.bc")), STR(""), STR("\x81\6x@a.bc"), "a.bc", NAMES_UNSUPPORTED },
		{ STR(SUB("\6\x86\4a.bc")), STR(""), STR("\x86\x0bu://A.bc/?x"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x86\4a.bc")), STR(""), STR("\x86\x0cu://x@a.bc:1"), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\6\x86\4a.bc")), STR(""), STR("\x86\x0au://a.bc@b"), "a.bc", NAMES_REFUSED },
		{ STR(SUB("\7\x86\5.a.bc")), STR(""), STR("\x86\x0au://x.a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x86\4a.bc")), STR("\x86\x08u://a.bc"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x86\4a.bc")), STR("\x86\x08u://b.bc"), "b.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x86\4a.bc")), STR("\x86\x0bu://1.2.3.4"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\6\x86\4a.bc")), STR("\x86\5u:a.b"), "b.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\x0a\x86\x08u://a.bc")), STR("\x86\x08u://b.bc"), "b.bc",
			NAMES_UNSUPPORTED },
		{ STR(SUB("\6\xa0\4\6\2\x2a\3")), STR(""), STR("\xa0\4\6\2\x2a\3"), "a.bc",
			NAMES_UNSUPPORTED },
		{ STR(SUB("\6\xa0\4\6\2\x2a\3")), STR(""), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		{ STR(""), STR(SUB("\6\x86\4a.bc")), STR("\x82\4a.bc"), "a.bc", NAMES_PERMITTED },
		/* Directory names. */
		{ STR(SUB("\x14\xa4\x12" ONE(O(UTF8("Bobby"))))), STR(""),
			STR("\xa4\x12" ONE(O(UTF8("bobby")))), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\x14\xa4\x12" ONE(O(UTF8("Bobby"))))), STR(""),
			STR("\xa4\x22" TWO(O(UTF8("bobby")), CN(UTF8("Alice")))), "a.bc", NAMES_PERMITTED },
		{ STR(SUB("\x14\xa4\x12" ONE(O(UTF8("Bobby"))))), STR(""),
			STR("\xa4\x22" TWO(CN(UTF8("Alice")), O(UTF8("bobby")))), "a.bc", NAMES_REFUSED },
		{ STR(""), STR(SUB("\x14\xa4\x12" ONE(O(UTF8("Bobby"))))),
			STR("\xa4\x22" TWO(O(UTF8("bobby")), CN(UTF8("Alice")))), "a.bc", NAMES_REFUSED },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str permitted = guard_copy(cases[i].permitted),
				   excluded = guard_copy(cases[i].excluded);
		struct reference_identifier whom = host_of(cases[i].host);
		unsigned budget = 100;
		char text[80];
		struct buf refused = BUF(text);
		context("%zu: %s", i, cases[i].host);
		expect(permitted.n == 0 || general_subtrees_are_well_formed(permitted));
		expect(excluded.n == 0 || general_subtrees_are_well_formed(excluded));
		expect_int(constraints_check(permitted, excluded, S("\x30\0"), guard_copy(cases[i].names),
					   &whom, &budget, &refused),
			cases[i].want);
		expect(budget < 100);
		/* Fewer comparisons than it takes. */
		for (unsigned enough = 100 - budget; enough-- > 0;) {
			budget = enough;
			expect_int(constraints_check(permitted, excluded, S("\x30\0"), cases[i].names, &whom,
						   &budget, &refused),
				NAMES_TOO_MANY);
		}
	}
}

TEST(names_in_a_subject_are_constrained)
{
	struct str bobby = S(SUB("\x14\xa4\x12" ONE(O(UTF8("Bobby"))))), mail = S(SUB("\6\x81\4a.bc")),
			   none = { NULL, 0 };
	struct str with_mail =
		S("\x30\x13\x31\x11\x30\x0f\6\x09\x2a\x86\x48\x86\xf7\x0d\1\x09\1\x16\2@b");
	char text[80];
	struct buf refused = BUF(text);
	unsigned budget = 100;
	expect(name_is_well_formed(with_mail));
	expect_int(
		constraints_check(bobby, none, S(ONE(O(UTF8("BOBBY")))), none, NULL, &budget, &refused),
		NAMES_PERMITTED);
	expect_int(
		constraints_check(bobby, none, S(ONE(O(UTF8("Alice")))), none, NULL, &budget, &refused),
		NAMES_REFUSED);
	expect_str(buf_str(&refused), S("`Alice`"));
	expect_int(
		constraints_check(none, bobby, S(ONE(O(UTF8("BOBBY")))), none, NULL, &budget, &refused),
		NAMES_REFUSED);
	expect_int(constraints_check(bobby, none, S("\x30\0"), none, NULL, &budget, &refused),
		NAMES_PERMITTED);
	expect_int(
		constraints_check(mail, none, with_mail, none, NULL, &budget, &refused), NAMES_REFUSED);
	expect_int(
		constraints_check(mail, none, S(ONE(O(UTF8("Alice")))), none, NULL, &budget, &refused),
		NAMES_PERMITTED);
}
