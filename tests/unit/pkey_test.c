#include "crypto/pkey.h"

#include "check.h"
#include "codec/hex.h"

#include <stdio.h>
#include <string.h>

/* The keys lie in vectors/pkey; its `make` says where they come from. */

static char memory[8192];
static struct arena arena;
static struct fault fault;

static struct str file_of(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "vectors/pkey/%s", name);
	return test_file(path);
}

static enum err read_key(struct pkey *key, struct str pem)
{
	arena = (struct arena){ memory, 0, sizeof(memory) };
	return pkey_from_pem(key, pem, &arena, &fault);
}

/* The signature of the digest of "sample", in hex. */
static struct str sign_sample(
	char hex[static 2 * PKEY_SIGNATURE_MAX], const struct pkey *key, const br_hash_class *hash)
{
	unsigned char digest[64], signature[PKEY_SIGNATURE_MAX];
	br_hash_compat_context context;
	struct buf b = { hex, 0, 2 * PKEY_SIGNATURE_MAX, false };
	hash->init(&context.vtable);
	hash->update(&context.vtable, "sample", 6);
	hash->out(&context.vtable, digest);
	hex_put(&b, signature, pkey_sign(key, signature, hash, digest));
	return buf_str(&b);
}

/* RFC 6979, A.2.5 and A.2.6, as DER. */
TEST(pkey_signs_with_ec_keys)
{
	static const char p256[] =
		"3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		"022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
	static const char p384[] = "306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea9"
							   "5ad133c81a648152e44acf96e36dd1e80fabe46"
							   "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a"
							   "94fa329c145786e679e7b82c71a38628ac8";
	static const struct {
		const char *file;
		const br_hash_class *hash;
		const char *want;
	} cases[] = {
		{ "p256-pkcs8.pem", &br_sha256_vtable, p256 },
		{ "p256-old.pem", &br_sha256_vtable, p256 },
		{ "p256-parameters.pem", &br_sha256_vtable, p256 },
		{ "p384-pkcs8.pem", &br_sha384_vtable, p384 },
		{ "p384-old.pem", &br_sha384_vtable, p384 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char hex[2 * PKEY_SIGNATURE_MAX];
		struct pkey key;
		context("%s", cases[i].file);
		if (!expect_int(read_key(&key, file_of(cases[i].file)), OK))
			continue;
		expect_int(key.type, BR_KEYTYPE_EC);
		expect_str(sign_sample(hex, &key, cases[i].hash), str_c(cases[i].want));
	}
}

TEST(pkey_signs_with_rsa_keys)
{
	static const struct {
		const char *file, *signature;
	} cases[] = {
		{ "rsa2048-pkcs8.pem", "rsa2048.signature" },
		{ "rsa2048-old.pem", "rsa2048.signature" },
		{ "rsa4096-pkcs8.pem", "rsa4096.signature" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char hex[2 * PKEY_SIGNATURE_MAX], want_hex[2 * PKEY_SIGNATURE_MAX];
		struct pkey key;
		struct buf want = BUF(want_hex);
		struct str signature = file_of(cases[i].signature);
		context("%s", cases[i].file);
		if (!expect_int(read_key(&key, file_of(cases[i].file)), OK))
			continue;
		expect_int(key.type, BR_KEYTYPE_RSA);
		hex_put(&want, (const uint8_t *)signature.p, signature.n);
		expect_str(sign_sample(hex, &key, &br_sha256_vtable), buf_str(&want));
		expect(sign_sample(hex, &key, &br_sha384_vtable).n == want.n);
		expect(sign_sample(hex, &key, &br_sha512_vtable).n == want.n);
	}
}

/* A text may hold the certificate, too; the first key counts. */
TEST(pkey_passes_over_other_blocks)
{
	char text[8192];
	struct buf b = BUF(text);
	struct pkey key;
	buf_format(&b, "# mine\n%s%s%s", test_file("vectors/x509/good-ec.pem"), file_of("p384-old.pem"),
		file_of("rsa2048-old.pem"));
	expect(!b.full);
	expect_int(read_key(&key, guard_copy(buf_str(&b))), OK);
	expect_int(key.type, BR_KEYTYPE_EC);
	expect_int(key.as.ec.curve, BR_EC_secp384r1);
}

TEST(pkey_says_what_is_wrong)
{
	static const char encrypted[] =
		"the private key is encrypted: store it decrypted, as `openssl pkey` does";
	static const char other[] =
		"the private key is damaged, or of another kind than RSA with 2048 to 4096 bits and "
		"EC on P-256 or P-384";
	static const char none[] = "there is no private key in the file: it needs a PRIVATE KEY, RSA "
							   "PRIVATE KEY or EC PRIVATE KEY block";
	static const struct {
		const char *file, *want;
	} cases[] = {
		{ "pkey/encrypted-pkcs8.pem", encrypted },
		{ "pkey/encrypted-old.pem", encrypted },
		{ "pkey/rsa1024-pkcs8.pem", other },
		{ "pkey/p521-pkcs8.pem", other },
		{ "pkey/ed25519.pem", other },
		{ "x509/good-ec.pem", none },
	};
	struct pkey key;
	for (size_t i = 0; i < countof(cases); i++) {
		char path[128];
		context("%s", cases[i].file);
		snprintf(path, sizeof(path), "vectors/%s", cases[i].file);
		expect_int(read_key(&key, test_file(path)), E_CONFIG);
		expect_str(fault_text(&fault), str_c(cases[i].want));
	}
	context("texts");
	expect_int(read_key(&key, S("")), E_CONFIG);
	expect_str(fault_text(&fault), str_c(none));
	expect_int(read_key(&key, S("-----BEGIN PRIVATE KEY-----\nZm9v\n")), E_CONFIG);
	expect_str(fault_text(&fault), S("the private key is not proper PEM"));
	expect_int(read_key(&key, S("-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----\n")),
		E_CONFIG);
	expect_str(fault_text(&fault), str_c(other));
}

TEST(pkey_needs_little_memory)
{
	struct pkey key;
	struct str pem = file_of("rsa4096-pkcs8.pem");
	arena = (struct arena){ memory, 0, pem.n };
	expect_int(pkey_from_pem(&key, pem, &arena, &fault), OK);
	for (size_t n = 0; n + 200 < pem.n; n += 97) {
		arena = (struct arena){ memory, 0, n };
		expect_int(pkey_from_pem(&key, pem, &arena, &fault), E_LIMIT);
		expect_str(fault_text(&fault), S("the private key is too large"));
	}
}

/* Whatever a file holds, it is refused or it signs, in bounds. */
TEST(pkey_bears_damaged_keys)
{
	static const char *const files[] = { "p256-old.pem", "p384-pkcs8.pem", "rsa2048-old.pem",
		"rsa2048-pkcs8.pem" };
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char digest[32] = { 1 }, signature[PKEY_SIGNATURE_MAX];
	size_t refused = 0, signed_with = 0;
	for (size_t i = 0; i < countof(files); i++) {
		struct str pem = file_of(files[i]);
		size_t begin = str_find(pem, '\n') + 1,
			   size = str_find_str(str_skip(pem, begin), S("\n-----"));
		context("%s", files[i]);
		for (int k = 0; k < 200; k++) {
			struct pkey key;
			struct str damaged = guard_copy(pem);
			/* The lengths of the numbers are at the beginning. */
			char *p = (char *)(uintptr_t)damaged.p + begin + test_random(k % 2 ? 64 : size);
			if (*p != '\n')
				*p = digits[test_random(64)];
			if (read_key(&key, damaged) != OK) {
				refused++;
			} else if (key.type == BR_KEYTYPE_EC || k % 32 == 0) {
				signed_with++;
				expect(pkey_sign(&key, signature, &br_sha256_vtable, digest) <= sizeof(signature));
			}
		}
	}
	expect(refused > 0 && signed_with > 0);
}
