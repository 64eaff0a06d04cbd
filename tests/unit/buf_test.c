#include "base/buf.h"

#include "check.h"

#include <string.h>

TEST(buf_put_fills_and_remembers)
{
	char bytes[8] = "#######";
	struct buf b = { bytes, 0, 5, false };
	buf_put(&b, S("abc"));
	buf_put(&b, (struct str){ NULL, 0 });
	expect(!b.full);
	buf_put(&b, S("de"));
	expect(!b.full);
	expect_str(buf_str(&b), S("abcde"));
	buf_put(&b, S(""));
	expect(!b.full);
	buf_put_char(&b, 'f');
	expect(b.full);
	expect_str(buf_str(&b), S("abcde"));
	expect(bytes[5] == '#');
	buf_reset(&b);
	expect(!b.full && b.n == 0);
	buf_put(&b, S("123456789"));
	expect(b.full);
	expect_str(buf_str(&b), S("12345"));
	expect(bytes[5] == '#');
}

TEST(buf_full_stays)
{
	char bytes[3];
	struct buf b = BUF(bytes);
	buf_put(&b, S("abcd"));
	b.n = 0;
	buf_put(&b, S("a"));
	expect(b.full);
}

TEST(buf_format_fills_holes)
{
	char bytes[32];
	struct buf b = BUF(bytes);
	expect_int(b.cap, 32);
	buf_format(&b, "GET /%d", NUM(-12));
	buf_format(&b, "!");
	expect_str(buf_str(&b), S("GET /-12!"));
	buf_reset(&b);
	buf_format(&b, "%d%s%d", NUM(0), (struct str){ NULL, 0 }, NUM(INT64_MIN));
	expect_str(buf_str(&b), S("0-9223372036854775808"));
}

TEST(buf_without_memory)
{
	struct buf b = { NULL, 0, 0, false };
	buf_put(&b, S(""));
	expect(!b.full);
	buf_put_char(&b, 'x');
	expect(b.full && b.n == 0);
}
