/* Secrets are marked as undefined memory and handed to the code that must not let its time depend on them. Run
 * under valgrind, which reports every branch and every address that comes from such memory. With the argument
 * `leak` a branch on a secret is taken, to show that one would be seen. */
#include "codec/hex.h"
#include "crypto/ct.h"
#include "crypto/hmac.h"

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

int main(int argc, char **argv)
{
	if (!RUNNING_ON_VALGRIND) {
		fputs("ctime_test: run me under valgrind\n", stderr);
		return 2;
	}
	authenticate(16);
	authenticate(64);
	authenticate(100);
	if (argc > 1 && strcmp(argv[1], "leak") == 0)
		puts(memcmp(key_bytes, text_bytes, 1) == 0 ? "equal" : "different");
	return 0;
}
