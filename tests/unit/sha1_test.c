#include "check.h"
#include "codec/hex.h"
#include "crypto/sha1.h"

#include <string.h>

/* FIPS 180-2 and RFC 6455, and texts around the end of a block, whose digests OpenSSL made. */
TEST(sha1_is_as_others_have_it)
{
	static const struct {
		size_t repeated; /* the text is that many of the letter a */
		struct str text;
		const char *digest;
	} cases[] = {
		{ 0, STR(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ 0, STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ 0, STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ 0, STR("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"),
			"b37a4f2cc0624f1690f64606cf385945b2bec4ea" },
		{ 55, STR(""), "c1c8bbdc22796e28c0e15163d20899b65621d65a" },
		{ 56, STR(""), "c2db330f6083854c99d4b5bfb6e8f29f201be699" },
		{ 63, STR(""), "03f09f5b158a7a8cdad920bddc29b81c18a551f5" },
		{ 64, STR(""), "0098ba824b5c16427bd7a1122a5a442a25ec644d" },
		{ 118, STR(""), "d0572de8e494e0b7b8e50302003fc4ae0596ef4d" },
		{ 119, STR(""), "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56" },
	};
	char as[SHA1_TEXT_MAX];
	memset(as, 'a', sizeof(as));
	for (size_t i = 0; i < countof(cases); i++) {
		uint8_t digest[SHA1_SIZE];
		char hex[2 * SHA1_SIZE];
		struct buf b = BUF(hex);
		sha1(digest, guard_copy(cases[i].repeated ? (struct str){ as, cases[i].repeated } : cases[i].text));
		hex_put(&b, digest, sizeof(digest));
		expect(str_eq(buf_str(&b), str_c(cases[i].digest)));
	}
}
