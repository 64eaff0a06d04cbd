#include "codec/json_read.h"

#include "check.h"

#include <string.h>

static char memory[1 << 16];

static enum err check_text(struct json *out, size_t *position, struct str text)
{
	*position = (size_t)-1;
	return json_check(out, position, guard_copy(text));
}

/* The value of a text that must be right. */
static struct json parsed(struct str text)
{
	struct json v;
	size_t position;
	expect_int(check_text(&v, &position, text), OK);
	return v;
}

struct verdict {
	struct str text;
	size_t position; /* of the byte that is wrong */
};

TEST(json_check_accepts)
{
	static const struct verdict cases[] = {
		/* values of every type, alone */
		{ STR("{}"), 0 },
		{ STR("[]"), 0 },
		{ STR("null"), 0 },
		{ STR("true"), 0 },
		{ STR("false"), 0 },
		{ STR("\"\""), 0 },
		{ STR("\"a\""), 0 },
		/* numbers */
		{ STR("0"), 0 },
		{ STR("-0"), 0 },
		{ STR("7"), 0 },
		{ STR("10"), 0 },
		{ STR("-123"), 0 },
		{ STR("0.0"), 0 },
		{ STR("0.5e1"), 0 },
		{ STR("1e0"), 0 },
		{ STR("1E+2"), 0 },
		{ STR("1e-007"), 0 },
		{ STR("0e1"), 0 },
		{ STR("-1.5E-10"), 0 },
		{ STR("1e999999999"), 0 },
		{ STR("123456789012345678901234567890.0000000000000000000000000001"), 0 },
		/* white space: the four, everywhere */
		{ STR(" \t\r\n1 \t\r\n"), 0 },
		{ STR(" { \"a\" : [ 1 , 2 ] , \"b\" : { } } "), 0 },
		{ STR("[\n]"), 0 },
		{ STR("[\r\n\t 1\r\n,\t2\r\n]\r\n"), 0 },
		/* nesting and names */
		{ STR("[[],[[]],{}]"), 0 },
		{ STR("{\"\":0}"), 0 },
		{ STR("{\"a\":1,\"a\":2}"), 0 },
		{ STR("{\"a\\u0000b\":{\"c\":[{}]}}"), 0 },
		/* escapes */
		{ STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), 0 },
		{ STR("\"\\u0000\\u001f\\uFFFF\\uabCD\""), 0 },
		{ STR("\"\\ud83d\\ude00\""), 0 },
		{ STR("\"\\ud800\""), 0 },
		{ STR("\"\\udc00\\ud800\""), 0 },
		{ STR("\"\\ud800\\ud800\\udc00\""), 0 },
		/* UTF-8, at the edges of its ranges */
		{ STR("\"\x7f\""), 0 },
		{ STR("\"\xc2\x80\xdf\xbf\""), 0 },
		{ STR("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), 0 },
		{ STR("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), 0 },
		{ STR("\"\xe2\x80\xa8\xe2\x80\xa9\""), 0 },
		{ STR("\"\xef\xbb\xbf\""), 0 },
		{ STR("{\"\xe6\x97\xa5\":\"\xe6\x9c\xac\"}"), 0 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct json v;
		size_t position;
		context("%s", cases[i].text.p);
		expect_int(check_text(&v, &position, cases[i].text), OK);
		expect_str(v.text, str_trim_lines(cases[i].text));
	}
}

TEST(json_check_refuses_and_says_where)
{
	static const struct verdict cases[] = {
		/* nothing there */
		{ STR(""), 0 },
		{ STR(" "), 1 },
		{ STR("\n\t "), 3 },
		/* words */
		{ STR("nul"), 3 },
		{ STR("nulL"), 3 },
		{ STR("True"), 0 },
		{ STR("truee"), 4 },
		{ STR("falsy"), 4 },
		{ STR("NaN"), 0 },
		{ STR("Infinity"), 0 },
		{ STR("undefined"), 0 },
		/* numbers */
		{ STR("-"), 1 },
		{ STR("+1"), 0 },
		{ STR("01"), 1 },
		{ STR("-01"), 2 },
		{ STR("00"), 1 },
		{ STR("1."), 2 },
		{ STR("1.e1"), 2 },
		{ STR(".5"), 0 },
		{ STR("-.5"), 1 },
		{ STR("1e"), 2 },
		{ STR("1e+"), 3 },
		{ STR("1e+-1"), 3 },
		{ STR("1e1.5"), 3 },
		{ STR("1.2.3"), 3 },
		{ STR("0x10"), 1 },
		{ STR("1_000"), 1 },
		{ STR("-Infinity"), 1 },
		{ STR("--1"), 1 },
		{ STR("1a"), 1 },
		{ STR("[1 2]"), 3 },
		/* arrays */
		{ STR("["), 1 },
		{ STR("[1"), 2 },
		{ STR("[1,"), 3 },
		{ STR("[,"), 1 },
		{ STR("[,1]"), 1 },
		{ STR("[1,]"), 3 },
		{ STR("[1,,2]"), 3 },
		{ STR("[1}"), 2 },
		{ STR("]"), 0 },
		{ STR("[]]"), 2 },
		{ STR("[1:2]"), 2 },
		{ STR("[\"a\":1]"), 4 },
		/* objects */
		{ STR("{"), 1 },
		{ STR("{]"), 1 },
		{ STR("{\"a\""), 4 },
		{ STR("{\"a\":"), 5 },
		{ STR("{\"a\":1"), 6 },
		{ STR("{\"a\":1,"), 7 },
		{ STR("{\"a\":1,}"), 7 },
		{ STR("{\"a\" 1}"), 5 },
		{ STR("{\"a\",1}"), 4 },
		{ STR("{\"a\":}"), 5 },
		{ STR("{\"a\"::1}"), 5 },
		{ STR("{\"a\":1 \"b\":2}"), 7 },
		{ STR("{\"a\":1]"), 6 },
		{ STR("{a:1}"), 1 },
		{ STR("{'a':1}"), 1 },
		{ STR("{1:1}"), 1 },
		{ STR("{,}"), 1 },
		{ STR("}"), 0 },
		{ STR("{}}"), 2 },
		{ STR("[{\"a\":[}]"), 7 },
		{ STR("[{\"a\":[]]"), 8 },
		/* something behind the value */
		{ STR("1 1"), 2 },
		{ STR("{} x"), 3 },
		{ STR("\"a\"\"b\""), 3 },
		{ STR("null,"), 4 },
		{ STR("[]\0"), 2 },
		/* comments and other dialects */
		{ STR("/* */1"), 0 },
		{ STR("[1]//"), 3 },
		{ STR("#\n1"), 0 },
		{ STR("'a'"), 0 },
		{ STR("\xef\xbb\xbf{}"), 0 },
		{ STR("\v1"), 0 },
		{ STR("1\f"), 1 },
		{ STR("\xc2\xa0" "1"), 0 },
		{ STR("\0"), 0 },
		/* strings */
		{ STR("\""), 1 },
		{ STR("\"abc"), 4 },
		{ STR("\"a\nb\""), 2 },
		{ STR("\"a\tb\""), 2 },
		{ STR("\"\0\""), 1 },
		{ STR("\"\x1f\""), 1 },
		{ STR("\"\\"), 2 },
		{ STR("\"\\\""), 3 },
		{ STR("\"\\x41\""), 2 },
		{ STR("\"\\a\""), 2 },
		{ STR("\"\\'\""), 2 },
		{ STR("\"\\\0\""), 2 },
		{ STR("\"\\\n\""), 2 },
		{ STR("\"\\u"), 3 },
		{ STR("\"\\u1\""), 4 },
		{ STR("\"\\u12\""), 5 },
		{ STR("\"\\u123\""), 6 },
		{ STR("\"\\u123"), 6 },
		{ STR("\"\\u12g4\""), 5 },
		{ STR("\"\\U0041\""), 2 },
		{ STR("\"\\u+041\""), 3 },
		{ STR("\"\\ud800\\u\""), 9 },
		{ STR("\"\\\xc3\xa9\""), 2 },
		/* UTF-8: the byte that rules the sequence out */
		{ STR("\"\x80\""), 1 },
		{ STR("\"\xbf\""), 1 },
		{ STR("\"\xc0\x80\""), 1 },
		{ STR("\"\xc1\xbf\""), 1 },
		{ STR("\"\xc3\""), 2 },
		{ STR("\"\xc3"), 2 },
		{ STR("\"\xc3(\""), 2 },
		{ STR("\"\xe0\x9f\xbf\""), 2 },
		{ STR("\"\xe2\x82\""), 3 },
		{ STR("\"\xe2\x82"), 3 },
		{ STR("\"\xed\xa0\x80\""), 2 },
		{ STR("\"\xf0\x8f\xbf\xbf\""), 2 },
		{ STR("\"\xf0\x9f\x98\""), 4 },
		{ STR("\"\xf4\x90\x80\x80\""), 2 },
		{ STR("\"\xf5\x80\x80\x80\""), 1 },
		{ STR("\"\xff\""), 1 },
		{ STR("\"\xe9t\xe9\""), 2 },
		{ STR("\"12345678\xe9\""), 10 },
		{ STR("\xe9"), 0 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct json v;
		size_t position;
		context("%s", cases[i].text.p);
		expect_int(check_text(&v, &position, cases[i].text), E_SYNTAX);
		expect_int(position, cases[i].position);
		expect_int(json_type(v), JSON_ABSENT);
	}
}

/* `depth` brackets, kinds alternating by the bits of `objects`, around nothing; *middle is where
 * they begin to close. */
static struct str nested(char *to, size_t *middle, int depth, uint64_t objects)
{
	struct buf b = { to, 0, sizeof(memory), false };
	for (int i = 0; i < depth; i++) {
		bool object = objects >> (i % 64) & 1;
		if (i > 0 && (objects >> ((i - 1) % 64) & 1))
			buf_put(&b, S("\"k\":"));
		*middle = b.n;
		buf_put_char(&b, object ? '{' : '[');
	}
	for (int i = depth; i-- > 0;)
		buf_put_char(&b, objects >> (i % 64) & 1 ? '}' : ']');
	return buf_str(&b);
}

TEST(json_check_bounds_the_depth)
{
	static const uint64_t kinds[] = { 0, UINT64_MAX, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
		0x8000000000000001 };
	for (size_t i = 0; i < countof(kinds); i++) {
		struct json v;
		size_t position, last;
		struct str text;
		context("kinds %zu", i);
		text = nested(memory, &last, JSON_DEPTH_MAX, kinds[i]);
		expect_int(check_text(&v, &position, text), OK);
		expect_str(v.text, text);
		memory[text.n - 1] ^= '[' ^ '{'; /* the outermost one, closed by the other kind */
		expect_int(check_text(&v, &position, text), E_SYNTAX);
		expect_int(position, text.n - 1);
		text = nested(memory, &last, JSON_DEPTH_MAX + 1, kinds[i]);
		expect_int(check_text(&v, &position, text), E_LIMIT);
		expect_int(position, last);
		expect_int(json_type(v), JSON_ABSENT);
	}
}

TEST(json_check_counts_depth_not_brackets)
{
	struct buf b = BUF(memory);
	buf_put_char(&b, '[');
	for (int i = 0; i < 1000; i++)
		buf_put(&b, i ? S(",[{}]") : S("[{}]"));
	buf_put_char(&b, ']');
	parsed(buf_str(&b));
}

TEST(json_check_finds_every_end_too_early)
{
	static const char *const files[] = { "rest_event", "url_event", "block_actions" };
	for (size_t i = 0; i < countof(files); i++) {
		char path[64] = "vectors/json/";
		struct buf b = { path, strlen(path), sizeof(path) - 1, false };
		buf_format(&b, "%s.json", str_c(files[i]));
		struct str text = str_trim_lines(test_file(path));
		for (size_t n = 0; n < text.n; n++) {
			struct json v;
			size_t position;
			context("%s cut to %zu", files[i], n);
			expect_int(check_text(&v, &position, str_sub(text, 0, n)), E_SYNTAX);
			expect_int(position, n);
		}
		parsed(text);
	}
}

/* Every byte at every place of a string, so that each lane of the eight-byte steps meets each
 * class. */
TEST(json_check_sees_every_byte_of_a_string)
{
	for (size_t n = 1; n <= 20; n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				char text[32];
				struct json v;
				size_t position;
				memset(text, 'a', sizeof(text));
				text[0] = text[n + 1] = '"';
				text[at + 1] = (char)c;
				memcpy(memory, text, n + 2);
				context("byte %d at %zu of %zu", c, at, n);
				enum err e = json_check(&v, &position, (struct str){ memory, n + 2 });
				size_t want = at + 1;             /* control bytes, and what begins no sequence */
				if (c == '"')                     /* ends it: the next byte is too much */
					want = at + 2 < n + 2 ? at + 2 : n + 2;
				else if (c == '\\' && at + 1 == n) /* takes the closing quote away */
					want = n + 2;
				else if (c == '\\' || (c >= 0xc2 && c <= 0xf4))
					want = at + 2;
				bool plain = c >= ' ' && c < 0x80 && c != '"' && c != '\\';
				expect_int(e, plain ? OK : E_SYNTAX);
				expect_int(position, plain ? n + 2 : want);
			}
}

/* A second opinion: a recursive reader that knows nothing of the first. Returns where it stops; *ok
 * when that is the end of one value. */
static size_t ref_value(bool *ok, struct str t, size_t i, int depth);

static size_t ref_blank(struct str t, size_t i)
{
	while (i < t.n && memchr(" \t\r\n", t.p[i], 4))
		i++;
	return i;
}

static size_t ref_digits(bool *ok, struct str t, size_t i)
{
	*ok = i < t.n && is_digit((unsigned char)t.p[i]);
	while (i < t.n && is_digit((unsigned char)t.p[i]))
		i++;
	return i;
}

static size_t ref_string(bool *ok, struct str t, size_t i)
{
	/* Continuation bytes still due, and what the next one may be. */
	int due = 0, low = 0x80, high = 0xbf;
	*ok = false;
	for (i++; i < t.n; i++) {
		int c = (unsigned char)t.p[i];
		if (due) {
			if (c < low || c > high)
				return i;
			due--, low = 0x80, high = 0xbf;
		} else if (c == '"') {
			*ok = true;
			return i + 1;
		} else if (c == '\\') {
			if (++i == t.n || !memchr("\"\\/bfnrtu", t.p[i], 9))
				return i;
			for (size_t k = 0; t.p[i - k] == 'u' && k < 4; k++)
				if (++i == t.n || !memchr("0123456789abcdefABCDEF", t.p[i], 22))
					return i;
		} else if (c < 0x20 || (c >= 0x80 && c < 0xc2) || c > 0xf4) {
			return i;
		} else if (c >= 0x80) {
			due = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
			low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
			high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		}
	}
	return i;
}

static size_t ref_number(bool *ok, struct str t, size_t i)
{
	if (t.p[i] == '-')
		i++;
	if (i < t.n && t.p[i] == '0') {
		*ok = true;
		i++;
	} else {
		i = ref_digits(ok, t, i);
	}
	if (*ok && i < t.n && t.p[i] == '.')
		i = ref_digits(ok, t, i + 1);
	if (*ok && i < t.n && (t.p[i] == 'e' || t.p[i] == 'E')) {
		i++;
		if (i < t.n && (t.p[i] == '+' || t.p[i] == '-'))
			i++;
		i = ref_digits(ok, t, i);
	}
	return i;
}

static size_t ref_list(bool *ok, struct str t, size_t i, int depth)
{
	char close = t.p[i] == '{' ? '}' : ']';
	*ok = depth < JSON_DEPTH_MAX;
	if (!*ok)
		return i;
	i = ref_blank(t, i + 1);
	if (i < t.n && t.p[i] == close)
		return i + 1;
	for (;;) {
		if (close == '}') {
			i = ref_blank(t, i);
			*ok = false;
			if (i == t.n || t.p[i] != '"')
				return i;
			i = ref_string(ok, t, i);
			if (!*ok)
				return i;
			i = ref_blank(t, i);
			*ok = i < t.n && t.p[i] == ':';
			if (!*ok)
				return i;
			i++;
		}
		i = ref_value(ok, t, i, depth + 1);
		if (!*ok)
			return i;
		i = ref_blank(t, i);
		if (i < t.n && t.p[i] == close)
			return i + 1;
		*ok = i < t.n && t.p[i] == ',';
		if (!*ok)
			return i;
		i++;
	}
}

static size_t ref_value(bool *ok, struct str t, size_t i, int depth)
{
	static const struct str words[] = { STR("null"), STR("true"), STR("false") };
	*ok = false;
	i = ref_blank(t, i);
	if (i == t.n)
		return i;
	for (size_t k = 0; k < countof(words); k++)
		if (t.p[i] == words[k].p[0]) {
			size_t n = 0;
			while (n < words[k].n && i + n < t.n && t.p[i + n] == words[k].p[n])
				n++;
			*ok = n == words[k].n;
			return i + n;
		}
	if (t.p[i] == '"')
		return ref_string(ok, t, i);
	if (t.p[i] == '{' || t.p[i] == '[')
		return ref_list(ok, t, i, depth);
	return ref_number(ok, t, i);
}

TEST(json_check_agrees_with_a_recursive_reader)
{
	static const char likely[] =
		"{}[]:,\"\"\\\\untfb/0123456789-+.eE \n\t\x01\x7f\x80\xa0\xc3\xe2\xed\xf0\xf4";
	struct str seeds[] = {
		test_file("vectors/json/block_actions.json"),
		S("{\"a\":[1,-0.5e+3,\"\\u00e9\\\\\xc3\xa9\xe2\x9c\x93\xf0\x9f\x98\x80\",{\"b\":null,\"c\":"
		  "[true,false,{}]},[]]}"),
		S(" [ {\"k\" : \"v\"} , \"\\\"\" , 0 , 10E5 ] "),
	};
	int accepted = 0;
	for (int round = 0; round < 60000; round++) {
		struct str seed = seeds[test_random(countof(seeds))];
		struct buf b = BUF(memory);
		buf_put(&b, seed);
		for (uint64_t edits = 1 + test_random(3); edits > 0 && b.n > 0; edits--) {
			size_t at = test_random(b.n);
			char c = likely[test_random(sizeof(likely) - 1)];
			switch (test_random(3)) {
			case 0:
				b.p[at] = c;
				break;
			case 1:
				memmove(b.p + at, b.p + at + 1, b.n - at - 1);
				b.n--;
				break;
			case 2:
				memmove(b.p + at + 1, b.p + at, b.n - at);
				b.p[at] = c;
				b.n++;
				break;
			}
		}
		struct json v;
		size_t position;
		bool ok;
		size_t want = ref_value(&ok, buf_str(&b), 0, 0);
		if (ok) {
			want = ref_blank(buf_str(&b), want);
			ok = want == b.n;
		}
		enum err e = json_check(&v, &position, buf_str(&b));
		context("round %d: %.*s", round, b.n < 200 ? (int)b.n : 200, b.p);
		expect_int(e, ok ? OK : E_SYNTAX);
		expect_int(position, want);
		accepted += ok;
	}
	expect(accepted > 1000);
}

TEST(json_type_tells_all)
{
	static const struct {
		struct str text;
		enum json_type want;
	} cases[] = {
		{ STR("null"), JSON_NULL },
		{ STR(" true"), JSON_TRUE },
		{ STR("false "), JSON_FALSE },
		{ STR("-1"), JSON_NUMBER },
		{ STR("0"), JSON_NUMBER },
		{ STR("\"\""), JSON_STRING },
		{ STR("[1]"), JSON_ARRAY },
		{ STR("{}"), JSON_OBJECT },
	};
	for (size_t i = 0; i < countof(cases); i++)
		expect_int(json_type(parsed(cases[i].text)), cases[i].want);
	expect_int(json_type((struct json){ { NULL, 0 } }), JSON_ABSENT);
}

struct part {
	struct str key, value;
};

static void expect_walk(struct str text, const struct part *want, size_t count)
{
	struct json_walk w = json_walk(parsed(text));
	context("%s", text.p);
	for (size_t i = 0; i < count; i++) {
		if (!expect(json_next(&w)))
			return;
		expect_str(w.key.text, want[i].key);
		expect_str(w.value.text, want[i].value);
	}
	expect(!json_next(&w));
	expect(!json_next(&w));
}

TEST(json_next_walks_in_order)
{
	static const struct part array[] = {
		{ STR(""), STR("1") },
		{ STR(""), STR("\"a,]\\\"\"") },
		{ STR(""), STR("[2, [\"]\"], {}]") },
		{ STR(""), STR("{\"}\" : \"\\\\\"}") },
		{ STR(""), STR("null") },
		{ STR(""), STR("-1.5e+3") },
	};
	expect_walk(S("[1,\"a,]\\\"\",[2, [\"]\"], {}],{\"}\" : \"\\\\\"},null,-1.5e+3]"), array,
		countof(array));
	expect_walk(
		S(" [ 1 , \"a,]\\\"\" ,\r\n[2, [\"]\"], {}]\t, {\"}\" : \"\\\\\"},null , -1.5e+3 ] "),
		array, countof(array));
	static const struct part object[] = {
		{ STR("\"a\""), STR("true") },
		{ STR("\"b\\\\\""), STR("\":\"") },
		{ STR("\"\""), STR("{\"a\":[]}") },
		{ STR("\"a\""), STR("0") },
	};
	expect_walk(S("{\"a\":true,\"b\\\\\":\":\",\"\":{\"a\":[]},\"a\":0}"), object, countof(object));
	expect_walk(S("{ \"a\" : true , \"b\\\\\"\n:\n\":\",\"\"\t:{\"a\":[]},\"a\":0\n}"), object,
		countof(object));
	static const struct part strings[] = { { STR(""), STR("\"a\"") }, { STR(""), STR("\"b\"") } };
	expect_walk(S("[\"a\",\"b\"]"), strings, countof(strings));
	expect_walk(S("[\"a\" , \"b\"]"), strings, countof(strings));
}

TEST(json_next_walks_nothing_in_the_rest)
{
	static const struct str cases[] = {
		STR("[]"), STR("{ }"), STR("[\n]"), STR("null"), STR("12"), STR("\"[1]\""), STR("true"),
	};
	for (size_t i = 0; i < countof(cases); i++)
		expect_walk(cases[i], NULL, 0);
	struct json_walk w = json_walk((struct json){ { NULL, 0 } });
	expect(!json_next(&w));
}

TEST(json_member_finds)
{
	struct json v =
		parsed(S("{\"a\":1,\"b\":{\"a\":2},\"\\u0061b\":3,\"a\":4,\"\":5,\"a\\\"\":6}"));
	static const struct part cases[] = {
		{ STR("a"), STR("4") }, /* the last one */
		{ STR("b"), STR("{\"a\":2}") },
		{ STR("ab"), STR("3") },
		{ STR("\\u0061b"), STR("") },
		{ STR(""), STR("5") },
		{ STR("a\""), STR("6") },
		{ STR("c"), STR("") },
		{ STR("A"), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].key.p);
		expect_str(json_member(v, cases[i].key).text, cases[i].value);
	}
	expect_str(json_member(json_member(v, S("b")), S("a")).text, S("2"));
	expect_int(json_type(json_member(v, S("c"))), JSON_ABSENT);
	expect_int(json_type(json_member(json_member(v, S("c")), S("a"))), JSON_ABSENT);
	expect_int(json_type(json_member(parsed(S("[\"a\",1]")), S("a"))), JSON_ABSENT);
	expect_int(json_type(json_member(parsed(S("\"a\"")), S("a"))), JSON_ABSENT);
}

static const struct {
	struct str text, want;
} strings[] = {
	{ STR("\"\""), STR("") },
	{ STR("\"plain\""), STR("plain") },
	{ STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR("\"\\/\b\f\n\r\t") },
	{ STR("\"\\\\n\""), STR("\\n") },
	{ STR("\"\\u0041\\u00e9\\u20AC\""), STR("A\xc3\xa9\xe2\x82\xac") },
	{ STR("\"a\\u0000b\""), STR("a\0b") },
	{ STR("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
		STR("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
	{ STR("\"\\ud83d\\ude00\""), STR("\xf0\x9f\x98\x80") },
	{ STR("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""), STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
	{ STR("\"\\ud800\""), STR("\xef\xbf\xbd") },
	{ STR("\"\\udc00\""), STR("\xef\xbf\xbd") },
	{ STR("\"\\ud83dx\""), STR("\xef\xbf\xbdx") },
	{ STR("\"\\ud83d\\n\""), STR("\xef\xbf\xbd\n") },
	{ STR("\"\\ud83d\\u0041\""),
		STR("\xef\xbf\xbd"
			"A") },
	{ STR("\"\\ud800\\ud800\\udc00\""), STR("\xef\xbf\xbd\xf0\x90\x80\x80") },
	{ STR("\"\\udc00\\ud800\""), STR("\xef\xbf\xbd\xef\xbf\xbd") },
	{ STR("\"\\udc00\\udc00\""), STR("\xef\xbf\xbd\xef\xbf\xbd") },
	{ STR("\"\\ud83d\\uffff\""), STR("\xef\xbf\xbd\xef\xbf\xbf") },
	{ STR("\"gr\xc3\xbc\\u00dfe\""),
		STR("gr\xc3\xbc\xc3\x9f"
			"e") },
};

TEST(json_string_decodes)
{
	for (size_t i = 0; i < countof(strings); i++) {
		struct arena arena = { memory, 0, sizeof(memory) };
		struct json v = parsed(strings[i].text);
		struct str got;
		context("%s", strings[i].text.p);
		expect_int(json_string(&got, v, &arena), OK);
		expect_str(got, strings[i].want);
		bool escaped = str_find(strings[i].text, '\\') < strings[i].text.n;
		expect_int(arena.n, escaped ? got.n : 0);
		expect(escaped ? got.p == memory : got.p == v.text.p + 1);
	}
}

TEST(json_string_needs_just_the_room_of_its_result)
{
	for (size_t i = 0; i < countof(strings); i++) {
		struct json v = parsed(strings[i].text);
		if (str_find(strings[i].text, '\\') == strings[i].text.n)
			continue;
		for (size_t cap = 0; cap <= strings[i].want.n; cap++) {
			struct arena arena = { memory, 0, cap };
			struct str got;
			context("%s in %zu", strings[i].text.p, cap);
			enum err e = json_string(&got, v, &arena);
			expect_int(e, cap == strings[i].want.n ? OK : E_LIMIT);
			expect_int(arena.n, e == OK ? cap : 0);
		}
	}
}

TEST(json_string_wants_a_string)
{
	static const struct str cases[] = { STR("1"), STR("null"), STR("[\"a\"]"), STR("{}"),
		STR("true") };
	struct arena arena = { memory, 0, sizeof(memory) };
	struct str got;
	for (size_t i = 0; i < countof(cases); i++)
		expect_int(json_string(&got, parsed(cases[i]), &arena), E_SYNTAX);
	expect_int(json_string(&got, (struct json){ { NULL, 0 } }, &arena), E_SYNTAX);
}

TEST(json_is_compares_content)
{
	for (size_t i = 0; i < countof(strings); i++) {
		struct json v = parsed(strings[i].text);
		struct str want = strings[i].want;
		context("%s", strings[i].text.p);
		expect(json_is(v, want));
		if (want.n > 0)
			expect(!json_is(v, str_sub(want, 0, want.n - 1)));
		memcpy(memory, want.p, want.n);
		memory[want.n] = 'x';
		expect(!json_is(v, (struct str){ memory, want.n + 1 }));
		for (size_t k = 0; k < want.n; k++) {
			memory[k] ^= 1;
			expect(!json_is(v, (struct str){ memory, want.n }));
			memory[k] ^= 1;
		}
	}
	expect(!json_is(parsed(S("1")), S("1")));
	expect(!json_is(parsed(S("null")), S("")));
	expect(!json_is((struct json){ { NULL, 0 } }, S("")));
}

TEST(json_int_reads_integers_that_fit)
{
	static const struct {
		struct str text;
		int64_t want;
		bool ok;
	} cases[] = {
		{ STR("0"), 0, true },
		{ STR("-0"), 0, true },
		{ STR("7"), 7, true },
		{ STR("-7"), -7, true },
		{ STR("1531420618123"), 1531420618123, true },
		{ STR("9223372036854775807"), INT64_MAX, true },
		{ STR("9223372036854775808"), 0, false },
		{ STR("-9223372036854775807"), -INT64_MAX, true },
		{ STR("-9223372036854775808"), INT64_MIN, true },
		{ STR("-9223372036854775809"), 0, false },
		{ STR("18446744073709551616"), 0, false },
		{ STR("99999999999999999999999"), 0, false },
		{ STR("1.0"), 0, false },
		{ STR("1e3"), 0, false },
		{ STR("1E0"), 0, false },
		{ STR("\"1\""), 0, false },
		{ STR("true"), 0, false },
		{ STR("null"), 0, false },
		{ STR("[1]"), 0, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t got = 42;
		context("%s", cases[i].text.p);
		expect_int(json_int(&got, parsed(cases[i].text)), cases[i].ok);
		expect_int(got, cases[i].ok ? cases[i].want : 42);
	}
	int64_t got;
	expect(!json_int(&got, (struct json){ { NULL, 0 } }));
}

TEST(json_check_of_no_memory)
{
	struct json v;
	size_t position = 1;
	expect_int(json_check(&v, &position, (struct str){ NULL, 0 }), E_SYNTAX);
	expect_int(position, 0);
}
