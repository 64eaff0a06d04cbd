#include "service/signing_secrets.h"

#include "base/clock.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/secrets_test.XXXXXX";
static struct aws_context client; /* without a region nothing can be fetched from AWS */
static struct credential_chain chain = { .aws = &client };
static struct fault fault;

static void write_file(struct str text)
{
	char new[sizeof(path)] = "/tmp/secrets_test.XXXXXX";
	static bool made;
	if (!made)
		close(mkstemp(path));
	made = true;
	int fd = mkstemp(new);
	expect(
		write(fd, text.p, text.n) == (ssize_t)text.n && close(fd) == 0 && rename(new, path) == 0);
}

/* For the file above, a parameter that cannot be fetched, and literals: "f", "p" and the rest. */
static struct config config_of(const struct str *sources, size_t count)
{
	struct config c = { .allow = S("*/*"), .ack_type = S("ephemeral") };
	for (size_t i = 0; i < count; i++) {
		struct secret_source *to = &c.sources[c.sources_count++];
		*to = (struct secret_source){ .text = sources[i], .name = sources[i] };
		if (str_eq(sources[i], S("f")))
			*to = (struct secret_source){ SECRET_FILE, S("file:..."), str_c(path), S("A1") };
		else if (str_eq(sources[i], S("p")))
			*to = (struct secret_source){ SECRET_SSM, S("ssm:/slack"), S("/slack"), S("A2") };
	}
	return c;
}
#define CONFIG(...)                                                                                \
	config_of((const struct str[]){ __VA_ARGS__ }, countof(((const struct str[]){ __VA_ARGS__ })))

/* What a set holds, in order: letters of which each is a secret's text, '-' for one that is
 * missing. */
static void expect_secrets(const struct slack_secrets *set, const char *want)
{
	expect_int(set->count, strlen(want));
	for (size_t i = 0; i < set->count && want[i]; i++) {
		struct hmac_key key;
		hmac_key(&key, (struct str){ &want[i], 1 });
		expect_int(set->list[i].missing, want[i] == '-');
		if (want[i] != '-')
			expect(memcmp(&key, &set->list[i].key, sizeof(key)) == 0);
	}
}

static struct signing_secrets *start(const struct config *c)
{
	static struct signing_secrets s;
	memset(&s, 0, sizeof(s));
	client.region = S("eu-west-1");
	expect_int(signing_secrets_init(&s, c, &chain, &fault), OK);
	client.region = S("");
	return &s;
}

static const struct slack_secrets *current(const struct signing_secrets *s)
{
	return &s->sets[s->generation.current];
}

TEST(secrets_that_are_literals)
{
	struct config c = CONFIG(S("a"), S("b"));
	struct signing_secrets *s = start(&c);
	expect_secrets(current(s), "ab");
	expect(!s->refreshable && !s->scratch.p);
	expect(
		!signing_secrets_may_help(s, SLACK_FORGED) && !signing_secrets_renew(s, SLACK_FORGED, 0));
	signing_secrets_read_aside(s, true);
	expect(!s->busy);
}

TEST(secrets_in_a_file)
{
	static const struct {
		struct str text;
		const char *want; /* NULL: it is refused */
	} cases[] = {
		{ STR("b"), "abc" },
		{ STR("b\n"), "abc" },
		{ STR("\r\n b\t\r\n"), "abc" },
		{ STR("b,d"), "abdc" },
		{ STR("b\nd\n"), "abdc" },
		{ STR("b, ,\n\n,d"), "abdc" },
		{ STR("b\r\nd"), "abdc" },
		{ STR("b"), "abc" },
		{ STR(""), NULL },
		{ STR(" \n,\n"), NULL },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		write_file(cases[i].text);
		struct config c = CONFIG(S("a"), S("f"), S("c"));
		if (cases[i].want) {
			struct signing_secrets *s = start(&c);
			expect_secrets(current(s), cases[i].want);
			expect_str(current(s)->list[1].app, S("A1"));
			expect(!signing_secrets_may_help(s, SLACK_FORGED)); /* they were read just now */
		} else {
			struct signing_secrets s = { 0 };
			expect_int(signing_secrets_init(&s, &c, &chain, &fault), E_FILE);
			expect_str(fault_text(&fault),
				S("GATEWAY_CONFIG: a signing secret cannot be read from file:...: it is empty"));
		}
	}
	unlink(path);
	struct config c = CONFIG(S("f"));
	c.sources[0].name = S("/nowhere/secret");
	struct signing_secrets s = { 0 };
	expect_int(signing_secrets_init(&s, &c, &chain, &fault), E_FILE);
	expect_str(fault_text(&fault),
		S("GATEWAY_CONFIG: a signing secret cannot be read from file:...: /nowhere/secret cannot "
		  "be read: No such file or directory"));
	c.skip_verify = true;
	s = (struct signing_secrets){ 0 };
	expect_int(signing_secrets_init(&s, &c, &chain, &fault), OK);
	expect(!s.refreshable);
}

TEST(secrets_on_a_network_without_a_region)
{
	struct config c = CONFIG(S("a"), S("p"));
	struct signing_secrets s = { 0 };
	expect_int(signing_secrets_init(&s, &c, &chain, &fault), E_CONFIG);
	expect(str_find_str(fault_text(&fault), S("ssm:/slack: no region to ask in")) < fault.n);
}

TEST(secrets_more_than_there_is_room_for)
{
	static char text[2 * SLACK_SECRETS_MAX];
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "x\n", 2);
	struct config c = CONFIG(S("a"), S("f"), S("p"), S("b"));
	write_file((struct str){ text, sizeof(text) - 6 });
	expect_int(start(&c)->sets[0].count, SLACK_SECRETS_MAX);
	write_file((struct str){ text, sizeof(text) - 4 });
	struct signing_secrets s = { 0 };
	client.region = S("eu-west-1");
	expect_int(signing_secrets_init(&s, &c, &chain, &fault), E_FILE);
	client.region = S("");
	expect_int(s.sets[0].count, 4);
	unlink(path);
}

/* Once a minute, and when something has never been read once a second. */
TEST(secrets_that_cannot_be_fetched)
{
	struct config c = CONFIG(S("a"), S("p"), S("f"));
	write_file(S("b"));
	struct signing_secrets *s = start(&c);
	expect_secrets(current(s), "a-b");
	expect_str(current(s)->list[1].app, S("A2"));
	expect(signing_secrets_may_help(s, SLACK_UNDECIDED) &&
		!signing_secrets_may_help(s, SLACK_STALE) && !signing_secrets_may_help(s, SLACK_GENUINE));
	write_file(S("c"));
	int64_t before = clock_mono_ms();
	expect(signing_secrets_renew(s, SLACK_UNDECIDED, before));
	expect_secrets(current(s), "a-c");
	expect(s->due >= before + 1000 && s->due <= clock_mono_ms() + 1000);
	expect(!signing_secrets_renew(s, SLACK_UNDECIDED, before));
	s->due = 0;
	unlink(path);
	expect(signing_secrets_renew(s, SLACK_FORGED, before));
	expect_secrets(current(s), "a-c");
	write_file(S("d\ne"));
	struct fault f;
	struct deadline d = deadline_in(1000);
	expect_int(signing_secrets_read(s, &d, &f), E_CONFIG);
	expect_str(fault_text(&f),
		S("GATEWAY_CONFIG: a signing secret cannot be read from ssm:/slack: no region to ask in; "
		  "set AWS_REGION, or give its ARN"));
	expect_secrets(&s->sets[0], "a-de");
	unlink(path);
}

TEST(secrets_replaced_while_they_are_held)
{
	struct config c = CONFIG(S("f"), S("a"));
	write_file(S("b"));
	struct signing_secrets *s = start(&c);
	const struct slack_secrets *held = signing_secrets_hold(s);
	write_file(S("c\nd"));
	signing_secrets_read_aside(s, false);
	expect(!s->busy);
	signing_secrets_read_aside(s, true);
	struct deadline d = deadline_in(10000);
	while (current(s) == held && deadline_sleep(&d, 1))
		;
	expect_secrets(held, "ba");
	expect_secrets(current(s), "cda");
	/* the reader waits for the one who holds, to wipe what is old; others wait for the reader */
	expect(s->busy && signing_secrets_may_help(s, SLACK_FORGED));
	signing_secrets_release(s, held);
	signing_secrets_wait(s, &d);
	expect(!s->busy && !signing_secrets_may_help(s, SLACK_FORGED));
	static const struct slack_secrets wiped;
	expect(memcmp(held, &wiped, sizeof(wiped)) == 0);
	expect_secrets(current(s), "cda");
	unlink(path);
}
