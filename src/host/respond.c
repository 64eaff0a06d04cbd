#include "host/respond.h"

#include "base/version.h"
#include "gateway/response_url.h"

enum { ATTEMPTS_MAX = 3, PAUSE_MS = 200 };

/* One try. *again: nothing can have arrived, so another one cannot double the message. */
static enum err post(bool *again, int *status, struct services *s, const struct stream_target *to, bool fresh,
                     const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	char answer[2048];
	struct buf body = BUF(answer);
	struct http_response response;
	struct http_progress progress = { 0 };
	const struct http_request request = { .parts = parts, .count = count };
	struct http_client *client = http_pool_take(s->pool, to, fresh);
	if (!client)
		return fault_set(f, E_LIMIT, 0, "all connections are in use");
	enum err e = client->stream.fd < 0 ? stream_connect(&client->stream, to, d, f) : OK;
	if (e != OK) {
		*again = e != E_CERT && e != E_TIMEOUT;
	} else {
		e = http_exchange(client, &response, &progress, &request, &body, d, f);
		*again = e != OK && !progress.answered && (!progress.written || progress.reused);
	}
	*status = progress.status;
	http_pool_give(s->pool, client);
	return e;
}

enum err respond(struct services *s, struct str response_url, struct str message, struct deadline *d, struct fault *f)
{
	struct response_url url;
	if (!response_url_read(&url, response_url, s->config.response_hosts))
		return fault_set(f, E_REFUSED, 0, "the request's response_url is not one that GATEWAY_RESPONSE_HOSTS allows");
	const struct stream_target to = {
		.host = url.host, .port = url.port, .secure = url.secure, .trust = &s->slack_trust, .resolver = &s->resolver,
	};
	const struct str parts[] = {
		S("POST "), url.path, S(" HTTP/1.1\r\nHost: "), url.authority,
		S("\r\nUser-Agent: slack-lambda-gateway/" VERSION "\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "),
		NUM(message.n), S("\r\n\r\n"), message,
	};
	enum err e = OK;
	int status = 0;
	bool again = true;
	for (int attempt = 0; again && attempt < ATTEMPTS_MAX && (attempt == 0 || deadline_sleep(d, PAUSE_MS)); attempt++) {
		again = false;
		e = post(&again, &status, s, &to, attempt > 0, parts, countof(parts), d, f);
	}
	if (status >= 200 && status < 300)
		return OK;
	if (status)
		return fault_set(f, E_REFUSED, 0, "Slack answered % to the late message", NUM(status));
	return e;
}
