#include "codec/json_write.h"

#include "check.h"
#include "codec/json_read.h"
#include "codec/utf8.h"

#include <string.h>

static char memory[4096];

static struct str written_string(struct str s)
{
	static char out[4096];
	struct buf b = BUF(out);
	struct json_writer w = json_writer(&b);
	json_put_string(&w, s);
	expect(!b.full);
	return buf_str(&b);
}

static void put_everything(struct json_writer *w)
{
	json_open(w, '{');
	json_field(w, S("a"), S("x\"y"));
	json_fields(w, "n", NUM(-12));
	json_key(w, S("l"));
	json_open(w, '[');
	json_put_raw(w, S("null"));
	json_put_bool(w, true);
	json_put_bool(w, false);
	json_open(w, '[');
	json_close(w, ']');
	json_open(w, '{');
	json_close(w, '}');
	json_put_int(w, INT64_MIN);
	json_put_string(w, S(""));
	json_close(w, ']');
	json_key(w, S("r"));
	json_put_raw(w, S("{\"k\": 1}"));
	json_key(w, S("\n"));
	json_open_string(w);
	json_put_piece(w, S("a\n"));
	json_put_piece(w, S(""));
	json_put_piece(w, S("\xc3\xa9"));
	json_put_piece(w, S("\""));
	json_close_string(w);
	json_close(w, '}');
}

static const struct str everything = STR(
	"{\"a\":\"x\\\"y\",\"n\":-12,\"l\":[null,true,false,[],{},-9223372036854775808,\"\"],"
	"\"r\":{\"k\": 1},\"\\n\":\"a\\n\xc3\xa9\\\"\"}");

TEST(json_write_places_commas_and_colons)
{
	struct buf b = BUF(memory);
	struct json_writer w = json_writer(&b);
	put_everything(&w);
	expect_str(buf_str(&b), everything);
	struct json v;
	size_t position;
	expect_int(json_check(&v, &position, buf_str(&b)), OK);
}

TEST(json_write_reports_overflow_at_every_size)
{
	for (size_t cap = 0; cap <= everything.n; cap++) {
		char out[256];
		memset(out, '#', sizeof(out));
		struct buf b = { out, 0, cap, false };
		struct json_writer w = json_writer(&b);
		put_everything(&w);
		context("%zu bytes", cap);
		expect_int(b.full, cap < everything.n);
		expect(b.n <= cap);
		expect(out[cap] == '#');
	}
}

TEST(json_write_escapes)
{
	static const struct {
		struct str text, want;
	} cases[] = {
		{ STR(""), STR("\"\"") },
		{ STR("plain text / slash"), STR("\"plain text / slash\"") },
		{ STR("\"\\"), STR("\"\\\"\\\\\"") },
		{ STR("\b\f\n\r\t"), STR("\"\\b\\f\\n\\r\\t\"") },
		{ STR("\0\x01\v\x0e\x1f\x7f"), STR("\"\\u0000\\u0001\\u000b\\u000e\\u001f\x7f\"") },
		{ STR("gr\xc3\xbc\xc3\x9f" "e \xe2\x9c\x93 \xf0\x9f\x98\x80"),
		  STR("\"gr\xc3\xbc\xc3\x9f" "e \xe2\x9c\x93 \xf0\x9f\x98\x80\"") },
		{ STR("\xe2\x80\xa8\xe2\x80\xa9"), STR("\"\xe2\x80\xa8\xe2\x80\xa9\"") },
		/* ill-formed: one U+FFFD for each piece that was the beginning of something */
		{ STR("\xff"), STR("\"\xef\xbf\xbd\"") },
		{ STR("a\x80z"), STR("\"a\xef\xbf\xbdz\"") },
		{ STR("\xc3"), STR("\"\xef\xbf\xbd\"") },
		{ STR("\xc3("), STR("\"\xef\xbf\xbd(\"") },
		{ STR("\xe2\x82"), STR("\"\xef\xbf\xbd\"") },
		{ STR("\xf0\x9f\x98x"), STR("\"\xef\xbf\xbdx\"") },
		{ STR("\xc0\xaf"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ STR("\xed\xa0\x80"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ STR("\xf0\x9f\xc3\xa9"), STR("\"\xef\xbf\xbd\xc3\xa9\"") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].want.p);
		expect_str(written_string(guard_copy(cases[i].text)), cases[i].want);
	}
}

/* What is written is always a JSON string, and reads back as itself when it was UTF-8. */
TEST(json_write_survives_any_bytes)
{
	static const char likely[] =
		"ab\"\\/\n\x01\x7f\x80\xbf\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80\xed\xff";
	for (int round = 0; round < 20000; round++) {
		char bytes[40];
		size_t n = test_random(sizeof(bytes));
		for (size_t i = 0; i < n; i++)
			bytes[i] =
				test_random(4) ? likely[test_random(sizeof(likely) - 1)] : (char)test_random(256);
		struct str s = { bytes, n };
		struct json v;
		size_t position;
		struct str back;
		struct arena arena = { memory, 0, sizeof(memory) };
		context("round %d", round);
		expect_int(json_check(&v, &position, written_string(s)), OK);
		expect_int(json_string(&back, v, &arena), OK);
		if (utf8_check(s) == s.n)
			expect_str(back, s);
		expect_int(utf8_check(back), back.n);
	}
}

TEST(json_write_nothing)
{
	expect_str(written_string((struct str){ NULL, 0 }), S("\"\""));
	struct buf b = { NULL, 0, 0, false };
	struct json_writer w = json_writer(&b);
	put_everything(&w);
	expect(b.full && b.n == 0);
}
