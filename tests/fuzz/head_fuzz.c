/* The first byte chooses request or response; the rest is what a peer sent. Found alike in one
 * piece and byte by byte; what is accepted means the same when it is written out again. */
#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum err parse(struct http_head *h, struct str bytes, uint8_t choice)
{
	struct fault f;
	enum err e = choice & 1 ? http_request_parse(h, bytes, &f)
							: http_response_parse(h, bytes, choice & 2, &f);
	check(e == OK || ((e == E_SYNTAX || e == E_LIMIT) && f.code == e && f.n > 0));
	return e;
}

static void write_again(struct buf *b, const struct http_head *h)
{
	buf_format(b, "%s %s ", h->method, h->target);
	if (h->status) {
		buf_reset(b);
		buf_format(b, "HTTP/1.%d %d", NUM(h->minor_version), NUM(h->status));
	} else {
		buf_format(b, "HTTP/1.%d", NUM(h->minor_version));
	}
	for (size_t i = 0; i < h->count; i++)
		buf_format(b, "\r\n%s:\t%s", h->fields[i].name, h->fields[i].value);
	buf_format(b, "\r\n\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct http_head h, again;
	static char text[1 << 14];
	if (n == 0 || n > sizeof(text) / 2)
		return 0;
	struct str bytes = { (const char *)data + 1, n - 1 };
	size_t end = 0, drip_end = 0, scanned = 0, drip = 0;
	enum err e = http_head_find(&end, &scanned, bytes), dripped = E_MORE;
	for (size_t i = 0; i <= bytes.n && dripped == E_MORE; i++)
		dripped = http_head_find(&drip_end, &drip, str_sub(bytes, 0, i));
	check(dripped == e && drip_end == end);

	int status = 0;
	enum err line = http_status_line(&status, bytes);
	if (parse(&h, e == OK ? str_sub(bytes, 0, end) : bytes, data[0]) != OK)
		return 0;
	check(e == OK && (h.method.n > 0 || (line == OK && status == h.status)));
	check(h.status == 0 || (h.status >= 100 && h.status <= 599));
	struct buf b = BUF(text);
	write_again(&b, &h);
	check(!b.full && parse(&again, buf_str(&b), data[0]) == OK && again.count == h.count);
	check(again.body == h.body && again.length == h.length && again.keep_alive == h.keep_alive);
	check(str_eq(again.method, h.method) && str_eq(again.target, h.target) &&
		again.status == h.status);
	for (size_t i = 0; i < h.count; i++)
		check(str_eq(again.fields[i].name, h.fields[i].name) &&
			str_eq(again.fields[i].value, h.fields[i].value));
	return 0;
}
