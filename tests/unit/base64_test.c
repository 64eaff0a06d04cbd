#include "codec/base64.h"

#include "check.h"

#include <string.h>

static char memory[4096];

/* The vectors of RFC 4648, section 10, and every kind of tail. */
static const struct {
	struct str text, bytes;
} vectors[] = {
	{ STR(""), STR("") },
	{ STR("Zg=="), STR("f") },
	{ STR("Zm8="), STR("fo") },
	{ STR("Zm9v"), STR("foo") },
	{ STR("Zm9vYg=="), STR("foob") },
	{ STR("Zm9vYmE="), STR("fooba") },
	{ STR("Zm9vYmFy"), STR("foobar") },
	{ STR("AA=="), STR("\0") },
	{ STR("//79"), STR("\xff\xfe\xfd") },
	{ STR("+/+/"), STR("\xfb\xff\xbf") },
	{ STR("eyJ0ZXh0IjoiZ3LDvMOfZSDinJMifQ=="),
		STR("{\"text\":\"gr\xc3\xbc\xc3\x9f"
			"e \xe2\x9c\x93\"}") },
};

TEST(base64_vectors)
{
	for (size_t i = 0; i < countof(vectors); i++) {
		struct buf b = BUF(memory);
		context("%s", vectors[i].text.p);
		base64_encode(&b, guard_copy(vectors[i].bytes));
		expect_str(buf_str(&b), vectors[i].text);
		buf_reset(&b);
		buf_put(&b, S("x"));
		expect_int(base64_decode(&b, guard_copy(vectors[i].text)), OK);
		expect_str(str_skip(buf_str(&b), 1), vectors[i].bytes);
		struct str bare = vectors[i].text;
		while (str_ends(bare, S("=")))
			bare.n--;
		buf_reset(&b);
		expect_int(base64_decode(&b, guard_copy(bare)), OK);
		expect_str(buf_str(&b), vectors[i].bytes);
	}
}

TEST(base64_decode_refuses)
{
	static const struct str cases[] = {
		/* a single digit, too much or too little padding, padding in the middle */
		STR("A"),
		STR("AAAAA"),
		STR("="),
		STR("=="),
		STR("==="),
		STR("===="),
		STR("A==="),
		STR("A="),
		STR("A=="),
		STR("AA="),
		STR("AAA=="),
		STR("AAAA="),
		STR("AAAA=="),
		STR("AAAA===="),
		STR("AA==AAAA"),
		STR("AA=A"),
		STR("=AAA"),
		STR("AAAAAA="),
		STR("Zg==\n"),
		/* bits that no byte takes */
		STR("Zh=="),
		STR("Zh"),
		STR("Zm9="),
		STR("Zm9"),
		STR("AB=="),
		STR("A/=="),
		STR("AAB="),
		STR("AAD"),
		/* not of the alphabet */
		STR("AAA\n"),
		STR("AA A"),
		STR(" AAA"),
		STR("AAA "),
		STR("AA-A"),
		STR("AA_A"),
		STR("AA\0A"),
		STR("\xc3\xa9"
			"AA"),
		STR("AA@A"),
		STR("AA[A"),
		STR("AA`A"),
		STR("AA{A"),
		STR("AA:A"),
		STR("AA.A"),
		STR("AA,A"),
		STR("AAA*AAAA"),
		STR("A-"),
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = BUF(memory);
		buf_put(&b, S("kept"));
		context("case %zu: %s", i, cases[i].p);
		expect_int(base64_decode(&b, guard_copy(cases[i])), E_SYNTAX);
		expect_str(buf_str(&b), S("kept"));
		expect(!b.full);
	}
}

TEST(base64_decode_knows_every_byte)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 4; at++) {
			char text[8] = "AAAAAAAA";
			text[at] = (char)c;
			struct buf b = BUF(memory);
			const char *digit = c ? strchr(digits, c) : NULL;
			context("byte %d at %zu", c, at);
			expect_int(base64_decode(&b, (struct str){ text, 8 }), digit ? OK : E_SYNTAX);
			if (!digit)
				continue;
			uint32_t v = (uint32_t)(digit - digits) << (18 - 6 * at);
			const unsigned char *got = (const unsigned char *)b.p;
			expect_int(got[0] << 16 | got[1] << 8 | got[2], v);
		}
}

TEST(base64_round_trip_at_any_length_and_room)
{
	for (size_t n = 0; n < 70; n++) {
		char bytes[70], text[100], back[70];
		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)test_random(256);
		context("%zu bytes", n);
		expect_int(BASE64_ENCODED(n), (n + 2) / 3 * 4);
		struct buf b = { text, 0, BASE64_ENCODED(n), false };
		base64_encode(&b, guard_copy((struct str){ bytes, n }));
		expect(!b.full && b.n == b.cap);
		expect(n <= BASE64_DECODED_MAX(b.n));
		struct buf out = { back, 0, n, false };
		expect_int(base64_decode(&out, guard_copy(buf_str(&b))), OK);
		expect_str(buf_str(&out), ((struct str){ bytes, n }));
		if (n == 0)
			continue;
		out = (struct buf){ back, 0, n - 1, false };
		expect_int(base64_decode(&out, buf_str(&b)), E_LIMIT);
		expect_int(out.n, 0);
		struct buf tight = { memory, 0, b.n - 1, false };
		base64_encode(&tight, (struct str){ bytes, n });
		expect(tight.full && tight.n == 0);
		/* In place. */
		struct buf same = { text, 0, sizeof(text), false };
		expect_int(base64_decode(&same, buf_str(&b)), OK);
		expect_str(buf_str(&same), ((struct str){ bytes, n }));
	}
}

TEST(base64_of_no_memory)
{
	struct buf b = { NULL, 0, 0, false };
	expect_int(base64_decode(&b, (struct str){ NULL, 0 }), OK);
	base64_encode(&b, (struct str){ NULL, 0 });
	expect(!b.full && b.n == 0);
	expect_int(base64_decode(&b, S("AA")), E_LIMIT);
	base64_encode(&b, S("x"));
	expect(b.full && b.n == 0);
}
