#include "check.h"
#include "chain.h"

#include "base/clock.h"
#include "x509/certificate.h"

#include <string.h>

/* ---- reading ---- */

TEST(certificate_says_what_it_is)
{
	static const struct {
		const char *name;
		unsigned key_type;
		bool is_ca, names, constraints, purposes;
		unsigned what_for;
	} cases[] = {
		{ "root-ec", BR_KEYTYPE_EC, true, false, false, false, 0 },
		{ "root-rsa", BR_KEYTYPE_RSA, true, false, false, false, 0 },
		{ "root-p384", BR_KEYTYPE_EC, true, false, false, false, 0 },
		{ "root-constrained", BR_KEYTYPE_EC, true, false, true, false, 0 },
		{ "good-ec", BR_KEYTYPE_EC, false, true, false, true, PURPOSE_SERVER },
		{ "good-rsa", BR_KEYTYPE_RSA, false, true, false, true, PURPOSE_SERVER },
		{ "good-no-purpose", BR_KEYTYPE_EC, false, true, false, false, 0 },
		{ "good-two-purposes", BR_KEYTYPE_EC, false, true, false, true,
			PURPOSE_SERVER | PURPOSE_CLIENT },
		{ "client-only", BR_KEYTYPE_EC, false, true, false, true, PURPOSE_CLIENT },
		{ "any-purpose", BR_KEYTYPE_EC, false, true, false, true, PURPOSE_ANY },
		{ "critical-purpose", BR_KEYTYPE_EC, false, true, false, true, PURPOSE_SERVER },
		{ "no-names", BR_KEYTYPE_EC, false, false, false, true, PURPOSE_SERVER },
		{ "ca-as-server", BR_KEYTYPE_EC, true, true, false, true, PURPOSE_SERVER },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct certificate c = chain_first(cases[i].name);
		expect_int(c.key.key.key_type, cases[i].key_type);
		expect_int(c.not_before, 1577836800);
		expect_int(c.not_after, 4701974400);
		expect(c.is_ca == cases[i].is_ca);
		expect((c.names.p != NULL) == cases[i].names);
		expect((c.permitted.p != NULL) == cases[i].constraints);
		expect(c.has_purposes == cases[i].purposes);
		expect_int(c.purposes, cases[i].what_for);
	}
}

TEST(certificate_names_its_issuer)
{
	static const char *const roots[] = { "root-ec", "root-rsa", "root-p384" };
	for (size_t i = 0; i < countof(roots); i++) {
		struct certificate c = chain_first(roots[i]);
		expect_str(c.issuer, c.subject);
	}
	struct certificate own, above;
	struct chain chain = chain_load("good-ec");
	if (!expect_int(chain.count, 2))
		return;
	expect_int(certificate_read(&own, chain.der[0]), OK);
	expect_int(certificate_read(&above, chain.der[1]), OK);
	expect_str(own.issuer, above.subject);
	expect_str(above.issuer, chain_first("root-ec").subject);
}

/* A certificate of nearly nothing, with this validity and these extensions. */
static struct str assembled(struct str validity, struct str extensions)
{
	static char bytes[512];
	struct buf b = BUF(bytes);
	char validity_n = (char)validity.n, list_n = (char)extensions.n,
		 field_n = (char)(extensions.n + 2);
	size_t n = 44 + 2 + validity.n + (extensions.n ? 4 + extensions.n : 0);
	char all_n = (char)(n + 2 + 8), contents_n = (char)n;
	check(n + 2 + 8 < 128);
	buf_format(&b, "\x30%s\x30%s", (struct str){ &all_n, 1 }, (struct str){ &contents_n, 1 });
	buf_put(&b,
		S("\xa0\3\2\1\2\2\1\1\x30\3\6\1\x2a\x30\0\x30")); /* version, serial, algorithm, issuer */
	buf_format(&b, "%s%s", (struct str){ &validity_n, 1 }, validity);
	buf_put(&b,
		S("\x30\0\x30\x19\x30\x13\6\7\x2a\x86\x48\xce\x3d\2\1\6\x08\x2a\x86\x48\xce\x3d\3\1\2\3\2\0"
		  "\4")); /* subject, key */
	if (extensions.n)
		buf_format(&b, "\xa3%s\x30%s%s", (struct str){ &field_n, 1 }, (struct str){ &list_n, 1 },
			extensions);
	buf_put(&b, S("\x30\3\6\1\x2a\3\1\0"));
	return guard_copy(buf_str(&b));
}

#define VALIDITY "\x17\x0d" "200101000000Z\x17\x0d" "300101000000Z"

TEST(certificate_times)
{
	static const struct {
		struct str time;
		int64_t want; /* NONE: it is none */
	} cases[] = {
#define NONE INT64_MIN
		{ STR("\x17\x0d" "261130120059Z"), 1796040059 },
		{ STR("\x17\x0d" "491231235959Z"), 2524607999 },
		{ STR("\x17\x0d" "500101000000Z"), -631152000 },
		{ STR("\x17\x0d" "691231235959Z"), -1 },
		{ STR("\x17\x0d" "000229000000Z"), 951782400 },
		{ STR("\x18\x0f" "20500101000000Z"), 2524608000 },
		{ STR("\x18\x0f" "20261130120059Z"), 1796040059 },
		{ STR("\x18\x0f" "99991231235959Z"), 253402300799 },
		{ STR("\x17\x0d" "010229000000Z"), NONE },
		{ STR("\x18\x0f" "21000229000000Z"), NONE },
		{ STR("\x17\x0d" "260001000000Z"), NONE },
		{ STR("\x17\x0d" "261301000000Z"), NONE },
		{ STR("\x17\x0d" "260431000000Z"), NONE },
		{ STR("\x17\x0d" "260400000000Z"), NONE },
		{ STR("\x17\x0d" "260430240000Z"), NONE },
		{ STR("\x17\x0d" "260430006000Z"), NONE },
		{ STR("\x17\x0d" "260430000060Z"), NONE },
		{ STR("\x17\0"), NONE },
		{ STR("\x17\1Z"), NONE },
		{ STR("\x17\x0b" "2611301200Z"), NONE },
		{ STR("\x17\x0d" "261130120059+"), NONE },
		{ STR("\x17\x0d" "26113012005\x1bZ"), NONE },
		{ STR("\x17\x0f" "20261130120059Z"), NONE },
		{ STR("\x18\x0d" "261130120059Z"), NONE },
		{ STR("\x18\x11" "20261130120059.5Z"), NONE },
		{ STR("\x18\x13" "20261130120059+0000"), NONE },
		{ STR("\4\x0d" "261130120059Z"), NONE },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char validity[64];
		struct buf b = BUF(validity);
		struct certificate c;
		context("%s", cases[i].time.p + 2);
		buf_format(&b, "%s%s", S("\x17\x0d" "500101000000Z"), cases[i].time);
		enum err e = certificate_read(&c, assembled(buf_str(&b), S("")));
		if (expect_int(e, cases[i].want == NONE ? E_SYNTAX : OK) && e == OK)
			expect_int(c.not_after, cases[i].want);
	}
}

static void append_name(void *arg, const void *p, size_t n)
{
	buf_put(arg, (struct str){ p, n });
}

static struct str bytes_of(const unsigned char *p, size_t n)
{
	return (struct str){ (const char *)p, n };
}

/* BearSSL's own decoder must say the same. */
TEST(certificate_agrees_with_the_decoder_of_the_library)
{
	static const char *const names[] = { "root-ec", "root-rsa", "root-p384", "good-ec", "good-rsa",
		"good-p384", "too-large" };
	for (size_t i = 0; i < countof(names); i++) {
		char subject[512];
		struct buf b = BUF(subject);
		br_x509_decoder_context decoder;
		struct certificate c = chain_first(names[i]);
		struct str der = chain_load(names[i]).der[0];
		br_x509_decoder_init(&decoder, append_name, &b);
		br_x509_decoder_push(&decoder, der.p, der.n);
		const br_x509_pkey *key = br_x509_decoder_get_pkey(&decoder);
		if (!expect(key != NULL))
			continue;
		expect_str(c.subject, buf_str(&b));
		expect(c.is_ca == br_x509_decoder_isCA(&decoder));
		expect_int(c.key.key.key_type, key->key_type);
		if (key->key_type == BR_KEYTYPE_RSA) {
			expect_str(bytes_of(c.key.key.key.rsa.n, c.key.key.key.rsa.nlen),
				bytes_of(key->key.rsa.n, key->key.rsa.nlen));
			expect_str(bytes_of(c.key.key.key.rsa.e, c.key.key.key.rsa.elen),
				bytes_of(key->key.rsa.e, key->key.rsa.elen));
		} else {
			expect_int(c.key.key.key.ec.curve, key->key.ec.curve);
			expect_str(bytes_of(c.key.key.key.ec.q, c.key.key.key.ec.qlen),
				bytes_of(key->key.ec.q, key->key.ec.qlen));
		}
	}
}

TEST(certificate_every_prefix_is_refused)
{
	struct str der = chain_load("good-ec").der[0];
	struct certificate c;
	char longer[2048];
	for (size_t n = 0; n < der.n; n++) {
		context("%zu bytes", n);
		expect_int(certificate_read(&c, guard_copy(str_sub(der, 0, n))), E_SYNTAX);
	}
	context("one byte more");
	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	expect_int(certificate_read(&c, (struct str){ longer, der.n + 1 }), E_SYNTAX);
}

#define BASIC(contents) "\x30\x0c\6\3\x55\x1d\x13\4\5\x30\3" contents
#define NAMES(contents) "\x30\x0b\6\3\x55\x1d\x11\4\4\x30\2" contents

TEST(certificate_extensions)
{
	static const struct {
		const char *what;
		struct str extensions;
		enum err want;
		bool is_ca;
	} cases[] = {
		{ "none", STR(""), OK, false },
		{ "CA", STR(BASIC("\1\1\xff")), OK, true },
		{ "no CA", STR(BASIC("\1\1\0")), OK, false },
		{ "path length without CA", STR(BASIC("\2\1\0")), OK, false },
		{ "CA twice", STR(BASIC("\1\1\xff") BASIC("\1\1\xff")), E_SYNTAX, false },
		{ "wrong type in CA", STR(BASIC("\3\1\xff")), E_SYNTAX, false },
		{ "names", STR(NAMES("\x82\0")), OK, false },
		{ "cut name", STR(NAMES("\x82\1")), E_SYNTAX, false },
		{ "names twice", STR(NAMES("\x82\0") NAMES("\x82\0")), E_SYNTAX, false },
		{ "unknown", STR("\x30\7\6\2\x2a\3\4\1\0"), OK, false },
		{ "unknown twice", STR("\x30\7\6\2\x2a\3\4\1\0\x30\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "unknown, two of them", STR("\x30\7\6\2\x2a\3\4\1\0\x30\7\6\2\x2a\4\4\1\0"), OK, false },
		{ "OID that is not complete", STR("\x30\7\6\2\x2a\x83\4\1\0"), E_SYNTAX, false },
		{ "OID with a zero", STR("\x30\7\6\2\x80\3\4\1\0"), E_SYNTAX, false },
		{ "truth other than FF", STR(BASIC("\1\1\1")), E_SYNTAX, false },
		{ "unknown kind of name", STR(NAMES("\x89\0")), E_SYNTAX, false },
		{ "purposes, none", STR("\x30\x09\6\3\x55\x1d\x25\4\2\x30\0"), E_SYNTAX, false },
		{ "constraints, none", STR("\x30\x09\6\3\x55\x1d\x1e\4\2\x30\0"), E_SYNTAX, false },
		{ "constraints, no subtree", STR("\x30\x0b\6\3\x55\x1d\x1e\4\4\x30\2\xa0\0"), E_SYNTAX,
			false },
		{ "constraint on a name", STR("\x30\x10\6\3\x55\x1d\x1e\4\x09\x30\7\xa0\5\x30\3\x82\1a"),
			OK, false },
		{ "constraint with a minimum",
			STR("\x30\x13\6\3\x55\x1d\x1e\4\x0c\x30\x0a\xa0\x08\x30\6\x82\1a\x80\1\1"), E_SYNTAX,
			false },
		{ "constraint on half an address",
			STR("\x30\x13\6\3\x55\x1d\x1e\4\x0c\x30\x0a\xa0\x08\x30\6\x87\4\1\2\3\4"), E_SYNTAX,
			false },
		{ "usage without bits", STR("\x30\x0a\6\3\x55\x1d\x0f\4\3\3\1\0"), OK, false },
		{ "usage without a byte", STR("\x30\x09\6\3\x55\x1d\x0f\4\2\3\0"), E_SYNTAX, false },
		{ "usage with eight bits unused", STR("\x30\x0b\6\3\x55\x1d\x0f\4\4\3\2\x08\0"), E_SYNTAX,
			false },
		{ "policy mapped to any",
			STR("\x30\x14\6\3\x55\x1d\x21\4\x0d\x30\x0b\x30\x09\6\1\x2a\6\4\x55\x1d\x20\0"),
			E_SYNTAX, false },
		{ "critical", STR("\x30\x0a\6\2\x2a\3\1\1\xff\4\1\0"), OK, false },
		{ "no value", STR("\x30\4\6\2\x2a\3"), E_SYNTAX, false },
		{ "something behind the value", STR("\x30\x0a\6\2\x2a\3\4\1\0\1\1\0"), E_SYNTAX, false },
		{ "indefinite length", STR("\x30\x80\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length longer than needed", STR("\x30\x81\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length with a zero", STR("\x30\x82\0\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length of nine bytes", STR("\x30\x89\0\0\0\0\0\0\0\0\7\6\2\x2a\3\4\1\0"), E_SYNTAX,
			false },
		{ "huge length", STR("\x30\x84\xff\xff\xff\xff\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "tag of two bytes", STR("\x3f\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct certificate c;
		context("%s", cases[i].what);
		expect_int(
			certificate_read(&c, assembled(S(VALIDITY), cases[i].extensions)), cases[i].want);
		if (cases[i].want == OK)
			expect(c.is_ca == cases[i].is_ca);
	}
}

