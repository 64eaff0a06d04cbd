#include "aws/credential_sources.h"
#include "aws/credential_chain.h"

#include "check.h"
#include "no_files.h"

#include <errno.h>
#include <string.h>

/* Pairs of name and value, ended by NULL. */
static const char *table_get(void *ctx, const char *name)
{
	for (const char **p = ctx; *p; p += 2)
		if (strcmp(p[0], name) == 0)
			return p[1];
	return NULL;
}

static enum err init(struct credential_chain *c, const char **table, struct fault *f)
{
	static _Alignas(16) char scratch[CREDENTIALS_SCRATCH];
	static struct aws_context client;
	static const struct credential_host host = {
		.read_file = no_file, .load = nothing_to_load, .unload = nothing_to_unload
	};
	struct environment env = { table_get, table };
	memset(c, 0, sizeof(*c));
	return credential_chain_init(c, &env, &client, &host, credential_sources_fetch, scratch, f);
}

TEST(credentials_come_from_the_environment)
{
	static const struct {
		const char *table[9];
		struct str token;
	} cases[] = {
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "se/cr+et=" }, STR("") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "se/cr+et=", "AWS_SESSION_TOKEN",
			  "" },
			STR("") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "se/cr+et=", "AWS_SESSION_TOKEN",
			  "tok" },
			STR("tok") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "se/cr+et=", "AWS_SECURITY_TOKEN",
			  "old" },
			STR("old") },
		{ { "AWS_SECURITY_TOKEN", "old", "AWS_SESSION_TOKEN", "tok", "AWS_ACCESS_KEY_ID", "AKID",
			  "AWS_SECRET_ACCESS_KEY", "se/cr+et=" },
			STR("tok") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const char *table[9];
		memcpy(table, cases[i].table, sizeof(table));
		static struct credential_chain c;
		struct fault f;
		struct deadline d = deadline_none();
		const struct credentials *keys;
		expect_int(init(&c, table, &f), OK);
		if (!expect(credentials_hold(&keys, &c, &d, &f) == OK))
			continue;
		expect_str(keys->access_key_id, S("AKID"));
		expect_str(keys->secret_access_key, S("se/cr+et="));
		expect_str(keys->session_token, cases[i].token);
		expect_str(keys->source, S("environment"));
		expect(keys->expires_ms == INT64_MAX);
		credentials_release(&c, keys);
	}
}

TEST(credentials_may_be_missing_until_they_are_needed)
{
	static const char *tables[][7] = {
		{ "AWS_EC2_METADATA_DISABLED", "true" },
		{ "AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", "", "AWS_EC2_METADATA_DISABLED",
			"true" },
		{ "AWS_SESSION_TOKEN", "tok", "AWS_EC2_METADATA_DISABLED", "true" },
	};
	for (size_t i = 0; i < countof(tables); i++) {
		context("case %zu", i);
		static struct credential_chain c;
		struct fault f;
		struct deadline d = deadline_none();
		const struct credentials *keys;
		expect_int(init(&c, tables[i], &f), OK);
		expect_int(credentials_hold(&keys, &c, &d, &f), E_CONFIG);
		expect_int(f.code, E_CONFIG);
		expect(str_find_str(fault_text(&f), S("AWS_ACCESS_KEY_ID")) < f.n);
	}
}

TEST(credentials_that_cannot_be_are_refused)
{
	static char long_id[CREDENTIALS_ID_MAX + 2], long_secret[CREDENTIALS_SECRET_MAX + 2],
		long_token[CREDENTIALS_TOKEN_MAX + 2];
	memset(long_id, 'i', sizeof(long_id) - 1);
	memset(long_secret, 's', sizeof(long_secret) - 1);
	memset(long_token, 't', sizeof(long_token) - 1);
	const struct {
		const char *table[7];
		struct str why;
	} cases[] = {
		{ { "AWS_ACCESS_KEY_ID", "AKID" }, S("without AWS_SECRET_ACCESS_KEY") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "" },
			S("without AWS_SECRET_ACCESS_KEY") },
		{ { "AWS_SECRET_ACCESS_KEY", "hunter2" }, S("without AWS_ACCESS_KEY_ID") },
		{ { "AWS_ACCESS_KEY_ID", "AK\nID", "AWS_SECRET_ACCESS_KEY", "hunter2" },
			S("AWS_ACCESS_KEY_ID") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2\rx" },
			S("AWS_SECRET_ACCESS_KEY") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2 x" },
			S("AWS_SECRET_ACCESS_KEY") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2\xc3\xa4" },
			S("AWS_SECRET_ACCESS_KEY") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2", "AWS_SESSION_TOKEN",
			  "hunter2\r\nHost: x" },
			S("AWS_SESSION_TOKEN") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2", "AWS_SECURITY_TOKEN",
			  "hunter2\x7f" },
			S("AWS_SECURITY_TOKEN") },
		{ { "AWS_ACCESS_KEY_ID", long_id, "AWS_SECRET_ACCESS_KEY", "hunter2" }, S("128 bytes") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", long_secret }, S("128 bytes") },
		{ { "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "hunter2", "AWS_SESSION_TOKEN",
			  long_token },
			S("8192 bytes") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		const char *table[7];
		memcpy(table, cases[i].table, sizeof(table));
		static struct credential_chain c;
		struct fault f;
		expect_int(init(&c, table, &f), E_CONFIG);
		struct str text = fault_text(&f);
		expect(str_find_str(text, cases[i].why) < text.n);
		expect(str_find_str(text, S("hunter2")) == text.n);
	}
	long_id[CREDENTIALS_ID_MAX] = long_secret[CREDENTIALS_SECRET_MAX] =
		long_token[CREDENTIALS_TOKEN_MAX] = 0;
	context("the longest");
	const char *table[] = { "AWS_ACCESS_KEY_ID", long_id, "AWS_SECRET_ACCESS_KEY", long_secret,
		"AWS_SESSION_TOKEN", long_token, NULL };
	static struct credential_chain c;
	struct fault f;
	expect_int(init(&c, table, &f), OK);
}

TEST(credentials_are_copied_from_json)
{
	static const struct {
		struct str json;
		enum err want;
		struct str token;
		int64_t expires_ms;
	} cases[] = {
		{ STR("{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hunter2\",\"Token\":\"t\","
			  "\"Expiration\":\"2026-01-01T00:00:00Z\"}"),
			OK, STR("t"), 1767225600000 },
		{ STR("{\"Version\":1,\"SessionToken\":\"s\",\"SecretAccessKey\":\"hunter2\","
			  "\"AccessKeyId\":\"AKID\"}"),
			OK, STR("s"), INT64_MAX },
		{ STR("{\"accessKeyId\":\"AKID\",\"secretAccessKey\":\"hunt\\u0065r2\",\"sessionToken\":"
			  "\"s\\/\",\"expiration\":\"2026-01-01T00:00:00Z\"}"),
			OK, STR("s/"), 1767225600000 },
		{ STR("{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hunter2\",\"Token\":null,"
			  "\"Expiration\":\"0001-01-01T00:00:00Z\"}"),
			OK, STR(""), 0 },
		{ STR("{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":7}"), E_SYNTAX, STR(""), 0 },
		{ STR("{\"Code\":\"AssumeRoleUnauthorizedAccess\"}"), E_SYNTAX, STR(""), 0 },
		{ STR("{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":"
			  "\"hunter2\"}"),
			E_SYNTAX, STR(""), 0 },
		{ STR("{\"AccessKeyId\":\"AK\\r\\nID\",\"SecretAccessKey\":\"hunter2\"}"), E_SYNTAX,
			STR(""), 0 },
		{ STR("{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hunter2\""), E_SYNTAX, STR(""), 0 },
		{ STR("[\"AKID\",\"hunter2\"]"), E_SYNTAX, STR(""), 0 },
		{ STR("<html>hunter2</html>"), E_SYNTAX, STR(""), 0 },
		{ STR(""), E_SYNTAX, STR(""), 0 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		static struct credential_set set;
		char memory[256];
		struct arena scratch = { memory, 0, sizeof(memory) };
		struct fault f;
		expect_int(
			credentials_set_from_json(&set, guard_copy(cases[i].json), &scratch, S("test"), &f),
			cases[i].want);
		if (cases[i].want != OK) {
			expect(str_starts(fault_text(&f), S("test ")) &&
				str_find_str(fault_text(&f), S("hunter2")) == f.n);
			continue;
		}
		expect_str(set.keys.access_key_id, S("AKID"));
		expect_str(set.keys.secret_access_key, S("hunter2"));
		expect_str(set.keys.session_token, cases[i].token);
		expect_int(set.keys.expires_ms, cases[i].expires_ms);
		credentials_wipe(&set);
		for (size_t k = 0; k < sizeof(set.memory); k++)
			check(set.memory[k] == 0);
	}
}
