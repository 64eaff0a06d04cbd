/* What needs STS or metadata is tested with the whole program. */
#include "aws/credential_sources.h"

#include "check.h"

#include <errno.h>
#include <string.h>

/* The files of one test, and what its command prints; NULL: there is none. */
static const char *config, *credentials, *printed;
static int sys;              /* why ~/.aws/config cannot be read */
static const char *const *variables;
static struct str command;   /* that was run */
static struct fault fault;

static enum err read_file(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	const char *text = str_ends(path, S("config")) ? config
		: str_ends(path, S("credentials"))         ? credentials
												   : NULL;
	(void)ctx;
	if (text == config && sys)
		return fault_set(f, E_CONFIG, sys, "%s cannot be read", path);
	if (!text)
		return fault_set(f, E_CONFIG, ENOENT, "%s cannot be read", path);
	buf_put(out, str_c(text));
	return OK;
}

static enum err load(void *ctx, struct str *out, struct str path, size_t max, struct fault *f)
{
	static char memory[2][4096];
	struct buf b = BUF(memory[str_ends(path, S("config"))]);
	enum err e = read_file(ctx, &b, path, f);
	(void)max;
	*out = buf_str(&b);
	return e;
}

static void unload(void *ctx, struct str text)
{
	(void)ctx, (void)text;
}

static enum err run(
	void *ctx, struct buf *out, struct str text, struct deadline *d, struct fault *f)
{
	(void)ctx, (void)d;
	command = text;
	if (!printed)
		return fault_set(f, E_REFUSED, 0, "credential_process x: it ended with exit code 1");
	buf_put(out, str_c(printed));
	return OK;
}

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	for (const char *const *v = variables; v && *v; v += 2)
		if (strcmp(*v, name) == 0)
			return v[1];
	return NULL;
}

static enum err fetch(struct credential_set *set)
{
	static _Alignas(16) char scratch[CREDENTIALS_SCRATCH];
	static const struct credential_host host = {
		.read_file = read_file, .load = load, .unload = unload, .run = run
	};
	static struct aws_context client;
	static struct credential_chain chain;
	static const struct environment env = { look_up, NULL };
	struct deadline d = deadline_in(1000);
	memset(&chain, 0, sizeof(chain));
	command = S("");
	fault.n = 0;
	expect_int(credential_chain_init(
				   &chain, &env, &client, &host, credential_sources_fetch, scratch, &fault),
		OK);
	enum err e = named_profile_fetch(set, &chain, &d, &fault);
	return e == E_MORE ? default_profile_fetch(set, &chain, &d, &fault) : e;
}

static void clear(void)
{
	config = credentials = printed = NULL;
	variables = NULL;
	sys = 0;
}

TEST(profile_source_finds_keys)
{
	static const struct {
		const char *config, *credentials, *variables[5];
		struct str id, token;
	} cases[] = {
		{ NULL, "[default]\naws_access_key_id = A\naws_secret_access_key = s/+=\n", { NULL },
			STR("A"), STR("") },
		{ "[default]\naws_access_key_id = A\naws_secret_access_key = s/+=\naws_session_token = "
		  "t==\n",
			NULL, { NULL }, STR("A"), STR("t==") },
		{ "[default]\naws_access_key_id = no\naws_session_token = t\n",
			"[default]\naws_access_key_id = A\naws_secret_access_key = s/+= # c\n", { NULL },
			STR("A"), STR("") },
		{ "[default]\naws_access_key_id = no\naws_secret_access_key = no\n",
			"[default]\naws_access_key_id = A\naws_secret_access_key = s/+=\n"
			"aws_session_token = t\naws_security_token = u\n",
			{ NULL }, STR("A"), STR("u") },
		{ NULL,
			"[default]\naws_access_key_id = no\n[b]\naws_access_key_id = B\naws_secret_access_key "
			"= s/+=\n",
			{ "AWS_PROFILE", "b", "AWS_DEFAULT_PROFILE", "no" }, STR("B"), STR("") },
		{ NULL, "[b]\naws_access_key_id = B\naws_secret_access_key = s/+=\n",
			{ "AWS_PROFILE", "", "AWS_DEFAULT_PROFILE", "b" }, STR("B"), STR("") },
		{ "[default]\ncredential_process = x\nsso_session = y\n",
			"[default]\naws_access_key_id = A\naws_secret_access_key = s/+=\n", { NULL }, STR("A"),
			STR("") },
		{ "[default]\nregion = x\n", NULL, { NULL }, STR(""), STR("") },
		{ "[profile b]\naws_access_key_id = B\n", NULL, { NULL }, STR(""), STR("") },
		{ "", "", { NULL }, STR(""), STR("") },
		{ NULL, NULL, { NULL }, STR(""), STR("") },
		{ NULL, NULL, { "AWS_CONFIG_FILE", "/nowhere", "AWS_SHARED_CREDENTIALS_FILE", "/nowhere" },
			STR(""), STR("") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct credential_set set;
		context("case %zu", i);
		clear();
		config = cases[i].config;
		credentials = cases[i].credentials;
		variables = cases[i].variables;
		if (!expect_int(fetch(&set), cases[i].id.n ? OK : E_MORE) || !cases[i].id.n)
			continue;
		expect_str(set.keys.access_key_id, cases[i].id);
		expect_str(set.keys.secret_access_key, S("s/+="));
		expect_str(set.keys.session_token, cases[i].token);
		expect_str(set.keys.source, S("profile"));
		expect(set.keys.expires_ms == INT64_MAX);
	}
}

TEST(profile_source_passes_over_a_home_of_others)
{
	static const char *named[] = { "AWS_CONFIG_FILE", "/x/config", NULL };
	struct credential_set set;
	clear();
	sys = EACCES;
	credentials = "[default]\naws_access_key_id = A\naws_secret_access_key = s\n";
	expect_int(fetch(&set), OK);
	variables = named;
	expect_int(fetch(&set), E_CONFIG);
	expect(str_starts(fault_text(&fault), S("AWS_CONFIG_FILE: /x/config cannot be read")));
}

TEST(profile_source_takes_what_a_process_prints)
{
	static const struct {
		const char *printed;
		enum err want;
	} cases[] = {
		{ "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", OK },
		{ "\n{\"SessionToken\": \"t\", \"SecretAccessKey\": \"s\", \"AccessKeyId\": \"A\", "
		  "\"Expiration\": \"2031-01-01T00:00:00Z\", \"Version\": 1, \"AccountId\": \"1\"}\n",
			OK },
		{ "{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", E_SYNTAX },
		{ "{\"Version\":\"1\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", E_SYNTAX },
		{ "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", E_SYNTAX },
		{ "{\"Version\":1,\"AccessKeyId\":\"hunter2\"}", E_SYNTAX },
		{ "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\\n\"}", E_SYNTAX },
		{ "[1]", E_SYNTAX },
		{ "hunter2", E_SYNTAX },
		{ "", E_SYNTAX },
		{ NULL, E_REFUSED },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct credential_set set;
		context("case %zu", i);
		clear();
		config = "[default]\ncredential_process = \"a b\" c\n  --d\n";
		printed = cases[i].printed;
		expect_int(fetch(&set), cases[i].want);
		expect_str(command, S("\"a b\" c\n  --d"));
		if (cases[i].want == OK) {
			expect_str(set.keys.access_key_id, S("A"));
			expect_str(set.keys.source, S("credential_process"));
			expect(set.keys.expires_ms == (i == 0 ? INT64_MAX : INT64_C(1924992000000)));
		} else {
			expect(str_starts(fault_text(&fault), S("profile default: credential_process")));
			expect(str_find_str(fault_text(&fault), S("hunter2")) == fault.n);
		}
	}
}

TEST(profile_source_says_what_is_wrong)
{
	static const char two[] = "[default]\nrole_arn = r\nsource_profile = b\n";
	static const struct {
		const char *config, *credentials;
		struct str why;
	} cases[] = {
		{ two, NULL,
			STR("profile b: there is no such profile in ~/.aws/config or ~/.aws/credentials") },
		{ two, "[b]\nregion = x\n", STR("profile b: it has no keys") },
		{ two, "[b]\naws_access_key_id = x\n",
			STR("profile b: profile gave no secret access key") },
		{ two, "[b]\naws_secret_access_key = hunter2\n",
			STR("profile b: profile gave no access key id") },
		{ two, "[b]\nrole_arn = r\nsource_profile = default\n",
			STR("source_profile leads in a circle, or too far") },
		{ "[default]\nrole_arn = r\nsource_profile = default\n", NULL,
			STR("profile default: source_profile leads in a circle, or too far") },
		{ "[default]\nrole_arn = r\n", NULL,
			STR("profile default: role_arn needs one of source_profile and credential_source") },
		{ "[default]\nrole_arn = r\nsource_profile = b\ncredential_source = Environment\n",
			"[b]\naws_access_key_id = x\n",
			STR("profile default: role_arn needs one of source_profile and credential_source") },
		{ "[default]\nrole_arn = r\ncredential_source = Environment\n", NULL,
			STR("profile default: its credential_source has no keys") },
		{ "[default]\nrole_arn = r\ncredential_source = EcsContainer\n", NULL,
			STR("profile default: its credential_source has no keys") },
		{ "[default]\nrole_arn = r\ncredential_source = Elsewhere\n", NULL,
			STR("profile default: its credential_source has no keys") },
		{ "[default]\nrole_arn = r\nsource_profile = b\nmfa_serial = m\n",
			"[b]\naws_access_key_id = x\naws_secret_access_key = y\n",
			STR("profile default: mfa_serial needs a person to type a code") },
		{ "[default]\nsso_session = s\nsso_account_id = 1\n", NULL,
			STR("profile default: it needs a browser; use credential_process = aws configure "
				"export-credentials --profile default") },
		{ two, "[b]\nsso_start_url = https://x\n", STR("--profile b") },
		{ "[default]\nlogin_session = s\n", NULL, STR("it needs a browser") },
		{ "[default]\nhunter2\n", NULL, STR("line 2 of ~/.aws/config") },
		{ NULL, "aws_secret_access_key = hunter2\n", STR("line 1 of ~/.aws/credentials") },
		{ "[default]\naws_access_key_id = x\naws_secret_access_key = hunter2 and more\n", NULL,
			STR("profile default: profile gave keys that are too long") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct credential_set set;
		context("case %zu", i);
		clear();
		config = cases[i].config;
		credentials = cases[i].credentials;
		enum err e = fetch(&set);
		expect(e == E_CONFIG || e == E_SYNTAX || e == E_FILE);
		if (!expect(str_find_str(fault_text(&fault), cases[i].why) < fault.n))
			expect_str(fault_text(&fault), cases[i].why);
		expect(str_find_str(fault_text(&fault), S("hunter2")) == fault.n);
	}
	static const char *named[] = { "AWS_PROFILE", "c", NULL };
	struct credential_set set;
	context("a name that is nowhere");
	clear();
	variables = named;
	expect_int(fetch(&set), E_CONFIG);
	expect_str(fault_text(&fault),
		S("AWS_PROFILE: profile c: there is no such profile in ~/.aws/config or "
		  "~/.aws/credentials"));
}
