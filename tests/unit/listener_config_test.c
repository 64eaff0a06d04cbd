#include "listener/config.h"

#include "check.h"
#include "net/place.h"

#include <string.h>

struct variable {
	const char *name, *value;
};

enum { VARIABLES = 3 };

static struct listener_config config;
static struct fault fault;

static const char *get(void *ctx, const char *name)
{
	const struct variable *list = ctx;
	for (size_t i = 0; i < VARIABLES && list[i].name; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return NULL;
}

static enum err read(const struct variable *variables)
{
	struct environment env = { get, (void *)(uintptr_t)variables };
	fault.n = 0;
	return listener_config_read(&config, &env, &fault);
}

TEST(listener_config_defaults)
{
	expect_int(read((const struct variable[VARIABLES]){ { 0 } }), OK);
	expect_str(config.address, S("127.0.0.1:8080"));
	expect(!config.metrics_address.n && !config.admin_address.n && !config.journal.n);
	expect(!config.tls_cert.n && !config.tls_key.n && !config.functions.n);
	expect_int(config.connections, 10000);
	expect_int(config.idle_s, 75);
	expect_int(config.workers, 64);
	expect_int(config.function_timeout_s, 900);
	expect_int(config.function_limit, 16);
	expect_int(config.proxies.count, 0);
}

TEST(listener_config_of_an_address)
{
	static const struct {
		struct variable variables[VARIABLES];
		struct str want;
	} cases[] = {
		{ { { "PORT", "80" } }, STR("0.0.0.0:80") },
		{ { { "PORT", "65535" } }, STR("0.0.0.0:65535") },
		{ { { "PORT", "0" } }, STR("0.0.0.0:0") },
		{ { { "PORT", "" } }, STR("127.0.0.1:8080") },
		{ { { "PORT", "80" }, { "GATEWAY_LISTEN", "[::1]:81" } }, STR("[::1]:81") },
		{ { { "PORT", "none" }, { "GATEWAY_LISTEN", ":82" } }, STR(":82") },
		{ { { "GATEWAY_LISTEN", "unix:/run/g,mode=0660" } }, STR("unix:/run/g,mode=0660") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].variables), OK);
		expect_str(config.address, cases[i].want);
	}
}

TEST(listener_config_takes_numbers_within_bounds)
{
	static const struct {
		const char *name;
		size_t *out, least, most;
	} numbers[] = {
		{ "GATEWAY_WORKERS", &config.workers, 1, 1024 },
		{ "GATEWAY_CONNECTIONS", &config.connections, 16, 1000000 },
		{ "GATEWAY_IDLE_TIMEOUT", &config.idle_s, 1, 86400 },
		{ "GATEWAY_FUNCTION_TIMEOUT", &config.function_timeout_s, 1, 86400 },
		{ "GATEWAY_FUNCTION_LIMIT", &config.function_limit, 1, 1024 },
	};
	static const char *const bad[] = { "", "x", "-1", "1.5", "1 0", "99999999999999999999" };
	for (size_t i = 0; i < countof(numbers); i++) {
		const size_t values[] = { numbers[i].least, numbers[i].most, numbers[i].least - 1,
			numbers[i].most + 1 };
		for (size_t j = 0; j < countof(values); j++) {
			char text[24];
			struct buf b = BUF(text);
			buf_format(&b, "%d%s", NUM(values[j]), (struct str){ "", 1 });
			context("%s=%s", numbers[i].name, text);
			expect_int(read((const struct variable[VARIABLES]){ { numbers[i].name, text } }),
				j < 2 ? OK : E_CONFIG);
			if (j < 2)
				expect_int(*numbers[i].out, values[j]);
			else
				expect(str_starts(fault_text(&fault), str_c(numbers[i].name)));
		}
		for (size_t j = 1; j < countof(bad); j++) {
			context("%s=%s", numbers[i].name, bad[j]);
			expect_int(
				read((const struct variable[VARIABLES]){ { numbers[i].name, bad[j] } }), E_CONFIG);
		}
	}
}

TEST(listener_config_with_https)
{
	expect_int(read((const struct variable[VARIABLES]){
				   { "GATEWAY_TLS_CERT", "/c" }, { "GATEWAY_TLS_KEY", "/k" } }),
		OK);
	expect_str(config.tls_cert, S("/c"));
	expect_str(config.tls_key, S("/k"));
	expect_int(config.connections, 1000);
	expect_int(read((const struct variable[VARIABLES]){ { "GATEWAY_TLS_CERT", "/c" },
				   { "GATEWAY_TLS_KEY", "/k" }, { "GATEWAY_CONNECTIONS", "20" } }),
		OK);
	expect_int(config.connections, 20);
}

TEST(listener_config_refuses)
{
	static const struct {
		struct variable variables[VARIABLES];
		struct str says; /* how the message begins */
	} cases[] = {
		{ { { "PORT", "65536" } },
			STR("PORT=65536 cannot be used: it must be a number from 0 to 65535") },
		{ { { "PORT", "http" } }, STR("PORT=http cannot be used") },
		{ { { "GATEWAY_TLS_CERT", "/c" } },
			STR("GATEWAY_TLS_KEY is missing: HTTPS needs both") },
		{ { { "GATEWAY_TLS_KEY", "/k" } },
			STR("GATEWAY_TLS_CERT is missing: HTTPS needs both") },
		{ { { "GATEWAY_LISTEN", "8080" } }, STR("GATEWAY_LISTEN: cannot listen on 8080: ") },
		{ { { "GATEWAY_METRICS_LISTEN", "localhost" } },
			STR("GATEWAY_METRICS_LISTEN: cannot listen on localhost: ") },
		{ { { "GATEWAY_ADMIN_LISTEN", "unix:x" } },
			STR("GATEWAY_ADMIN_LISTEN: cannot listen on unix:x: ") },
		{ { { "GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8, proxy" } },
			STR("GATEWAY_TRUSTED_PROXIES=proxy cannot be used: it must be a list of ADDRESS") },
		{ { { "GATEWAY_TRUSTED_PROXIES", "10.0.0.0/33" } },
			STR("GATEWAY_TRUSTED_PROXIES=10.0.0.0/33 cannot be used") },
		{ { { "GATEWAY_JOURNAL", "/f/j" }, { "GATEWAY_FUNCTIONS", "/f" } },
			STR("GATEWAY_JOURNAL must not lie in GATEWAY_FUNCTIONS") },
		{ { { "GATEWAY_JOURNAL", "/f/j" }, { "GATEWAY_FUNCTIONS", "/f//" } },
			STR("GATEWAY_JOURNAL must not lie in GATEWAY_FUNCTIONS") },
		{ { { "GATEWAY_JOURNAL", "/f" }, { "GATEWAY_FUNCTIONS", "/" } },
			STR("GATEWAY_JOURNAL must not lie in GATEWAY_FUNCTIONS") },
		{ { { "GATEWAY_JOURNAL", "/f" }, { "GATEWAY_FUNCTIONS", "/f" } },
			STR("GATEWAY_JOURNAL must not lie in GATEWAY_FUNCTIONS") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(read(cases[i].variables), E_CONFIG);
		if (!str_starts(fault_text(&fault), cases[i].says))
			expect_str(fault_text(&fault), cases[i].says);
	}
	expect_int(read((const struct variable[VARIABLES]){ { "GATEWAY_JOURNAL", "/functions-journal" },
				   { "GATEWAY_FUNCTIONS", "/functions" } }),
		OK);
}

TEST(listener_config_of_proxies)
{
	char many[TRUSTED_PROXIES_MAX * 9 + 16];
	struct buf b = BUF(many);
	expect_int(read((const struct variable[VARIABLES]){
				   { "GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8 ,192.0.2.7,2001:db8::/32" } }),
		OK);
	expect_int(config.proxies.count, 3);
	for (size_t i = 0; i <= TRUSTED_PROXIES_MAX; i++)
		buf_put(&b, i ? S(",10.0.0.1") : S("10.0.0.1"));
	buf_put(&b, (struct str){ "", 1 });
	expect_int(
		read((const struct variable[VARIABLES]){ { "GATEWAY_TRUSTED_PROXIES", many } }), E_CONFIG);
	expect_str(fault_text(&fault), S("GATEWAY_TRUSTED_PROXIES has more than 64 entries"));
}

TEST(place_is_an_address_and_what_its_socket_gets)
{
	static const struct {
		struct str text, address, group;
		int mode;
	} good[] = {
		{ STR("127.0.0.1:80"), STR("127.0.0.1:80"), STR(""), -1 },
		{ STR(":80"), STR(":80"), STR(""), -1 },
		{ STR("unix:/run/g"), STR("unix:/run/g"), STR(""), -1 },
		{ STR("unix:/run/g,mode=0660"), STR("unix:/run/g"), STR(""), 0660 },
		{ STR("unix:/run/g,group=www-data"), STR("unix:/run/g"), STR("www-data"), -1 },
		{ STR("unix:/run/g,group=33,mode=777"), STR("unix:/run/g"), STR("33"), 0777 },
		{ STR("unix:/run/g,mode=0"), STR("unix:/run/g"), STR(""), 0 },
	};
	static const struct str bad[] = { STR("unix:/run/g,mode="), STR("unix:/run/g,mode=0888"),
		STR("unix:/run/g,mode=1000"), STR("unix:/run/g,mode"), STR("unix:/run/g,group="),
		STR("unix:/run/g,owner=x"), STR("unix:/run/g,,mode=660"), STR("unix:g,mode=660"),
		STR("127.0.0.1:80,mode=660"), STR("") };
	struct place place;
	for (size_t i = 0; i < countof(good); i++) {
		context("%.*s", (int)good[i].text.n, good[i].text.p);
		expect_int(place_parse(&place, guard_copy(good[i].text), &fault), OK);
		expect_str(place.address, good[i].address);
		expect_str(place.group, good[i].group);
		expect_int(place.mode, good[i].mode);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		context("%.*s", (int)bad[i].n, bad[i].p);
		expect_int(place_parse(&place, guard_copy(bad[i]), &fault), E_CONFIG);
		expect(str_starts(fault_text(&fault), S("cannot listen on ")));
	}
}
