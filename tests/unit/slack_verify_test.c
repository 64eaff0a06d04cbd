#include "check.h"
#include "slack/verify.h"

/* Slack's own example, https://docs.slack.dev/authentication/verifying-requests-from-slack */
#define SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define STAMP "1531420618"
#define SIGNATURE "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

enum { NOW = 1531420618 };

static struct slack_secrets secrets_of(struct str secret)
{
	struct slack_secrets s = { 0 };
	expect(slack_secrets_add(&s, secret, S("")));
	return s;
}

static struct str documented_body(void)
{
	struct str body = test_file("vectors/slack/command.form");
	expect_int(body.n, 362);
	return body;
}

/* With everything at a guard page; the age is thrown away. */
static enum slack_verdict verify(const struct slack_secrets *s, struct str timestamp,
	struct str signature, struct str body, int64_t now_s)
{
	const struct slack_secret *by;
	int64_t age_s;
	return slack_verify(
		s, &age_s, &by, guard_copy(timestamp), guard_copy(signature), guard_copy(body), now_s);
}

TEST(slack_verify_vectors)
{
	const struct {
		struct str body, signature;
	} cases[] = {
		{ documented_body(), S(SIGNATURE) },
		{ S(""), S("v0=55f41ec73231010289b54e669149ea021fccab11b5524355523533ce930cb739") },
		{ S("{\"token\":\"t\",\"challenge\":\"3eZbrw1aB\",\"type\":\"url_verification\"}"),
		  S("v0=f5aebbedaa8f13a9aef4c97c81707f31864a90d3c9a92dae4195596aebf34fe3") },
		{ S("{\"text\":\"gr\xc3\xbc\xc3\x9f" "e \xe2\x9c\x93\"}"),
		  S("v0=8fa6dc87862f60d22909038e71e3f0bb1a182d3c1eebf6732e7fa49060fad9d8") },
	};
	struct slack_secrets s = secrets_of(S(SECRET));
	for (size_t i = 0; i < countof(cases); i++) {
		char text[80];
		struct buf b = BUF(text);
		context("case %zu", i);
		expect_int(verify(&s, S(STAMP), cases[i].signature, cases[i].body, NOW), SLACK_GENUINE);
		slack_sign(&b, &s, S(STAMP), cases[i].body);
		expect_str(buf_str(&b), cases[i].signature);
		expect(!b.full);
	}
}

TEST(slack_verify_form_of_signature)
{
	static const struct {
		struct str signature;
		enum slack_verdict want;
	} cases[] = {
		{ STR(""), SLACK_UNSIGNED },
		{ STR("v0="), SLACK_MALFORMED },
		{ STR("v0"), SLACK_MALFORMED },
		{ STR(" " SIGNATURE), SLACK_MALFORMED },
		{ STR(SIGNATURE " "), SLACK_MALFORMED },
		{ STR(SIGNATURE "\n"), SLACK_MALFORMED },
		{ STR(SIGNATURE "0"), SLACK_MALFORMED },
		{ STR(SIGNATURE "," SIGNATURE), SLACK_MALFORMED },
		{ STR("a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			SLACK_MALFORMED },
		{ STR("V0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			SLACK_MALFORMED },
		{ STR("v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			SLACK_MALFORMED },
		{ STR("v0=A2114D57B48EAC39B9AD189DD8316235A7B4A8D21A10BD27519666489C69B503"),
			SLACK_MALFORMED },
		{ STR("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b50"),
			SLACK_MALFORMED },
		{ STR("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b50g"),
			SLACK_MALFORMED },
		{ STR("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b50\0"),
			SLACK_MALFORMED },
		{ STR("v0=\0"
			  "2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			SLACK_MALFORMED },
		{ STR("v0=0000000000000000000000000000000000000000000000000000000000000000"),
			SLACK_FORGED },
	};
	struct slack_secrets s = secrets_of(S(SECRET));
	struct str body = documented_body();
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(verify(&s, S(STAMP), cases[i].signature, body, NOW), cases[i].want);
	}
}

TEST(slack_verify_every_byte_counts)
{
	struct slack_secrets s = secrets_of(S(SECRET));
	struct str body = documented_body();
	const struct slack_secret *by;
	int64_t age_s;
	for (size_t i = 0; i < sizeof(SIGNATURE) - 1; i++) {
		char signature[] = SIGNATURE;
		signature[i] = signature[i] == '0' ? '1' : '0';
		context("byte %zu of the signature", i);
		expect(slack_verify(&s, &age_s, &by, S(STAMP),
				   (struct str){ signature, sizeof(signature) - 1 }, body, NOW) != SLACK_GENUINE);
		context("the first %zu bytes of the signature", i);
		expect(verify(&s, S(STAMP), str_sub(S(SIGNATURE), 0, i), body, NOW) != SLACK_GENUINE);
	}
	for (size_t i = 0; i < body.n; i++) {
		char text[362];
		struct buf b = BUF(text);
		buf_put(&b, body);
		text[i] = (char)(text[i] ^ 1 << test_random(8));
		context("byte %zu of the body", i);
		expect_int(
			slack_verify(&s, &age_s, &by, S(STAMP), S(SIGNATURE), buf_str(&b), NOW), SLACK_FORGED);
		context("the first %zu bytes of the body", i);
		expect_int(verify(&s, S(STAMP), S(SIGNATURE), str_sub(body, 0, i), NOW), SLACK_FORGED);
	}
}

TEST(slack_verify_form_of_timestamp)
{
	static const struct {
		struct str timestamp;
		enum slack_verdict want;
	} cases[] = {
		{ STR(""), SLACK_UNSIGNED },
		{ STR("1531420618 "), SLACK_MALFORMED },
		{ STR(" 1531420618"), SLACK_MALFORMED },
		{ STR("+1531420618"), SLACK_MALFORMED },
		{ STR("-1531420618"), SLACK_MALFORMED },
		{ STR("1531420618.0"), SLACK_MALFORMED },
		{ STR("1531420618s"), SLACK_MALFORMED },
		{ STR("0x5b479d4a"), SLACK_MALFORMED },
		{ STR("1531420618\0"), SLACK_MALFORMED },
		{ STR("1531420618,1531420618"), SLACK_MALFORMED },
		{ STR("1531420618:v0"), SLACK_MALFORMED },
		{ STR("0001531420618"), SLACK_MALFORMED },
		{ STR("18446744073709551615"), SLACK_MALFORMED },
		{ STR("18446744075240972234"), SLACK_MALFORMED }, /* NOW, once around */
		{ STR("999999999999"), SLACK_STALE },
		{ STR("0"), SLACK_STALE },
		{ STR("01531420618"), SLACK_FORGED }, /* the right time, but not the text that was signed */
		{ STR("1531420619"), SLACK_FORGED },
		{ STR("1531420618"), SLACK_GENUINE },
	};
	struct slack_secrets s = secrets_of(S(SECRET));
	struct str body = documented_body();
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(verify(&s, cases[i].timestamp, S(SIGNATURE), body, NOW), cases[i].want);
	}
}

TEST(slack_verify_window)
{
	static const struct {
		int64_t now_s, age_s;
		enum slack_verdict want;
	} cases[] = {
		{ NOW, 0, SLACK_GENUINE },
		{ NOW + 300, 300, SLACK_GENUINE },
		{ NOW + 301, 301, SLACK_STALE },
		{ NOW - 300, -300, SLACK_GENUINE },
		{ NOW - 301, -301, SLACK_STALE },
		{ 0, -NOW, SLACK_STALE },
		{ INT64_MAX, INT64_MAX - NOW, SLACK_STALE },
	};
	struct slack_secrets s = secrets_of(S(SECRET));
	struct str body = documented_body();
	for (size_t i = 0; i < countof(cases); i++) {
		const struct slack_secret *by;
	int64_t age_s = 12345;
		context("case %zu", i);
		expect_int(slack_verify(&s, &age_s, &by, S(STAMP), S(SIGNATURE), body, cases[i].now_s),
			cases[i].want);
		expect_int(age_s, cases[i].age_s);
	}
}

TEST(slack_verify_several_secrets)
{
	struct str body = documented_body();
	for (size_t count = 0; count <= SLACK_SECRETS_MAX; count++) {
		for (size_t right = 0; right <= count; right++) {
			struct slack_secrets s = { 0 };
			const struct slack_secret *by = NULL;
			int64_t age_s;
			for (size_t i = 0; i < count; i++)
				expect(slack_secrets_add(
					&s, i == right ? S(SECRET) : S("8f742231b10e8888abcd99yyyzzz85a6"), S("")));
			context("%zu secrets, the right one is %zu", count, right);
			expect_int(slack_verify(&s, &age_s, &by, S(STAMP), S(SIGNATURE), body, NOW),
				right < count ? SLACK_GENUINE : SLACK_FORGED);
			expect(by == (right < count ? &s.list[right] : NULL));
		}
	}
}

/* Three apps share a secret: whichever the body seems to name is the one that signed it. Slack's
 * forms of the name: a field, JSON in a field, JSON. */
TEST(slack_verify_tries_the_named_app_first)
{
	static const struct {
		struct str body;
		size_t by;
	} cases[] = {
		{ STR("token=x&api_app_id=A2&text=api_app_id%3DA3"), 2 },
		{ STR("payload=%7B%22type%22%3A%22shortcut%22%2C%22api_app_id%22%3A%22A3%22%7D"), 3 },
		{ STR("{\"api_app_id\": \"A1\", \"event\": {}}"), 1 },
		{ STR("{\"api_app_id\":\"A3\"}"), 3 },
		{ STR("{\"api_app_id\":\"B3\"}"), 0 },
		{ STR("api_app_id="), 0 },
		{ STR("api_app_id"), 0 },
		{ STR(""), 0 },
	};
	static const struct str apps[] = { STR(""), STR("A1"), STR("A2"), STR("A3") };
	struct slack_secrets s = { 0 };
	for (size_t i = 0; i < countof(apps); i++)
		expect(slack_secrets_add(&s, S(SECRET), apps[i]));
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[80];
		struct buf signature = BUF(memory);
		const struct slack_secret *by = NULL;
		int64_t age_s;
		context("%s", cases[i].body.p);
		slack_sign(&signature, &s, S(STAMP), cases[i].body);
		expect_int(slack_verify(&s, &age_s, &by, S(STAMP), buf_str(&signature), cases[i].body, NOW),
			SLACK_GENUINE);
		expect(by == &s.list[cases[i].by]);
	}
}

/* With one secret for everybody, and two apps that have their own. */
TEST(slack_secrets_of_apps)
{
	static const struct {
		size_t key;
		struct str app;
		bool want;
	} cases[] = {
		{ 0, STR(""), true },
		{ 1, STR(""), true },
		{ 0, STR("A1"), false },
		{ 1, STR("A1"), true },
		{ 2, STR("A1"), true },
		{ 3, STR("A1"), false },
		{ 0, STR("A2"), false },
		{ 1, STR("A2"), false },
		{ 2, STR("A2"), false },
		{ 3, STR("A2"), true },
		{ 0, STR("A3"), true },
		{ 1, STR("A3"), false },
		{ 3, STR("A3"), false },
		{ 0, STR("A"), true },
	};
	struct slack_secrets s = { 0 };
	expect(slack_secrets_add(&s, S("for everybody"), S("")));
	expect(slack_secrets_add(&s, S("old one of A1"), S("A1")));
	expect(slack_secrets_add(&s, S("new one of A1"), S("A1")));
	expect(slack_secrets_add(&s, S("the one of A2"), S("A2")));
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(slack_secrets_admit(&s, &s.list[cases[i].key], guard_copy(cases[i].app)),
			cases[i].want);
	}
}

/* One that nobody knows yet signs nothing; only while there is one, what is signed with none of the
 * others is undecided. */
TEST(slack_secrets_that_are_missing)
{
	const struct slack_secret missing = { .app = S("A1"), .missing = true };
	const struct slack_secret *by = NULL;
	int64_t age_s;
	for (size_t at = 0; at < 2; at++) {
		struct slack_secrets s = secrets_of(S(SECRET));
		s.list[1] = s.list[0];
		s.list[at] = missing;
		s.count = 2;
		context("missing at %zu", at);
		expect_int(slack_verify(&s, &age_s, &by, S(STAMP), S(SIGNATURE),
					   test_file("vectors/slack/command.form"), NOW),
			SLACK_GENUINE);
		expect(by == &s.list[!at]);
		expect_int(verify(&s, S(STAMP), S(SIGNATURE), S("other"), NOW), SLACK_UNDECIDED);
		expect_int(verify(&s, S(STAMP), S(SIGNATURE), S("other"), NOW + 301), SLACK_STALE);
		expect_int(verify(&s, S(STAMP), S(""), S("other"), NOW), SLACK_UNSIGNED);
		/* Nor does somebody else's do for the app that it belongs to. */
		expect(!slack_secrets_admit(&s, &s.list[!at], S("A1")));
		expect(slack_secrets_admit(&s, &s.list[!at], S("A2")));
	}
	struct slack_secrets none = { .count = 1, .list = { missing } };
	expect_int(verify(&none, S(STAMP), S(SIGNATURE), test_file("vectors/slack/command.form"), NOW),
		SLACK_UNDECIDED);
}

TEST(slack_secrets_limits)
{
	struct slack_secrets s = { 0 };
	expect(!slack_secrets_add(&s, S(""), S("")));
	expect_int(s.count, 0);
	for (size_t i = 0; i < SLACK_SECRETS_MAX; i++)
		expect(slack_secrets_add(&s, guard_copy(S(SECRET)), S("")));
	expect(!slack_secrets_add(&s, S(SECRET), S("")));
	expect_int(s.count, SLACK_SECRETS_MAX);
}

/* A secret as people write it down, in a variable or in a file. */
TEST(slack_secret_forms)
{
	static const struct {
		struct str secret, trimmed;
		const char *fault;
	} cases[] = {
		{ STR("8f742231b10e8888abcd99yyyzzz85a5"), STR("8f742231b10e8888abcd99yyyzzz85a5"), "" },
		{ STR(" abc\r\n"), STR("abc"), "" },
		{ STR("\xef\xbb\xbf"
			  "abc\n"),
			STR("abc"), "" },
		{ STR("\xef\xbb\xbf \n"), STR(""), "is empty" },
		{ STR(""), STR(""), "is empty" },
		{ STR("\"abc\""), STR("\"abc\""), "has quotes around it" },
		{ STR("'abc'"), STR("'abc'"), "has quotes around it" },
		{ STR("abc\""), STR("abc\""), "has quotes around it" },
		{ STR("\xe2\x80\x9c"
			  "abc\xe2\x80\x9d"),
			STR("\xe2\x80\x9c"
				"abc\xe2\x80\x9d"),
			"has characters in it" },
		{ STR("xoxb-1-a"), STR("xoxb-1-a"), "is a token" },
		{ STR("xoxp-1-a"), STR("xoxp-1-a"), "is a token" },
		{ STR("xoxe.xoxb-1"), STR("xoxe.xoxb-1"), "is a token" },
		{ STR("xapp-1-A1-a"), STR("xapp-1-A1-a"), "is a token" },
		{ STR("\xff\xfe"
			  "a\0b\0"),
			STR("\xff\xfe"
				"a\0b\0"),
			"is UTF-16" },
		{ STR("\xfe\xff\0a"), STR("\xfe\xff\0a"), "is UTF-16" },
		{ STR("a\0b"), STR("a\0b"), "is UTF-16" },
		{ STR("{\"secret\":\"abc\"}"), STR("{\"secret\":\"abc\"}"), "is JSON" },
		{ STR("ab\tc"), STR("ab\tc"), "has characters in it" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct str trimmed = str_trim_text(guard_copy(cases[i].secret));
		context("case %zu", i);
		expect_str(trimmed, cases[i].trimmed);
		expect(str_starts(slack_secret_fault(trimmed), str_c(cases[i].fault)));
		expect_int(slack_secret_fault(trimmed).n > 0, cases[i].fault[0] != 0);
	}
}
