#include "aws/secret_store.h"

#include "check.h"

static char memory[4096];

/* The text, or the message in brackets. */
static struct str read(struct str answer, struct str key)
{
	static struct fault f;
	struct arena scratch = { memory, 0, sizeof(memory) };
	struct str out;
	enum err e = secret_store_read(&out, guard_copy(answer), guard_copy(key), &scratch, &f);
	if (e == OK)
		return out;
	expect_int(f.code, e);
	return fault_text(&f);
}

#define NOT_JSON "the answer is not JSON"
#define NO_TEXT "the answer holds no text"
#define OBJECT "it is a JSON object; name its member, as in secretsmanager:ID#KEY"
#define NO_KEY "it is not a JSON object with a string signing"

TEST(secret_store_texts)
{
	static const struct {
		struct str answer, key, want;
	} cases[] = {
		{ STR("{\"Parameter\":{\"Name\":\"/"
			  "s\",\"Type\":\"SecureString\",\"Value\":\"abc\",\"Version\":3}}"),
			STR(""), STR("abc") },
		{ STR("{\"Parameter\":{\"Value\":\" a\\nb\\u002c\"}}"), STR(""), STR(" a\nb,") },
		{ STR("{\"ARN\":\"a\",\"SecretString\":\"abc\",\"VersionStages\":[\"AWSCURRENT\"]}"),
			STR(""), STR("abc") },
		{ STR("{\"SecretBinary\":\"YWJj\"}"), STR(""), STR("abc") },
		{ STR("{\"SecretBinary\":\"YWJj\",\"SecretString\":null}"), STR(""), STR("abc") },
		{ STR("{\"SecretBinary\":\"YWJj\",\"SecretString\":\"text\"}"), STR(""), STR("text") },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":\\\"abc\\\",\\\"other\\\":1}\"}"),
			STR("signing"), STR("abc") },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":\\\"a\\\\u0062c\\\"}\"}"), STR("signing"),
			STR("abc") },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":\\\"old\\\",\\\"signing\\\":\\\"new\\\"}\"}"),
			STR("signing"), STR("new") },
		{ STR("{\"SecretBinary\":\"eyJzaWduaW5nIjoiYWJjIn0=\"}"), STR("signing"), STR("abc") },
		{ STR("{\"SecretString\":\"[1]\"}"), STR(""), STR("[1]") },
		{ STR("{\"SecretString\":\"\"}"), STR(""), STR("") },

		{ STR(""), STR(""), STR(NOT_JSON) },
		{ STR("<html>"), STR(""), STR(NOT_JSON) },
		{ STR("{\"SecretString\":\"abc\""), STR(""), STR(NOT_JSON) },
		{ STR("{}"), STR(""), STR(NO_TEXT) },
		{ STR("[]"), STR(""), STR(NO_TEXT) },
		{ STR("{\"SecretString\":1}"), STR(""), STR(NO_TEXT) },
		{ STR("{\"SecretBinary\":\"YWJ\\u0000\"}"), STR(""), STR(NO_TEXT) },
		{ STR("{\"Parameter\":{\"Value\":[\"abc\"]}}"), STR(""), STR(NO_TEXT) },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":\\\"abc\\\"}\"}"), STR(""), STR(OBJECT) },
		{ STR("{\"SecretString\":\"{\\\"other\\\":\\\"abc\\\"}\"}"), STR("signing"), STR(NO_KEY) },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":5}\"}"), STR("signing"), STR(NO_KEY) },
		{ STR("{\"SecretString\":\"{\\\"signing\\\":null}\"}"), STR("signing"), STR(NO_KEY) },
		{ STR("{\"SecretString\":\"{\\\"Signing\\\":\\\"abc\\\"}\"}"), STR("signing"),
			STR(NO_KEY) },
		{ STR("{\"SecretString\":\"[\\\"signing\\\"]\"}"), STR("signing"), STR(NO_KEY) },
		{ STR("{\"SecretString\":\"abc\"}"), STR("signing"), STR(NO_KEY) },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_str(read(cases[i].answer, cases[i].key), cases[i].want);
	}
}

TEST(secret_store_that_is_too_large)
{
	static char text[sizeof(memory) + 64];
	struct buf b = BUF(text);
	buf_put(&b, S("{\"SecretString\":\"\\n"));
	while (b.n < sizeof(memory) + 32)
		buf_put_char(&b, 'a');
	buf_put(&b, S("\"}"));
	expect_str(read(buf_str(&b), S("")), S("it is too large for a secret"));
}

/* Where it would be asked, before anything is. */
TEST(secret_store_needs_a_region)
{
	static const struct {
		struct str name, region;
	} cases[] = {
		{ STR("/slack"), STR("") },
		{ STR("/slack"), STR("nowhere") },
		{ STR("arn:aws:ssm"), STR("eu-west-1") },
		{ STR("arn:aws:ssm::123456789012:parameter/x"), STR("eu-west-1") },
		{ STR("arn:aws:ssm:evil.example/:123456789012:parameter/x"), STR("eu-west-1") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct aws_context client = { .region = cases[i].region };
		struct credential_chain chain = { .aws = &client };
		struct arena scratch = { memory, 0, sizeof(memory) };
		char out[64];
		struct buf b = BUF(out);
		struct fault f;
		struct deadline d = deadline_none();
		context("case %zu", i);
		expect_int(
			secret_store_fetch(&b, &chain, AWS_SSM, cases[i].name, &scratch, &d, &f), E_CONFIG);
		expect_str(fault_text(&f), S("no region to ask in; set AWS_REGION, or give its ARN"));
		expect_int(b.n, 0);
	}
}
