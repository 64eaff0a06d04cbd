#include "aws/roles_anywhere.h"

#include "aws/credential_sources.h"
#include "aws_service.h"
#include "check.h"

#include <errno.h>
#include <string.h>

static const char *variables[16]; /* pairs of name and value, ended by NULL */
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

/* Paths are those of tests/vectors. */
static enum err read_file(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	(void)ctx;
	if (str_starts(path, S("/")))
		return fault_set(f, E_CONFIG, ENOENT, "%s cannot be read", path);
	buf_put(out, test_file(path.p));
	return OK;
}

static const struct credential_host host = { .read_file = read_file };

#define GOOD                                                                                       \
	STR("HTTP/1.1 210 "                                                                            \
		"Created\r\n\r\n{\"credentialSet\":[{\"assumedRoleUser\":{\"arn\":\"a\"},\"credentials\":" \
		"{\"accessKeyId\":\"ASIA\","                                                               \
		"\"secretAccessKey\":\"se/"                                                                \
		"cr+et\",\"sessionToken\":\"token\",\"expiration\":\"2026-01-01T00:00:00Z\"}}],"           \
		"\"subjectArn\":\"s\"}")

static const char *const settings[] = {
	"GATEWAY_ROLESANYWHERE_CERT", "vectors/x509/good-rsa.pem",
	"GATEWAY_ROLESANYWHERE_KEY", "vectors/x509/good-rsa-key.pem",
	"GATEWAY_ROLESANYWHERE_TRUST_ANCHOR_ARN", "arn:aws:rolesanywhere:us-west-2:1:trust-anchor/a",
	"GATEWAY_ROLESANYWHERE_PROFILE_ARN", "arn:aws:rolesanywhere:us-west-2:1:profile/p&q",
	"GATEWAY_ROLESANYWHERE_ROLE_ARN", "arn:aws:iam::1:role/r",
};

static void set_up(const struct str *answers, size_t count)
{
	aws_service_start(answers, count);
	memset(variables, 0, sizeof(variables));
	memcpy(variables, settings, sizeof(settings));
	chain = (struct credential_chain){
		.env = { get, NULL },
		.aws = &aws_service_context,
		.host = &host,
		.scratch = { scratch, 0, sizeof(scratch) },
	};
}

static enum err fetch(void)
{
	struct deadline d = deadline_in(3000);
	chain.scratch.n = 0;
	return roles_anywhere_fetch(&set, &chain, &d, &fault);
}

static bool has(struct str text, struct str part)
{
	return str_find_str(text, part) < text.n;
}

/* The value of a field is the base64 between the lines of these PEM blocks, with commas between
 * them. */
static void expect_field(
	struct str request, struct str field, struct str pem, size_t from, size_t to)
{
	char memory[8192];
	struct buf b = BUF(memory);
	struct str line;
	size_t block = 0;
	buf_put(&b, field);
	while (str_cut(&line, &pem, pem, '\n')) {
		if (str_starts(line, S("-----BEGIN")) && block > from && block < to)
			buf_put_char(&b, ',');
		if (str_starts(line, S("-----END")))
			block++;
		else if (!str_starts(line, S("-----")) && block >= from && block < to)
			buf_put(&b, line);
	}
	buf_put(&b, S("\r\n"));
	expect(!b.full && has(request, buf_str(&b)));
}

TEST(roles_anywhere_opens_a_session)
{
	const struct str answers[] = { GOOD, GOOD };
	set_up(answers, 2);
	for (int ec = 0; ec < 2; ec++) {
		context("%d", ec);
		variables[1] = ec ? "vectors/x509/good-ec.pem" : settings[1];
		variables[3] = ec ? "vectors/x509/good-ec-key.pem" : settings[3];
		expect_int(fetch(), OK);
		expect_str(set.keys.access_key_id, S("ASIA"));
		expect_str(set.keys.secret_access_key, S("se/cr+et"));
		expect_str(set.keys.session_token, S("token"));
		expect_str(set.keys.source, S("IAM Roles Anywhere"));
		expect(set.keys.expires_ms == INT64_C(1767225600000));
		struct str request = aws_service_request((size_t)ec), pem = test_file(variables[1]);
		expect(str_starts(request,
			S("POST "
			  "/sessions?profileArn=arn%3Aaws%3Arolesanywhere%3Aus-west-2%3A1%3Aprofile%2Fp%26q"
			  "&roleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
			  "&trustAnchorArn=arn%3Aaws%3Arolesanywhere%3Aus-west-2%3A1%3Atrust-anchor%2Fa "
			  "HTTP/1.1\r\n")));
		expect_field(request, S("\r\nx-amz-x509: "), pem, 0, 1);
		expect_field(request, S("\r\nx-amz-x509-chain: "), pem, 1, 9);
		expect(has(request,
			ec ? S("\r\nauthorization: AWS4-X509-ECDSA-SHA256 Credential=")
			   : S("\r\nauthorization: AWS4-X509-RSA-SHA256 Credential=")));
		expect(has(request,
			S("/us-west-2/rolesanywhere/aws4_request, "
			  "SignedHeaders=content-type;host;x-amz-date;x-amz-x509;x-amz-x509-chain, ")));
		expect(str_ends(request, S("\r\n\r\n{}")));
	}
	aws_service_stop();
}

TEST(roles_anywhere_needs_all_of_its_settings)
{
	set_up(NULL, 0);
	variables[0] = NULL;
	expect_int(fetch(), E_MORE);
	for (size_t i = 0; i < countof(settings); i += 2) {
		char want[128];
		struct buf b = BUF(want);
		buf_format(&b, "IAM Roles Anywhere: %s is not set", str_c(settings[i]));
		context("%s", settings[i]);
		memcpy(variables, settings, sizeof(settings));
		variables[i + 1] = "";
		expect_int(fetch(), E_CONFIG);
		expect_str(fault_text(&fault), buf_str(&b));
	}
	aws_service_stop();
}

TEST(roles_anywhere_says_what_is_wrong)
{
	static const struct {
		size_t setting;
		const char *value;
		struct str says;
	} cases[] = {
		{ 0, "/no/such",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_CERT: /no/such cannot be read") },
		{ 1, "/no/such",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_KEY: /no/such cannot be read") },
		{ 1, "vectors/x509/good-ec-key.pem",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_CERT and GATEWAY_ROLESANYWHERE_KEY "
				"cannot be used: the private key does not belong") },
		{ 1, "vectors/x509/good-rsa.pem",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_CERT and GATEWAY_ROLESANYWHERE_KEY "
				"cannot be used: there is no private key") },
		{ 2, "arn:aws:rolesanywhere",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_TRUST_ANCHOR_ARN is not the ARN of a "
				"trust anchor") },
		{ 2, "arn:aws:rolesanywhere:x.evil.com/:1:trust-anchor/a",
			STR("IAM Roles Anywhere: GATEWAY_ROLESANYWHERE_TRUST_ANCHOR_ARN is not the ARN of a "
				"trust anchor") },
	};
	set_up(NULL, 0);
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		memcpy(variables, settings, sizeof(settings));
		variables[2 * cases[i].setting + 1] = cases[i].value;
		expect_int(fetch(), E_CONFIG);
		expect(str_starts(fault_text(&fault), cases[i].says) ||
			expect_str(fault_text(&fault), cases[i].says));
	}
	expect_int(aws_service_requests(), 0);
	aws_service_stop();
}

TEST(roles_anywhere_bears_bad_answers)
{
	static const struct {
		struct str answer, says;
		enum err want;
	} cases[] = {
		{ STR("HTTP/1.1 210 OK\r\n\r\n<html>"),
			STR("IAM Roles Anywhere did not answer with JSON"), E_SYNTAX },
		{ STR("HTTP/1.1 210 OK\r\n\r\n{}"), STR("IAM Roles Anywhere gave no credentials"),
			E_SYNTAX },
		{ STR("HTTP/1.1 210 OK\r\n\r\n{\"credentialSet\":[]}"),
			STR("IAM Roles Anywhere gave no credentials"), E_SYNTAX },
		{ STR("HTTP/1.1 210 OK\r\n\r\n{\"credentialSet\":[{}]}"),
			STR("IAM Roles Anywhere did not answer with a JSON object"), E_SYNTAX },
		{ STR("HTTP/1.1 210 OK\r\n\r\n{\"credentialSet\":[{\"credentials\":{}}]}"),
			STR("IAM Roles Anywhere gave no access key id"), E_SYNTAX },
		{ STR("HTTP/1.1 403 No\r\nx-amzn-ErrorType: "
			  "AccessDeniedException\r\n\r\n{\"message\":\"Untrusted certificate\"}"),
			STR("IAM Roles Anywhere: AccessDeniedException: Untrusted certificate"), E_REFUSED },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		set_up(&cases[i].answer, 1);
		expect_int(fetch(), cases[i].want);
		expect(str_starts(fault_text(&fault), cases[i].says) ||
			expect_str(fault_text(&fault), cases[i].says));
		aws_service_stop();
	}
}

TEST(roles_anywhere_writes_the_serial_number)
{
	static const struct {
		struct str der, decimal; /* of python3: int.to_bytes, str */
	} cases[] = {
		{ STR("\x00"), STR("0") },
		{ STR("\x01"), STR("1") },
		{ STR("\x09"), STR("9") },
		{ STR("\x0a"), STR("10") },
		{ STR("\x7f"), STR("127") },
		{ STR("\x00\xff"), STR("255") },
		{ STR("\x01\x00"), STR("256") },
		{ STR("\x01\x00\x00"), STR("65536") },
		{ STR("\x00\x80\x00\x00\x00\x00\x00\x00\x00"), STR("9223372036854775808") },
		{ STR("\x00\xff\xff\xff\xff\xff\xff\xff\xff"), STR("18446744073709551615") },
		{ STR("\x00\xaf\x29\x8d\x05\x0e\x43\x95\xd6\x96\x70\xb1\x2b\x7f\x41\x00\x00\x00\x00\x00"
			  "\x00"),
			STR("1000000000000000000000000000000000000000000000000") },
		{ STR("\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
			STR("730750818665451459101842416358141509827966271487") },
		{ STR("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			  "\xff"),
			STR("1461501637330902918203684832716283019655932542975") },
		/* none */
		{ STR(""), STR("") },
		{ STR("\x80"), STR("") },
		{ STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
			STR("") },
		{ STR("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			  "\xff"),
			STR("") },
		{ STR("\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			  "\xff"),
			STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		struct identity id = { .key.type = BR_KEYTYPE_RSA, .own.serial = guard_copy(cases[i].der) };
		struct sigv4_signer signer;
		char serial[ROLES_ANYWHERE_SERIAL_MAX];
		enum err e = roles_anywhere_signer(&signer, serial, &id, &fault);
		expect_int(e, cases[i].decimal.n ? OK : E_CONFIG);
		if (e == OK)
			expect_str(signer.id, cases[i].decimal);
	}
}

/* The vectors are those of pkey_test: what another implementation makes of "sample". */
TEST(roles_anywhere_signs_with_rsa)
{
	static const char *const names[] = { "rsa2048", "rsa4096" };
	for (size_t i = 0; i < countof(names); i++) {
		context("%s", names[i]);
		char memory[8192], path[64], serial[ROLES_ANYWHERE_SERIAL_MAX];
		struct arena arena = { memory, 0, sizeof(memory) };
		struct buf b = BUF(path);
		struct identity id = { .own.serial = S("\7") };
		struct sigv4_signer signer;
		uint8_t out[SIGV4_SIGNATURE_MAX];
		buf_format(&b, "vectors/pkey/%s-pkcs8.pem%s", str_c(names[i]), (struct str){ "", 1 });
		expect_int(pkey_from_pem(&id.key, test_file(path), &arena, &fault), OK);
		expect_int(roles_anywhere_signer(&signer, serial, &id, &fault), OK);
		expect_str(signer.algorithm, S("AWS4-X509-RSA-SHA256"));
		size_t n = signer.sign(signer.key, out, S("sample"));
		b = BUF(path);
		buf_format(&b, "vectors/pkey/%s.signature%s", str_c(names[i]), (struct str){ "", 1 });
		expect_str(((struct str){ (const char *)out, n }), test_file(path));
	}
}
