#include "service/respond.h"

#include "base/clock.h"
#include "base/version.h"
#include "codec/json_read.h"
#include "gateway/response_url.h"

enum {
	ATTEMPTS_MAX = 4,
	PAUSE_MS = 200,         /* before the second attempt; four times as long before each that follows */
	RETRY_AFTER_S = 1,      /* when Slack limits the rate and does not say for how long */
	RETRY_AFTER_MAX_S = 900,
	ERROR_WORD_MAX = 40,
};

/* What Slack says is wrong, bare or as {"ok":false,"error":"expired_url"}, if it is one plain word; else nothing, for nobody
 * knows what it is. *no: it is in JSON that says no, whatever its status. */
static struct str error_word(bool *no, struct str body)
{
	struct json v;
	size_t position;
	struct str word = str_trim_lines(body);
	*no = false;
	if (json_check(&v, &position, word) == OK) {
		struct json error = json_member(v, S("error"));
		*no = json_type(json_member(v, S("ok"))) == JSON_FALSE;
		word = json_type(error) == JSON_STRING ? str_sub(error.text, 1, error.text.n - 1) : S("");
	}
	for (size_t i = 0; i < word.n; i++)
		if (i == ERROR_WORD_MAX || !(is_alnum((unsigned char)word.p[i]) || word.p[i] == '_'))
			return S("");
	return word;
}

/* What an answer means, whose status line has come. */
static enum err judge(int64_t *pause_ms, int status, const struct http_head *head, struct str body, struct fault *f)
{
	bool no;
	uint64_t seconds = RETRY_AFTER_S;
	struct str word = error_word(&no, body);
	if (status / 100 == 2 && !no)
		return OK;
	if (status == 429) {
		struct str after = http_field_get(head, S("Retry-After"));
		bool bearable = !after.n || str_to_u64(&seconds, after, RETRY_AFTER_MAX_S);
		*pause_ms = bearable ? (int64_t)seconds * 1000 : -1;
	} else if (status < 500) {
		*pause_ms = -1;
	}
	return fault_set(f, E_REFUSED, 0, "Slack answered %d%s%s to the message", NUM(status), word.n ? S(" ") : S(""), word);
}

/* One attempt. *pause_ms: how long to wait before another one, as it came in unless Slack says so; -1 when another one
 * cannot help or could double the message. */
static enum err post(int64_t *pause_ms, struct services *s, const struct dial_target *to, bool fresh,
                     const struct str *parts, size_t count, struct deadline *d, struct fault *f)
{
	char answer[2048];
	struct buf body = BUF(answer);
	struct http_response response = { 0 };
	struct http_progress progress = { 0 };
	const struct http_request request = { .parts = parts, .count = count };
	struct http_client *client = http_pool_take(&s->pool, to, fresh);
	if (!client)
		return fault_set(f, E_LIMIT, 0, "all connections are in use");
	enum err e = client->stream.fd < 0 ? dial(&client->stream, to, d, f) : OK;
	bool harmless = e != E_CERT && e != E_REFUSED;
	if (e == OK) {
		e = http_exchange(client, &response, &progress, &request, &body, d, f);
		harmless = !progress.answered && (!progress.written || progress.reused);
	}
	if (progress.status)
		e = judge(pause_ms, progress.status, &response.head, buf_str(&body), f);
	else if (!harmless)
		*pause_ms = -1;
	http_pool_give(&s->pool, client);
	return e;
}

enum err respond(struct services *s, struct str response_url, struct str message, struct deadline *d, struct fault *f)
{
	struct response_url url;
	if (!response_url_read(&url, response_url, s->config.response_hosts))
		return fault_set(f, E_REFUSED, 0, "the request's response_url is not one that GATEWAY_RESPONSE_HOSTS allows");
	const struct dial_target to = {
		.host = url.host, .port = url.port, .secure = url.secure, .trust = &s->slack_trust, .resolver = &s->resolver, .proxy = &s->proxy,
	};
	const struct str parts[] = {
		S("POST "), url.path, S(" HTTP/1.1\r\nHost: "), url.authority,
		S("\r\nUser-Agent: slack-lambda-gateway/" VERSION "\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "),
		DIGITS(message.n), S("\r\n\r\n"), message,
	};
	for (int attempt = 0;; attempt++) {
		int64_t pause_ms = PAUSE_MS << 2 * attempt;
		enum err e = post(&pause_ms, s, &to, attempt > 0, parts, countof(parts), d, f);
		bool fits = pause_ms >= 0 && attempt + 1 < ATTEMPTS_MAX && clock_mono_ms() + pause_ms < d->hard;
		if (e == OK || !fits || !deadline_sleep(d, pause_ms))
			return e;
	}
}
