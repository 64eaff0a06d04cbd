#include "check.h"

#include "codec/pem.h"
#include "net/address.h"
#include "net/x509.h"

#include <string.h>

enum { CHAIN_MAX = 4 };
static const int64_t in_2030 = 1893456000;

/* The certificates of a file below vectors/x509/. */
struct chain {
	size_t count;
	struct str der[CHAIN_MAX];
};

static struct str path(const char *name)
{
	static char text[128];
	struct buf b = BUF(text);
	buf_format(&b, "vectors/x509/%s.pem%s", str_c(name), S("\0"));
	return buf_str(&b);
}

static struct chain load(const char *name)
{
	struct chain c = { .count = 0 };
	struct str pem = test_file(path(name).p), label;
	char bytes[20000];
	for (;;) {
		struct buf der = BUF(bytes);
		if (!expect_int(pem_next(&label, &der, &pem), OK) || !label.p)
			return c;
		check(c.count < CHAIN_MAX);
		c.der[c.count++] = guard_copy(buf_str(&der));
	}
}

/* Its DER ends at a guard page; its views live as long as the test. */
static struct x509_certificate parsed(const char *name)
{
	struct x509_certificate c;
	struct chain chain = load(name);
	context("%s", name);
	expect_int(x509_parse(&c, chain.der[0]), OK);
	return c;
}

static br_x509_trust_anchor anchor_of(const char *name)
{
	struct x509_certificate c = parsed(name);
	return (br_x509_trust_anchor){ { (unsigned char *)(uintptr_t)c.subject.p, c.subject.n }, BR_X509_TA_CA, c.key };
}

/* ---- reading ---- */

TEST(x509_says_what_it_is)
{
	static const struct {
		const char *name;
		unsigned key_type;
		bool is_ca, names, constraints, purposes, servers;
	} cases[] = {
		{ "root-ec", BR_KEYTYPE_EC, true, false, false, false, false },
		{ "root-rsa", BR_KEYTYPE_RSA, true, false, false, false, false },
		{ "root-p384", BR_KEYTYPE_EC, true, false, false, false, false },
		{ "root-constrained", BR_KEYTYPE_EC, true, false, true, false, false },
		{ "good-ec", BR_KEYTYPE_EC, false, true, false, true, true },
		{ "good-rsa", BR_KEYTYPE_RSA, false, true, false, true, true },
		{ "good-no-purpose", BR_KEYTYPE_EC, false, true, false, false, false },
		{ "good-two-purposes", BR_KEYTYPE_EC, false, true, false, true, true },
		{ "client-only", BR_KEYTYPE_EC, false, true, false, true, false },
		{ "any-purpose", BR_KEYTYPE_EC, false, true, false, true, false },
		{ "critical-purpose", BR_KEYTYPE_EC, false, true, false, true, true },
		{ "no-names", BR_KEYTYPE_EC, false, false, false, true, true },
		{ "ca-as-server", BR_KEYTYPE_EC, true, true, false, true, true },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct x509_certificate c = parsed(cases[i].name);
		expect_int(c.key.key_type, cases[i].key_type);
		expect_str(c.not_after, S("21190101000000Z"));
		expect(c.is_ca == cases[i].is_ca);
		expect((c.names.p != NULL) == cases[i].names);
		expect(c.has_constraints == cases[i].constraints);
		expect(c.has_purposes == cases[i].purposes);
		expect(c.for_servers == cases[i].servers);
	}
}

TEST(x509_names_its_issuer)
{
	static const char *const roots[] = { "root-ec", "root-rsa", "root-p384" };
	for (size_t i = 0; i < countof(roots); i++) {
		struct x509_certificate c = parsed(roots[i]);
		expect_str(c.issuer, c.subject);
	}
	struct x509_certificate own, above;
	struct chain chain = load("good-ec");
	if (!expect_int(chain.count, 2))
		return;
	expect_int(x509_parse(&own, chain.der[0]), OK);
	expect_int(x509_parse(&above, chain.der[1]), OK);
	expect_str(own.issuer, above.subject);
	expect_str(above.issuer, parsed("root-ec").subject);
}

TEST(x509_times)
{
	static const struct {
		struct str time, want; /* want empty: it is none */
	} cases[] = {
		{ STR("261130120059Z"), STR("2026-11-30T12:00:59Z") },
		{ STR("491231235959Z"), STR("2049-12-31T23:59:59Z") },
		{ STR("500101000000Z"), STR("1950-01-01T00:00:00Z") },
		{ STR("20500101000000Z"), STR("2050-01-01T00:00:00Z") },
		{ STR("99991231235959Z"), STR("9999-12-31T23:59:59Z") },
		{ STR(""), STR("") },
		{ STR("Z"), STR("") },
		{ STR("261130120059"), STR("") },
		{ STR("261130120059+"), STR("") },
		{ STR("26113012005\x1bZ"), STR("") },
		{ STR("2611301200590Z"), STR("") },
		{ STR("2026113012005.Z"), STR("") },
		{ STR("20261130120059z"), STR("") },
		{ STR("20261130120059+0000"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char time[X509_TIME];
		context("%s", cases[i].time.p);
		if (expect(x509_read_time(time, guard_copy(cases[i].time)) == (cases[i].want.n > 0)) && cases[i].want.n)
			expect_str(((struct str){ time, sizeof(time) }), cases[i].want);
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
TEST(x509_agrees_with_the_decoder_of_the_library)
{
	static const char *const names[] = { "root-ec", "root-rsa", "root-p384", "good-ec", "good-rsa", "good-p384", "weak-rsa", "too-large" };
	for (size_t i = 0; i < countof(names); i++) {
		char subject[512];
		struct buf b = BUF(subject);
		br_x509_decoder_context decoder;
		struct x509_certificate c = parsed(names[i]);
		struct str der = load(names[i]).der[0];
		br_x509_decoder_init(&decoder, append_name, &b);
		br_x509_decoder_push(&decoder, der.p, der.n);
		const br_x509_pkey *key = br_x509_decoder_get_pkey(&decoder);
		if (!expect(key != NULL))
			continue;
		expect_str(c.subject, buf_str(&b));
		expect_str(c.not_after, S("21190101000000Z"));
		expect(c.is_ca == br_x509_decoder_isCA(&decoder));
		expect_int(c.key.key_type, key->key_type);
		if (key->key_type == BR_KEYTYPE_RSA) {
			expect_str(bytes_of(c.key.key.rsa.n, c.key.key.rsa.nlen), bytes_of(key->key.rsa.n, key->key.rsa.nlen));
			expect_str(bytes_of(c.key.key.rsa.e, c.key.key.rsa.elen), bytes_of(key->key.rsa.e, key->key.rsa.elen));
		} else {
			expect_int(c.key.key.ec.curve, key->key.ec.curve);
			expect_str(bytes_of(c.key.key.ec.q, c.key.key.ec.qlen), bytes_of(key->key.ec.q, key->key.ec.qlen));
		}
	}
}

TEST(x509_every_prefix_is_refused)
{
	struct str der = load("good-ec").der[0];
	struct x509_certificate c;
	char longer[2048];
	for (size_t n = 0; n < der.n; n++) {
		context("%zu bytes", n);
		expect_int(x509_parse(&c, guard_copy(str_sub(der, 0, n))), E_SYNTAX);
	}
	context("one byte more");
	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	expect_int(x509_parse(&c, (struct str){ longer, der.n + 1 }), E_SYNTAX);
}

/* A certificate of nearly nothing, around these extensions. */
static struct str with_extensions(struct str extensions)
{
	static char bytes[256];
	struct buf b = BUF(bytes);
	char n = (char)extensions.n;
	buf_format(&b, "\x30%s\x30%s", (struct str){ (char[]){ (char)(n + 58) }, 1 }, (struct str){ (char[]){ (char)(n + 51) }, 1 });
	buf_put(&b, S("\xa0\3\2\1\2\2\1\1\x30\0\x30\0\x30\4\x17\0\x18\0\x30\0" /* version, serial, algorithm, issuer, dates, subject */
	              "\x30\x19\x30\x13\6\7\x2a\x86\x48\xce\x3d\2\1\6\x08\x2a\x86\x48\xce\x3d\3\1\7\3\2\0\4" /* key */));
	buf_format(&b, "\xa3%s\x30%s%s%s", (struct str){ (char[]){ (char)(n + 2) }, 1 }, (struct str){ &n, 1 }, extensions, S("\x30\0\3\1\0"));
	return guard_copy(buf_str(&b));
}

#define BASIC(contents) "\x30\x0c\6\3\x55\x1d\x13\4\5\x30\3" contents
#define NAMES(contents) "\x30\x0b\6\3\x55\x1d\x11\4\4\x30\2" contents

TEST(x509_extensions)
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
		{ "unknown twice", STR("\x30\7\6\2\x2a\3\4\1\0\x30\7\6\2\x2a\3\4\1\0"), OK, false },
		{ "critical", STR("\x30\x0a\6\2\x2a\3\1\1\xff\4\1\0"), OK, false },
		{ "no value", STR("\x30\4\6\2\x2a\3"), E_SYNTAX, false },
		{ "something behind the value", STR("\x30\x0a\6\2\x2a\3\4\1\0\1\1\0"), E_SYNTAX, false },
		{ "indefinite length", STR("\x30\x80\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length longer than needed", STR("\x30\x81\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length with a zero", STR("\x30\x82\0\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "length of nine bytes", STR("\x30\x89\0\0\0\0\0\0\0\0\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "huge length", STR("\x30\x84\xff\xff\xff\xff\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
		{ "tag of two bytes", STR("\x3f\7\6\2\x2a\3\4\1\0"), E_SYNTAX, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct x509_certificate c;
		context("%s", cases[i].what);
		expect_int(x509_parse(&c, with_extensions(cases[i].extensions)), cases[i].want);
		if (cases[i].want == OK)
			expect(c.is_ca == cases[i].is_ca);
	}
}

/* ---- names ---- */

TEST(x509_is_for_its_names)
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
		{ STR("\x82\x0bserver.test\x82\0"), "", true },
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
		struct x509_certificate c = { .names = guard_copy(cases[i].names) };
		context("%zu: %s", i, cases[i].host);
		expect(x509_is_for(&c, guard_copy(str_c(cases[i].host))) == cases[i].want);
	}
}

TEST(x509_names_for_a_message)
{
	char text[128];
	struct buf b = BUF(text);
	struct x509_certificate c = parsed("other-name");
	x509_put_names(&b, &c);
	expect_str(buf_str(&b), S("other.test, *.other.test, c.test and 2 more"));
	/* What is no name is not printed. */
	buf_reset(&b);
	c.names = S("\x82\6a\nb.cd\x82\4a.bc\x82\0\x87\4\1\2\3\4");
	x509_put_names(&b, &c);
	expect_str(buf_str(&b), S("a.bc"));
}

/* ---- chains ---- */

static struct x509_verifier verifier;

/* What becomes of a chain, fed in pieces of `piece` bytes, as an engine would for `host`. All of it must be seen, whatever becomes of it. */
static unsigned verdict(const struct chain *c, const br_x509_trust_anchor *anchors, size_t count, const char *host, int64_t now,
                        size_t piece)
{
	struct trust trust = { .anchors = anchors, .count = count };
	const br_x509_class **class = &verifier.vtable;
	struct address ignored;
	static char memory[CHAIN_MAX * 20000];
	struct buf seen = BUF(memory);
	x509_verifier_init(&verifier, &trust, str_c(host), now);
	verifier.seen = &seen;
	(*class)->start_chain(class, address_parse(&ignored, str_c(host)) ? "" : host);
	for (size_t i = 0; i < c->count; i++) {
		(*class)->start_cert(class, (uint32_t)c->der[i].n);
		for (size_t at = 0; at < c->der[i].n; at += piece) {
			struct str part = str_sub(c->der[i], at, at + piece);
			(*class)->append(class, (const unsigned char *)part.p, part.n);
		}
		(*class)->end_cert(class);
		expect_str(str_skip(buf_str(&seen), seen.n - c->der[i].n), c->der[i]);
	}
	return (*class)->end_chain(class);
}

TEST(x509_chains)
{
	static const struct {
		const char *name, *host;
		unsigned want;
	} cases[] = {
		{ "good-ec", "server.test", 0 },
		{ "good-ec", "Server.TEST", 0 },
		{ "good-ec", "any.wild.test", 0 },
		{ "good-ec", "127.0.0.1", 0 },
		{ "good-ec", "::1", 0 },
		{ "good-rsa", "server.test", 0 },
		{ "good-rsa", "127.0.0.1", 0 },
		{ "good-p384", "server.test", 0 },
		{ "good-sha512", "server.test", 0 },
		{ "good-no-purpose", "server.test", 0 },
		{ "good-two-purposes", "server.test", 0 },
		{ "good-more-than-needed", "server.test", 0 },
		{ "good-ec", "wild.test", BR_ERR_X509_BAD_SERVER_NAME },
		{ "good-ec", "a.b.wild.test", BR_ERR_X509_BAD_SERVER_NAME },
		{ "good-ec", "127.0.0.2", BR_ERR_X509_BAD_SERVER_NAME },
		{ "good-ec", "::2", BR_ERR_X509_BAD_SERVER_NAME },
		{ "other-name", "server.test", BR_ERR_X509_BAD_SERVER_NAME },
		{ "name-as-address", "127.0.0.1", BR_ERR_X509_BAD_SERVER_NAME },
		{ "no-names", "server.test", X509_NO_NAMES },
		{ "expired", "server.test", BR_ERR_X509_EXPIRED },
		{ "future", "server.test", BR_ERR_X509_EXPIRED },
		{ "ca-as-server", "server.test", X509_CA_AS_SERVER },
		{ "client-only", "server.test", X509_NOT_FOR_SERVERS },
		{ "any-purpose", "server.test", X509_NOT_FOR_SERVERS },
		{ "mail-issuer", "server.test", X509_NOT_FOR_SERVERS },
		{ "critical-purpose", "server.test", BR_ERR_X509_CRITICAL_EXTENSION },
		{ "constrained-issuer", "server.test", X509_CONSTRAINED },
		{ "constrained-issuer-critical", "server.test", BR_ERR_X509_CRITICAL_EXTENSION },
		{ "weak-rsa", "server.test", BR_ERR_X509_WEAK_PUBLIC_KEY },
		{ "sha1", "server.test", BR_ERR_X509_UNSUPPORTED },
		{ "too-large", "host-0001.server.test", X509_TOO_LARGE },
		{ "stranger", "server.test", BR_ERR_X509_NOT_TRUSTED },
		{ "unknown-root", "server.test", BR_ERR_X509_NOT_TRUSTED },
		{ "issuer-not-ca", "server.test", BR_ERR_X509_NOT_CA },
		{ "path-too-long", "server.test", BR_ERR_X509_NOT_CA },
		{ "wrong-order", "server.test", BR_ERR_X509_DN_MISMATCH },
	};
	br_x509_trust_anchor anchors[] = { anchor_of("root-ec"), anchor_of("root-rsa"), anchor_of("root-p384") };
	for (size_t i = 0; i < countof(cases); i++) {
		struct chain c = load(cases[i].name);
		context("%s for %s", cases[i].name, cases[i].host);
		expect_int(verdict(&c, anchors, countof(anchors), cases[i].host, in_2030, 256), cases[i].want);
		expect_int(verdict(&c, anchors, countof(anchors), cases[i].host, in_2030, 1), cases[i].want);
	}
	context("without anchors");
	struct chain good = load("good-ec");
	expect_int(verdict(&good, anchors, 0, "server.test", in_2030, 256), BR_ERR_X509_NOT_TRUSTED);
	context("without certificates");
	expect_int(verdict(&(struct chain){ .count = 0 }, anchors, 1, "server.test", in_2030, 256), BR_ERR_X509_EMPTY_CHAIN);
	context("in the past and in the future");
	expect_int(verdict(&good, anchors, 1, "server.test", 1577836799, 256), BR_ERR_X509_EXPIRED);
	expect_int(verdict(&good, anchors, 1, "server.test", 1577836800, 256), 0);
	expect_int(verdict(&good, anchors, 1, "server.test", INT64_C(4701974400), 256), 0);
	expect_int(verdict(&good, anchors, 1, "server.test", INT64_C(4701974401), 256), BR_ERR_X509_EXPIRED);
}

/* No single changed byte is believed, wherever it is. */
TEST(x509_every_changed_byte_is_noticed)
{
	br_x509_trust_anchor root = anchor_of("root-ec");
	struct chain c = load("good-no-purpose");
	char bytes[1024];
	check(c.der[0].n <= sizeof(bytes));
	for (size_t i = 0; i < c.der[0].n; i++) {
		memcpy(bytes, c.der[0].p, c.der[0].n);
		bytes[i] ^= (char)(1 << test_random(8));
		struct chain changed = { 1, { { bytes, c.der[0].n } } };
		context("byte %zu", i);
		expect(verdict(&changed, &root, 1, "server.test", in_2030, 256) != 0);
	}
}
