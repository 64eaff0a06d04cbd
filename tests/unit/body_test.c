#include "check.h"
#include "http/body.h"

#include <string.h>

static struct fault fault;

static struct http_body body_of(enum http_body_kind kind, uint64_t length)
{
	struct http_head h = { .body = kind, .length = length };
	return http_body(&h);
}

static bool mentions(struct str text, const char *word)
{
	return str_find_str(text, str_c(word)) < text.n;
}

/* Where raw bytes come from and where the body goes, in the three ways it is used. */
enum layout { APART, IN_PLACE, GROWING, LAYOUTS };

/* Decodes `raw`, cut behind each byte with a chance of 1 in `rarity` (0: never). *used counts all
 * of it. */
static enum err decode(struct buf *out, size_t *used, struct http_body b, struct str raw,
	enum layout layout, size_t rarity)
{
	static char memory[1 << 16];
	size_t n = 0;
	*used = 0;
	*out = (struct buf){ .p = memory, .cap = 1 << 14 };
	if (layout == GROWING)
		memcpy(memory, raw.p, raw.n);
	for (;;) {
		enum err e;
		size_t from = n, some;
		while (n < raw.n && (n == from || rarity == 0 || test_random(rarity) != 0))
			n++;
		struct str piece = str_sub(raw, from, n);
		if (layout == APART)
			piece = guard_copy(piece);
		else if (layout == GROWING)
			piece.p = memory + from;
		else if (piece.n)
			piece.p = memmove(memory + out->n, piece.p, piece.n);
		e = http_body_decode(&b, out, &some, piece, &fault);
		if (e == OK || e == E_MORE)
			*used += some;
		if (e == E_MORE)
			expect_int(some, piece.n);
		if (e != E_MORE || n == raw.n)
			return e;
	}
}

static struct str next_request = STR("GET / HTTP/1.1\r\n");

/* Chunked messages; `next_request` follows each of those that are complete. */
static const struct {
	struct str raw, body;
	enum err want;
	const char *mentions;
} chunked[] = {
	{ STR("0\r\n\r\n"), STR(""), OK, NULL },
	{ STR("5\r\nhello\r\n0\r\n\r\n"), STR("hello"), OK, NULL },
	{ STR("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), STR("hello world"), OK, NULL },
	{ STR("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"), STR("hello"), OK, NULL },
	{ STR("A\r\n0123456789\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"),
		STR("0123456789abcdefghijklmnopqrstuvwxyz"), OK, NULL },
	{ STR("2\r\n\r\n\r\n0\r\n\r\n"), STR("\r\n"), OK, NULL },
	{ STR("3;name=value;other=\"a;b\"\r\nabc\r\n0;last\r\n\r\n"), STR("abc"), OK, NULL },
	{ STR("3;\r\nabc\r\n0;\tx \r\n\r\n"), STR("abc"), OK, NULL },
	{ STR("3\r\nabc\r\n0\r\nTrailer: value\r\nEmpty:\r\n\r\n"), STR("abc"), OK, NULL },
	{ STR("\r\n"), STR(""), E_SYNTAX, "size" },
	{ STR(" 5\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5 \r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5 ;x\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5\rhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5\r\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5;x\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5;x\0\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR(";x\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("0x5\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("+5\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("-5\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("5_0\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("g\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("00000000000000005\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("10000000000000005\r\nhello"), STR(""), E_SYNTAX, "size" },
	{ STR("ffffffffffffffff\r\nhello"), STR(""), E_LIMIT, "larger" },
	{ STR("4001\r\nhello"), STR(""), E_LIMIT, "larger" },
	{ STR("5\r\nhello0\r\n\r\n"), STR("hello"), E_SYNTAX, "behind a chunk" },
	{ STR("5\r\nhello\n0\r\n\r\n"), STR("hello"), E_SYNTAX, "behind a chunk" },
	{ STR("5\r\nhello\rX"), STR("hello"), E_SYNTAX, "behind a chunk" },
	{ STR("5\r\nhello!\r\n"), STR("hello"), E_SYNTAX, "behind a chunk" },
	{ STR("5\r\nhello\r\n\r\n"), STR("hello"), E_SYNTAX, "size" },
	{ STR("0\r\n\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\n\rX"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\n: x\r\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\n x: y\r\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\nx : y\r\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\nGET / HTTP/1.1\r\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\nx: y\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\nx: \0\r\n\r\n"), STR(""), E_SYNTAX, "trailer" },
	{ STR("0\r\nx: y\rz"), STR(""), E_SYNTAX, "trailer" },
};

TEST(body_chunked)
{
	static const size_t rarities[] = { 0, 1, 2, 5 };
	char text[256];
	for (size_t i = 0; i < countof(chunked); i++) {
		for (size_t k = 0; k < countof(rarities) * LAYOUTS; k++) {
			struct buf whole = BUF(text), out;
			size_t used;
			context("case %zu, layout %zu, cut one in %zu", i, k % LAYOUTS, rarities[k / LAYOUTS]);
			buf_format(
				&whole, "%s%s", chunked[i].raw, chunked[i].want == OK ? next_request : S(""));
			enum err e = decode(&out, &used, body_of(HTTP_BODY_CHUNKED, 0), buf_str(&whole),
				k % LAYOUTS, rarities[k / LAYOUTS]);
			expect_int(e, chunked[i].want);
			expect_str(buf_str(&out), chunked[i].body);
			if (e == OK)
				expect_int(used, chunked[i].raw.n);
			else
				expect(mentions(fault_text(&fault), chunked[i].mentions));
			expect_int(out.full, e == E_LIMIT);
		}
	}
}

TEST(body_chunked_prefixes)
{
	for (size_t i = 0; i < countof(chunked); i++) {
		for (size_t n = 0; n < chunked[i].raw.n; n++) {
			struct buf out;
			size_t used;
			context("case %zu, %zu bytes", i, n);
			enum err e = decode(&out, &used, body_of(HTTP_BODY_CHUNKED, 0),
				str_sub(chunked[i].raw, 0, n), APART, 0);
			expect(e == E_MORE || (chunked[i].want != OK && e == chunked[i].want));
		}
	}
}

/* In the buffer of a listener: what follows a body is intact, whatever was decoded before it. */
TEST(body_leaves_the_next_message)
{
	char memory[128];
	struct buf in = BUF(memory);
	buf_format(&in, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n%s", next_request);
	struct buf out = { memory, 0, 64, false };
	struct http_body b = body_of(HTTP_BODY_CHUNKED, 0);
	size_t used;
	expect_int(http_body_decode(&b, &out, &used, buf_str(&in), &fault), OK);
	expect_str(buf_str(&out), S("hello!"));
	expect_str(str_skip(buf_str(&in), used), next_request);
}

TEST(body_by_length)
{
	struct buf out;
	size_t used;
	for (enum layout layout = 0; layout < LAYOUTS; layout++) {
		for (size_t rarity = 0; rarity < 4; rarity++) {
			context("layout %d, cut one in %d", layout, (int)rarity);
			expect_int(decode(&out, &used, body_of(HTTP_BODY_LENGTH, 11), S("hello worldGET /"),
						   layout, rarity),
				OK);
			expect_str(buf_str(&out), S("hello world"));
			expect_int(used, 11);
			expect_int(decode(&out, &used, body_of(HTTP_BODY_LENGTH, 12), S("hello world"), layout,
						   rarity),
				E_MORE);
			expect_str(buf_str(&out), S("hello world"));
		}
	}
}

/* Right after the head, before a byte of the body, without memory. */
TEST(body_decides_early)
{
	static const struct {
		enum http_body_kind kind;
		uint64_t length;
		size_t cap;
		enum err want;
	} cases[] = {
		{ HTTP_BODY_NONE, 0, 0, OK },
		{ HTTP_BODY_LENGTH, 0, 0, OK },
		{ HTTP_BODY_LENGTH, 1, 0, E_LIMIT },
		{ HTTP_BODY_LENGTH, 100, 100, E_MORE },
		{ HTTP_BODY_LENGTH, 101, 100, E_LIMIT },
		{ HTTP_BODY_LENGTH, UINT64_MAX, 100, E_LIMIT },
		{ HTTP_BODY_CHUNKED, 0, 0, E_MORE },
		{ HTTP_BODY_UNTIL_CLOSE, 0, 0, E_MORE },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[100];
		struct buf out = { cases[i].cap ? memory : NULL, 0, cases[i].cap, false };
		struct http_body b = body_of(cases[i].kind, cases[i].length);
		size_t used = 1;
		context("case %zu", i);
		expect_int(
			http_body_decode(&b, &out, &used, (struct str){ NULL, 0 }, &fault), cases[i].want);
		expect_int(out.full, cases[i].want == E_LIMIT);
		if (cases[i].want != E_LIMIT)
			expect_int(used, 0);
		else
			expect(mentions(fault_text(&fault), "larger"));
	}
}

TEST(body_without_one)
{
	struct buf out;
	size_t used;
	expect_int(decode(&out, &used, body_of(HTTP_BODY_NONE, 0), next_request, APART, 0), OK);
	expect_int(used, 0);
	expect_int(out.n, 0);
}

TEST(body_until_close_is_bounded)
{
	char memory[8];
	struct buf out = BUF(memory);
	struct http_body b = body_of(HTTP_BODY_UNTIL_CLOSE, 0);
	size_t used;
	expect_int(http_body_decode(&b, &out, &used, guard_copy(S("12345")), &fault), E_MORE);
	expect_int(http_body_decode(&b, &out, &used, guard_copy(S("678")), &fault), E_MORE);
	expect_str(buf_str(&out), S("12345678"));
	expect_int(http_body_decode(&b, &out, &used, (struct str){ NULL, 0 }, &fault), E_MORE);
	expect_int(http_body_decode(&b, &out, &used, guard_copy(S("9")), &fault), E_LIMIT);
	expect(out.full);
	expect(mentions(fault_text(&fault), "larger than 8 bytes"));
}

/* A limit that is met exactly is no offence, in any kind. */
TEST(body_of_exactly_the_limit)
{
	static const struct {
		enum http_body_kind kind;
		struct str raw;
		enum err want;
	} cases[] = {
		{ HTTP_BODY_LENGTH, STR("12345678"), OK },
		{ HTTP_BODY_CHUNKED, STR("5\r\n12345\r\n3\r\n678\r\n0\r\n\r\n"), OK },
		{ HTTP_BODY_CHUNKED, STR("5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n"), E_LIMIT },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[8];
		struct buf out = BUF(memory);
		struct http_body b = body_of(cases[i].kind, 8);
		size_t used;
		context("case %zu", i);
		expect_int(
			http_body_decode(&b, &out, &used, guard_copy(cases[i].raw), &fault), cases[i].want);
		expect_str(buf_str(&out), str_sub(S("12345678"), 0, cases[i].want == OK ? 8 : 5));
	}
}

/* Feeds `piece` again and again; the first failure, and how many bytes went in before. */
static enum err flood(size_t *fed, struct str start, struct str piece, size_t most)
{
	static char memory[1 << 20];
	struct buf out = BUF(memory);
	struct http_body b = body_of(HTTP_BODY_CHUNKED, 0);
	size_t used;
	enum err e = http_body_decode(&b, &out, &used, start, &fault);
	for (*fed = start.n; e == E_MORE && *fed < most; *fed += piece.n)
		e = http_body_decode(&b, &out, &used, piece, &fault);
	expect(!out.full);
	return e;
}

TEST(body_refuses_absurd_framing)
{
	size_t fed;
	expect_int(flood(&fed, S("5;"), S("x"), 1 << 20), E_LIMIT);
	expect_int(fed, HTTP_FRAMING_MAX + 1);
	expect(mentions(fault_text(&fault), "framing"));
	expect_int(flood(&fed, S("0\r\n"), S("a: b\r\n"), 1 << 20), E_LIMIT);
	expect(fed <= HTTP_FRAMING_MAX + 6);
	expect_int(flood(&fed, S(""), S("1\r\nx\r\n"), 1 << 20), E_LIMIT);
	expect(fed <= 2 * HTTP_FRAMING_MAX);
	/* Chunks of five bytes and more pay for their own framing. */
	expect_int(flood(&fed, S(""), S("5\r\nhello\r\n"), 1 << 20), E_MORE);
}
