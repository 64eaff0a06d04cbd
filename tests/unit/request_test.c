#include "aws/request.h"

#include "base/clock.h"
#include "base/version.h"
#include "check.h"

#include <string.h>

static const struct credentials plain = { STR("AKIDEXAMPLE"), STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), { NULL, 0 }, INT64_MAX, STR("test") };

static struct aws_key_cache cache;
static struct endpoint endpoint;

static struct aws_request invocation(void)
{
	static const struct sigv4_header fields[] = {
		{ STR("content-type"), STR("application/json") },
		{ STR("x-amz-invocation-type"), STR("Event") },
	};
	endpoint_get(&endpoint, &(struct endpoints){ 0 }, AWS_LAMBDA, S("eu-west-1"));
	memset(&cache, 0, sizeof(cache));
	return (struct aws_request){
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

static enum err head_of(struct buf *out, struct aws_request *r, const struct credentials *keys, int64_t at, struct fault *f)
{
	r->keys = keys;
	return aws_request_head(out, r, NULL, at, f);
}

TEST(request_writes_its_head)
{
	struct aws_request r = invocation();
	struct fault f;
	char memory[AWS_REQUEST_HEAD_MAX];
	struct buf head = BUF(memory);
	expect_int(head_of(&head, &r, &plain, new_year_2026, &f), OK);
	expect_str(buf_str(&head), S("POST /2015-03-31/functions/my-fn%3Alive/invocations HTTP/1.1\r\n"
	                             "host: lambda.eu-west-1.amazonaws.com\r\n"
	                             "x-amz-date: 20260101T000000Z\r\n"
	                             "content-type: application/json\r\n"
	                             "x-amz-invocation-type: Event\r\n"
	                             "content-length: 17\r\n"
	                             "user-agent: slack-lambda-gateway/" VERSION "\r\n"
	                             "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/lambda/aws4_request, "
	                             "SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type, "
	                             "Signature=7f44b701be2bfeda46316be879dc97f3576d474f4332d52ddd3102fa83110c6f\r\n\r\n"));
}

TEST(request_signs_the_token_but_not_the_trace)
{
	struct aws_request r = invocation();
	struct credentials keys = plain;
	struct fault f;
	char memory[AWS_REQUEST_HEAD_MAX];
	struct buf head = BUF(memory);
	keys.session_token = S("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
	r.trace_id = S("Root=1-5bef4de7-ad49;Parent=9a91;Sampled=1;x=\"a b\"\r\n\xc3\xa4/%");
	expect_int(head_of(&head, &r, &keys, new_year_2026, &f), OK);
	struct str text = buf_str(&head);
	expect(str_find_str(text, S("\r\nx-amz-security-token: 6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\r\n")) < text.n);
	expect(str_find_str(text, S("\r\nx-amzn-trace-id: Root=1-5bef4de7-ad49;Parent=9a91;Sampled=1;x=\"a%20b\"%0D%0A%C3%A4%2F%25\r\n")) < text.n);
	expect(str_find_str(text, S("SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type;x-amz-security-token, "
	                            "Signature=14ecbac73a03fcf60cbe18def2c34981156c08097a7d4e411863386ab1d4b100\r\n\r\n")) < text.n);
}

TEST(request_leaves_out_an_endless_trace)
{
	static char trace[1025];
	struct aws_request r = invocation();
	struct fault f;
	char memory[AWS_REQUEST_HEAD_MAX];
	struct buf head = BUF(memory);
	memset(trace, '%', sizeof(trace));
	for (size_t n = sizeof(trace) - 1; n <= sizeof(trace); n++) {
		buf_reset(&head);
		r.trace_id = (struct str){ trace, n };
		expect_int(head_of(&head, &r, &plain, 0, &f), OK);
		expect_int(str_find_str(buf_str(&head), S("x-amzn-trace-id")) < head.n, n < sizeof(trace));
	}
}

TEST(request_signs_the_path_of_an_override)
{
	struct aws_request r = invocation();
	struct fault f;
	char memory[AWS_REQUEST_HEAD_MAX];
	struct buf head = BUF(memory);
	expect_int(endpoint_from_url(&endpoint, S("https://lambda.eu-west-1.amazonaws.com/base/a%20b/"), &f), OK);
	r.path = S("/2015-03-31/functions/my-fn/invocations");
	expect_int(head_of(&head, &r, &plain, new_year_2026, &f), OK);
	expect(str_starts(buf_str(&head), S("POST /base/a%20b/2015-03-31/functions/my-fn/invocations HTTP/1.1\r\n")));
	/* invoke-base-path of tests/vectors/sigv4/cases.txt */
	expect(str_ends(buf_str(&head), S("Signature=25322838c1c8b38fdb80bad19e6d352dabb54f73a5a57f471c7a7b242e99f876\r\n\r\n")));
}

TEST(request_derives_the_key_anew_for_another_day_region_or_owner)
{
	struct aws_request r = invocation(), other = r;
	struct credentials owner = plain;
	struct aws_key_cache empty;
	struct fault f;
	char first_memory[AWS_REQUEST_HEAD_MAX], memory[AWS_REQUEST_HEAD_MAX];
	other.key_cache = &empty;
	for (int i = 0; i < 6; i++) {
		context("case %d", i);
		struct buf first = BUF(first_memory), again = BUF(memory);
		owner.access_key_id = i == 2 ? S("AKIDOTHER") : S("AKIDEXAMPLE");
		owner.secret_access_key = i == 2 ? S("other") : plain.secret_access_key;
		r.region = other.region = i == 3 ? S("us-east-1") : S("eu-west-1");
		r.service = other.service = i == 4 ? S("sts") : S("lambda");
		int64_t at = new_year_2026 + (i == 1 ? 86400 : i);
		memset(&empty, 0, sizeof(empty));
		expect_int(head_of(&first, &r, &owner, at, &f), OK);
		expect_int(head_of(&again, &other, &owner, at, &f), OK);
		expect_str(buf_str(&first), buf_str(&again));
	}
}

TEST(request_tells_when_its_head_does_not_fit)
{
	static char token[CREDENTIALS_TOKEN_MAX], path[800];
	struct aws_request r = invocation();
	struct credentials keys = plain;
	struct fault f;
	char memory[AWS_REQUEST_HEAD_MAX];
	memset(token, 't', sizeof(token));
	memset(path, '/', sizeof(path));
	keys.session_token = (struct str){ token, sizeof(token) };
	struct buf head = BUF(memory);
	r.path = (struct str){ path, sizeof(path) };
	expect_int(head_of(&head, &r, &keys, 0, &f), OK);
	for (size_t cap = 0; cap < head.n; cap += 97) {
		struct buf small = { memory, 0, cap, false };
		expect_int(head_of(&small, &r, &keys, 0, &f), E_LIMIT);
		expect_int(f.code, E_LIMIT);
	}
}
