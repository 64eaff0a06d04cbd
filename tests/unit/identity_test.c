#include "x509/identity.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

static struct fault fault;
static struct identity identity;
static char memory[32768];

static struct str file_of(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "vectors/%s.pem", name);
	return test_file(path);
}

static enum err read_identity(struct str chain, struct str key)
{
	struct arena arena = { memory, 0, sizeof(memory) };
	memset(&identity, 0, sizeof(identity));
	return identity_from_pem(&identity, chain, key, &arena, &fault);
}

TEST(identity_may_be_one_file)
{
	char text[8192];
	struct buf b = BUF(text);
	buf_format(&b, "%s%s", file_of("x509/good-rsa-key"), file_of("x509/good-rsa"));
	expect_int(read_identity(guard_copy(buf_str(&b)), guard_copy(buf_str(&b))), OK);
	expect_int(identity.chain_n, 2);
}

TEST(identity_says_what_is_wrong)
{
	char many[16384], damaged[4096];
	struct buf nine = BUF(many);
	struct str ec = file_of("x509/good-ec"), ec_key = file_of("x509/good-ec-key");
	for (int i = 0; i < 5; i++)
		buf_put(&nine, ec);
	/* Its outer length says one byte less. */
	struct buf b = BUF(damaged);
	buf_put(&b, ec);
	damaged[str_find(ec, '\n') + 6]--;
	const struct {
		const char *what;
		struct str chain, key, want;
	} cases[] = {
		{ "another key", ec, file_of("pkey/p256-old"),
			STR("the private key does not belong to the first certificate, which must be the "
				"gateway's own") },
		{ "another kind", ec, file_of("x509/good-rsa-key"),
			STR("the private key does not belong to the first certificate, which must be the "
				"gateway's own") },
		{ "wrong order", file_of("x509/root-ec"), ec_key,
			STR("the private key does not belong to the first certificate, which must be the "
				"gateway's own") },
		{ "another RSA key", file_of("x509/good-rsa"), file_of("pkey/rsa2048-old"),
			STR("the private key does not belong to the first certificate, which must be the "
				"gateway's own") },
		{ "encrypted", ec, file_of("pkey/encrypted-pkcs8"),
			STR("the private key is encrypted: store it decrypted, as `openssl pkey` does") },
		{ "no certificate", ec_key, ec_key,
			STR("there is no certificate in the file: it needs a CERTIFICATE block") },
		{ "nothing", S(""), ec_key,
			STR("there is no certificate in the file: it needs a CERTIFICATE block") },
		{ "no key", ec, ec,
			STR("there is no private key in the file: it needs a PRIVATE KEY, RSA PRIVATE KEY or "
				"EC PRIVATE KEY block") },
		{ "cut", str_sub(ec, 0, ec.n - 10), ec_key, STR("the certificate is not proper PEM") },
		{ "too many", buf_str(&nine), ec_key,
			STR("the certificate file holds more than 8 certificates") },
		{ "damaged", buf_str(&b), ec_key, STR("the certificate is damaged") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].what);
		expect_int(read_identity(guard_copy(cases[i].chain), guard_copy(cases[i].key)), E_CONFIG);
		expect_str(fault_text(&fault), cases[i].want);
	}
}

TEST(identity_needs_little_memory)
{
	struct str chain = file_of("x509/good-rsa"), key = file_of("x509/good-rsa-key");
	struct arena arena = { memory, 0, chain.n + key.n };
	memset(&identity, 0, sizeof(identity));
	expect_int(identity_from_pem(&identity, chain, key, &arena, &fault), OK);
	for (size_t n = 0; n + 200 < chain.n; n += 101) {
		arena = (struct arena){ memory, 0, n };
		memset(&identity, 0, sizeof(identity));
		expect_int(identity_from_pem(&identity, chain, key, &arena, &fault), E_LIMIT);
	}
}
