#include "check.h"
#include "chain.h"
#include "crypto/limb.h"

#include "net/address.h"
#include "x509/verifier.h"

#include <string.h>

static const int64_t in_2030 = 1893456000;
static struct verifier verifier;

/* What becomes of a chain, fed in pieces of `piece` bytes as an engine would for `host`. All of it
 * is seen, whatever becomes of it. */
static unsigned verdict(
	const struct chain *c, struct trust trust, const char *host, int64_t now, size_t piece)
{
	static struct trust kept;
	const br_x509_class **class = &verifier.vtable;
	static struct address address;
	static char memory[CHAIN_MAX * 20000];
	struct buf seen = BUF(memory);
	struct reference_identifier whom = { .dns_name = str_c(host) };
	if (address_parse(&address, str_c(host))) {
		whom = (struct reference_identifier){ .address = { (const char *)address.ip.s6_addr, 16 } };
		whom.address = str_skip(whom.address, address_is_v4(&address) ? 12 : 0);
	}
	kept = trust;
	verifier_init(&verifier, PATH_SERVER, &whom, &kept, now);
	verifier.seen = &seen;
	(*class)->start_chain(class, host);
	for (size_t i = 0; i < c->count; i++) {
		(*class)->start_cert(class, (uint32_t)c->der[i].n);
		for (size_t at = 0; at < c->der[i].n; at += piece) {
			struct str part = str_sub(c->der[i], at, at + piece);
			(*class)->append(class, (const unsigned char *)part.p, part.n);
		}
		(*class)->end_cert(class);
		expect_str(str_skip(buf_str(&seen), seen.n - c->der[i].n), c->der[i]);
	}
	unsigned error = (*class)->end_chain(class), usages = 0;
	expect(((*class)->get_pkey(class, &usages) != NULL) == (error == 0));
	return error;
}

/* The same as an enum path_code. */
static unsigned code(const struct chain *c, struct trust trust, const char *host)
{
	unsigned error = verdict(c, trust, host, in_2030, 256);
	return error < VERIFIER_ERROR ? error : error - VERIFIER_ERROR;
}

TEST(path_of_chains)
{
	static const struct {
		const char *name, *host;
		enum path_code want;
	} cases[] = {
		{ "good-ec", "server.test", PATH_OK },
		{ "good-ec", "Server.TEST", PATH_OK },
		{ "good-ec", "any.wild.test", PATH_OK },
		{ "good-ec", "127.0.0.1", PATH_OK },
		{ "good-ec", "::1", PATH_OK },
		{ "good-rsa", "server.test", PATH_OK },
		{ "good-rsa", "127.0.0.1", PATH_OK },
		{ "good-p384", "server.test", PATH_OK },
		{ "good-sha512", "server.test", PATH_OK },
		{ "good-no-purpose", "server.test", PATH_OK },
		{ "good-two-purposes", "server.test", PATH_OK },
		{ "good-more-than-needed", "server.test", PATH_OK },
		{ "wrong-order", "server.test", PATH_OK },
#ifdef LIMB_WIDE
		{ "good-rsa8192", "server.test", PATH_OK },
#else
		{ "good-rsa8192", "server.test", PATH_OTHER_KEY }, /* as crypto/rsa.h says */
#endif
		{ "long-rsa", "server.test", PATH_OK },
		{ "any-purpose", "server.test", PATH_OK },
		{ "critical-purpose", "server.test", PATH_OK },
		{ "constrained-issuer", "server.test", PATH_OK },
		{ "constrained-issuer-critical", "server.test", PATH_OK },
		{ "too-large", "host-0001.server.test", PATH_OK },
		{ "good-ec", "wild.test", PATH_OTHER_NAME },
		{ "good-ec", "a.b.wild.test", PATH_OTHER_NAME },
		{ "good-ec", "127.0.0.2", PATH_OTHER_NAME },
		{ "good-ec", "::2", PATH_OTHER_NAME },
		{ "other-name", "server.test", PATH_OTHER_NAME },
		{ "name-as-address", "127.0.0.1", PATH_OTHER_NAME },
		{ "no-names", "server.test", PATH_NO_NAMES },
		{ "expired", "server.test", PATH_EXPIRED },
		{ "future", "server.test", PATH_NOT_YET_VALID },
		{ "ca-as-server", "server.test", PATH_CA_AS_PEER },
		{ "client-only", "server.test", PATH_PURPOSE },
		{ "mail-issuer", "server.test", PATH_PURPOSE },
		{ "weak-rsa", "server.test", PATH_KEY },
				{ "sha1", "server.test", PATH_ALGORITHM },
		{ "stranger", "server.test", PATH_OTHER_KEY },
		{ "unknown-root", "server.test", PATH_UNKNOWN_ISSUER },
		{ "issuer-not-ca", "server.test", PATH_NOT_CA },
		{ "path-too-long", "server.test", PATH_TOO_LONG },
	};
	struct trust trust = chain_trust("root-ec root-rsa root-p384 root-rsa8192");
	for (size_t i = 0; i < countof(cases); i++) {
		struct chain c = chain_load(cases[i].name);
		unsigned want = cases[i].want == PATH_OK ? 0 : VERIFIER_ERROR + cases[i].want;
		context("%s for %s", cases[i].name, cases[i].host);
		expect_int(verdict(&c, trust, cases[i].host, in_2030, 256), want);
		expect_int(verdict(&c, trust, cases[i].host, in_2030, 1), want);
	}
	context("without anchors");
	struct chain good = chain_load("good-ec");
	expect_int(code(&good, (struct trust){ .count = 0 }, "server.test"), PATH_UNKNOWN_ISSUER);
	context("without certificates");
	expect_int(verdict(&(struct chain){ .count = 0 }, trust, "server.test", in_2030, 256),
		BR_ERR_X509_EMPTY_CHAIN);
	context("in the past and in the future");
	expect_int(
		verdict(&good, trust, "server.test", 1577836799, 256), VERIFIER_ERROR + PATH_NOT_YET_VALID);
	expect_int(verdict(&good, trust, "server.test", 1577836800, 256), 0);
	expect_int(verdict(&good, trust, "server.test", INT64_C(4701974400), 256), 0);
	expect_int(verdict(&good, trust, "server.test", INT64_C(4701974401), 256),
		VERIFIER_ERROR + PATH_EXPIRED);
}

/* No single changed byte is believed, wherever it is: not in the server's own, not in one above it,
 * not one that is at the end. */
TEST(path_notices_every_changed_byte)
{
	static const char *const names[] = { "good-ec", "good-rsa", "good-no-purpose" };
	struct trust trust = chain_trust("root-ec root-rsa");
	for (size_t i = 0; i < countof(names); i++) {
		struct chain c = chain_load(names[i]);
		for (size_t which = 0; which < c.count; which++) {
			char bytes[2048];
			struct chain changed = c;
			changed.der[which].p = bytes;
			check(c.der[which].n <= sizeof(bytes));
			for (size_t at = 0; at < c.der[which].n; at++) {
				memcpy(bytes, c.der[which].p, c.der[which].n);
				bytes[at] ^= (char)(1 << test_random(8));
				context("%s, certificate %zu, byte %zu", names[i], which, at);
				expect(verdict(&changed, trust, "server.test", in_2030, 256) != 0);
			}
		}
	}
}

/* As many certificates of one name and one key as fit: every order of them would be a path. */
TEST(path_is_sought_within_limits)
{
	struct trust trust = chain_trust("root-rsa");
	struct chain c = chain_load("maze");
	expect_int(c.count, PATH_CERTIFICATES);
	expect_int(code(&c, trust, "server.test"), PATH_LIMIT);
	trust = chain_trust("root-ec");
	expect_int(code(&c, trust, "server.test"), PATH_OK);
}

TEST(path_needs_room_for_the_own_certificate)
{
	struct trust trust = chain_trust("root-ec");
	struct chain good = chain_load("good-no-purpose"), c = good;
	static const char large[VERIFIER_BYTES + 1];
	struct buf b = { (char[128]){ 0 }, 0, 128, false };
	context("one that has no place is passed over");
	c.der[c.count++] = (struct str){ large, sizeof(large) };
	expect_int(code(&c, trust, "server.test"), PATH_OK);
	context("the own one is too large");
	c = (struct chain){ 2, { { large, sizeof(large) }, good.der[0] } };
	expect_int(code(&c, trust, "server.test"), PATH_MALFORMED);
	verifier_put_reason(&b, &verifier, S("server.test"));
	expect_str(buf_str(&b), S("the certificate of server.test is larger than 32 KiB"));
	context("the own one is malformed");
	c = (struct chain){ 2, { S("\x30\0"), good.der[0] } };
	expect_int(code(&c, trust, "server.test"), PATH_MALFORMED);
	buf_reset(&b);
	verifier_put_reason(&b, &verifier, S("server.test"));
	expect_str(buf_str(&b), S("the certificate of server.test is malformed"));
	context("others are malformed");
	c = (struct chain){ 4, { good.der[0], S("\x30\0"), S(""), S("\x30") } };
	expect_int(code(&c, trust, "server.test"), PATH_OK);
	context("more of them than are kept");
	c = (struct chain){ 1, { good.der[0] } };
	while (c.count < CHAIN_MAX)
		c.der[c.count++] = S("\x30\0");
	expect_int(code(&c, trust, "server.test"), PATH_OK);
}

/* A server that has nobody else's signature. */
TEST(path_of_one_that_is_listed)
{
	struct chain own = chain_load("listed"), ca = chain_load("listed-ca"),
				 below = chain_load("below-listed");
	struct trust trust = chain_trust("listed root-rsa");
	expect_int(code(&own, trust, "server.test"), PATH_OK);
	expect_int(code(&own, trust, "127.0.0.1"), PATH_OK);
	expect_int(code(&own, trust, "other.test"), PATH_OTHER_NAME);
	expect_int(verdict(&own, trust, "server.test", INT64_C(4701974401), 256),
		VERIFIER_ERROR + PATH_EXPIRED);
	expect_int(code(&own, chain_trust("root-rsa"), "server.test"), PATH_UNKNOWN_ISSUER);
	context("not byte for byte");
	struct chain twin = chain_load("listed-twin");
	expect_int(code(&twin, chain_trust("listed"), "server.test"), PATH_UNKNOWN_ISSUER);
	context("it issues nothing");
	expect_int(code(&below, chain_trust("listed"), "server.test"), PATH_NOT_CA);
	context("a CA's may be listed, too");
	expect_int(code(&ca, chain_trust("listed-ca"), "server.test"), PATH_OK);
	expect_int(code(&ca, chain_trust("listed"), "server.test"), PATH_CA_AS_PEER);
	context("for clients only");
	struct chain client = chain_load("listed-client");
	expect_int(code(&client, chain_trust("listed-client"), "server.test"), PATH_PURPOSE);
}

/* A client's certificate: no name is asked for. */
TEST(path_of_clients)
{
	static const struct {
		const char *name;
		enum path_code want;
	} cases[] = {
		{ "client-only", PATH_OK },
		{ "good-two-purposes", PATH_OK },
		{ "any-purpose", PATH_OK },
		{ "good-no-purpose", PATH_OK },
		{ "good-ec", PATH_PURPOSE },
		{ "mail-issuer", PATH_PURPOSE },
		{ "ca-as-server", PATH_PURPOSE },
		{ "stranger", PATH_PURPOSE },
	};
	struct trust trust = chain_trust("root-ec");
	for (size_t i = 0; i < countof(cases); i++) {
		struct certificate received[CHAIN_MAX];
		struct chain c = chain_load(cases[i].name);
		struct path_answer a;
		for (size_t j = 0; j < c.count; j++)
			expect_int(certificate_read(&received[j], c.der[j]), OK);
		struct path_question q = { .role = PATH_CLIENT,
			.now_s = in_2030,
			.trust = &trust,
			.received = received,
			.count = c.count,
			.verify = signature_check };
		context("%s", cases[i].name);
		expect_int(path_find(&a, &q), cases[i].want);
	}
}

/* ---- what people read ---- */

TEST(path_says_what_is_wrong)
{
	static const struct {
		const char *name, *roots, *host, *text;
	} cases[] = {
		{ "expired", "root-ec", "server.test",
			"the certificate `server.test` of server.test has expired on 2021-01-01T00:00:00Z; "
			"this machine's clock says 2030-01-01T00:00:00Z" },
		{ "future", "root-ec", "server.test",
			"the certificate `server.test` of server.test is not valid before "
			"2100-01-01T00:00:00Z; "
			"this machine's clock says 2030-01-01T00:00:00Z" },
		{ "other-name", "root-ec", "server.test",
			"the certificate `server.test` of server.test is not for this name but for other.test, "
			"*.other.test, c.test and 2 more" },
		{ "no-names", "root-ec", "server.test",
			"the certificate `server.test` of server.test has no subjectAltName; the common name "
			"does not count" },
		{ "ca-as-server", "root-ec", "server.test",
			"the certificate `server.test` of server.test is a CA's; a server must have one of its "
			"own, with CA:FALSE" },
		{ "client-only", "root-ec", "server.test",
			"the certificate `server.test` of server.test is not meant for servers (extended key "
			"usage)" },
		{ "mail-issuer", "root-ec", "server.test",
			"the certificate `Mail` above that of server.test is not meant for servers (extended "
			"key usage)" },
		{ "weak-rsa", "root-ec", "server.test",
			"the certificate `server.test` of server.test has a key that is not supported: RSA of "
			"1024 bits" },
		{ "sha1", "root-rsa", "server.test",
			"the certificate `server.test` of server.test is signed with an algorithm that is not "
			"supported: SHA-1 with RSA" },
		{ "issuer-not-ca", "root-ec", "server.test",
			"the certificate `Not CA` above that of server.test is not a CA's and may not issue "
			"certificates (basic constraints)" },
		{ "path-too-long", "root-ec", "server.test",
			"the certificate `Between` above that of server.test allows only 0 CA certificates "
			"below it (path length)" },
		{ "constrained-issuer", "root-ec", "server.test", "" },
		{ "constrained-other", "root-ec", "server.test",
			"the certificate `Limited` above that of server.test does not permit server.test (name "
			"constraints)" },
		{ "constrained-mail", "root-ec", "server.test", "" },
		{ "critical", "root-ec", "server.test",
			"the certificate `server.test` of server.test has a critical extension that is not "
			"supported: 1.3.6.1.4.1.11129.2.4.3" },
		{ "stranger", "root-ec", "server.test",
			"the certificate `server.test` of server.test was not signed by the `Root EC` that is "
			"trusted (PEM), but by another of that name" },
		{ "unknown-root", "root-ec", "server.test",
			"the certificate `Unknown` above that of server.test comes from an unknown "
			"authority, `Unknown`: set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains "
			"it" },
		{ "good-rsa", "root-ec", "server.test",
			"the certificate `Between RSA` above that of server.test comes from an unknown "
			"authority, `Root RSA`: set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains "
			"it" },
		{ "good-rsa8200", "root-ec root-rsa8200", "server.test",
			"the certificate `server.test` of server.test comes from an unknown "
			"authority, `Root RSA 8200`, which PEM contains but which cannot be used: its key is "
			"not supported: RSA of 8200 bits" },
		{ "below-weak", "root-ec root-weak", "server.test",
			"the certificate `server.test` of server.test comes from an unknown "
			"authority, `Weak Root`, which PEM contains but which cannot be used: its key is not "
			"supported: RSA of 1024 bits" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char text[240];
		struct buf b = BUF(text);
		struct chain c = chain_load(cases[i].name);
		context("%s", cases[i].name);
		unsigned error = verdict(&c, chain_trust(cases[i].roots), cases[i].host, in_2030, 256);
		if (error)
			verifier_put_reason(&b, &verifier, S("server.test"));
		expect_str(buf_str(&b), str_c(cases[i].text));
	}
}

/* Until when a session may be resumed. */
TEST(path_ends_with_its_first_certificate)
{
	struct chain c = chain_load("below-v1");
	struct trust trust = chain_trust("root-v1");
	struct certificate root = chain_first("root-v1");
	expect_int(code(&c, trust, "server.test"), PATH_OK);
	expect(root.not_after < verifier.received[0].not_after);
	expect_int(verifier.answer.not_after, root.not_after);
	struct chain good = chain_load("good-ec");
	expect_int(code(&good, chain_trust("root-ec"), "server.test"), PATH_OK);
	expect_int(verifier.answer.not_after, INT64_C(4701974400));
}
