#include "base/clock.h"
#include "check.h"
#include "service/recent.h"

#include <string.h>

static struct recent_request seen[RECENT_MAX];
static size_t seen_n;

static void see(void *ctx, const struct recent_request *r)
{
	expect(ctx == &seen_n && seen_n < RECENT_MAX);
	seen[seen_n++] = *r;
}

static void look(void)
{
	seen_n = 0;
	recent_read(see, &seen_n);
}

/* The state is the process's, so one test goes through its life. */
TEST(recent_keeps_the_last_hundred_as_printable_text)
{
	char text[2 * RECENT_TEXT_MAX];
	struct decision d = { .target.name = S("eu-west-1/first"), .slack.kind = SLACK_COMMAND };
	/* Nobody asks yet. */
	recent_note(&d, 0, "started", S(""));
	recent_start();
	look();
	expect_int(seen_n, 0);

	recent_note(&d, clock_wall_ms() - 250, "not started", S("a\x1b[1m\n\xc3\xa4<&\"\x7f"));
	look();
	expect_int(seen_n, 1);
	expect_str(seen[0].kind, S("slash_command"));
	expect_str(str_c(seen[0].outcome), S("not started"));
	expect(seen[0].took_ms >= 250 && seen[0].took_ms < 60000);
	expect_str(buf_str(&seen[0].target), S("eu-west-1/first"));
	expect_str(buf_str(&seen[0].why), S("a?[1m?\?\?<&\"?"));

	/* A clock that was set back in between. */
	memset(text, 'x', sizeof(text));
	recent_note(&d, clock_wall_ms() + 3600000, "started", (struct str){ text, sizeof(text) });
	look();
	expect_int(seen_n, 2);
	expect_int(seen[0].took_ms, 0);
	expect_int(seen[0].why.n, RECENT_TEXT_MAX);
	expect_str(str_c(seen[1].outcome), S("not started"));

	for (int i = 0; i < RECENT_MAX + 1; i++) {
		d.target.name = DIGITS(i);
		recent_note(&d, i, "started", S(""));
	}
	look();
	expect_int(seen_n, RECENT_MAX);
	expect_str(buf_str(&seen[0].target), S("100"));
	expect_str(buf_str(&seen[RECENT_MAX - 1].target), S("1"));
	expect_int(seen[RECENT_MAX - 1].arrived_ms, 1);
}
