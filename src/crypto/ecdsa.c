#include "crypto/ecdsa.h"

bool ecdsa_verify(const br_ec_public_key *key, const void *digest, size_t digest_n, struct str signature)
{
	return br_ecdsa_i31_vrfy_asn1(&br_ec_all_m31, digest, digest_n, key, signature.p, signature.n);
}
