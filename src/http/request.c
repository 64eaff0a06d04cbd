#include "http/request.h"

#include "base/version.h"
#include "net/proxy.h"

/* RFC 9110, section 8.6: servers are told the length of nothing where something could be expected. */
static bool expects_body(struct str method)
{
	return str_eq(method, S("POST")) || str_eq(method, S("PUT"));
}

void http_request_put(struct buf *out, const struct http_request *r, const struct proxy_server *via)
{
	buf_format(out, "%s ", r->method);
	if (via)
		buf_format(out, "http://%s", r->authority);
	check(str_is_visible(r->path) && str_is_visible(r->query));
	buf_format(out, "%s%s%s%s HTTP/1.1\r\nHost: %s\r\n", r->base_path, r->path, r->query.n ? S("?") : S(""), r->query, r->authority);
	proxy_put_field(out, via);
	buf_put(out, S("User-Agent: slack-lambda-gateway/" VERSION "\r\n"));
	if (r->body.n || expects_body(r->method))
		buf_format(out, "Content-Length: %d\r\n", NUM(r->body.n));
	for (size_t i = 0; i < r->fields_count; i++) {
		check(http_value_ok(r->fields[i].value));
		buf_format(out, "%s: %s\r\n", r->fields[i].name, r->fields[i].value);
	}
	buf_put(out, S("\r\n"));
}
