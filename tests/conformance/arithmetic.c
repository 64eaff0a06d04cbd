/* Does what lines on standard input ask for, and answers each with a line, for
 * tests/conformance/arithmetic: hexadecimal digits, or 0 or 1. Fields are separated by blanks; the
 * first is one of the commands below. */
#include "codec/hex.h"
#include "crypto/curves.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"
#include "crypto/x25519.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS = 5, FIELD_MAX = 2048 };

struct field {
	uint8_t bytes[FIELD_MAX];
	size_t n;
};

static struct field field[FIELDS];

static void answer(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	putchar('\n');
}

static struct str view(const struct field *f)
{
	return (struct str){ (const char *)f->bytes, f->n };
}

static int curve_of(const struct field *point)
{
	return point->n == 65 ? BR_EC_secp256r1 : BR_EC_secp384r1;
}

static const br_hash_class *hash_of(const struct field *digest)
{
	return digest->n == 32 ? &br_sha256_vtable
		: digest->n == 48  ? &br_sha384_vtable
						   : &br_sha512_vtable;
}

/* SCALAR U: the shared secret */
static void do_x25519(void)
{
	bool ok = x25519_shared(field[1].bytes, field[0].bytes, field[1].bytes);
	answer(field[1].bytes, ok ? X25519_SIZE : 0);
}

/* SCALAR: the public key */
static void do_x25519_public(void)
{
	x25519_public(field[1].bytes, field[0].bytes);
	answer(field[1].bytes, X25519_SIZE);
}

/* SCALAR POINT: the x of their product */
static void do_multiply(void)
{
	bool ok =
		ec_multiply(curve_of(&field[1]), field[1].bytes, field[1].n, field[0].bytes, field[0].n);
	answer(field[1].bytes + 1, ok ? field[0].n : 0);
}

/* SCALAR: the generator's multiple */
static void do_public(void)
{
	int curve = field[0].n == 32 ? BR_EC_secp256r1 : BR_EC_secp384r1;
	ec_multiply_generator(curve, field[1].bytes, field[0].bytes, field[0].n);
	answer(field[1].bytes, 1 + 2 * field[0].n);
}

/* POINT DIGEST SIGNATURE: whether it is valid */
static void do_ecdsa(void)
{
	br_ec_public_key key = { curve_of(&field[0]), field[0].bytes, field[0].n };
	printf("%d\n", ecdsa_verify(&key, field[1].bytes, field[1].n, view(&field[2])));
}

/* SCALAR DIGEST: a signature */
static void do_sign(void)
{
	br_ec_private_key key = { field[0].n == 32 ? BR_EC_secp256r1 : BR_EC_secp384r1, field[0].bytes,
		field[0].n };
	uint8_t signature[ECDSA_SIGNATURE_MAX];
	answer(signature, ecdsa_sign(signature, &key, hash_of(&field[1]), field[1].bytes));
}

/* MODULUS EXPONENT DIGEST SIGNATURE: whether it is valid */
static void do_rsa(void)
{
	br_rsa_public_key key = { field[0].bytes, field[0].n, field[1].bytes, field[1].n };
	printf("%d\n", rsa_verify_pkcs1(&key, hash_of(&field[2]), field[2].bytes, view(&field[3])));
}

/* The same of PSS, with a salt as long as the digest */
static void do_pss(void)
{
	br_rsa_public_key key = { field[0].bytes, field[0].n, field[1].bytes, field[1].n };
	printf("%d\n",
		rsa_verify_pss(&key, hash_of(&field[2]), field[2].bytes, field[2].n, view(&field[3])));
}

static const struct {
	struct str name;
	void (*run)(void);
} commands[] = {
	{ STR("x25519"), do_x25519 },
	{ STR("x25519-public"), do_x25519_public },
	{ STR("multiply"), do_multiply },
	{ STR("public"), do_public },
	{ STR("ecdsa"), do_ecdsa },
	{ STR("sign"), do_sign },
	{ STR("rsa"), do_rsa },
	{ STR("pss"), do_pss },
};

int main(void)
{
	static char line[FIELDS * 2 * FIELD_MAX];
	while (fgets(line, sizeof(line), stdin)) {
		struct str rest = { line, strcspn(line, "\n") }, word, name;
		memset(field, 0, sizeof(field));
		str_cut(&name, &rest, rest, ' ');
		for (size_t i = 0; rest.n > 0; i++) {
			str_cut(&word, &rest, rest, ' ');
			check(i < FIELDS && word.n / 2 <= FIELD_MAX &&
				hex_decode(field[i].bytes, word.n / 2, word));
			field[i].n = word.n / 2;
		}
		for (size_t i = 0; i < countof(commands); i++)
			if (str_eq(commands[i].name, name))
				commands[i].run();
	}
	return 0;
}
