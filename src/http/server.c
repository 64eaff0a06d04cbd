#include "http/server.h"

#include "base/clock.h"
#include "base/status.h"

void http_response_put(struct buf *b, int status, struct str content_type, struct str body,
	const struct http_response_options *options)
{
	buf_format(b, "HTTP/1.1 %d %s\r\nDate: ", NUM(status), status_reason(status));
	utc_put(b, options->now_s, UTC_HTTP_DATE);
	if (content_type.n)
		buf_format(b, "\r\nContent-Type: %s", content_type);
	if (options->allow.n)
		buf_format(b, "\r\nAllow: %s", options->allow);
	if (options->no_retry)
		buf_put(b, S("\r\nx-slack-no-retry: 1"));
	if (options->retry_after)
		buf_put(b, S("\r\nRetry-After: 1"));
	for (size_t i = 0; i < options->fields_count; i++)
		buf_format(b, "\r\n%s: %s", options->fields[i].name, options->fields[i].value);
	/* RFC 9110, section 8.6: a 204 says no length. */
	if (status != 204)
		buf_format(b, "\r\nContent-Length: %d", NUM(body.n));
	buf_put(b,
		options->keep_alive ? S("\r\nConnection: keep-alive\r\n\r\n")
							: S("\r\nConnection: close\r\n\r\n"));
	if (!options->to_head)
		buf_put(b, body);
}
