#include "listener/access.h"

#include "service/metrics.h"

void access_log(const struct access *a)
{
	static const struct access_note none = { .level = LOG_INFO };
	const struct access_note *note = a->note ? a->note : &none;
	/* Health checks come every few seconds and say nothing. */
	enum log_level level = !a->note && a->status == 200 ? LOG_DEBUG : note->level;
	if (!a->uncounted)
		metrics_request(note->kind.n ? note->kind : S("other"), a->status, a->took_ms);
	LOG(level, "request", "request_id remote method path status# ms# kind why", note->request_id,
		a->remote, a->method, a->path, NUM(a->status), NUM(a->took_ms), note->kind,
		a->why.n ? a->why : note->why);
}
