#include "check.h"

#include "net/trust.h"

#include <string.h>

enum { EXTRA = 256 }; /* what is enough beyond the size of the text */
static char memory[1 << 18];
static struct trust trust;
static size_t skipped;
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

#define BUNDLE(...) bundle((const char *const[]){ __VA_ARGS__ }, countof(((const char *const[]){ __VA_ARGS__ })))

static enum err load(struct str pem)
{
	struct arena a = arena_of(pem.n + EXTRA);
	return trust_from_pem(&trust, &skipped, pem, &a, &fault);
}

TEST(trust_from_one_root)
{
	expect_int(load(BUNDLE("root-ec")), OK);
	expect_int(skipped, 0);
	if (expect_int(trust.count, 1)) {
		expect_int(trust.anchors[0].flags, BR_X509_TA_CA);
		expect_int(trust.anchors[0].pkey.key_type, BR_KEYTYPE_EC);
		expect_int(trust.anchors[0].pkey.key.ec.qlen, 65);
		expect_int(trust.anchors[0].dn.data[0], 0x30);
	}
}

TEST(trust_from_a_bundle)
{
	/* Both certificates of unknown-root: the server's is passed over. */
	expect_int(load(BUNDLE("root-ec", "good-ec-key", "root-rsa", "root-constrained", "unknown-root", "root-p384")), OK);
	expect_int(trust.count, 4);
	expect_int(skipped, 3);
	expect_int(trust.anchors[1].pkey.key_type, BR_KEYTYPE_RSA);
	expect_int(trust.anchors[1].pkey.key.rsa.nlen, 256);
	expect_int(trust.anchors[3].pkey.key.ec.curve, BR_EC_secp384r1);
}

TEST(trust_passes_over_what_is_unreadable)
{
	char text[2048];
	struct buf b = BUF(text);
	buf_format(&b,
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n%s-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
		BUNDLE("root-ec"));
	expect_int(load(buf_str(&b)), OK);
	expect_int(trust.count, 1);
	expect_int(skipped, 2);
}

TEST(trust_refuses_a_bundle)
{
	static const struct {
		const char *pem, *text;
	} cases[] = {
		{ "", "there is no usable CA certificate in the bundle" },
		{ "just text\n", "there is no usable CA certificate in the bundle" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "there is no usable CA certificate in the bundle" },
		{ "one\ntwo\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		  "the bundle of certificates is not proper PEM, see line 3" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n", "the bundle of certificates is not proper PEM, see line 1" },
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
	for (size_t n = 0; n < pem.n + EXTRA; n += 7) {
		struct arena a = arena_of(n);
		enum err e = trust_from_pem(&trust, &skipped, pem, &a, &fault);
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
	expect(t.count > 0);
	for (size_t i = 0; i < t.count; i++) {
		context("%zu", i);
		expect_int(t.anchors[i].flags, BR_X509_TA_CA);
		expect(t.anchors[i].pkey.key_type == BR_KEYTYPE_RSA || t.anchors[i].pkey.key_type == BR_KEYTYPE_EC);
	}
}

/* The anchors that are compiled in and their files, read by trust_from_pem, say the same. */
TEST(trust_reads_real_roots)
{
	static const char *const files[] = { "amazon-root-ca-1", "amazon-root-ca-2", "amazon-root-ca-3", "amazon-root-ca-4",
		"digicert-global-root-g2", "digicert-global-root-g3",
		"isrg-root-x1", "isrg-root-x2", "starfield-services-root-g2" };
	struct trust builtin = trust_builtin();
	for (size_t i = 0; i < countof(files); i++) {
		char path[128];
		struct buf p = BUF(path);
		buf_format(&p, "../vendor/anchors/%s.pem%s", str_c(files[i]), S("\0"));
		context("%s", files[i]);
		if (!expect_int(load(test_file(path)), OK) || !expect_int(trust.count, 1))
			continue;
		const br_x509_trust_anchor *a = &trust.anchors[0], *b = NULL;
		for (size_t j = 0; j < builtin.count; j++)
			if (builtin.anchors[j].dn.len == a->dn.len && memcmp(builtin.anchors[j].dn.data, a->dn.data, a->dn.len) == 0)
				b = &builtin.anchors[j];
		if (!expect(b != NULL) || !expect_int(a->pkey.key_type, b->pkey.key_type))
			continue;
		if (b->pkey.key_type == BR_KEYTYPE_RSA)
			expect(a->pkey.key.rsa.nlen == b->pkey.key.rsa.nlen && memcmp(a->pkey.key.rsa.n, b->pkey.key.rsa.n, b->pkey.key.rsa.nlen) == 0);
		else
			expect(a->pkey.key.ec.qlen == b->pkey.key.ec.qlen && memcmp(a->pkey.key.ec.q, b->pkey.key.ec.q, b->pkey.key.ec.qlen) == 0);
	}
}
