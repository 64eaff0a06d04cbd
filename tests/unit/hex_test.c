#include "codec/hex.h"

#include "check.h"

#include <string.h>

TEST(hex_digit_knows_every_byte)
{
	for (int c = 0; c < 256; c++) {
		const char *at = c ? strchr("0123456789abcdef", c) : NULL;
		const char *upper = c ? strchr("0123456789ABCDEF", c) : NULL;
		int want = at ? (int)(at - strchr("0123456789abcdef", '0')) : -1;
		if (upper && want < 0)
			want = c - 'A' + 10;
		context("byte %d", c);
		expect_int(hex_digit((unsigned char)c), want);
	}
}

TEST(hex_round_trip)
{
	uint8_t bytes[256], back[256];
	char text[512];
	struct buf b = BUF(text);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hex_put(&b, bytes, sizeof(bytes));
	expect(!b.full);
	expect_str(str_sub(buf_str(&b), 0, 12), S("000102030405"));
	expect_str(str_sub(buf_str(&b), 18, 24), S("090a0b"));
	expect_str(str_skip(buf_str(&b), 506), S("fdfeff"));
	expect(hex_decode(back, sizeof(back), guard_copy(buf_str(&b))));
	expect(memcmp(bytes, back, sizeof(bytes)) == 0);
}

TEST(hex_put_keeps_to_its_room)
{
	static const uint8_t bytes[] = { 0xab, 0xcd };
	char text[4] = "####";
	struct buf b = { text, 0, 3, false };
	hex_put(&b, bytes, 2);
	expect(b.full);
	expect_str(((struct str){ text, 4 }), S("abc#"));
}

TEST(hex_decode_wants_lower_case_digits)
{
	uint8_t out[2];
	expect(hex_decode(out, 2, S("09af")) && out[0] == 0x09 && out[1] == 0xaf);
	expect(hex_decode(out, 0, S("")));
	static const struct str bad[] = {
		STR(""), STR("0"), STR("00"), STR("000"), STR("00000"), STR("000000"), STR(" 000"),
		STR("0x00"),
	};
	for (size_t i = 0; i < countof(bad); i++)
		expect(!hex_decode(out, 2, guard_copy(bad[i])));
	for (int c = 0; c < 256; c++)
		for (int at = 0; at < 4; at++) {
			char text[5] = "0f0f";
			text[at] = (char)c;
			context("byte %d at %d", c, at);
			expect_int(
				hex_decode(out, 2, (struct str){ text, 4 }), c && strchr("0123456789abcdef", c));
		}
}
