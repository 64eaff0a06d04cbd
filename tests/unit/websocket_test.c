#include "check.h"
#include "http/websocket.h"

#include <string.h>

enum { MESSAGE_MAX = 70000 };

static char message[MESSAGE_MAX];
static char wire_memory[3 * MESSAGE_MAX];
static char transcript_memory[4096];

/* What a peer sends, frame by frame. */
static struct buf wire;

static void put_frame(
	unsigned first, unsigned masked, uint64_t claimed, int form, struct str payload)
{
	buf_put_char(&wire, (char)first);
	if (form == 1) {
		buf_put_char(&wire, (char)(masked | claimed));
	} else {
		buf_put_char(&wire, (char)(masked | (form == 2 ? 126u : 127u)));
		for (size_t i = form == 2 ? 2 : 8; i-- > 0;)
			buf_put_char(&wire, (char)((uint64_t)claimed >> 8 * i));
	}
	buf_put(&wire, payload);
}

static void put(unsigned first, struct str payload)
{
	put_frame(first, 0, payload.n, payload.n < 126 ? 1 : payload.n < 65536 ? 2 : 8, payload);
}

/* Reads what is on the wire in pieces of `size` bytes, or of random sizes for 0, and writes down
 * what it amounted to: T, B, P, p, C, X with texts of up to 32 bytes, longer ones as their length.
 */
static struct str transcript(size_t cap, size_t size)
{
	struct websocket_reader r = websocket_reader(message, cap);
	struct buf out = BUF(transcript_memory);
	enum websocket_event event = WEBSOCKET_MORE;
	for (size_t at = 0; at < wire.n && event != WEBSOCKET_GOT_CLOSE && event != WEBSOCKET_BROKEN;) {
		size_t n = size ? size : 1 + (size_t)test_random(100);
		struct str input = guard_copy(str_sub(buf_str(&wire), at, at + n));
		at += input.n;
		do {
			event = websocket_read(&r, &input);
			struct str text = event == WEBSOCKET_GOT_TEXT || event == WEBSOCKET_GOT_BINARY
				? buf_str(&r.message)
				: (struct str){ r.control, r.control_n };
			struct str shown = text.n > 32 ? DIGITS(text.n) : text;
			if (event == WEBSOCKET_BROKEN)
				buf_format(&out, "X%d %s", NUM(r.code), str_c(r.why));
			else if (event == WEBSOCKET_GOT_CLOSE)
				buf_format(&out, "C%d %s", NUM(r.code), shown);
			else if (event != WEBSOCKET_MORE)
				buf_format(&out, "%s%s;", (struct str){ &" TBPp"[event], 1 }, shown);
		} while (
			event != WEBSOCKET_MORE && event != WEBSOCKET_GOT_CLOSE && event != WEBSOCKET_BROKEN);
		expect(event == WEBSOCKET_BROKEN || event == WEBSOCKET_GOT_CLOSE || input.n == 0);
	}
	return buf_str(&out);
}

static void expect_transcript(struct str want)
{
	char copy[512];
	struct buf first = BUF(copy);
	buf_put(&first, transcript(MESSAGE_MAX, SIZE_MAX / 2));
	expect_str(buf_str(&first), want);
	expect_str(transcript(MESSAGE_MAX, 1), want);
	for (int i = 0; i < 20; i++)
		expect_str(transcript(MESSAGE_MAX, 0), want);
}

/* One or two frames, each by its first byte and its payload. */
TEST(websocket_reads_frames)
{
	static const struct {
		struct { unsigned first; struct str payload; } frames[4];
		struct str want;
	} rows[] = {
		{ { { 0x81, STR("hello") } }, STR("Thello;") },
		{ { { 0x81, STR("") } }, STR("T;") },
		{ { { 0x82, STR("\xff\x00") } }, STR("B\xff\x00;") },
		{ { { 0x01, STR("he") }, { 0x80, STR("llo") } }, STR("Thello;") },
		{ { { 0x01, STR("") }, { 0x00, STR("") }, { 0x80, STR("") } }, STR("T;") },
		{ { { 0x01, STR("he") }, { 0x89, STR("ping") }, { 0x80, STR("llo") } },
			STR("Pping;Thello;") },
		{ { { 0x01, STR("he") }, { 0x8a, STR("") }, { 0x00, STR("l") }, { 0x80, STR("lo") } },
			STR("p;Thello;") },
		{ { { 0x81, STR("a") }, { 0x82, STR("b") }, { 0x81, STR("c") } }, STR("Ta;Bb;Tc;") },
		/* A sequence may be cut between fragments, not at the end. */
		{ { { 0x01, STR("\xe2\x82") }, { 0x80, STR("\xac") } }, STR("T\xe2\x82\xac;") },
		{ { { 0x01, STR("\xe2\x82") }, { 0x80, STR("") } }, STR("X1007 a text that is not UTF-8") },
		{ { { 0x81, STR("\xe2\x82") } }, STR("X1007 a text that is not UTF-8") },
		/* The first wrong byte is enough. */
		{ { { 0x01, STR("\xc0") }, { 0x89, STR("ping") } }, STR("X1007 a text that is not UTF-8") },
		{ { { 0x01, STR("\xed\xa0") } }, STR("X1007 a text that is not UTF-8") },
		{ { { 0x01, STR("\xf4\x90") } }, STR("X1007 a text that is not UTF-8") },
		{ { { 0x88, STR("") } }, STR("C1005 ") },
		{ { { 0x88, STR("\x03\xe8") } }, STR("C1000 ") },
		{ { { 0x88, STR("\x03\xf1Max frame length") } }, STR("C1009 Max frame length") },
		{ { { 0x88, STR("\x03\xe8") }, { 0x81, STR("behind it") } }, STR("C1000 ") },
		{ { { 0x88, STR("\x0b\xb8") } }, STR("C3000 ") },
		{ { { 0x88, STR("\x13\x87") } }, STR("C4999 ") },
		{ { { 0x88, STR("\x03") } }, STR("X1002 a close frame with half a code") },
		{ { { 0x88, STR("\x03\xe8\xff") } }, STR("X1007 a close frame whose reason is not UTF-8") },
		{ { { 0x91, STR("x") } }, STR("X1002 a frame with a reserved bit") },
		{ { { 0xc1, STR("x") } }, STR("X1002 a frame with a reserved bit") },
		{ { { 0x83, STR("x") } }, STR("X1002 a frame with a reserved opcode") },
		{ { { 0x8b, STR("x") } }, STR("X1002 a frame with a reserved opcode") },
		{ { { '\n', STR("") } }, STR("X1002 a control frame in fragments") },
		{ { { 0x09, STR("") } }, STR("X1002 a control frame in fragments") },
		{ { { 0x80, STR("x") } }, STR("X1002 a continuation of nothing") },
		{ { { 0x81, STR("a") }, { 0x80, STR("x") } }, STR("Ta;X1002 a continuation of nothing") },
		{ { { 0x01, STR("a") }, { 0x81, STR("x") } },
			STR("X1002 a new message in the middle of another") },
		{ { { 0x01, STR("a") }, { 0x02, STR("x") } },
			STR("X1002 a new message in the middle of another") },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		context("row %zu", i);
		wire = BUF(wire_memory);
		for (size_t j = 0; j < 4 && rows[i].frames[j].payload.p; j++)
			put(rows[i].frames[j].first, rows[i].frames[j].payload);
		expect_transcript(rows[i].want);
	}
}

TEST(websocket_close_codes)
{
	for (unsigned code = 0; code <= UINT16_MAX; code++) {
		bool may = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
			(code >= 3000 && code <= 4999);
		char bytes[] = { (char)(code >> 8), (char)code }, want[80];
		struct buf b = BUF(want);
		context("%u", code);
		wire = BUF(wire_memory);
		put(0x88, (struct str){ bytes, 2 });
		buf_format(&b, "C%d ", NUM(code));
		struct str got = transcript(100, 64);
		if (may)
			expect_str(got, buf_str(&b));
		else
			expect(str_starts(got, S("X1002 a close frame with a code")));
	}
}

TEST(websocket_lengths)
{
	static char payload[MESSAGE_MAX];
	static const struct {
		uint64_t n;
		int form;
		struct str want;
	} rows[] = {
		{ 125, 1, STR("T125;") },
		{ 126, 2, STR("T126;") },
		{ 65535, 2, STR("T65535;") },
		{ 65536, 8, STR("T65536;") },
		{ 70000, 8, STR("T70000;") },
		{ 70001, 8, STR("X1009 a message that is too large") },
		{ 125, 2, STR("X1002 a length that is not in its shortest form") },
		{ 0, 2, STR("X1002 a length that is not in its shortest form") },
		{ 126, 8, STR("X1002 a length that is not in its shortest form") },
		{ 65535, 8, STR("X1002 a length that is not in its shortest form") },
		{ UINT64_MAX, 8, STR("X1002 a length that is not in its shortest form") },
		{ INT64_MAX, 8, STR("X1009 a message that is too large") },
	};
	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < countof(rows); i++) {
		context("%llu in form %d", (unsigned long long)rows[i].n, rows[i].form);
		wire = BUF(wire_memory);
		put_frame(0x81, 0, rows[i].n, rows[i].form,
			str_sub((struct str){ payload, sizeof(payload) }, 0, (size_t)rows[i].n));
		expect_str(transcript(MESSAGE_MAX, 999), rows[i].want);
	}
	/* Fragments count together. */
	wire = BUF(wire_memory);
	put(0x01, (struct str){ payload, 40000 });
	put(0x80, (struct str){ payload, 30001 });
	expect_str(transcript(MESSAGE_MAX, 999), S("X1009 a message that is too large"));
	/* Control frames have a limit of their own, and no server masks. */
	wire = BUF(wire_memory);
	put(0x89, (struct str){ payload, 125 });
	put_frame(0x89, 0, 126, 2, (struct str){ payload, 126 });
	expect_str(transcript(MESSAGE_MAX, 7), S("P125;X1002 a control frame of more than 125 bytes"));
	wire = BUF(wire_memory);
	put_frame(0x81, 0x80, 1, 1, S("12345"));
	expect_str(transcript(MESSAGE_MAX, 7), S("X1002 a masked frame"));
}

/* The frame with its mask taken off; `first` is its first byte. */
static struct str unmasked(struct buf *b, unsigned char *first)
{
	unsigned char *p = (unsigned char *)b->p;
	*first = p[0];
	expect(p[1] & 0x80);
	size_t n = p[1] & 0x7f, at = 2;
	int form = n == 126 ? 2 : n == 127 ? 8 : 0;
	for (int i = 0; i < form; i++)
		n = i ? n << 8 | p[at++] : p[at++];
	expect(form == 0 ? n < 126 : form == 2 ? n >= 126 && n < 65536 : n >= 65536);
	for (size_t i = 0; i < n; i++)
		p[at + 4 + i] ^= p[at + i % 4];
	expect_int(b->n, at + 4 + n);
	return (struct str){ b->p + at + 4, n };
}

TEST(websocket_writes_frames)
{
	static const size_t lengths[] = { 0, 1, 125, 126, 65535, 65536 };
	static char payload[65536], frame[65536 + WEBSOCKET_FRAMING_MAX];
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)test_random(256);
	for (size_t i = 0; i < countof(lengths); i++) {
		struct str text = { payload, lengths[i] };
		const uint8_t mask[4] = { (uint8_t)test_random(256), 0, 0xff, 0x5a };
		unsigned char first;
		struct buf b = BUF(frame);
		context("%zu", lengths[i]);
		websocket_put(&b, WEBSOCKET_TEXT, text, mask);
		expect(!b.full);
		expect_str(unmasked(&b, &first), text);
		expect_int(first, 0x81);
		/* Whole or not at all. */
		struct buf small = { frame, 0, b.n - 1, false };
		websocket_put(&small, WEBSOCKET_TEXT, text, mask);
		expect(small.full && small.n == 0);
	}
	struct buf b = BUF(frame);
	unsigned char first;
	websocket_put_close(&b, WEBSOCKET_NORMAL, S("bye"), (const uint8_t[]){ 1, 2, 3, 4 });
	expect_str(unmasked(&b, &first), S("\x03\xe8" "bye"));
	expect_int(first, 0x88);
}
