#include "x509/identity.h"

#include "codec/pem.h"
#include "crypto/sha256.h"
#include "crypto/sha256_class.h"

static enum err read_chain(
	struct identity *id, struct str pem, struct arena *arena, struct fault *f)
{
	for (struct str label;;) {
		struct buf der = arena_rest(arena);
		enum err e = pem_next(&label, &der, &pem);
		if (e == E_LIMIT)
			return fault_set(f, e, 0, "the certificate is too large");
		if (e != OK)
			return fault_set(f, E_CONFIG, 0, "the certificate is not proper PEM");
		bool wanted = str_eq(label, S("CERTIFICATE"));
		if (wanted && id->chain_n == IDENTITY_CHAIN_MAX)
			return fault_set(f, E_CONFIG, 0, "the certificate file holds more than %d certificates",
				NUM(IDENTITY_CHAIN_MAX));
		if (wanted)
			id->chain[id->chain_n++] = (br_x509_certificate){ (unsigned char *)der.p, der.n };
		else
			der.n = 0;
		arena_keep(arena, &der);
		if (!label.p)
			return id->chain_n ? OK : fault_set(f, E_CONFIG, 0,
				"there is no certificate in the file: it needs a CERTIFICATE block");
	}
}

/* What the one signs, the other must verify. */
static bool belong_together(const struct pkey *key, const struct public_key *certified)
{
	struct str message = S("a key and its certificate");
	unsigned char digest[SHA256_SIZE], signature[PKEY_SIGNATURE_MAX];
	const struct signature_algorithm algorithm = {
		.kind = key->type == BR_KEYTYPE_EC ? SIGNED_ECDSA : SIGNED_PKCS1, .hash = br_sha256_ID,
	};
	sha256(digest, message);
	size_t n = pkey_sign(key, signature, &sha256_class, digest);
	return signature_check(
		certified, &algorithm, message, (struct str){ (const char *)signature, n });
}

enum err identity_from_pem(
	struct identity *id, struct str chain, struct str key, struct arena *arena, struct fault *f)
{
	enum err e = read_chain(id, chain, arena, f);
	if (e == OK)
		e = pkey_from_pem(&id->key, key, arena, f);
	if (e != OK)
		return e;
	if (certificate_read(
			&id->own, (struct str){ (const char *)id->chain[0].data, id->chain[0].data_len }) != OK)
		return fault_set(f, E_CONFIG, 0, "the certificate is damaged");
	if (!belong_together(&id->key, &id->own.key))
		return fault_set(f, E_CONFIG, 0,
			"the private key does not belong to the first certificate, which must be the gateway's "
			"own");
	return OK;
}
