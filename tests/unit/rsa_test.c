#include "crypto/rsa.h"

#include "check.h"
#include "codec/hex.h"
#include "crypto/limb.h"
#include "crypto/pkey.h"

#include <string.h>

static const br_hash_class *hash_of(struct str name)
{
	return str_eq(name, S("sha256")) ? &br_sha256_vtable
		: str_eq(name, S("sha384"))  ? &br_sha384_vtable
									 : &br_sha512_vtable;
}

/* A field of hex digits, as bytes that end at a guard page. */
static struct str bytes_of(struct str field)
{
	static uint8_t bytes[2048];
	size_t n = str_eq(field, S("-")) ? 0 : field.n / 2;
	check(n <= sizeof(bytes));
	expect(n == 0 || hex_decode(bytes, n, field));
	return guard_copy((struct str){ (const char *)bytes, n });
}

static unsigned char *data_of(struct str s)
{
	return (unsigned char *)(uintptr_t)s.p;
}

static uint32_t verify_as_engine(const br_rsa_public_key *key, const br_hash_class *hash,
	struct str digest, struct str signature)
{
	static const unsigned char *const oids[] = {
		[br_sha256_ID] = BR_HASH_OID_SHA256,
		[br_sha384_ID] = BR_HASH_OID_SHA384,
		[br_sha512_ID] = BR_HASH_OID_SHA512,
	};
	unsigned char found[64];
	const unsigned char *oid = oids[hash->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK];
	return rsa_pkcs1_vrfy(data_of(signature), signature.n, oid, digest.n, key, found) &&
		memcmp(found, digest.p, digest.n) == 0;
}

#ifdef LIMB_WIDE
static const size_t longest = RSA_SIZE_MAX;
#else
static const size_t longest = 513;
#endif

/* vectors/rsa/make says what the fields are. */
TEST(rsa_verifies)
{
	struct str rest = test_file("vectors/rsa/verify.txt"), line;
	size_t valid_n = 0, invalid_n = 0;
	while (str_next(&line, &rest, '\n') && line.n > 0) {
		struct str field[8];
		for (size_t i = 0; i < countof(field); i++)
			str_cut(&field[i], &line, line, ' ');
		context("%.*s", (int)field[0].n, field[0].p);
		struct str n = bytes_of(field[4]), e = bytes_of(field[5]), digest = bytes_of(field[6]),
				   signature = bytes_of(field[7]);
		br_rsa_public_key key = { data_of(n), n.n, data_of(e), e.n };
		const br_hash_class *hash = hash_of(field[2]);
		bool valid = str_eq(field[1], S("1")) && n.n <= longest;
		uint64_t salt;
		*(valid ? &valid_n : &invalid_n) += 1;
		if (str_to_u64(&salt, field[3], UINT64_MAX)) {
			expect_int(rsa_verify_pss(&key, hash, digest.p, (size_t)salt, signature), valid);
			continue;
		}
		expect_int(rsa_verify_pkcs1(&key, hash, digest.p, signature), valid);
		expect_int(verify_as_engine(&key, hash, digest, signature), valid);
	}
	expect(valid_n > 30 && invalid_n > 35);
}

/* A key with zeros in front is the same key. */
TEST(rsa_passes_over_zeros_in_front)
{
	struct str rest = test_file("vectors/rsa/verify.txt"), line, field[8];
	unsigned char n[RSA_SIZE_MAX] = { 0 }, e[16] = { 0 };
	expect(str_next(&line, &rest, '\n'));
	for (size_t i = 0; i < countof(field); i++)
		str_cut(&field[i], &line, line, ' ');
	size_t size = field[4].n / 2;
	expect(hex_decode(n + 5, size, field[4]) && hex_decode(e + 13, 3, field[5]));
	br_rsa_public_key key = { n, size + 5, e, sizeof(e) };
	struct str digest = bytes_of(field[6]), signature = bytes_of(field[7]);
	expect(rsa_verify_pkcs1(&key, &br_sha256_vtable, digest.p, signature));
	for (size_t i = 0; i < signature.n; i++) {
		data_of(signature)[i] ^= 1;
		expect(!rsa_verify_pkcs1(&key, &br_sha256_vtable, digest.p, signature));
		data_of(signature)[i] ^= 1;
	}
}

static char memory[8192];

static struct rsa_key private_key(const char *path)
{
	struct arena arena = { memory, 0, sizeof(memory) };
	struct pkey key = { 0 };
	struct fault f;
	expect_int(pkey_from_pem(&key, test_file(path), &arena, &f), OK);
	expect_int(key.type, BR_KEYTYPE_RSA);
	return key.as.rsa;
}

/* Held against BearSSL, and verified. */
TEST(rsa_signs)
{
	static const char *const paths[] = { "vectors/pkey/rsa2048-pkcs8.pem",
		"vectors/pkey/rsa4096-pkcs8.pem" };
	static const struct {
		const br_hash_class *hash;
		const unsigned char *oid;
		size_t n;
	} hashes[] = {
		{ &br_sha256_vtable, BR_HASH_OID_SHA256, 32 },
		{ &br_sha384_vtable, BR_HASH_OID_SHA384, 48 },
		{ &br_sha512_vtable, BR_HASH_OID_SHA512, 64 },
	};
	for (size_t i = 0; i < countof(paths); i++) {
		struct rsa_key key = private_key(paths[i]);
		for (int j = 0; j < (i == 0 ? 40 : 4); j++) {
			unsigned char digest[64], got[RSA_PRIVATE_SIZE_MAX], want[RSA_PRIVATE_SIZE_MAX];
			size_t k = (size_t)j % countof(hashes);
			for (size_t byte = 0; byte < sizeof(digest); byte++)
				digest[byte] = (unsigned char)test_random(256);
			size_t n = rsa_sign_pkcs1(got, &key, hashes[k].hash, digest);
			expect_int(n, (key.private.n_bitlen + 7) / 8);
			expect(br_rsa_i31_pkcs1_sign(hashes[k].oid, digest, hashes[k].n, &key.private, want));
			expect(memcmp(got, want, n) == 0);
			expect(rsa_verify_pkcs1(
				&key.public, hashes[k].hash, digest, (struct str){ (const char *)got, n }));
		}
	}
}

/* A wrong bit anywhere in the key is noticed before a signature leaves, which would otherwise give
 * away a factor. */
TEST(rsa_hands_out_no_faulty_signature)
{
	struct rsa_key key = private_key("vectors/pkey/rsa2048-pkcs8.pem");
	const struct {
		unsigned char *p;
		size_t n;
	} parts[] = {
		{ key.private.p, key.private.plen },
		{ key.private.q, key.private.qlen },
		{ key.private.dp, key.private.dplen },
		{ key.private.dq, key.private.dqlen },
		{ key.private.iq, key.private.iqlen },
		{ key.public.n, key.public.nlen },
		{ key.public.e, key.public.elen },
	};
	unsigned char digest[32] = { 1 }, out[RSA_PRIVATE_SIZE_MAX];
	static const unsigned char zeros[RSA_PRIVATE_SIZE_MAX];
	for (size_t i = 0; i < countof(parts); i++) {
		for (int j = 0; j < 12; j++) {
			size_t at = j == 0 ? 0 : j == 1 ? parts[i].n - 1 : test_random(parts[i].n);
			unsigned char bit = (unsigned char)(1 << test_random(8));
			context("part %zu, byte %zu, %d", i, at, bit);
			parts[i].p[at] ^= bit;
			memset(out, 0xff, sizeof(out));
			expect_int(rsa_sign_pkcs1(out, &key, &br_sha256_vtable, digest), 0);
			expect(memcmp(out, zeros, 256) == 0);
			parts[i].p[at] ^= bit;
		}
	}
	expect_int(rsa_sign_pkcs1(out, &key, &br_sha256_vtable, digest), 256);
	key.private.iqlen--;
	expect_int(rsa_sign_pkcs1(out, &key, &br_sha256_vtable, digest), 0);
}
