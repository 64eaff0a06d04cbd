#include "aws/sigv4.h"

#include "base/clock.h"
#include "check.h"
#include "codec/hex.h"
#include "crypto/sha256.h"

#include <string.h>

/* The keys of AWS's own signing test suite. */
#define KEY_ID S("AKIDEXAMPLE")
#define SECRET S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
#define TOKEN S("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267")

static struct str hex(char memory[static 64], const uint8_t *bytes)
{
	struct buf b = { memory, 0, 64, false };
	hex_put(&b, bytes, 32);
	return buf_str(&b);
}

static struct str hash(char memory[static 64], struct str s)
{
	uint8_t digest[32];
	sha256(digest, s);
	return hex(memory, digest);
}

static int64_t seconds_of(struct str date_time)
{
	static const size_t at[] = { 0, 4, 6, 9, 11, 13, 15 };
	uint64_t v[6];
	for (size_t i = 0; i < 6; i++)
		if (!str_to_u64(&v[i], str_sub(date_time, at[i], i == 2 ? 8 : at[i + 1]), 9999))
			return -1;
	return utc_to_seconds(
		(struct utc){ (int)v[0], (int)v[1], (int)v[2], (int)v[3], (int)v[4], (int)v[5] });
}

/* Takes all three stages and compares each. */
static void expect_signature(const struct sigv4_request *req, const struct sigv4_scope *scope,
	struct str canonical_hash, struct str signature)
{
	char memory[SIGV4_CANONICAL_MAX], to_sign_memory[256], once[1024], twice[1024], hex_memory[64];
	struct buf canonical = BUF(memory), to_sign = BUF(to_sign_memory), staged = BUF(once),
			   at_once = BUF(twice);
	struct sigv4_key key;
	sigv4_key(&key, SECRET, scope);
	sigv4_canonical(&canonical, req);
	expect(!canonical.full);
	expect_str(hash(hex_memory, buf_str(&canonical)), canonical_hash);
	sigv4_string_to_sign(&to_sign, S(SIGV4_ALGORITHM), scope, buf_str(&canonical));
	expect(str_ends(buf_str(&to_sign), canonical_hash));
	struct sigv4_signer signer = sigv4_signer(KEY_ID, &key);
	sigv4_authorization(&staged, &signer, scope, req, buf_str(&to_sign));
	expect(str_ends(buf_str(&staged), signature));
	expect_int(sigv4_sign(&at_once, &signer, scope, req), OK);
	expect_str(buf_str(&at_once), buf_str(&staged));
}

TEST(sigv4_derives_the_key_of_the_documentation)
{
	char memory[64];
	struct sigv4_key key;
	struct sigv4_scope scope =
		sigv4_scope(seconds_of(S("20150830T123600Z")), S("us-east-1"), S("iam"));
	sigv4_key(&key, SECRET, &scope);
	expect_str(hex(memory, key.bytes),
		S("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"));
}

TEST(sigv4_writes_each_stage)
{
	const struct http_field headers[] = {
		{ S("x-amz-invocation-type"), S("Event") },
		{ S("x-amz-date"), S("20260101T000000Z") },
		{ S("content-type"), S("application/json") },
		{ S("host"), S("lambda.eu-west-1.amazonaws.com") },
	};
	struct sigv4_request req = {
		.method = S("POST"),
		.path = S("/2015-03-31/functions/my-fn%3Alive/invocations"),
		.headers = headers,
		.headers_count = countof(headers),
	};
	sha256(req.payload_hash, S("{\"hello\":\"world\"}"));
	struct sigv4_scope scope =
		sigv4_scope(seconds_of(S("20260101T000000Z")), S("eu-west-1"), S("lambda"));
	char memory[1024];
	struct buf b = BUF(memory);
	sigv4_canonical(&b, &req);
	expect_str(buf_str(&b), S("POST\n"
	                          "/2015-03-31/functions/my-fn%253Alive/invocations\n"
	                          "\n"
	                          "content-type:application/json\n"
	                          "host:lambda.eu-west-1.amazonaws.com\n"
	                          "x-amz-date:20260101T000000Z\n"
	                          "x-amz-invocation-type:Event\n"
	                          "\n"
	                          "content-type;host;x-amz-date;x-amz-invocation-type\n"
	                          "93a23971a914e5eacbf0a8d25154cda309c3c1c72fbb9914d47c60f3cb681588"));
	char to_sign_memory[256];
	struct buf to_sign = BUF(to_sign_memory);
	sigv4_string_to_sign(&to_sign, S(SIGV4_ALGORITHM), &scope, buf_str(&b));
	expect_str(buf_str(&to_sign),
		S("AWS4-HMAC-SHA256\n"
		  "20260101T000000Z\n"
		  "20260101/eu-west-1/lambda/aws4_request\n"
		  "e1de3147127306937400cf575acee82ae66c7e983d119ebef9bbfe9c80d3beff"));
	struct sigv4_key key;
	sigv4_key(&key, SECRET, &scope);
	buf_reset(&b);
	struct sigv4_signer signer = sigv4_signer(KEY_ID, &key);
	sigv4_authorization(&b, &signer, &scope, &req, buf_str(&to_sign));
	expect_str(buf_str(&b),
		S("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/lambda/aws4_request, "
		  "SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type, "
		  "Signature=7f44b701be2bfeda46316be879dc97f3576d474f4332d52ddd3102fa83110c6f"));
}

/* Computed by hand and by botocore, so that cases.txt is not the only witness. */
TEST(sigv4_signs_invocations)
{
	static const struct {
		const char *path, *query, *canonical, *plain, *with_token;
	} cases[] = {
		{ "/2015-03-31/functions/my-fn/invocations", "",
			"c88246607f4b660691016febcd5072cf2fac0cd7ceea1ab6ea3191e76447340c",
			"b1f30730346ea6f0a1b07f80216e83afc5121158528053b418219d14adf1fc39",
			"b9d4505946c198df8c5ea60ac7fac15cafc13d5485fa7dd56b413c9d23b22c6e" },
		{ "/2015-03-31/functions/my-fn%3Alive/invocations", "",
			"e1de3147127306937400cf575acee82ae66c7e983d119ebef9bbfe9c80d3beff",
			"7f44b701be2bfeda46316be879dc97f3576d474f4332d52ddd3102fa83110c6f",
			"14ecbac73a03fcf60cbe18def2c34981156c08097a7d4e411863386ab1d4b100" },
		{ "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Amy-fn/"
		  "invocations",
			"Qualifier=%24LATEST",
			"5e2acdf276cde285ae8d117c1754ec2a55313e0af00dd1c08244e13336bcf310",
			"15a14d6f88d6d4b318657570abcb62b8d75499468cb5693a0590746778a21d68",
			"7537b8d0036d5a13647a7078da4ac2b962d63952451bf106bec547661e378e3c" },
	};
	const struct http_field headers[] = {
		{ S("content-type"), S("application/json") },
		{ S("host"), S("lambda.eu-west-1.amazonaws.com") },
		{ S("x-amz-date"), S("20260101T000000Z") },
		{ S("x-amz-invocation-type"), S("Event") },
		{ S("x-amz-security-token"), TOKEN },
	};
	struct sigv4_scope scope =
		sigv4_scope(seconds_of(S("20260101T000000Z")), S("eu-west-1"), S("lambda"));
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].path);
		struct sigv4_request req = { S("POST"), guard_copy(str_c(cases[i].path)),
			guard_copy(str_c(cases[i].query)), headers, 4, { 0 } };
		sha256(req.payload_hash, S("{\"hello\":\"world\"}"));
		expect_signature(&req, &scope, str_c(cases[i].canonical), str_c(cases[i].plain));
		char memory[SIGV4_CANONICAL_MAX], hex_memory[64];
		struct buf canonical = BUF(memory);
		req.headers_count = 5;
		sigv4_canonical(&canonical, &req);
		expect_signature(
			&req, &scope, hash(hex_memory, buf_str(&canonical)), str_c(cases[i].with_token));
	}
}

/* One stanza of cases.txt. */
struct stanza {
	struct str name, date, region, service, method, path, query, body, canonical, signature;
	struct http_field headers[SIGV4_HEADERS_MAX];
	size_t headers_count;
};

static bool next_stanza(struct stanza *s, struct str *rest)
{
	*s = (struct stanza){ 0 };
	for (struct str line; str_cut(&line, rest, *rest, '\n') && line.n;) {
		const struct {
			const char *key;
			struct str *value;
		} fields[] = {
			{ "name", &s->name },
			{ "date", &s->date },
			{ "region", &s->region },
			{ "service", &s->service },
			{ "method", &s->method },
			{ "path", &s->path },
			{ "query", &s->query },
			{ "body", &s->body },
			{ "canonical", &s->canonical },
			{ "signature", &s->signature },
		};
		struct str key, value;
		str_cut(&key, &value, line, ':');
		value = guard_copy(str_skip(value, 1));
		if (str_eq(key, S("header"))) {
			struct http_field *h = &s->headers[s->headers_count++];
			str_cut(&h->name, &h->value, value, ':');
		}
		for (size_t i = 0; i < countof(fields); i++)
			if (str_eq(key, str_c(fields[i].key)))
				*fields[i].value = value;
	}
	return s->name.n > 0;
}

TEST(sigv4_agrees_with_botocore)
{
	struct str rest = test_file("vectors/sigv4/cases.txt");
	struct stanza s;
	int count = 0;
	while (next_stanza(&s, &rest)) {
		context("%.*s", (int)s.name.n, s.name.p);
		struct sigv4_request req = { s.method, s.path, s.query, s.headers, s.headers_count, { 0 } };
		sha256(req.payload_hash, s.body);
		struct sigv4_scope scope = sigv4_scope(seconds_of(s.date), s.region, s.service);
		expect_signature(&req, &scope, s.canonical, s.signature);
		count++;
	}
	context("all");
	expect(count > 50);
}

TEST(sigv4_does_not_depend_on_the_order_of_headers)
{
	struct http_field headers[] = {
		{ S("a"), S("1") },
		{ S("b"), S("2") },
		{ S("ab"), S("3") },
		{ S("host"), S("h") },
		{ S("x-amz-date"), S("d") },
		{ S("zz"), S("4") },
	};
	char first_memory[512], memory[512];
	struct buf first = BUF(first_memory), b = BUF(memory);
	struct sigv4_request req = { S("GET"), S("/"), S(""), headers, countof(headers), { 0 } };
	sigv4_canonical(&first, &req);
	for (int i = 0; i < 100; i++) {
		size_t from = test_random(countof(headers)), to = test_random(countof(headers));
		struct http_field moved = headers[from];
		headers[from] = headers[to];
		headers[to] = moved;
		buf_reset(&b);
		sigv4_canonical(&b, &req);
		expect_str(buf_str(&b), buf_str(&first));
	}
}

TEST(sigv4_trims_values)
{
	static const char *const values[] = { "a b", " a b", "a b ", "\ta \t b\t \t", "  a      b  ",
		"a\tb", "a\t b", "a \tb\t" };
	char first_memory[256], memory[256];
	struct buf first = BUF(first_memory), b = BUF(memory);
	for (size_t i = 0; i < countof(values); i++) {
		struct http_field header = { S("h"), guard_copy(str_c(values[i])) };
		struct sigv4_request req = { S("GET"), S(""), S(""), &header, 1, { 0 } };
		struct buf *out = i ? &b : &first;
		buf_reset(out);
		sigv4_canonical(out, &req);
		expect_str(buf_str(out), buf_str(&first));
	}
	expect(str_starts(buf_str(&first), S("GET\n/\n\nh:a b\n\nh\n")));
}

TEST(sigv4_tells_what_does_not_fit)
{
	static char token[SIGV4_CANONICAL_MAX];
	memset(token, 't', sizeof(token));
	struct http_field headers[] = { { S("host"), S("h") },
		{ S("x-amz-security-token"), { token, 8192 } } };
	struct sigv4_request req = { S("POST"), S("/"), S(""), headers, 2, { 0 } };
	struct sigv4_scope scope = sigv4_scope(0, S("eu-west-1"), S("lambda"));
	struct sigv4_key key;
	sigv4_key(&key, SECRET, &scope);
	struct sigv4_signer signer = sigv4_signer(KEY_ID, &key);
	char memory[512];
	struct buf b = BUF(memory);
	expect_int(sigv4_sign(&b, &signer, &scope, &req), OK);
	size_t n = b.n;
	for (size_t cap = 0; cap <= n; cap++) {
		b = (struct buf){ memory, 0, cap, false };
		expect_int(sigv4_sign(&b, &signer, &scope, &req), cap == n ? OK : E_LIMIT);
	}
	headers[1].value.n = sizeof(token);
	b = BUF(memory);
	expect_int(sigv4_sign(&b, &signer, &scope, &req), E_LIMIT);
	headers[1].value.n = 1;
	req.query = S("a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1&n=1&o=1&p=1");
	expect_int(sigv4_sign(&b, &signer, &scope, &req), OK);
	req.query = S("a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1&n=1&o=1&p=1&q=1");
	buf_reset(&b);
	expect_int(sigv4_sign(&b, &signer, &scope, &req), E_LIMIT);
}
