#include "aws/metadata.h"

#include "aws/request.h"
#include "base/version.h"

enum { ANSWER_MAX = 16 * 1024, PAUSE_MS = 1000 };

static enum err attempt(struct buf *body, int *status, const struct metadata_request *r, struct str head, struct deadline *d, struct fault *f)
{
	const struct aws_request to = { .client = r->client, .endpoint = r->server, .direct = true, .fresh = true };
	const struct http_request request = { .parts = &head, .count = 1 };
	struct aws_exchange x;
	enum err e = aws_request_connect(&x, &to, d, f);
	if (e == OK)
		e = http_exchange(x.connection, &x.response, &x.progress, &request, body, d, f);
	*status = x.progress.status;
	if (x.connection)
		http_client_close(x.connection);
	aws_request_end(&to, &x);
	return e;
}

enum err metadata_ask(struct str *body, int *status, const struct metadata_request *r, struct deadline *d, struct fault *f)
{
	enum err e;
	struct buf answer = arena_buf(r->scratch, ANSWER_MAX), head = arena_rest(r->scratch);
	if (!http_value_ok(r->value))
		return fault_set(f, E_CONFIG, 0, "the value for %s has bytes in it that cannot be sent", r->field);
	buf_format(&head, "%s%s%s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nUser-Agent: slack-lambda-gateway/" VERSION "\r\n",
		r->puts ? S("PUT ") : S("GET "), r->server->base_path, r->path, r->server->authority);
	if (r->puts)
		buf_put(&head, S("Content-Length: 0\r\n"));
	if (r->value.n)
		buf_format(&head, "%s: %s\r\n", r->field, r->value);
	buf_put(&head, S("\r\n"));
	struct str sent = arena_keep(r->scratch, &head);
	if (head.full)
		return fault_set(f, E_LIMIT, 0, "the request's head is too large");
	for (int i = 1;; i++) {
		struct deadline patience = deadline_within(d, r->patience_ms);
		buf_reset(&answer);
		e = attempt(&answer, status, r, sent, &patience, f);
		deadline_leave(d, &patience);
		bool settled = e == E_LIMIT || (e == OK && *status < 500);
		if (settled || i >= r->attempts || !deadline_sleep(d, PAUSE_MS))
			break;
	}
	*body = str_trim_lines(buf_str(&answer));
	return e;
}
