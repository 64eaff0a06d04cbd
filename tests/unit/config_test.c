#include "check.h"
#include "gateway/config.h"

#include <string.h>

/* Must not show in any message. */
#define SECRET "8f742231b10e8888abcd99yyyzzz85a5"

enum { VARIABLES_MAX = 4 };

struct variable {
	const char *name, *value;
};

static const char *get(void *ctx, const char *name)
{
	const struct variable *list = ctx;
	for (size_t i = 0; i < VARIABLES_MAX && list[i].name; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return NULL;
}

static struct config config;
static struct fault fault;

static enum err read(struct variable *variables)
{
	struct environment env = { get, variables };
	fault.n = 0;
	config = (struct config){ 0 };
	enum err e = config_read(&config, &env, &fault);
	return e == OK ? config_check_secrets(&config, &fault) : e;
}

/* With the secret, and one more. */
static enum err read_one(const char *name, const char *value)
{
	return read(
		(struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", SECRET }, { name, value } });
}

TEST(config_defaults)
{
	expect_int(read_one(NULL, NULL), OK);
	expect_int(config.sources_count, 1);
	expect(!config.skip_verify);
	expect_str(config.allow, S(""));
	expect_int(config.ack, ACK_CONFIRMED);
	expect(config.ack_text.p == NULL);
	expect_str(config.ack_type, S("ephemeral"));
	expect_int(config.timeout_ms, 2500);
	expect_str(config.base_path, S(""));
	expect_str(config.response_hosts, S("hooks.slack.com,hooks.slack-gov.com"));
	expect(config.response_hosts_default);
	expect_int(config.log_level, LOG_INFO);
}

/* Set to nothing means not set, but for the one text where nothing is a choice. */
TEST(config_empty_values)
{
	static const char *const names[] = {
		"GATEWAY_INSECURE_SKIP_VERIFY",
		"GATEWAY_ALLOW",
		"GATEWAY_ACK",
		"GATEWAY_ACK_TYPE",
		"GATEWAY_TIMEOUT_MS",
		"GATEWAY_BASE_PATH",
		"GATEWAY_RESPONSE_HOSTS",
		"GATEWAY_LOG_LEVEL",
		"AWS_LAMBDA_LOG_LEVEL",
	};
	struct config unset;
	expect_int(read_one(NULL, NULL), OK);
	unset = config;
	for (size_t i = 0; i < countof(names); i++) {
		context("%s", names[i]);
		expect_int(read_one(names[i], ""), OK);
		expect(memcmp(config.sources, unset.sources, sizeof(unset.sources)) == 0);
		expect_int(config.skip_verify, false);
		expect_str(config.allow, unset.allow);
		expect_int(config.ack, unset.ack);
		expect_str(config.ack_type, unset.ack_type);
		expect_int(config.timeout_ms, unset.timeout_ms);
		expect_str(config.base_path, unset.base_path);
		expect_str(config.response_hosts, unset.response_hosts);
		expect(config.response_hosts_default);
		expect_int(config.log_level, unset.log_level);
	}
	expect_int(read_one("GATEWAY_ACK_TEXT", ""), OK);
	expect(config.ack_text.p != NULL && config.ack_text.n == 0);
}

TEST(config_secrets)
{
	static const struct {
		const char *value;
		size_t count;
	} cases[] = {
		{ SECRET, 1 },
		{ SECRET "," SECRET, 2 },
		{ " " SECRET " ,\t" SECRET "\n", 2 },
		{ SECRET ",", 1 },
		{ "," SECRET, 1 },
		{ SECRET ",, ," SECRET, 2 },
		{ "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", 16 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(
			read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", cases[i].value } }),
			OK);
		expect_int(config.sources_count, cases[i].count);
		for (size_t j = 0; j < config.sources_count; j++) {
			expect_int(config.sources[j].kind, SECRET_LITERAL);
			expect_str(config.sources[j].app, S(""));
			if (i < 6)
				expect_str(config.sources[j].text, S(SECRET));
		}
	}
}

TEST(config_references_to_secrets)
{
	static const struct {
		const char *value;
		enum secret_kind kind;
		struct str name;
	} cases[] = {
		{ "file:/run/secrets/slack", SECRET_FILE, STR("/run/secrets/slack") },
		{ " file:a b\n", SECRET_FILE, STR("a b") },
		{ "file:x#y", SECRET_FILE, STR("x#y") },
		{ "ssm:/slack/secret:3", SECRET_SSM, STR("/slack/secret:3") },
		{ "ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/slack", SECRET_SSM,
			STR("arn:aws:ssm:eu-west-1:123456789012:parameter/slack") },
		{ "secretsmanager:slack", SECRET_SECRETS_MANAGER, STR("slack") },
		{ "secretsmanager:rds!slack#a \"key\"", SECRET_SECRETS_MANAGER,
			STR("rds!slack#a \"key\"") },
		{ "secretsmanager:slack#signing_secret", SECRET_SECRETS_MANAGER,
			STR("slack#signing_secret") },
		{ "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf#k",
			SECRET_SECRETS_MANAGER,
			STR("arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf#k") },
		/* what looks like one and is none is a secret */
		{ "FILE:/run/secret", SECRET_LITERAL, STR("FILE:/run/secret") },
		{ "vault:slack", SECRET_LITERAL, STR("vault:slack") },
		{ "ssm", SECRET_LITERAL, STR("ssm") },
		{ "file", SECRET_LITERAL, STR("file") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char mixed[256];
		struct buf b = BUF(mixed);
		buf_format(&b, SECRET ",%s, other%s", str_c(cases[i].value), S("\0"));
		context("%s", cases[i].value);
		expect_int(
			read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", cases[i].value } }),
			OK);
		expect_int(config.sources_count, 1);
		expect_int(config.sources[0].kind, cases[i].kind);
		expect_str(config.sources[0].name, cases[i].name);
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", mixed } }), OK);
		expect_int(config.sources_count, 3);
		expect_str(config.sources[0].text, S(SECRET));
		expect_int(config.sources[1].kind, cases[i].kind);
		expect_str(config.sources[1].name, cases[i].name);
		expect_str(config.sources[1].text, str_trim_lines(str_c(cases[i].value)));
		expect_str(config.sources[2].text, S("other"));
	}
	static const char *const empty[] = {
		"file:",
		"ssm:",
		"secretsmanager:",
		"secretsmanager:#",
		"secretsmanager:#key",
		"secretsmanager:id#",
		SECRET ",file: ",
		"ssm:a b",
		"ssm:a\"",
		"ssm:a\\",
		"ssm:a\x7f",
		"ssm:a#b",
		"secretsmanager:\xc3\xa4",
		"secretsmanager:a\"#b",
	};
	for (size_t i = 0; i < countof(empty); i++) {
		context("%s", empty[i]);
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", empty[i] } }),
			E_CONFIG);
		expect(str_starts(fault_text(&fault), S("SLACK_SIGNING_SECRET: ")));
		expect(str_ends(
			fault_text(&fault), S("must be followed by the name of what holds the secret")));
	}
}

#define NO_SECRET                                                                                  \
	"SLACK_SIGNING_SECRET is not set: copy the Signing Secret from \"Basic Information\" of your " \
	"Slack app, "                                                                                  \
	"or set GATEWAY_INSECURE_SKIP_VERIFY=1 to verify nothing"

TEST(config_needs_a_secret)
{
	static const char *const values[] = { NULL, "", " ", ",", " , \n" };
	for (size_t i = 0; i < countof(values); i++) {
		context("case %zu", i);
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", values[i] } }),
			E_CONFIG);
		expect_str(fault_text(&fault), S(NO_SECRET));
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", values[i] },
					   { "GATEWAY_INSECURE_SKIP_VERIFY", "1" } }),
			OK);
		expect(config.skip_verify);
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", values[i] },
					   { "GATEWAY_INSECURE_SKIP_VERIFY", "0" } }),
			E_CONFIG);
	}
#define SIXTEEN "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
	expect_int(read((struct variable[VARIABLES_MAX]){
				   { "SLACK_SIGNING_SECRET", SIXTEEN SIXTEEN SIXTEEN SIXTEEN } }),
		OK);
	expect_int(read((struct variable[VARIABLES_MAX]){
				   { "SLACK_SIGNING_SECRET", SIXTEEN SIXTEEN SIXTEEN SIXTEEN SECRET } }),
		E_CONFIG);
	expect_str(fault_text(&fault),
		S("there are more than 64 secrets in SLACK_SIGNING_SECRET and GATEWAY_CONFIG"));
}

static enum err read_routes(const char *secret, const char *text)
{
	static char memory[1 << 14];
	struct arena a = { memory, 0, sizeof(memory) };
	struct environment env = { get,
		(struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", secret } } };
	fault.n = 0;
	config = (struct config){ 0 };
	expect_int(config_read(&config, &env, &fault), OK);
	return config_read_routes(&config, str_c(text), &a, &fault);
}

TEST(config_secrets_of_apps)
{
	expect_int(
		read_routes(NULL,
			"{\"apps\":{\"A1\":{\"secret\":\"" SECRET ", old\"},\"A2\":{\"secret\":\"other\"}}}"),
		OK);
	expect_int(config_check_secrets(&config, &fault), OK);
	expect_int(config.sources_count, 3);
	expect_str(config.sources[0].app, S("A1"));
	expect_str(config.sources[1].app, S("A1"));
	expect_str(config.sources[1].text, S("old"));
	expect_str(config.sources[2].app, S("A2"));
	expect_int(read_routes(NULL, "{\"apps\":{\"A1\":{\"secret\":\"ssm:/a1, file:/a1\"}}}"), OK);
	expect_int(config_check_secrets(&config, &fault), OK);
	expect_int(config.sources_count, 2);
	expect_int(config.sources[0].kind, SECRET_SSM);
	expect_int(config.sources[1].kind, SECRET_FILE);
	expect_str(config.sources[1].app, S("A1"));
	expect_int(read_routes(NULL, "{\"apps\":{\"A1\":{\"secret\":\"ssm:\"}}}"), E_CONFIG);
	expect_str(fault_text(&fault),
		S("GATEWAY_CONFIG: apps.A1: ssm: must be followed by the name of what holds the secret"));
	expect_int(read_routes(SECRET, "{\"apps\":{\"A1\":{\"secret\":\"other\"}}}"), OK);
	expect_int(config.sources_count, 2);
	expect_str(config.sources[0].app, S(""));
	expect_int(read_routes(NULL, "{}"), OK);
	expect_int(config_check_secrets(&config, &fault), E_CONFIG);
	static const char *const blanks[] = { " ", ",", " , \\n" };
	for (size_t i = 0; i < countof(blanks); i++) {
		char text[128];
		struct buf b = BUF(text);
		buf_format(&b, "{\"apps\":{\"A1\":{\"secret\":\"%s\"}}}%s", str_c(blanks[i]), S("\0"));
		context("case %zu", i);
		expect_int(read_routes(SECRET, text), E_CONFIG);
		expect_str(fault_text(&fault), S("GATEWAY_CONFIG: apps.A1 has no secret"));
	}
}

TEST(config_values)
{
	expect_int(read_one("GATEWAY_INSECURE_SKIP_VERIFY", "1"), OK);
	expect(config.skip_verify);
	expect_int(config.sources_count, 1);
	expect_int(read_one("GATEWAY_INSECURE_SKIP_VERIFY", "0"), OK);
	expect(!config.skip_verify);
	expect_int(read_one("GATEWAY_ALLOW", "eu-west-1/*, */deploy:live ,"), OK);
	expect_str(config.allow, S("eu-west-1/*, */deploy:live ,"));
	expect_int(read_one("GATEWAY_ACK", "first"), OK);
	expect_int(config.ack, ACK_FIRST);
	expect_int(read_one("GATEWAY_ACK", "Confirmed"), OK);
	expect_int(config.ack, ACK_CONFIRMED);
	expect_int(read_one("GATEWAY_ACK_TEXT",
				   "{user_name} asks for {function}:{region} {command} {text} {request_id} {}"),
		OK);
	expect_str(config.ack_text,
		S("{user_name} asks for {function}:{region} {command} {text} {request_id} {}"));
	expect_int(read_one("GATEWAY_ACK_TYPE", "in_channel"), OK);
	expect_str(config.ack_type, S("in_channel"));
	expect_int(read_one("GATEWAY_ACK_TYPE", "EPHEMERAL"), OK);
	expect_str(config.ack_type, S("ephemeral"));
	expect_int(read_one("GATEWAY_TIMEOUT_MS", "100"), OK);
	expect_int(config.timeout_ms, 100);
	expect_int(read_one("GATEWAY_TIMEOUT_MS", "2900"), OK);
	expect_int(config.timeout_ms, 2900);
	expect_int(read_one("GATEWAY_RESPONSE_HOSTS", "hooks.slack.com, http://127.0.0.1:8080"), OK);
	expect_str(config.response_hosts, S("hooks.slack.com, http://127.0.0.1:8080"));
	expect(!config.response_hosts_default);
}

TEST(config_base_path)
{
	static const struct {
		const char *value;
		struct str want;
	} cases[] = {
		{ "slack", STR("slack") },
		{ "/slack", STR("slack") },
		{ "/slack/", STR("slack") },
		{ "//slack//", STR("slack") },
		{ "/a/b/", STR("a/b") },
		{ "/", STR("") },
		{ "//", STR("") },
		{ "/a%20b", STR("a%20b") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_one("GATEWAY_BASE_PATH", cases[i].value), OK);
		expect_str(config.base_path, cases[i].want);
	}
}

TEST(config_log_level)
{
	static const struct {
		const char *lambda, *own;
		enum log_level want;
	} cases[] = {
		{ NULL, "debug", LOG_DEBUG },
		{ NULL, "INFO", LOG_INFO },
		{ NULL, "Warn", LOG_WARN },
		{ NULL, "error", LOG_ERROR },
		{ "TRACE", NULL, LOG_DEBUG },
		{ "DEBUG", NULL, LOG_DEBUG },
		{ "INFO", NULL, LOG_INFO },
		{ "WARN", NULL, LOG_WARN },
		{ "ERROR", NULL, LOG_ERROR },
		{ "FATAL", NULL, LOG_ERROR },
		{ "ERROR", "debug", LOG_DEBUG },
		{ "TRACE", "info", LOG_INFO },
		{ "DEBUG", "", LOG_DEBUG },
		{ "FATAL", "warn", LOG_WARN },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read((struct variable[VARIABLES_MAX]){ { "SLACK_SIGNING_SECRET", SECRET },
					   { "AWS_LAMBDA_LOG_LEVEL", cases[i].lambda },
					   { "GATEWAY_LOG_LEVEL", cases[i].own } }),
			OK);
		expect_int(config.log_level, cases[i].want);
	}
}

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define ALLOW_FORM                                                                                 \
	"each entry is region/function, where * stands for any run of characters but '/', as in "      \
	"eu-west-1/deploy-*"
#define HOSTS_FORM "each entry is host, host:port, or http://ADDRESS:PORT with a loopback address"
#define TEXT_NAMES                                                                                 \
	"it may name {function}, {region}, {command}, {text}, {user_name}, {user_id}, {channel_id} "   \
	"and {request_id}"

TEST(config_refusals)
{
	static const struct {
		const char *name, *value;
		struct str message;
	} cases[] = {
		{ "GATEWAY_INSECURE_SKIP_VERIFY", "true",
			STR("GATEWAY_INSECURE_SKIP_VERIFY=true cannot be used: it must be 1 (on), 0 or empty "
				"(off)") },
		{ "GATEWAY_INSECURE_SKIP_VERIFY", "1 1",
			STR("GATEWAY_INSECURE_SKIP_VERIFY=1 1 cannot be used: it must be 1 (on), 0 or empty "
				"(off)") },
		{ "GATEWAY_ALLOW", "deploy", STR("GATEWAY_ALLOW=deploy cannot be used: " ALLOW_FORM) },
		{ "GATEWAY_ALLOW", "eu-west-1/a, b ,*/*",
			STR("GATEWAY_ALLOW= b  cannot be used: " ALLOW_FORM) },
		{ "GATEWAY_ALLOW", "eu-west-1/a/b",
			STR("GATEWAY_ALLOW=eu-west-1/a/b cannot be used: " ALLOW_FORM) },
		{ "GATEWAY_ALLOW", ",eu-west-1/a", STR("GATEWAY_ALLOW= cannot be used: " ALLOW_FORM) },
		{ "GATEWAY_ALLOW", X60 X60, STR("GATEWAY_ALLOW=" X60 " cannot be used: " ALLOW_FORM) },
		{ "GATEWAY_ACK", "later",
			STR("GATEWAY_ACK=later cannot be used: it must be one of confirmed, first") },
		{ "GATEWAY_ACK_TYPE", "in-channel",
			STR("GATEWAY_ACK_TYPE=in-channel cannot be used: it must be one of ephemeral, "
				"in_channel") },
		{ "GATEWAY_ACK_TEXT", "{function} {foo}",
			STR("GATEWAY_ACK_TEXT names {foo}: " TEXT_NAMES) },
		{ "GATEWAY_ACK_TEXT", "{Function}", STR("GATEWAY_ACK_TEXT names {Function}: " TEXT_NAMES) },
		{ "GATEWAY_ACK_TEXT", "{" X60 "}",
			STR("GATEWAY_ACK_TEXT names {xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}: " TEXT_NAMES) },
		{ "GATEWAY_TIMEOUT_MS", "99",
			STR("GATEWAY_TIMEOUT_MS=99 cannot be used: it must be a number of milliseconds from "
				"100 to "
				"2900") },
		{ "GATEWAY_TIMEOUT_MS", "2901",
			STR("GATEWAY_TIMEOUT_MS=2901 cannot be used: it must be a number of milliseconds from "
				"100 "
				"to 2900") },
		{ "GATEWAY_TIMEOUT_MS", "2.5",
			STR("GATEWAY_TIMEOUT_MS=2.5 cannot be used: it must be a number of milliseconds from "
				"100 to "
				"2900") },
		{ "GATEWAY_TIMEOUT_MS", "2500ms",
			STR("GATEWAY_TIMEOUT_MS=2500ms cannot be used: it must be a number of milliseconds "
				"from 100 "
				"to 2900") },
		{ "GATEWAY_TIMEOUT_MS", "-1",
			STR("GATEWAY_TIMEOUT_MS=-1 cannot be used: it must be a number of milliseconds from "
				"100 to "
				"2900") },
		{ "GATEWAY_TIMEOUT_MS", "2 500",
			STR("GATEWAY_TIMEOUT_MS=2 500 cannot be used: it must be a number of milliseconds from "
				"100 "
				"to 2900") },
		{ "GATEWAY_TIMEOUT_MS", "18446744073709554116",
			STR("GATEWAY_TIMEOUT_MS=18446744073709554116 cannot be used: it must be a number of "
				"milliseconds from 100 to 2900") },
		{ "GATEWAY_BASE_PATH", "/a b",
			STR("GATEWAY_BASE_PATH=/a b cannot be used: it must be the beginning of a URL path, "
				"such as /slack") },
		{ "GATEWAY_BASE_PATH", "/a?b",
			STR("GATEWAY_BASE_PATH=/a?b cannot be used: it must be the beginning of a URL path, "
				"such as /slack") },
		{ "GATEWAY_BASE_PATH", "/a#b",
			STR("GATEWAY_BASE_PATH=/a#b cannot be used: it must be the beginning of a URL path, "
				"such as /slack") },
		{ "GATEWAY_BASE_PATH", "/\xc3\xa4",
			STR("GATEWAY_BASE_PATH=/\xc3\xa4 cannot be used: it must be the beginning of a URL "
				"path, such as /slack") },
		{ "GATEWAY_RESPONSE_HOSTS", "https://hooks.slack.com",
			STR("GATEWAY_RESPONSE_HOSTS=https://hooks.slack.com cannot be used: " HOSTS_FORM) },
		{ "GATEWAY_RESPONSE_HOSTS", "hooks.slack.com,http://10.0.0.1:80",
			STR("GATEWAY_RESPONSE_HOSTS=http://10.0.0.1:80 cannot be used: " HOSTS_FORM) },
		{ "GATEWAY_RESPONSE_HOSTS", "*.slack.com",
			STR("GATEWAY_RESPONSE_HOSTS=*.slack.com cannot be used: " HOSTS_FORM) },
		{ "GATEWAY_RESPONSE_HOSTS", X60 X60 "/",
			STR("GATEWAY_RESPONSE_HOSTS=" X60 " cannot be used: " HOSTS_FORM) },
		{ "GATEWAY_LOG_LEVEL", "trace",
			STR("GATEWAY_LOG_LEVEL=trace cannot be used: it must be one of debug, info, warn, "
				"error") },
		{ "GATEWAY_LOG_LEVEL", "4",
			STR("GATEWAY_LOG_LEVEL=4 cannot be used: it must be one of debug, info, warn, error") },
		/* what begins with AWS_ may be secret, and people do exchange names */
		{ "AWS_LAMBDA_LOG_LEVEL", "wJalrXUtnFEMI",
			STR("AWS_LAMBDA_LOG_LEVEL cannot be used: it must be one of debug, info, warn, error, "
				"fatal, trace") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read_one(cases[i].name, cases[i].value), E_CONFIG);
		expect_int(fault.code, E_CONFIG);
		expect_str(fault_text(&fault), cases[i].message);
	}
}

TEST(config_names)
{
	static const struct {
		struct str name, value;
		bool want;
	} cases[] = {
		{ STR("GATEWAY_INSECURE_SKIP_VERIFY"), STR(""), true },
		{ STR("GATEWAY_ALLOW"), STR("x"), true },
		{ STR("GATEWAY_ACK"), STR("x"), true },
		{ STR("GATEWAY_ACK_TEXT"), STR("x"), true },
		{ STR("GATEWAY_ACK_TYPE"), STR("x"), true },
		{ STR("GATEWAY_TIMEOUT_MS"), STR("x"), true },
		{ STR("GATEWAY_BASE_PATH"), STR("x"), true },
		{ STR("GATEWAY_RESPONSE_HOSTS"), STR("x"), true },
		{ STR("GATEWAY_LOG_LEVEL"), STR("x"), true },
		{ STR("GATEWAY_"), STR("x"), false },
		{ STR("GATEWAY_ALOW"), STR("x"), false },
		{ STR("GATEWAY_ALLOWED"), STR("x"), false },
		{ STR("GATEWAY_allow"), STR("x"), false },
		{ STR("GATEWAY_SECRET"), STR("x"), false },
		/* not ours */
		{ STR(""), STR(""), true },
		{ STR("GATEWAY"), STR("x"), true },
		{ STR("gateway_alow"), STR("x"), true },
		{ STR("MY_GATEWAY_ALOW"), STR("x"), true },
		{ STR("SLACK_SIGNING_SECRET"), STR("x"), true },
		/* Kubernetes, for a Service named gateway, gateway-web, gateway-port */
		{ STR("GATEWAY_SERVICE_HOST"), STR("10.96.0.7"), true },
		{ STR("GATEWAY_SERVICE_PORT"), STR("80"), true },
		{ STR("GATEWAY_SERVICE_PORT_HTTP"), STR("80"), true },
		{ STR("GATEWAY_PORT"), STR("tcp://10.96.0.7:80"), true },
		{ STR("GATEWAY_PORT_80_TCP"), STR("tcp://10.96.0.7:80"), true },
		{ STR("GATEWAY_PORT_80_TCP_PROTO"), STR("tcp"), true },
		{ STR("GATEWAY_PORT_80_TCP_PORT"), STR("80"), true },
		{ STR("GATEWAY_PORT_80_TCP_ADDR"), STR("10.96.0.7"), true },
		{ STR("GATEWAY_WEB_SERVICE_HOST"), STR("10.96.0.8"), true },
		{ STR("GATEWAY_WEB_PORT"), STR("tcp://10.96.0.8:443"), true },
		{ STR("GATEWAY_WEB_PORT_443_TCP_ADDR"), STR("10.96.0.8"), true },
		{ STR("GATEWAY_PORT_SERVICE_HOST"), STR("10.96.0.9"), true },
		{ STR("GATEWAY_PORT_PORT"), STR("tcp://10.96.0.9:80"), true },
		{ STR("GATEWAY_PORT_PORT_80_TCP_PROTO"), STR("tcp"), true },
		{ STR("GATEWAY_PORT"), STR("8080"), false },
		{ STR("GATEWAY_PORT"), STR(""), false },
		{ STR("GATEWAY_PORT_"), STR("x"), false },
		{ STR("GATEWAY_PORT_80"), STR("x"), false },
		{ STR("GATEWAY_PORT_80_"), STR("x"), false },
		{ STR("GATEWAY_PORT_TCP"), STR("x"), false },
		{ STR("GATEWAY_PORT_X_TCP"), STR("x"), false },
		{ STR("GATEWAY_PORT_65536_TCP"), STR("x"), false },
		{ STR("GATEWAY_WEB_PORT"), STR("10.96.0.8"), false },
		{ STR("GATEWAY_SERVICE_HOSTS"), STR("x"), false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].name.p);
		expect_int(
			config_name_ok(guard_copy(cases[i].name), guard_copy(cases[i].value)), cases[i].want);
	}
}
