/* Secrets are marked as undefined memory and handed to the code that must not let its time depend
 * on them. Run under valgrind, which reports every branch and every address that comes from such
 * memory. With the argument `leak` a branch on a secret is taken, to show that one would be seen.
 */
#include "codec/hex.h"
#include "crypto/ct.h"
#include "crypto/ecdsa_raw.h"
#include "crypto/hmac.h"
#include "crypto/pkey.h"
#include "crypto/rsa_raw.h"
#include "crypto/x25519.h"

#include <valgrind/memcheck.h>

#include <stdio.h>
#include <string.h>

#define secret(p, n) VALGRIND_MAKE_MEM_UNDEFINED((p), (n))
#define public(p, n) VALGRIND_MAKE_MEM_DEFINED((p), (n))

static char key_bytes[100] = "a signing secret", text_bytes[300] = "a string to sign";

static void authenticate(size_t key_length)
{
	uint8_t code[SHA256_SIZE], presented[SHA256_SIZE];
	char digits[2 * SHA256_SIZE];
	struct buf b = BUF(digits);
	struct str key = { key_bytes, key_length }, text = { text_bytes, sizeof(text_bytes) };

	secret(key_bytes, sizeof(key_bytes));
	secret(text_bytes, sizeof(text_bytes));
	hmac_sha256(code, key, text);
	hex_put(&b, code, sizeof(code));

	/* What is secret of the comparison is the code; its outcome is for everybody. */
	bool decoded = hex_decode(presented, sizeof(presented), buf_str(&b));
	public(&decoded, sizeof(decoded));
	bool equal = ct_equal(code, presented, sizeof(code));
	public(&equal, sizeof(equal));
	presented[31] ^= 1;
	bool differs = !ct_equal(code, presented, sizeof(code));
	public(&differs, sizeof(differs));
	check(decoded && equal && differs);
	ct_wipe(code, sizeof(code));
	check(code[0] == 0);
}

/* ---- private keys ---- */

static void exchange_on_curve25519(void)
{
	uint8_t scalar[X25519_SIZE] = { 3, 1, 4 }, u[X25519_SIZE] = { 9 };
	secret(scalar, sizeof(scalar));
	x25519_public(u, scalar);
	public(u, sizeof(u));
	bool ok = x25519_shared(u, scalar, u);
	public(&ok, sizeof(ok));
	check(ok);
}

/* The peer's point is public, and so is what is sent to it. */
static void exchange_on(int curve)
{
	uint8_t scalar[EC_SIZE_MAX] = { 3, 1, 4 }, point[EC_POINT_SIZE_MAX];
	size_t size = ec_size(curve), n = 1 + 2 * size;
	for (scalar[size - 1] = 1; scalar[size - 1] < 3; scalar[size - 1]++) {
		secret(scalar, sizeof(scalar));
		ec_multiply_generator(curve, point, scalar, size);
		public(point, sizeof(point));
		bool ok = ec_multiply(curve, point, n, scalar, size);
		public(&ok, sizeof(ok));
		check(ok);
		public(scalar, sizeof(scalar));
	}
}

static void sign_on(int curve, const br_hash_class *hash)
{
	uint8_t scalar[EC_SIZE_MAX] = { 3, 1, 4 }, digest[64] = { 1 }, raw[ECDSA_RAW_MAX];
	br_ec_private_key key = { curve, scalar, ec_size(curve) };
	secret(scalar, sizeof(scalar));
	bool ok = ecdsa_raw_sign(raw, &key, hash, digest);
	public(&ok, sizeof(ok));
	check(ok);
}

/* Reads a key, to mark its numbers. */
static void sign_with_rsa(const char *path)
{
	static char text[8192], memory[8192];
	static uint8_t x[RSA_PRIVATE_SIZE_MAX], out[RSA_PRIVATE_SIZE_MAX];
	FILE *file = fopen(path, "r");
	check(file);
	struct str pem = { text, fread(text, 1, sizeof(text), file) };
	struct arena arena = { memory, 0, sizeof(memory) };
	struct fault f;
	struct pkey key;
	fclose(file);
	check(pkey_from_pem(&key, pem, &arena, &f) == OK && key.type == BR_KEYTYPE_RSA);
	const br_rsa_private_key *k = &key.as.rsa.private;
	secret(k->p, k->plen);
	secret(k->q, k->qlen);
	secret(k->dp, k->dplen);
	secret(k->dq, k->dqlen);
	secret(k->iq, k->iqlen);
	memset(x, 0x5a, sizeof(x));
	x[0] = 0;
	bool ok = rsa_private(out, &key.as.rsa, x);
	public(&ok, sizeof(ok));
	check(ok);
}

int main(int argc, char **argv)
{
	if (!RUNNING_ON_VALGRIND) {
		fputs("ctime_test: run me under valgrind\n", stderr);
		return 2;
	}
	authenticate(16);
	authenticate(64);
	authenticate(100);
	exchange_on_curve25519();
	exchange_on(BR_EC_secp256r1);
	exchange_on(BR_EC_secp384r1);
	sign_on(BR_EC_secp256r1, &br_sha256_vtable);
	sign_on(BR_EC_secp384r1, &br_sha384_vtable);
	sign_with_rsa("tests/vectors/pkey/rsa2048-pkcs8.pem");
	if (argc > 1 && strcmp(argv[1], "leak") == 0)
		puts(memcmp(key_bytes, text_bytes, 1) == 0 ? "equal" : "different");
	return 0;
}
