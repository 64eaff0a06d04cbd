#include "crypto/hmac.h"

#include "check.h"
#include "codec/hex.h"

#include <string.h>

static void expect_code(const uint8_t got[static SHA256_SIZE], struct str want)
{
	char text[2 * SHA256_SIZE];
	struct buf b = BUF(text);
	hex_put(&b, got, SHA256_SIZE);
	expect_str(buf_str(&b), want);
}

static struct str repeated(char *to, char c, size_t n)
{
	memset(to, c, n);
	return guard_copy((struct str){ to, n });
}

/* RFC 4231, section 4; its case 5, a code cut short, is left out. */
TEST(hmac_vectors)
{
	char bytes[256], key4[25];
	for (size_t i = 0; i < sizeof(key4); i++)
		key4[i] = (char)(i + 1);
	const struct {
		struct str key, text, want;
	} cases[] = {
		{ repeated(bytes, 0x0b, 20), S("Hi There"),
			S("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7") },
		{ S("Jefe"), S("what do ya want for nothing?"),
			S("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843") },
		{ repeated(bytes, (char)0xaa, 20), repeated(bytes, (char)0xdd, 50),
			S("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe") },
		{ { key4, sizeof(key4) }, repeated(bytes, (char)0xcd, 50),
			S("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b") },
		{ repeated(bytes, (char)0xaa, 131),
			S("Test Using Larger Than Block-Size Key - Hash Key First"),
			S("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54") },
		{ repeated(bytes, (char)0xaa, 131),
			S("This is a test using a larger than block-size key and a larger than block-size "
			  "data. The key needs to be hashed "
			  "before being used by the HMAC algorithm."),
			S("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2") },
		{ S(""), S(""), S("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		uint8_t code[SHA256_SIZE];
		context("case %zu", i);
		hmac_sha256(code, cases[i].key, cases[i].text);
		expect_code(code, cases[i].want);
	}
}

/* Keys around the size of a block, where they begin to be hashed first; from an independent
 * implementation. */
TEST(hmac_key_lengths)
{
	static const struct {
		size_t n;
		struct str want;
	} cases[] = {
		{ 1, STR("c1a9bf454b10dfe16515829275ce8fd6e5c7a5df851245037730352a6046f1a5") },
		{ 31, STR("b933d87479a2795914f4a60f99b85b9f3727e3f25e964952fcf40a4ea84cbe43") },
		{ 32, STR("8d3a9f54db4f3f1e3addef3fc62a0359d0d9d2a87c07cf465284062fded2baa2") },
		{ 63, STR("c90d83e78c64ee16fe2eefa3e8a834d79d1d3d0ea483f8d9908323b714c7f134") },
		{ 64, STR("0414bb1d8c0c4556cdb2028727b16610ae377b1a194b6db1f853d4297f2329bc") },
		{ 65, STR("5b69580123e3d7e788b7e8352ac37a3247b911c5ec0837147b74109a6382d3f5") },
		{ 127, STR("48071730503faa87923e681eeefcf9b58813809c4d527e10afa0e76a3edf4c11") },
		{ 128, STR("45e99812fad5e4a011b7eaeade4d079afb74236bde40538797cdcb7bf32c4112") },
		{ 129, STR("95ef5ad24165eaeb8756fa950601736fa9f2113623a6bcad936f934bec337d65") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char bytes[256];
		uint8_t code[SHA256_SIZE];
		context("key of %zu bytes", cases[i].n);
		hmac_sha256(code, repeated(bytes, 'k', cases[i].n), S("text"));
		expect_code(code, cases[i].want);
	}
}

/* The example of Slack's documentation, "Verifying requests from Slack". */
TEST(hmac_of_a_slack_request)
{
	struct hmac_key key;
	struct hmac h;
	uint8_t code[SHA256_SIZE];
	hmac_key(&key, S("8f742231b10e8888abcd99yyyzzz85a5"));
	for (int again = 0; again < 2; again++) {
		hmac_init(&h, &key);
		hmac_update(&h, S("v0:1531420618:"));
		hmac_update(&h,
			S("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
			  "G8PSS9T3V&"
			  "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
			  "collect&text=&"));
		hmac_update(&h,
			S("response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
			  "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
			  "803a0bc887a14d10d2c447fce8b6703c"));
		hmac_final(&h, code);
		expect_code(code, S("a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"));
	}
}

TEST(hmac_final_wipes)
{
	struct hmac_key key;
	struct hmac h;
	uint8_t code[SHA256_SIZE];
	hmac_key(&key, S("key"));
	hmac_init(&h, &key);
	hmac_update(&h, S("text"));
	hmac_final(&h, code);
	static const struct hmac zero;
	expect(memcmp(&h, &zero, sizeof(h)) == 0);
}
