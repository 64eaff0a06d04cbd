#include "crypto/pkey.h"

#include "codec/pem.h"

enum { RSA_LEAST = 2048, RSA_MOST = 8 * PKEY_SIGNATURE_MAX };

static bool is_key(struct str label)
{
	return str_eq(label, S("PRIVATE KEY")) || str_eq(label, S("RSA PRIVATE KEY")) || str_eq(label, S("EC PRIVATE KEY"));
}

/* The DER form of the first key; the arena keeps it. */
static enum err find_key(struct str *out, struct str pem, struct arena *arena, struct fault *f)
{
	for (struct str rest = pem, label;;) {
		struct buf der = arena_rest(arena);
		enum err e = pem_next(&label, &der, &rest);
		if (e == E_LIMIT)
			return fault_set(f, e, 0, "the private key is too large");
		/* An encrypted key in the old form has header lines, which are no PEM any more. */
		bool encrypted = e == OK ? str_eq(label, S("ENCRYPTED PRIVATE KEY")) : str_find_str(rest, S("ENCRYPTED")) < rest.n;
		if (encrypted)
			return fault_set(f, E_CONFIG, 0,
				"the private key is encrypted: store it decrypted, as `openssl pkey` does");
		if (e != OK)
			return fault_set(f, E_CONFIG, 0, "the private key is not proper PEM");
		if (!label.p)
			return fault_set(f, E_CONFIG, 0,
				"there is no private key in the file: it needs a block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY");
		if (is_key(label)) {
			*out = arena_keep(arena, &der);
			return OK;
		}
		der.n = 0;
		arena_keep(arena, &der);
	}
}

static bool is_usable(const struct pkey *key)
{
	if (key->type == BR_KEYTYPE_RSA)
		return key->as.rsa.n_bitlen >= RSA_LEAST && key->as.rsa.n_bitlen <= RSA_MOST;
	return key->type == BR_KEYTYPE_EC && (key->as.ec.curve == BR_EC_secp256r1 || key->as.ec.curve == BR_EC_secp384r1);
}

enum err pkey_from_pem(struct pkey *out, struct str pem, struct arena *arena, struct fault *f)
{
	struct str der;
	enum err e = find_key(&der, pem, arena, f);
	if (e != OK)
		return e;
	/* The decoder's own memory is where the numbers stay. */
	br_skey_decoder_context *decoder = arena_take(arena, sizeof(*decoder));
	if (!decoder)
		return fault_set(f, E_LIMIT, 0, "the private key is too large");
	br_skey_decoder_init(decoder);
	br_skey_decoder_push(decoder, der.p, der.n);
	out->type = br_skey_decoder_key_type(decoder);
	if (out->type == BR_KEYTYPE_RSA)
		out->as.rsa = *br_skey_decoder_get_rsa(decoder);
	else if (out->type == BR_KEYTYPE_EC)
		out->as.ec = *br_skey_decoder_get_ec(decoder);
	if (!is_usable(out))
		return fault_set(f, E_CONFIG, 0,
			"the private key is damaged, or of another kind than RSA with 2048 to 4096 bits and EC on P-256 or P-384");
	return OK;
}

size_t pkey_sign(const struct pkey *key, unsigned char out[static PKEY_SIGNATURE_MAX], const br_hash_class *hash,
                 const unsigned char *value)
{
	static const unsigned char *const oids[] = {
		[br_sha256_ID] = BR_HASH_OID_SHA256, [br_sha384_ID] = BR_HASH_OID_SHA384, [br_sha512_ID] = BR_HASH_OID_SHA512,
	};
	unsigned id = (unsigned)(hash->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK);
	size_t n = hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
	check(id < countof(oids) && oids[id]);
	if (key->type == BR_KEYTYPE_EC)
		return br_ecdsa_i31_sign_asn1(&br_ec_all_m31, hash, value, &key->as.ec, out);
	return br_rsa_i31_pkcs1_sign(oids[id], value, n, &key->as.rsa, out) ? (key->as.rsa.n_bitlen + 7) / 8 : 0;
}
