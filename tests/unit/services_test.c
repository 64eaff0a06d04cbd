#include "service/services.h"

#include "base/clock.h"
#include "check.h"
#include "directory.h"
#include "os/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define KEYS { "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE" }, { "AWS_SECRET_ACCESS_KEY", "secret" }

enum { VARIABLES = 6 };

struct variable {
	const char *name, *value;
};

static const struct variable *variables;
static struct fault fault;

static const char *get(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < VARIABLES && variables[i].name; i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value;
	/* Nothing of the one who runs the tests. */
	return strcmp(name, "HOME") == 0 ? "/nonexistent" : NULL;
}

/* Services stay for ever: their memory does. */
static struct services *start(enum err want, const struct variable *list)
{
	static const struct environment env = { get, NULL };
	struct services *s = memory_map(sizeof(*s));
	variables = list;
	fault.n = 0;
	expect_int(services_start(s, &env, 1, &fault), want);
	return s;
}

TEST(services_start_with_what_lambda_sets)
{
	static const struct variable list[VARIABLES] = { { "SLACK_SIGNING_SECRET", SECRET },
		{ "AWS_REGION", "eu-west-1" }, { "AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001" }, KEYS };
	struct services *s = start(OK, list);
	struct invoker invoker;
	expect_str(s->aws.region, S("eu-west-1"));
	expect(s->credentials.fixed && !s->journal);
	expect_int(s->config.timeout_ms, 2500);
	expect(s->aws.trust == &s->aws_trust && s->aws.proxy == &s->proxy);
	expect(s->aws_trust.count > 5 && s->aws_trust.anchors == s->slack_trust.anchors);
	expect_int(services_keep_fresh(s, &fault), OK); /* there is nothing to renew */
	services_read_credentials_again(s);
	expect(!s->credentials.stale);
	services_invoker(&invoker, s);
	expect(invoker.aws == &s->aws && invoker.credentials == &s->credentials);
}

TEST(services_take_settings)
{
	static const struct variable list[VARIABLES] = { { "GATEWAY_INSECURE_SKIP_VERIFY", "1" },
		{ "AWS_DEFAULT_REGION", "us-gov-west-1" }, { "HTTPS_PROXY", "http://proxy.example:3128" },
		{ "GATEWAY_CONFIG",
			"{\"routes\":[{\"command\":\"/a\",\"invoke\":\"eu-west-1/f\"},"
			"{\"event\":\"message\",\"invoke\":\"eu-west-1/f\",\"ack\":\"nobody sees it\"}]}" },
		KEYS };
	struct services *s = start(OK, list);
	expect(s->config.skip_verify);
	expect_int(s->config.routes.count, 2);
	expect_str(s->aws.region, S("us-gov-west-1"));
	expect_str(s->proxy.servers[true].host, S("proxy.example"));
}

TEST(services_say_why_they_cannot_start)
{
	static const struct {
		struct variable list[VARIABLES];
		enum err want;
		struct str says; /* how the message begins */
	} cases[] = {
		{ { KEYS }, E_CONFIG, STR("SLACK_SIGNING_SECRET") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "GATEWAY_TIMEOUT_MS", "99" }, KEYS }, E_CONFIG,
			STR("GATEWAY_TIMEOUT_MS=99") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "GATEWAY_CONFIG", "{\"routes\":" }, KEYS },
			E_CONFIG, STR("GATEWAY_CONFIG") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "GATEWAY_CONFIG", "@/nonexistent/c" }, KEYS },
			E_FILE, STR("GATEWAY_CONFIG") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "SSL_CERT_FILE", "/nonexistent/c" }, KEYS },
			E_FILE, STR("SSL_CERT_FILE") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "AWS_CA_BUNDLE", "/dev/null" }, KEYS }, E_FILE,
			STR("AWS_CA_BUNDLE") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "AWS_PROFILE", "nobody" }, KEYS }, E_CONFIG,
			STR("AWS_PROFILE: profile nobody") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "AWS_ENDPOINT_URL", "ftp://x" }, KEYS }, E_CONFIG,
			STR("AWS_ENDPOINT_URL") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE" } }, E_CONFIG,
			STR("AWS_ACCESS_KEY_ID") },
		{ { { "SLACK_SIGNING_SECRET", "file:/nonexistent/s" }, KEYS }, E_FILE,
			STR("SLACK_SIGNING_SECRET") },
		{ { { "SLACK_SIGNING_SECRET", SECRET }, { "HTTPS_PROXY", "socks5://x" }, KEYS }, E_CONFIG,
			STR("HTTPS_PROXY") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		start(cases[i].want, cases[i].list);
		if (!str_starts(fault_text(&fault), cases[i].says))
			expect_str(fault_text(&fault), cases[i].says);
		expect(str_find_str(fault_text(&fault), S(SECRET)) == fault_text(&fault).n);
	}
}

/* A proxy that cannot be used stops only what would go through it. */
TEST(services_start_beside_a_proxy_that_nothing_uses)
{
	static const struct variable list[VARIABLES] = { { "SLACK_SIGNING_SECRET", SECRET },
		{ "HTTPS_PROXY", "socks5://x" }, { "NO_PROXY", "*" }, KEYS };
	start(OK, list);
}

TEST(services_keep_a_journal)
{
	char directory[] = "/tmp/services_test.XXXXXX";
	static const struct variable list[VARIABLES] = { { "SLACK_SIGNING_SECRET", SECRET }, KEYS };
	expect(mkdtemp(directory) != NULL);
	struct services *s = start(OK, list);
	expect_int(services_open_journal(s, str_c(directory), &fault), OK);
	expect(s->journal && !s->journal->refused && !s->journal->torn);
	struct services *second = start(OK, list);
	expect(services_open_journal(second, str_c(directory), &fault) != OK);
	journal_close(s->journal);
	directory_remove(directory);
}

static struct journal *reopen(const char *directory, struct services **s)
{
	static const struct variable list[VARIABLES] = { { "SLACK_SIGNING_SECRET", SECRET }, KEYS };
	*s = start(OK, list);
	expect_int(services_open_journal(*s, str_c(directory), &fault), OK);
	return (*s)->journal;
}

/* No thread writes here. */
static void close_journal(struct journal *j)
{
	journal_write(j);
	journal_close(j);
}

/* The clock may be set back while the program is down: by NTP, or on a machine that keeps no time
 * without power. */
TEST(services_remember_events_from_a_journal)
{
	char directory[] = "/tmp/services_test.XXXXXX";
	static const struct {
		int64_t ahead_ms;
		enum journal_fate fate;
		enum dedupe_verdict want;
		struct str key;
	} events[] = {
		{ -JOURNAL_EVENT_MS - 1000, JOURNAL_STARTED, DEDUPE_FIRST, STR("long ago") },
		{ -1000, JOURNAL_STARTED, DEDUPE_STARTED, STR("just now") },
		{ 2000, JOURNAL_STARTED, DEDUPE_STARTED, STR("in two seconds") },
		{ 3600000, JOURNAL_STARTED, DEDUPE_STARTED, STR("in an hour") },
		{ 2000, JOURNAL_ATTEMPTED, DEDUPE_FIRST, STR("attempted") },
	};
	int64_t now = clock_wall_ms();
	struct services *s;
	expect(mkdtemp(directory) != NULL);
	struct journal *j = reopen(directory, &s);
	for (size_t i = 0; i < countof(events); i++)
		expect(journal_event(j, events[i].key, events[i].fate, now + events[i].ahead_ms) !=
			JOURNAL_REFUSED);
	close_journal(j);
	j = reopen(directory, &s);
	for (size_t i = 0; i < countof(events); i++)
		expect_int(dedupe_begin(&s->dedupe, events[i].key, 0), events[i].want);
	close_journal(j);
	directory_remove(directory);
}

static int warnings;

static void count_warnings(const char *line, size_t n)
{
	warnings += str_find_str((struct str){ line, n }, S("may start it a second time")) < n;
}

static void put_line(const char *line, size_t n)
{
	expect(write(STDERR_FILENO, line, n) == (ssize_t)n);
}

/* Of an event that was attempted and not settled it is said once, however often the program starts;
 * of one that was started, never. */
TEST(services_warn_of_an_event_once)
{
	char directory[] = "/tmp/services_test.XXXXXX";
	int64_t now = clock_wall_ms();
	struct services *s;
	expect(mkdtemp(directory) != NULL);
	struct journal *j = reopen(directory, &s);
	(void)!journal_event(j, S("Ev1"), JOURNAL_ATTEMPTED, now);
	(void)!journal_event(j, S("Ev2"), JOURNAL_ATTEMPTED, now);
	(void)!journal_event(j, S("Ev2"), JOURNAL_STARTED, now);
	close_journal(j);
	log_set_writer(count_warnings);
	warnings = 0;
	for (int i = 0; i < 3; i++) {
		context("start %d", i);
		j = reopen(directory, &s);
		expect_int(warnings, 1);
		if (i < 2)
			close_journal(j);
	}
	/* Its next delivery is attempted, and interrupted again. */
	(void)!journal_event(j, S("Ev1"), JOURNAL_ATTEMPTED, now);
	close_journal(j);
	j = reopen(directory, &s);
	expect_int(warnings, 2);
	expect_int(dedupe_begin(&s->dedupe, S("Ev1"), 0), DEDUPE_FIRST);
	expect_int(dedupe_begin(&s->dedupe, S("Ev2"), 0), DEDUPE_STARTED);
	close_journal(j);
	log_set_writer(put_line);
	directory_remove(directory);
}
