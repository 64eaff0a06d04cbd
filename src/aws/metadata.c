#include "aws/metadata.h"

#include "base/version.h"

enum { ANSWER_MAX = 16 * 1024, PAUSE_MS = 1000 };

static enum err attempt(struct buf *body, int *status, struct aws_client *c, const struct metadata_request *r,
                        struct deadline *d, struct fault *f)
{
	const struct endpoint *server = r->server;
	const struct stream_target to = {
		.host = server->host, .port = server->port, .secure = server->secure, .trust = c->trust, .resolver = c->resolver,
	};
	const struct str parts[] = {
		r->method, S(" "), server->base_path, r->path, S(" HTTP/1.1\r\nHost: "), server->authority,
		S("\r\nAccept: */*\r\nUser-Agent: slack-lambda-gateway/" VERSION "\r\n"),
		r->value.n ? r->field : S(""), r->value.n ? S(": ") : S(""), r->value, r->value.n ? S("\r\n") : S(""),
		str_eq(r->method, S("PUT")) ? S("Content-Length: 0\r\n\r\n") : S("\r\n"),
	};
	const struct http_request request = { .parts = parts, .count = countof(parts) };
	struct http_response response;
	struct http_progress progress = { 0 };
	struct http_client *client = http_pool_take(c->pool, &to, true);
	if (!client)
		return fault_set(f, E_LIMIT, 0, "every connection is in use");
	enum err e = stream_connect(&client->stream, &to, d, f);
	if (e == OK)
		e = http_exchange(client, &response, &progress, &request, body, d, f);
	*status = progress.status;
	http_client_close(client);
	http_pool_give(c->pool, client);
	return e;
}

enum err metadata_ask(struct str *body, int *status, struct aws_client *c, const struct metadata_request *r,
                      struct arena *scratch, struct deadline *d, struct fault *f)
{
	enum err e;
	struct buf answer = arena_buf(scratch, ANSWER_MAX);
	if (!http_value_ok(r->value))
		return fault_set(f, E_CONFIG, 0, "the value for % has bytes in it that cannot be sent", r->field);
	for (int i = 1;; i++) {
		struct deadline patience = deadline_within(d, r->patience_ms);
		buf_reset(&answer);
		e = attempt(&answer, status, c, r, &patience, f);
		deadline_leave(d, &patience);
		bool settled = e == E_LIMIT || (e == OK && *status < 500);
		if (settled || i >= r->attempts || !deadline_sleep(d, PAUSE_MS))
			break;
	}
	*body = str_trim_lines(buf_str(&answer));
	return e;
}
