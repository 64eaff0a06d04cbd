#include "service/destination.h"

#include "gateway/relay.h"
#include "service/metrics.h"
#include "service/respond.h"

void destination_run(struct services *s, struct str event, struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena)
{
	struct record record;
	struct fault f;
	struct str message = { 0 };
	enum err e;
	do {
		const struct slack_secrets *held = signing_secrets_hold(&s->secrets);
		e = record_read(&record, event, held, s->config.skip_verify, now_s, arena, &f);
		signing_secrets_release(&s->secrets, held);
	} while (e != OK && signing_secrets_renew(&s->secrets, record.verdict, d->hard));
	if (e == OK && result_message(&message, &record.result, &record.function, arena) != OK)
		e = fault_set(&f, E_LIMIT, 0, "the function's answer is too large for a message");
	bool silent = e == OK && !message.n;
	if (e == OK && !silent)
		e = respond(s, record.response_url, message, d, &f);
	const char *outcome = e != OK ? "failed" : silent ? "nothing to say" : "posted";
	metrics_relay(outcome);
	/* Events have no response_url, and a function may serve them too. */
	LOG(e == OK ? LOG_INFO : e == E_SYNTAX ? LOG_WARN : LOG_ERROR, "relay", "request_id function invocation outcome reason", request_id,
		record.function.function, record.request_id, str_c(outcome), e == OK ? S("") : fault_text(&f));
}
