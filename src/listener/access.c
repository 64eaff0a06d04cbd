#include "listener/access.h"

#include "base/log.h"
#include "listener/loop.h"
#include "service/metrics.h"

static const struct http_head *head_of(const struct connection *c)
{
	if (c->job)
		return &c->job->buffer->head;
	return c->buffer && c->head_n ? &c->buffer->head : NULL;
}

void access_log(struct listener *l, struct connection *c, struct str why)
{
	static const struct str none = { 0 };
	const struct http_head *head = head_of(c);
	const struct job *job = c->job;
	struct str path = none, kind = none, query;
	if (head)
		str_cut(&path, &query, head->target, '?');
	enum log_level level = job ? job->decision.level : LOG_INFO;
	if (job && (job->decision.action == ACTION_INVOKE || job->decision.slack.kind != SLACK_UNKNOWN_KIND))
		kind = slack_kind_name(job->decision.slack.kind);
	if (!why.n && job)
		why = job->decision.why;
	/* Health checks come every few seconds and say nothing. */
	if (!job && c->status == 200)
		level = LOG_DEBUG;
	int64_t took_ms = l->now - c->began_mono;
	/* Who reads the metrics is not part of them. */
	if (!c->metrics)
		metrics_request(kind.n ? kind : S("other"), c->status, took_ms);
	c->unlogged = false;
	LOG(level, "request", "request_id remote method path status# ms# kind why", (job ? job_id(job) : none),
		(struct str){ c->peer, c->peer_n }, head ? head->method : none, path, NUM(c->status), NUM(took_ms),
		kind, why);
}
