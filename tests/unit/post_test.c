#include "aws/post.h"

#include "base/clock.h"
#include "base/version.h"
#include "check.h"

#include <string.h>

static const struct credentials plain = { STR("AKIDEXAMPLE"),
	STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), { NULL, 0 }, INT64_MAX, STR("test"), 0 };

enum { HEAD_SIZE = 16384 };

static struct aws_key_cache cache;
static struct endpoint endpoint;

static struct aws_post invocation(void)
{
	static const struct http_field fields[] = {
		{ STR("content-type"), STR("application/json") },
		{ STR("x-amz-invocation-type"), STR("Event") },
	};
	endpoint_get(&endpoint, &(struct endpoints){ 0 }, AWS_LAMBDA, S("eu-west-1"));
	memset(&cache, 0, sizeof(cache));
	return (struct aws_post){
		.endpoint = &endpoint,
		.key_cache = &cache,
		.service = S("lambda"),
		.region = S("eu-west-1"),
		.path = S("/2015-03-31/functions/my-fn%3Alive/invocations"),
		.fields = fields,
		.fields_count = countof(fields),
		.payload = S("{\"hello\":\"world\"}"),
	};
}

static const int64_t new_year_2026 = 1767225600;

static enum err head_of(struct buf *out, struct aws_post *r, const struct credentials *keys,
	int64_t at, struct fault *f)
{
	static struct aws_signed made;
	enum err e = aws_post_sign_with(&made, r, keys, at, f);
	if (e == OK)
		http_request_put(out, &made.request, NULL);
	return e;
}

TEST(post_is_signed)
{
	struct aws_post r = invocation();
	struct fault f;
	char memory[HEAD_SIZE];
	struct buf head = BUF(memory);
	expect_int(head_of(&head, &r, &plain, new_year_2026, &f), OK);
	expect_str(buf_str(&head),
		S("POST /2015-03-31/functions/my-fn%3Alive/invocations HTTP/1.1\r\n"
		  "Host: lambda.eu-west-1.amazonaws.com\r\n"
		  "User-Agent: slack-lambda-gateway/" VERSION "\r\n"
		  "Content-Length: 17\r\n"
		  "x-amz-date: 20260101T000000Z\r\n"
		  "content-type: application/json\r\n"
		  "x-amz-invocation-type: Event\r\n"
		  "authorization: AWS4-HMAC-SHA256 "
		  "Credential=AKIDEXAMPLE/20260101/eu-west-1/lambda/aws4_request, "
		  "SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type, "
		  "Signature=7f44b701be2bfeda46316be879dc97f3576d474f4332d52ddd3102fa83110c6f\r\n\r\n"));
}

TEST(post_signs_the_token_but_not_the_trace)
{
	struct aws_post r = invocation();
	struct credentials keys = plain;
	struct fault f;
	char memory[HEAD_SIZE];
	struct buf head = BUF(memory);
	keys.session_token = S("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
	r.trace_id = S("Root=1-5bef4de7-ad49;Parent=9a91;Sampled=1;x=\"a b\"\r\n\xc3\xa4/%");
	expect_int(head_of(&head, &r, &keys, new_year_2026, &f), OK);
	struct str text = buf_str(&head);
	expect(str_find_str(text,
			   S("\r\nx-amz-security-token: "
				 "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\r\n")) < text.n);
	expect(str_find_str(text,
			   S("\r\nx-amzn-trace-id: "
				 "Root=1-5bef4de7-ad49;Parent=9a91;Sampled=1;x=\"a%20b\"%0D%0A%C3%A4%2F%25\r\n")) <
		text.n);
	expect(
		str_find_str(text,
			S("SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type;x-amz-security-"
			  "token, "
			  "Signature=14ecbac73a03fcf60cbe18def2c34981156c08097a7d4e411863386ab1d4b100\r\n")) <
		text.n);
}

TEST(post_leaves_out_an_endless_trace)
{
	static char trace[1025];
	struct aws_post r = invocation();
	struct fault f;
	char memory[HEAD_SIZE];
	struct buf head = BUF(memory);
	memset(trace, '%', sizeof(trace));
	for (size_t n = sizeof(trace) - 1; n <= sizeof(trace); n++) {
		buf_reset(&head);
		r.trace_id = (struct str){ trace, n };
		expect_int(head_of(&head, &r, &plain, 0, &f), OK);
		expect_int(str_find_str(buf_str(&head), S("x-amzn-trace-id")) < head.n, n < sizeof(trace));
	}
}

TEST(post_signs_the_path_of_an_override)
{
	struct aws_post r = invocation();
	struct fault f;
	char memory[HEAD_SIZE];
	struct buf head = BUF(memory);
	expect_int(
		endpoint_from_url(&endpoint, S("https://lambda.eu-west-1.amazonaws.com/base/a%20b/"), &f),
		OK);
	r.path = S("/2015-03-31/functions/my-fn/invocations");
	expect_int(head_of(&head, &r, &plain, new_year_2026, &f), OK);
	expect(str_starts(
		buf_str(&head), S("POST /base/a%20b/2015-03-31/functions/my-fn/invocations HTTP/1.1\r\n")));
	/* invoke-base-path of tests/vectors/sigv4/cases.txt */
	expect(str_ends(buf_str(&head),
		S("Signature=25322838c1c8b38fdb80bad19e6d352dabb54f73a5a57f471c7a7b242e99f876\r\n\r\n")));
}

TEST(post_derives_the_key_anew_for_another_day_region_or_owner)
{
	struct aws_post r = invocation(), other = r;
	struct credentials owner = plain;
	struct aws_key_cache empty;
	struct fault f;
	char first_memory[HEAD_SIZE], memory[HEAD_SIZE];
	other.key_cache = &empty;
	for (int i = 0; i < 7; i++) {
		context("case %d", i);
		struct buf first = BUF(first_memory), again = BUF(memory);
		/* Keys mended in place may keep their id: what counts is that they were fetched again. */
		owner.access_key_id = i == 2 ? S("AKIDOTHER") : S("AKIDEXAMPLE");
		owner.secret_access_key = i == 2 || i == 5 ? S("other") : plain.secret_access_key;
		owner.serial = (unsigned)i;
		r.region = other.region = i == 3 ? S("us-east-1") : S("eu-west-1");
		r.service = other.service = i == 4 ? S("sts") : S("lambda");
		int64_t at = new_year_2026 + (i == 1 ? 86400 : i);
		memset(&empty, 0, sizeof(empty));
		expect_int(head_of(&first, &r, &owner, at, &f), OK);
		expect_int(head_of(&again, &other, &owner, at, &f), OK);
		expect_str(buf_str(&first), buf_str(&again));
	}
}

TEST(post_refuses_what_is_too_large_to_be_signed)
{
	static char token[CREDENTIALS_TOKEN_MAX], path[SIGV4_CANONICAL_MAX];
	struct aws_post r = invocation();
	struct credentials keys = plain;
	struct fault f;
	char memory[2 * SIGV4_CANONICAL_MAX];
	memset(token, 't', sizeof(token));
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	keys.session_token = (struct str){ token, sizeof(token) };
	size_t room = SIGV4_CANONICAL_MAX - sizeof(token) - 300;
	for (size_t n = 800; n < sizeof(path); n += 97) {
		struct buf head = BUF(memory);
		context("%zu", n);
		r.path = (struct str){ path, n };
		enum err e = head_of(&head, &r, &keys, 0, &f);
		expect(n > room ? e == E_LIMIT || n < room + 300 : e == OK);
		if (e != OK)
			expect_int(f.code, E_LIMIT);
	}
	expect_int(endpoint_from_url(&endpoint, S("https://lambda.test/base"), &f), OK);
	expect_int(
		head_of(&(struct buf){ memory, 0, sizeof(memory), false }, &r, &keys, 0, &f), E_LIMIT);
}
