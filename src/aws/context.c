#include "aws/context.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>

enum { SKEW_TOLERATED_MS = 4 * 60 * 1000 }; /* AWS tolerates five minutes */

int64_t aws_now_ms(const struct aws_context *c)
{
	return clock_wall_ms() + atomic_load(&c->skew_ms);
}

bool aws_clock_correct(
	struct aws_context *c, int64_t used_skew_ms, enum refusal refusal, const struct http_head *head)
{
	int64_t date;
	if (!head || !utc_from_http_date(&date, http_field_get(head, S("date"))))
		return false;
	int64_t skew_ms = date * 1000 - clock_wall_ms(), off_ms = skew_ms - used_skew_ms;
	bool far = off_ms > SKEW_TOLERATED_MS || off_ms < -SKEW_TOLERATED_MS;
	if (refusal != REFUSAL_CLOCK && !(far && refusal == REFUSAL_SIGNATURE))
		return false;
	LOG(LOG_WARN, "the clock of this machine is wrong: signing with the server's time", "offset_s#",
		NUM(skew_ms / 1000));
	atomic_store(&c->skew_ms, skew_ms);
	return true;
}
