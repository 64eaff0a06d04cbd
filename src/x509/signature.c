#include "x509/signature.h"

#include "codec/der.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"
#include "crypto/sha256_class.h"

/* ---- names of algorithms ---- */

#define RSA_OID "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define PSS_OID RSA_OID "\x0a"
#define EC_KEY_OID "\x2a\x86\x48\xce\x3d\x02\x01"
#define P256_OID "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384_OID "\x2b\x81\x04\x00\x22"
#define SHA2_OID "\x60\x86\x48\x01\x65\x03\x04\x02"
#define ECDSA_OID "\x2a\x86\x48\xce\x3d\x04"

struct named {
	struct str oid;
	const char *name;
};

static void put_name(struct buf *b, const struct named *list, size_t count, struct str oid)
{
	size_t i = 0;
	while (i < count && !str_eq(list[i].oid, oid))
		i++;
	if (i < count)
		buf_put(b, str_c(list[i].name));
	else
		oid_put(b, oid);
}

void oid_put(struct buf *b, struct str oid)
{
	uint64_t number = 0;
	bool first = true;
	for (size_t i = 0; i < oid.n; i++) {
		number = number << 7 | ((unsigned char)oid.p[i] & 0x7f);
		if ((unsigned char)oid.p[i] >= 0x80)
			continue;
		if (first) {
			uint64_t top = number < 80 ? number / 40 : 2;
			buf_format(b, "%d.%d", NUM(top), NUM(number - 40 * top));
		} else {
			buf_format(b, ".%d", NUM(number));
		}
		first = false;
		number = 0;
	}
}

/* ---- keys ---- */

static unsigned char *bytes(struct str s)
{
	return (unsigned char *)(uintptr_t)s.p;
}

static bool read_rsa(struct public_key *out, struct str info)
{
	struct str contents, numbers, n, e;
	if (!der_take_bytes(&info, &contents) || info.n > 0 ||
		!der_is_one(contents, DER_SEQUENCE, &numbers) || !der_take_number(&numbers, &n) ||
		!der_take_number(&numbers, &e) || numbers.n > 0 || n.n == 0 || e.n == 0)
		return false;
	out->rsa_bits = (uint32_t)n.n * 8 - ((uint32_t)__builtin_clz((unsigned char)n.p[0]) - 24);
	if (out->rsa_bits < RSA_BITS_LEAST || out->rsa_bits > RSA_BITS_MOST || e.n > n.n)
		return true;
	out->key.key_type = BR_KEYTYPE_RSA;
	out->key.key.rsa = (br_rsa_public_key){ bytes(n), n.n, bytes(e), e.n };
	return true;
}

/* BearSSL's number for a curve, 0 for one that is not supported, and the length of its points. */
static int curve_of(struct str oid, size_t *point)
{
	if (str_eq(oid, S(P256_OID)))
		return *point = 1 + 2 * 32, BR_EC_secp256r1;
	if (str_eq(oid, S(P384_OID)))
		return *point = 1 + 2 * 48, BR_EC_secp384r1;
	return 0;
}

static bool read_ec(struct public_key *out, struct str parameters, struct str info)
{
	struct str q;
	size_t point;
	if (!der_take_bytes(&info, &q) || info.n > 0)
		return false;
	/* Parameters that are spelled out (RFC 3279) are refused by RFC 5480, and named by the kind of
	 * key alone. */
	if (!der_next_is(parameters, DER_OID))
		return true;
	if (!der_take_oid(&parameters, &out->curve) || parameters.n > 0)
		return false;
	int curve = curve_of(out->curve, &point);
	if (!curve)
		return true;
	out->key.key_type = BR_KEYTYPE_EC;
	out->key.key.ec = (br_ec_public_key){ curve, bytes(q), q.n };
	return q.n == point && q.p[0] == 4;
}

bool public_key_read(struct public_key *out, struct str info)
{
	struct str algorithm;
	*out = (struct public_key){ .rsa_bits = 0 };
	if (!der_take(&info, DER_SEQUENCE, &algorithm) || !der_take_oid(&algorithm, &out->algorithm))
		return false;
	if (str_eq(out->algorithm, S(EC_KEY_OID)))
		return read_ec(out, algorithm, info);
	if (str_eq(out->algorithm, S(RSA_OID "\x01")))
		return (algorithm.n == 0 || str_eq(algorithm, S("\5\0"))) && read_rsa(out, info);
	if (str_eq(out->algorithm, S(PSS_OID))) {
		out->pss_only = true;
		/* Nobody restricts a key to one hash; one that is counts as another kind. */
		return algorithm.n > 0 || read_rsa(out, info);
	}
	return true;
}

void public_key_put(struct buf *b, const struct public_key *key)
{
	static const struct named kinds[] = {
		{ STR("\x2b\x65\x70"), "Ed25519" },
		{ STR("\x2b\x65\x71"), "Ed448" },
		{ STR(PSS_OID), "RSA-PSS with parameters" },
		{ STR(EC_KEY_OID), "EC with parameters of its own" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87" },
	};
	static const struct named curves[] = {
		{ STR(P256_OID), "P-256" },
		{ STR(P384_OID), "P-384" },
		{ STR("\x2b\x81\x04\x00\x23"), "P-521" },
		{ STR("\x2b\x81\x04\x00\x0a"), "secp256k1" },
	};
	if (key->rsa_bits)
		buf_format(b, "RSA of %d bits", NUM(key->rsa_bits));
	else if (key->curve.n)
		put_name(b, curves, countof(curves), key->curve);
	else
		put_name(b, kinds, countof(kinds), key->algorithm);
}

/* ---- algorithms ---- */

/* The hash that an OID means, 0 if none of ours. */
static unsigned hash_of(struct str oid)
{
	if (oid.n != 9 || !str_starts(oid, S(SHA2_OID)))
		return 0;
	switch (oid.p[8]) {
	case 1:
		return br_sha256_ID;
	case 2:
		return br_sha384_ID;
	case 3:
		return br_sha512_ID;
	default:
		return 0;
	}
}

static bool read_hash(struct str *oid, struct str contents)
{
	return der_take_oid(&contents, oid) && (contents.n == 0 || str_eq(contents, S("\5\0")));
}

/* RSASSA-PSS-params (RFC 4055, 3.1). Their defaults mean SHA-1, so those that count are all there;
 * a hash of the mask that differs from the hash of the message is nobody's choice. */
static bool read_pss(struct signature_algorithm *out, struct str contents)
{
	struct str parameters, field, inner, oid, mask;
	int salt = 20, trailer = 1;
	if (contents.n == 0)
		return true;
	if (!der_is_one(contents, DER_SEQUENCE, &parameters) || !der_next_is(parameters, DER_CONTEXT) ||
		!der_take(&parameters, DER_CONTEXT, &field) || !der_is_one(field, DER_SEQUENCE, &inner) ||
		!read_hash(&oid, inner))
		return der_is_one(contents, DER_SEQUENCE, &parameters) &&
			!der_next_is(parameters, DER_CONTEXT);
	if (!der_next_is(parameters, DER_CONTEXT + 1))
		return true;
	if (!der_take(&parameters, DER_CONTEXT + 1, &field) ||
		!der_is_one(field, DER_SEQUENCE, &inner) || !der_take_oid(&inner, &mask))
		return false;
	bool same = str_eq(mask, S(RSA_OID "\x08")) && der_is_one(inner, DER_SEQUENCE, &field) &&
		read_hash(&mask, field) && str_eq(mask, oid);
	if (der_next_is(parameters, DER_CONTEXT + 2) &&
		(!der_take(&parameters, DER_CONTEXT + 2, &field) ||
			!der_take_small(&field, &salt, RSA_BITS_MOST / 8) || field.n > 0))
		return false;
	if (der_next_is(parameters, DER_CONTEXT + 3) &&
		(!der_take(&parameters, DER_CONTEXT + 3, &field) ||
			!der_take_small(&field, &trailer, INT_MAX) || field.n > 0))
		return false;
	if (same && trailer == 1 && hash_of(oid)) {
		out->kind = SIGNED_PSS;
		out->hash = hash_of(oid);
		out->salt = (size_t)salt;
	}
	return parameters.n == 0;
}

bool signature_algorithm_read(struct signature_algorithm *out, struct str contents)
{
	static const struct {
		struct str oid;
		unsigned kind, hash;
	} known[] = {
		{ STR(RSA_OID "\x0b"), SIGNED_PKCS1, br_sha256_ID },
		{ STR(RSA_OID "\x0c"), SIGNED_PKCS1, br_sha384_ID },
		{ STR(RSA_OID "\x0d"), SIGNED_PKCS1, br_sha512_ID },
		{ STR(ECDSA_OID "\x03\x02"), SIGNED_ECDSA, br_sha256_ID },
		{ STR(ECDSA_OID "\x03\x03"), SIGNED_ECDSA, br_sha384_ID },
		{ STR(ECDSA_OID "\x03\x04"), SIGNED_ECDSA, br_sha512_ID },
	};
	*out = (struct signature_algorithm){ .kind = SIGNED_OTHERWISE };
	if (!der_take_oid(&contents, &out->algorithm))
		return false;
	if (str_eq(out->algorithm, S(PSS_OID)))
		return read_pss(out, contents);
	for (size_t i = 0; i < countof(known); i++) {
		if (str_eq(known[i].oid, out->algorithm)) {
			out->kind = known[i].kind;
			out->hash = known[i].hash;
			return contents.n == 0 || str_eq(contents, S("\5\0"));
		}
	}
	return true;
}

void signature_algorithm_put(struct buf *b, const struct signature_algorithm *algorithm)
{
	static const struct named names[] = {
		{ STR(RSA_OID "\x04"), "MD5 with RSA" },
		{ STR(RSA_OID "\x05"), "SHA-1 with RSA" },
		{ STR(RSA_OID "\x0e"), "SHA-224 with RSA" },
		{ STR(PSS_OID), "RSA-PSS with other hashes" },
		{ STR(ECDSA_OID "\x01"), "SHA-1 with ECDSA" },
		{ STR(ECDSA_OID "\x03\x01"), "SHA-224 with ECDSA" },
		{ STR("\x2b\x65\x70"), "Ed25519" },
		{ STR("\x2b\x65\x71"), "Ed448" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65" },
		{ STR("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87" },
	};
	put_name(b, names, countof(names), algorithm->algorithm);
}

/* ---- verification ---- */

enum { HASH_MOST = 64 };

static const br_hash_class *hash_class(unsigned id)
{
	return id == br_sha256_ID ? &sha256_class
		: id == br_sha384_ID  ? &br_sha384_vtable
							  : &br_sha512_vtable;
}

static size_t hash_size(const br_hash_class *hash)
{
	return hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

/* Whether it is an Ecdsa-Sig-Value in its one DER form. */
static bool is_ecdsa_value(struct str signature)
{
	struct str numbers, r, s;
	return der_is_one(signature, DER_SEQUENCE, &numbers) && der_take_integer(&numbers, &r) &&
		der_take_integer(&numbers, &s) && numbers.n == 0 && (unsigned char)r.p[0] < 0x80 &&
		(unsigned char)s.p[0] < 0x80;
}

bool signature_check(const struct public_key *key, const struct signature_algorithm *a,
	struct str message, struct str signature)
{
	unsigned char digest[HASH_MOST];
	br_hash_compat_context context;
	if (a->kind == SIGNED_OTHERWISE ||
		key->key.key_type != (a->kind == SIGNED_ECDSA ? BR_KEYTYPE_EC : BR_KEYTYPE_RSA))
		return false;
	const br_hash_class *hash = hash_class(a->hash);
	hash->init(&context.vtable);
	hash->update(&context.vtable, message.p, message.n);
	hash->out(&context.vtable, digest);
	if (a->kind == SIGNED_PSS)
		return rsa_verify_pss(&key->key.key.rsa, hash, digest, a->salt, signature);
	if (a->kind == SIGNED_ECDSA)
		return is_ecdsa_value(signature) &&
			ecdsa_verify(&key->key.key.ec, digest, hash_size(hash), signature);
	return !key->pss_only && rsa_verify_pkcs1(&key->key.key.rsa, hash, digest, signature);
}
