#include "check.h"
#include "gateway/key.h"

#include <string.h>

static char text[REQUEST_KEY_SIZE];

static struct str key_of(const struct decision *d)
{
	static char memory[16][REQUEST_KEY_SIZE];
	static size_t next;
	request_key(text, d, S("request"));
	char *out = memory[next++ % countof(memory)];
	memcpy(out, text, sizeof(text));
	return (struct str){ out, REQUEST_KEY_SIZE };
}

static struct decision event_of(struct str app, struct str secret, struct str id)
{
	struct decision d = {
		.app = app,
		.has_key = secret.n > 0,
		.target = { S("eu-west-1"), S("f"), S("eu-west-1/f") },
		.slack = { .kind = SLACK_EVENT,
			.event_id = id,
			.team_id = S("T1"),
			.api_app_id = S("A1"),
			.message_ts = S("1.2"),
			.channels_count = 1,
			.channels = { S("C1") } },
	};
	if (secret.n)
		hmac_key(&d.key, secret);
	return d;
}

/* Every part tells two apart; what is not a part does not. */
TEST(key_parts)
{
	struct decision d = event_of(S("A1"), S("x"), S("Ev1")), other = d;
	struct str key = key_of(&d);
	for (size_t i = 0; i < key.n; i++)
		expect(is_digit((unsigned char)key.p[i]) || (key.p[i] >= 'a' && key.p[i] <= 'f'));
	expect_str(key_of(&other), key);
	context("what is no part");
	other.slack.api_app_id = S("A9"), other.slack.message_ts = S("9.9"),
	other.slack.trigger_id = S("t");
	hmac_key(&other.key, S("y"));
	expect_str(key_of(&other), key);
	context("app");
	other = event_of(S("A2"), S("x"), S("Ev1"));
	expect(!str_eq(key_of(&other), key));
	context("event");
	other = event_of(S("A1"), S("x"), S("Ev2"));
	expect(!str_eq(key_of(&other), key));
	context("team");
	other = d, other.slack.team_id = S("T2");
	expect(!str_eq(key_of(&other), key));
	context("target");
	other = d, other.target.name = S("eu-west-1/g");
	expect(!str_eq(key_of(&other), key));
	context("the same bytes in other parts");
	other = d, other.slack.team_id = S("T"), other.slack.event_id = S("1Ev1");
	expect(!str_eq(key_of(&other), key));
}

/* Without a list of apps, the secret tells them apart, with what the request says. */
TEST(key_without_apps)
{
	struct decision d = event_of(S(""), S("x"), S("Ev1")), other = d;
	struct str key = key_of(&d);
	expect_str(key_of(&other), key);
	hmac_key(&other.key, S("y"));
	expect(!str_eq(key_of(&other), key));
	other = d, other.slack.api_app_id = S("A2");
	expect(!str_eq(key_of(&other), key));
	other = event_of(S(""), S(""), S("Ev1"));
	expect(!str_eq(key_of(&other), key));
}

TEST(key_of_a_message)
{
	static const struct route once = { .once_message = true };
	struct decision d = event_of(S("A1"), S("x"), S("Ev1")),
					other = event_of(S("A1"), S("x"), S("Ev2"));
	d.route = other.route = &once;
	expect_str(key_of(&d), key_of(&other));
	other.slack.message_ts = S("1.3");
	expect(!str_eq(key_of(&d), key_of(&other)));
	other = d, other.slack.channels[0] = S("C2");
	expect(!str_eq(key_of(&d), key_of(&other)));
	context("an event without a message");
	d.slack.message_ts = S("");
	other = d, other.slack.event_id = S("Ev2");
	expect(!str_eq(key_of(&d), key_of(&other)));
	d.slack.event_id = S(""), d.slack.message_ts = S("1.2");
	expect(request_is_repeatable(&d));
	d.route = NULL;
	expect(!request_is_repeatable(&d));
}

/* What Slack delivers once has a name all the same, for targets that want one. */
TEST(key_of_what_comes_once)
{
	struct decision d = event_of(S("A1"), S("x"), S(""));
	d.slack.kind = SLACK_COMMAND, d.slack.trigger_id = S("1.2");
	struct decision other = d;
	expect(!request_is_repeatable(&d));
	expect_str(key_of(&d), key_of(&other));
	other.slack.trigger_id = S("1.3");
	expect(!str_eq(key_of(&d), key_of(&other)));
	other.slack.trigger_id = S("");
	d.slack.trigger_id = S("request");
	expect(!str_eq(key_of(&d), key_of(&other)));
}
