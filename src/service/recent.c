#include "service/recent.h"

#include "base/clock.h"
#include "os/lock.h"
#include "os/memory.h"

/* NULL where nobody will ask. */
static struct recent {
	struct lock lock;
	size_t count; /* so far */
	struct recent_request list[RECENT_MAX];
} *recent;

void recent_start(void)
{
	recent = memory_map(sizeof(*recent));
}

/* Of a kind that no form of the page can make much longer. */
static struct buf keep_text(char memory[static RECENT_TEXT_MAX], struct str text)
{
	struct buf b = { memory, 0, RECENT_TEXT_MAX, false };
	for (size_t i = 0; i < text.n; i++)
		buf_put_char(&b, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
	return b;
}

void recent_note(
	const struct decision *decision, int64_t arrived_ms, const char *outcome, struct str why)
{
	if (!recent)
		return;
	int64_t took = clock_wall_ms() - arrived_ms;
	lock_take(&recent->lock);
	struct recent_request *r = &recent->list[recent->count++ % RECENT_MAX];
	r->arrived_ms = arrived_ms;
	r->took_ms = took > 0 ? took : 0;
	r->kind = slack_kind_name(decision->slack.kind);
	r->outcome = outcome;
	r->target = keep_text(r->memory[0], decision->target.name);
	r->why = keep_text(r->memory[1], why);
	lock_give(&recent->lock);
}

void recent_read(void (*each)(void *ctx, const struct recent_request *r), void *ctx)
{
	lock_take(&recent->lock);
	for (size_t i = 0; i < RECENT_MAX && i < recent->count; i++)
		each(ctx, &recent->list[(recent->count - 1 - i) % RECENT_MAX]);
	lock_give(&recent->lock);
}
