#include "aws/sts.h"

#include "aws/credential_sources.h"
#include "aws_service.h"
#include "check.h"

#include <errno.h>
#include <string.h>

static const char *variables[16]; /* pairs of name and value, ended by NULL */
static struct str file;           /* what is in "/token"; p is NULL if there is none */
static struct credential_chain chain;
static struct credential_set set;
static struct fault fault;
static _Alignas(16) char scratch[CREDENTIALS_SCRATCH];

static const char *get(void *ctx, const char *name)
{
	(void)ctx;
	for (const char **p = variables; *p; p += 2)
		if (strcmp(p[0], name) == 0)
			return p[1];
	return NULL;
}

static enum err read_file(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	(void)ctx;
	if (!file.p || !str_eq(path, S("/token")))
		return fault_set(f, E_CONFIG, ENOENT, "%s cannot be read", path);
	buf_put(out, file);
	return OK;
}

static const struct credential_host host = { .read_file = read_file };

static void set_up(const struct str *answers, size_t count, struct str token)
{
	aws_service_start(answers, count);
	file = token;
	memset(variables, 0, sizeof(variables));
	chain = (struct credential_chain){
		.env = { get, NULL },
		.aws = &aws_service_context,
		.host = &host,
		.scratch = { scratch, 0, sizeof(scratch) },
	};
	memset(scratch, 0, sizeof(scratch));
	memset(&set, 'x', sizeof(set));
}

static enum err assume(const struct sts_role *role, const struct credentials *with)
{
	struct deadline d = deadline_in(3000);
	return sts_assume_role(&set, &chain, role, with, &d, &fault);
}

static struct str body_of(struct str request)
{
	return str_skip(request, str_find_str(request, S("\r\n\r\n")) + 4);
}

static bool has(struct str text, struct str part)
{
	return str_find_str(text, part) < text.n;
}

#define ANSWER(xml) STR("HTTP/1.1 210 OK\r\n\r\n" xml)
#define GOOD                                                                                       \
	ANSWER("<R><AssumedRoleUser><Arn>a</Arn></"                                                    \
		   "AssumedRoleUser><Credentials><SessionToken>to&amp;ken=</SessionToken>"                 \
		   "<Expiration>2026-01-01T00:00:00Z</Expiration><AccessKeyId>ASIA</AccessKeyId>"          \
		   "<SecretAccessKey>se/cr+et</SecretAccessKey></Credentials></R>")

static const struct credentials keys = { STR("AKIDEXAMPLE"), STR("secret"), STR("own"), INT64_MAX,
	STR("test"), 0 };
static const struct sts_role plain = { .arn = STR("arn:aws:iam::123456789012:role/r"),
	.web_identity_token_file = STR("/token") };

TEST(sts_takes_a_web_identity)
{
	const struct str answers[] = { GOOD };
	set_up(answers, 1, S("eyJ.a+b/c=&Action=x\r\n"));
	expect_int(assume(&plain, NULL), OK);
	expect_str(set.keys.access_key_id, S("ASIA"));
	expect_str(set.keys.secret_access_key, S("se/cr+et"));
	expect_str(set.keys.session_token, S("to&ken="));
	expect_str(set.keys.source, S("web identity"));
	expect(set.keys.expires_ms == INT64_C(1767225600000));
	struct str request = aws_service_request(0);
	expect(str_starts(request, S("POST / HTTP/1.1\r\n")));
	expect(has(request, S("\r\ncontent-type: application/x-www-form-urlencoded\r\n")) &&
		!has(request, S("authorization")));
	expect_str(body_of(request),
		S("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
		  "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=slack-lambda-"
		  "gateway"
		  "&WebIdentityToken=eyJ.a%2Bb%2Fc%3D%26Action%3Dx"));
	aws_service_stop();
}

TEST(sts_takes_keys)
{
	const struct str answers[] = { GOOD };
	struct sts_role role = plain;
	role.session_name = S("me+you");
	role.external_id = S("a b&RoleArn=c");
	role.duration_seconds = S("900");
	set_up(answers, 1, S(""));
	expect_int(assume(&role, &keys), OK);
	expect_str(set.keys.source, S("assumed role"));
	struct str request = aws_service_request(0);
	expect(has(request, S("Credential=AKIDEXAMPLE/")) &&
		has(request, S("/eu-west-1/sts/aws4_request")));
	expect(has(request, S("\r\nx-amz-security-token: own\r\n")));
	expect_str(body_of(request),
		S("Action=AssumeRole&Version=2011-06-15"
		  "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=me%2Byou"
		  "&DurationSeconds=900&ExternalId=a%20b%26RoleArn%3Dc"));
	aws_service_stop();
}

TEST(sts_leaves_nothing_behind)
{
	const struct str answers[] = { GOOD };
	set_up(answers, 1, S("hunter2"));
	chain.scratch.n = 100;
	memset(scratch, 'p', 100);
	expect_int(assume(&plain, NULL), OK);
	expect_int(chain.scratch.n, 100);
	for (size_t i = 0; i < sizeof(scratch); i++)
		if (scratch[i] != (i < 100 ? 'p' : 0) && !expect_int(i, -1))
			break;
	aws_service_stop();
}

TEST(sts_says_what_is_missing)
{
	static const struct {
		struct str answer, says;
		enum err want;
	} cases[] = {
		{ ANSWER("<html>welcome</html>"), STR("web identity gave no AccessKeyId"), E_SYNTAX },
		{ ANSWER(""), STR("web identity gave no AccessKeyId"), E_SYNTAX },
		{ ANSWER("<AccessKeyId>a</AccessKeyId>"), STR("web identity gave no SecretAccessKey"),
			E_SYNTAX },
		{ ANSWER("<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"),
			STR("web identity gave no SessionToken"), E_SYNTAX },
		{ ANSWER("<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</"
				 "SessionToken>"),
			STR("web identity gave no Expiration"), E_SYNTAX },
		{ ANSWER("<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</"
				 "SessionToken>"
				 "<Expiration>tomorrow</Expiration>"),
			STR("web identity gave an expiration that is not a time"), E_SYNTAX },
		{ ANSWER("<AccessKeyId>a\r\nX: "
				 "y</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>"
				 "<Expiration>2026-01-01T00:00:00Z</Expiration>"),
			STR("web identity gave keys that"), E_SYNTAX },
		{ STR("HTTP/1.1 403 No\r\n\r\n<Error><Code>AccessDenied</Code><Message>Not "
			  "you</Message></Error>"),
			STR("web identity: AccessDenied: Not you"), E_REFUSED },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		set_up(&cases[i].answer, 1, S("token"));
		expect_int(assume(&plain, NULL), cases[i].want);
		expect(str_starts(fault_text(&fault), cases[i].says) ||
			expect_str(fault_text(&fault), cases[i].says));
		aws_service_stop();
	}
}

TEST(sts_bears_trouble_that_passes)
{
	static const struct str busy =
		STR("HTTP/1.1 400 Bad Request\r\n\r\n<Error><Code>IDPCommunicationError</Code></Error>");
	const struct str answers[] = { busy, busy, GOOD };
	set_up(answers, 3, S("token"));
	expect_int(assume(&plain, NULL), OK);
	aws_service_stop();
}

TEST(sts_needs_a_token_of_some_length)
{
	static char long_token[20001];
	memset(long_token, '%', sizeof(long_token));
	const struct {
		struct str token;
		enum err want;
	} cases[] = {
		{ { NULL, 0 }, E_CONFIG },
		{ S(""), E_CONFIG },
		{ S(" \n"), E_CONFIG },
		{ { long_token, sizeof(long_token) }, E_CONFIG },
		{ { long_token, sizeof(long_token) - 1 }, OK },
	};
	const struct str answers[] = { GOOD };
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		set_up(answers, 1, cases[i].token);
		expect_int(assume(&plain, NULL), cases[i].want);
		expect_int(aws_service_requests(), cases[i].want == OK);
		if (cases[i].want != OK)
			expect(str_starts(fault_text(&fault),
				S("web identity: AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file")));
		aws_service_stop();
	}
}

TEST(sts_tells_what_does_not_fit)
{
	static char name[CREDENTIALS_SCRATCH] = "arn:aws:iam::123456789012:role/";
	struct sts_role role = { .arn = { name, sizeof(name) } };
	set_up(NULL, 0, S(""));
	memset(name + strlen(name), 'n', sizeof(name) - strlen(name));
	expect_int(assume(&role, &keys), E_LIMIT);
	role.arn.n -= 1024;
	expect_int(assume(&role, &keys), E_LIMIT);
	expect_int(aws_service_requests(), 0);
	aws_service_stop();
}

TEST(sts_asks_for_no_role_that_cannot_be)
{
	static const struct {
		struct str arn, session_name, duration_seconds;
		enum err want;
	} cases[] = {
		{ STR("arn:aws-us-gov:iam::123456789012:role/a/b"), STR("aZ_=,.@+-9"), STR("43200"), OK },
		{ STR("arn:aws:iam::123456789012:role/r"), STR("ab"), STR("900"), OK },
		{ STR("arn:aws:iam::123456789012:role/r"), STR(""), STR(""), OK },
		{ STR("r"), STR(""), STR(""), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:user/r"), STR(""), STR(""), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR("a"), STR(""), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR("a b"), STR(""), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR("a/b"), STR(""), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR(""), STR("899"), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR(""), STR("43201"), E_CONFIG },
		{ STR("arn:aws:iam::123456789012:role/r"), STR(""), STR("1h"), E_CONFIG },
	};
	set_up(NULL, 0, S(""));
	for (size_t i = 0; i < countof(cases); i++) {
		static struct credential_set out;
		const struct sts_role role = { .arn = cases[i].arn,
			.session_name = cases[i].session_name,
			.duration_seconds = cases[i].duration_seconds };
		context("case %zu", i);
		/* Without a deadline: whoever may be asked is not. */
		enum err want = cases[i].want == OK ? E_TIMEOUT : cases[i].want;
		expect_int(sts_assume_role(&out, &chain, &role, &keys, NULL, &fault), want);
	}
	expect_int(aws_service_requests(), 0);
	aws_service_stop();
}

/* Nobody can be reached: the message says who was wanted. */
TEST(sts_asks_at_the_right_place)
{
	static const struct {
		struct str region, want;
		struct endpoints endpoints;
	} cases[] = {
		{ STR("eu-west-1"), STR("sts.eu-west-1.amazonaws.com"), { .fips = false } },
		{ STR("cn-north-1"), STR("sts.cn-north-1.amazonaws.com.cn"), { .fips = false } },
		{ STR("eu-west-1"), STR("sts-fips.eu-west-1.amazonaws.com"), { .fips = true } },
		{ STR(""), STR("sts.amazonaws.com"), { .fips = false } },
		{ STR(""), STR("sts-fips.us-east-1.amazonaws.com"), { .fips = true } },
		{ STR(""), STR("sts.us-east-1.api.aws"), { .dual_stack = true } },
		{ STR("x.evil.com/"), STR("AWS_REGION must name a region"), { .fips = false } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		struct deadline d = deadline_in(40);
		set_up(NULL, 0, S(""));
		aws_service_context.endpoints = &cases[i].endpoints;
		aws_service_context.region = cases[i].region;
		expect(sts_assume_role(&set, &chain, &plain, &keys, &d, &fault) != OK);
		struct str text = fault_text(&fault);
		size_t at = str_find_str(text, cases[i].want);
		expect(at < text.n || expect_str(text, cases[i].want));
		expect(at > 0 && text.p[at - 1] == ' ');
		aws_service_stop();
	}
}

TEST(sts_signs_for_the_region_it_asks)
{
	static const struct str answers[] = { GOOD };
	for (int i = 0; i < 2; i++) {
		set_up(answers, 1, S(""));
		aws_service_context.region = i ? S("ap-east-1") : S("");
		expect_int(assume(&plain, &keys), OK);
		expect(has(aws_service_request(0),
			i ? S("/ap-east-1/sts/aws4_request") : S("/us-east-1/sts/aws4_request")));
		aws_service_stop();
	}
}

static enum err fetch(void)
{
	struct deadline d = deadline_in(3000);
	return web_identity_fetch(&set, &chain, &d, &fault);
}

TEST(sts_web_identity_needs_both_variables)
{
	const struct str answers[] = { GOOD };
	set_up(answers, 1, S("token"));
	expect_int(fetch(), E_MORE);
	variables[0] = "AWS_ROLE_ARN";
	variables[1] = "arn:aws:iam::123456789012:role/r";
	expect_int(fetch(), E_MORE);
	variables[2] = "AWS_WEB_IDENTITY_TOKEN_FILE";
	variables[3] = "";
	expect_int(fetch(), E_MORE);
	variables[3] = "/token";
	variables[4] = "AWS_ROLE_SESSION_NAME";
	variables[5] = "me";
	expect_int(fetch(), OK);
	expect(has(aws_service_request(0), S("&RoleSessionName=me&WebIdentityToken=token")));
	variables[1] = "";
	expect_int(fetch(), E_CONFIG);
	expect_str(fault_text(&fault),
		S("web identity: AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN"));
	aws_service_stop();
}
