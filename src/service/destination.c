#include "service/destination.h"

#include "codec/json_write.h"
#include "gateway/relay.h"
#include "service/metrics.h"
#include "service/respond.h"

/* Posts what `record` holds. *silent: there was nothing to say. */
static enum err post_result(struct services *s, bool *silent, const struct record *record,
	struct deadline *d, struct arena *arena, struct fault *f)
{
	struct result result;
	const struct result_use use = {
		.kind = record->kind, .has_url = true, .function = record->function
	};
	if (result_read(&result, &record->result, &use, arena) != OK)
		return fault_set(f, E_LIMIT, 0, "the function's answer is too large for a message");
	*silent = !result.message.n;
	if (result.unseen.n)
		LOG(LOG_WARN, "what the function returned is shown to nobody", "function reason",
		    record->function.function, result.unseen);
	return *silent ? OK : respond(s, record->response_url, result.message, d, f);
}

/* True if it may succeed when it is delivered again. */
static bool handle_record(struct services *s, struct str event, struct str request_id,
	int64_t now_s, struct deadline *d, struct arena *arena)
{
	struct record record;
	struct fault f;
	enum err e;
	bool silent = false;
	do {
		const struct slack_secrets *held = signing_secrets_hold(&s->secrets);
		e = record_read(&record, event, held, s->config.skip_verify, now_s, arena, &f);
		signing_secrets_release(&s->secrets, held);
	} while (e != OK && signing_secrets_renew(&s->secrets, record.verdict, d->hard));
	bool undecided = e != OK && record.verdict == SLACK_UNDECIDED;
	if (e == OK)
		e = post_result(s, &silent, &record, d, arena, &f);
	const char *outcome = e != OK ? "failed" : silent ? "nothing to say" : "posted";
	metrics_relay(outcome);
	/* Events have no response_url, and a function may serve them too. */
	LOG(e == OK             ? LOG_INFO
			: e == E_SYNTAX ? LOG_WARN
							: LOG_ERROR,
		"relay", "request_id function invocation outcome reason", request_id,
		record.function.function, record.request_id, str_c(outcome),
		e == OK ? S("") : fault_text(&f));
	return undecided || e == E_BUSY;
}

bool destination_run(struct services *s, struct str *answer, struct str event,
	struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena)
{
	struct record_place place;
	struct record_walk walk = record_walk(event, arena);
	/* No id takes more room here than the message takes there. */
	struct buf b = walk.from_queue ? arena_buf(arena, event.n + 64) : (struct buf){ 0 };
	struct json_writer w = json_writer(&b);
	bool any = false;
	buf_put(&b, S("{\"batchItemFailures\":["));
	for (size_t used = arena->n; record_next(&walk, &place); arena->n = used) {
		any = true;
		if (!handle_record(s, place.record, request_id, now_s, d, arena) || !place.message_id.n)
			continue;
		json_open(&w, '{');
		json_field(&w, S("itemIdentifier"), place.message_id);
		json_close(&w, '}');
	}
	buf_put(&b, S("]}"));
	*answer = walk.from_queue && !b.full ? buf_str(&b) : S("{}");
	return any;
}
