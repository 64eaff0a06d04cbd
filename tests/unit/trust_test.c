#include "check.h"

#include "x509/names.h"
#include "x509/trust.h"

#include <string.h>

static char memory[1 << 18];
static struct trust trust;
static struct fault fault;

static struct arena arena_of(size_t n)
{
	check(n <= sizeof(memory));
	memset(memory, 0xa5, sizeof(memory));
	return (struct arena){ memory, 0, n };
}

/* These files below vectors/x509/, one after another. */
static struct str bundle(const char *const *names, size_t count)
{
	static char text[1 << 17];
	struct buf b = BUF(text);
	for (size_t i = 0; i < count; i++) {
		char path[128];
		struct buf p = BUF(path);
		buf_format(&p, "vectors/x509/%s.pem%s", str_c(names[i]), S("\0"));
		buf_format(&b, "# %s\n%s", str_c(names[i]), test_file(path));
	}
	check(!b.full);
	return guard_copy(buf_str(&b));
}

#define BUNDLE(...)                                                                                \
	bundle((const char *const[]){ __VA_ARGS__ }, countof(((const char *const[]){ __VA_ARGS__ })))

static enum err load(struct str pem)
{
	struct arena a = arena_of(trust_size(pem));
	return trust_from_pem(&trust, pem, &a, &fault);
}

TEST(trust_from_one_root)
{
	expect_int(load(BUNDLE("root-ec")), OK);
	expect_int(trust.left_out_n, 0);
	if (expect_int(trust.count, 1)) {
		expect(!trust.anchors[0].is_leaf);
		expect_int(trust.anchors[0].der.p[0], 0x30);
		expect(trust_knows(&trust, trust.anchors[0].subject));
		expect(trust_find(&trust, trust.anchors[0].der) == &trust.anchors[0]);
	}
}

TEST(trust_from_a_bundle)
{
	/* Both certificates of unknown-root: the server's is passed over. */
	expect_int(load(BUNDLE("root-ec", "good-ec-key", "root-rsa", "root-constrained", "unknown-root",
				   "root-p384", "listed")),
		OK);
	expect_int(trust.count, 6);
	expect_int(trust.left_out_n, 2);
	for (size_t i = 0; i < trust.count; i++)
		expect(trust.anchors[i].is_leaf == (i == 5));
	expect(trust_find(&trust, trust.anchors[5].der) == &trust.anchors[5]);
	expect(!trust_knows(&trust, trust.anchors[5].subject));
}

TEST(trust_says_what_it_leaves_out)
{
	char text[400];
	struct buf b = BUF(text);
	expect_int(load(BUNDLE("good-no-purpose", "root-ec", "root-weak", "good-ec-key")), OK);
	trust_put_left_out(&b, &trust);
	expect_str(buf_str(&b),
		S("`server.test` (it is not a CA's); `Weak Root` (its key is not supported: RSA of 1024 "
		  "bits); "
		  "a block (it is not a CERTIFICATE)"));
	const struct left_out *l = trust_find_left_out(&trust, trust.left_out[1].subject);
	expect(l == &trust.left_out[1]);
	expect(trust_find_left_out(&trust, trust.anchors[0].subject) == NULL);
	buf_reset(&b);
	expect_int(load(BUNDLE("root-ec", "root-weak", "root-weak", "root-weak", "root-weak",
				   "root-weak", "root-weak", "root-weak")),
		OK);
	trust_put_left_out(&b, &trust);
	expect(str_ends(buf_str(&b), S("(its key is not supported: RSA of 1024 bits); and 2 more")));
}

/* A version 1 certificate has no way to say that it is a CA's. */
TEST(trust_takes_roots_of_version_1)
{
	expect_int(load(BUNDLE("root-v1")), OK);
	expect_int(trust.count, 1);
	expect(!trust.anchors[0].is_leaf);
	context("one that somebody else signed");
	expect_int(load(BUNDLE("root-ec", "v1-below-v1")), OK);
	expect_int(trust.count, 1);
	if (expect_int(trust.left_out_n, 1))
		expect_int(trust.left_out[0].reason, LEFT_OUT_NOT_CA);
}

TEST(trust_passes_over_what_is_unreadable)
{
	char text[2048];
	struct buf b = BUF(text);
	buf_format(&b,
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n%s-----BEGIN TRUSTED "
		"CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
		BUNDLE("root-ec"));
	expect_int(load(buf_str(&b)), OK);
	expect_int(trust.count, 1);
	expect_int(trust.left_out_n, 2);
}

TEST(trust_refuses_a_bundle)
{
	static const struct {
		const char *pem, *text;
	} cases[] = {
		{ "", "there is no usable CA certificate in the bundle" },
		{ "just text\n", "there is no usable CA certificate in the bundle" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
			"there is no usable CA certificate in the bundle" },
		{ "one\ntwo\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
			"the bundle of certificates is not proper PEM, see line 3" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n",
			"the bundle of certificates is not proper PEM, see line 1" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].pem);
		expect_int(load(guard_copy(str_c(cases[i].pem))), E_CONFIG);
		expect_str(fault_text(&fault), str_c(cases[i].text));
	}
	expect_int(load(BUNDLE("good-no-purpose")), E_CONFIG);
}

TEST(trust_needs_enough_memory)
{
	struct str pem = BUNDLE("root-ec", "root-rsa", "root-p384");
	bool enough = false;
	for (size_t n = 0; n <= trust_size(pem); n += 7) {
		struct arena a = arena_of(n);
		enum err e = trust_from_pem(&trust, pem, &a, &fault);
		context("%zu bytes", n);
		expect(e == OK || e == E_LIMIT);
		expect(e == OK || !enough);
		enough = enough || e == OK;
		expect_int((unsigned char)memory[n], 0xa5);
	}
	expect(enough);
}

TEST(trust_builtin_roots_are_there)
{
	struct trust t = trust_builtin();
	expect_int(t.count, 11);
	for (size_t i = 0; i < t.count; i++) {
		struct certificate c;
		context("%zu", i);
		if (!expect_int(certificate_read(&c, t.anchors[i].der), OK))
			continue;
		expect_str(t.anchors[i].subject, c.subject);
		expect(
			c.is_ca && c.key.key.key_type != 0 && !c.critical.p && certificate_is_self_issued(&c));
	}
}

/* All but the signature, which is left out of what is compiled in. */
static bool is_compiled_in(struct str der)
{
	struct certificate want, c;
	struct trust t = trust_builtin();
	expect_int(certificate_read(&want, der), OK);
	for (size_t i = 0; i < t.count; i++)
		if (certificate_read(&c, t.anchors[i].der) == OK && str_eq(c.signed_part, want.signed_part))
			return true;
	return false;
}

/* The anchors that are compiled in and their files, read by trust_from_pem, are the same. */
TEST(trust_reads_real_roots)
{
	static const char *const files[] = { "amazon-root-ca-1", "amazon-root-ca-2", "amazon-root-ca-3",
		"amazon-root-ca-4", "digicert-global-root-g2", "digicert-global-root-g3", "isrg-root-x1",
		"isrg-root-x2", "isrg-root-ye", "isrg-root-yr", "starfield-services-root-g2" };
	for (size_t i = 0; i < countof(files); i++) {
		char path[128];
		struct buf p = BUF(path);
		buf_format(&p, "../vendor/anchors/%s.pem%s", str_c(files[i]), S("\0"));
		context("%s", files[i]);
		if (expect_int(load(test_file(path)), OK) && expect_int(trust.count, 1))
			expect(is_compiled_in(trust.anchors[0].der));
	}
}
