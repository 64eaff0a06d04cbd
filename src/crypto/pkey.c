#include "crypto/pkey.h"

#include "codec/der.h"
#include "codec/pem.h"
#include "crypto/ecdsa.h"

enum { RSA_LEAST = 2048, RSA_MOST = 8 * PKEY_SIGNATURE_MAX };

/* The DER form of the first key; the arena keeps it. */
static enum err find_key(struct str *out, struct str pem, struct arena *arena, struct fault *f)
{
	for (struct str rest = pem, label;;) {
		struct buf der = arena_rest(arena);
		enum err e = pem_next(&label, &der, &rest);
		if (e == E_LIMIT)
			return fault_set(f, e, 0, "the private key is too large");
		/* An encrypted key in the old form has header lines, which are no PEM any more. */
		bool encrypted = e == OK ? str_eq(label, S("ENCRYPTED PRIVATE KEY"))
								 : str_find_str(rest, S("ENCRYPTED")) < rest.n;
		if (encrypted)
			return fault_set(f, E_CONFIG, 0,
				"the private key is encrypted: store it decrypted, as `openssl pkey` does");
		if (e != OK)
			return fault_set(f, E_CONFIG, 0, "the private key is not proper PEM");
		if (!label.p)
			return fault_set(f, E_CONFIG, 0,
				"there is no private key in the file: it needs a PRIVATE KEY, RSA PRIVATE KEY or "
				"EC PRIVATE KEY block");
		if (str_ends(label, S("PRIVATE KEY"))) { /* RSA, EC or any; what it is shows inside */
			*out = arena_keep(arena, &der);
			return OK;
		}
		der.n = 0;
		arena_keep(arena, &der);
	}
}

/* The bytes of `s` for BearSSL, whose structures do without const. */
static unsigned char *bytes(struct str s)
{
	return (unsigned char *)(uintptr_t)s.p;
}

int pkey_curve(struct str oid)
{
	if (str_eq(oid, S("\x2a\x86\x48\xce\x3d\x03\x01\x07")))
		return BR_EC_secp256r1;
	if (str_eq(oid, S("\x2b\x81\x04\x00\x22")))
		return BR_EC_secp384r1;
	return 0;
}

/* ECPrivateKey (RFC 5915). `curve`: as known from outside, where 0 says nothing. */
static bool read_ec(br_ec_private_key *out, struct str key, int curve)
{
	struct str version, x, parameters, oid;
	if (!der_take_number(&key, &version) || !str_eq(version, S("\1")) ||
		!der_take(&key, DER_OCTET_STRING, &x))
		return false;
	if (der_next_is(key, DER_CONTEXT)) {
		if (!der_take(&key, DER_CONTEXT, &parameters) || !der_take(&parameters, DER_OID, &oid))
			return false;
		curve = pkey_curve(oid);
	}
	*out = (br_ec_private_key){ curve, bytes(x), x.n };
	return curve && x.n > 0;
}

/* RSAPrivateKey (RFC 8017, A.1.2). */
static bool read_rsa(struct rsa_key *out, struct str key)
{
	enum { VERSION, N, E, D, P, Q, DP, DQ, IQ, NUMBERS };
	struct str number[NUMBERS];
	for (size_t i = 0; i < NUMBERS; i++)
		if (!der_take_number(&key, &number[i]) || (number[i].n == 0) != (i == VERSION))
			return false;
	unsigned top = (unsigned char)number[N].p[0];
	uint32_t unused = (uint32_t)__builtin_clz(top) - 24;
	out->public =
		(br_rsa_public_key){ bytes(number[N]), number[N].n, bytes(number[E]), number[E].n };
	out->private = (br_rsa_private_key){
		.n_bitlen = (uint32_t)number[N].n * 8 - unused,
		.p = bytes(number[P]), .plen = number[P].n, .q = bytes(number[Q]), .qlen = number[Q].n,
		.dp = bytes(number[DP]), .dplen = number[DP].n, .dq = bytes(number[DQ]),
		.dqlen = number[DQ].n, .iq = bytes(number[IQ]), .iqlen = number[IQ].n,
	};
	return key.n == 0 && out->private.n_bitlen >= RSA_LEAST && out->private.n_bitlen <= RSA_MOST &&
	       number[P].n <= RSA_FACTOR_SIZE_MAX && number[Q].n <= RSA_FACTOR_SIZE_MAX;
}

/* Any of the three forms: what it says inside tells them apart. A PrivateKeyInfo is a version, an
 * algorithm and, in a string of bytes, one of the other two. */
static bool read_key(struct pkey *out, struct str der)
{
	struct str key, version, algorithm, oid, inner;
	int curve = 0;
	if (!der_is_one(der, DER_SEQUENCE, &key))
		return false;
	struct str info = key;
	if (der_take_number(&info, &version) && der_take(&info, DER_SEQUENCE, &algorithm)) {
		if (!der_skip(&algorithm, DER_OID) || !der_take(&info, DER_OCTET_STRING, &inner) ||
			!der_take(&inner, DER_SEQUENCE, &key))
			return false;
		if (der_next_is(algorithm, DER_OID) && der_take(&algorithm, DER_OID, &oid))
			curve = pkey_curve(oid);
	}
	out->type = BR_KEYTYPE_EC;
	if (read_ec(&out->as.ec, key, curve))
		return true;
	out->type = BR_KEYTYPE_RSA;
	return read_rsa(&out->as.rsa, key);
}

enum err pkey_from_pem(struct pkey *out, struct str pem, struct arena *arena, struct fault *f)
{
	struct str der;
	enum err e = find_key(&der, pem, arena, f);
	if (e == OK && !read_key(out, der))
		e = fault_set(f, E_CONFIG, 0,
			"the private key is damaged, or of another kind than RSA with 2048 to 4096 bits and EC "
			"on P-256 or P-384");
	return e;
}

size_t pkey_sign(const struct pkey *key, unsigned char out[static PKEY_SIGNATURE_MAX],
	const br_hash_class *hash, const unsigned char *value)
{
	return key->type == BR_KEYTYPE_EC ? ecdsa_sign(out, &key->as.ec, hash, value)
									  : rsa_sign_pkcs1(out, &key->as.rsa, hash, value);
}
