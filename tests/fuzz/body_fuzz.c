/* Four bytes choose kind, limit and cut, the rest is the raw body: decoded in one piece, in two and
 * in place, the outcome is the same. And a body that is encoded in chunks of that size comes back.
 */
#include "http/body.h"

#include <string.h>

enum { MOST = 4096 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum err decode(
	struct buf *out, size_t *used, struct http_body b, struct str raw, size_t cut)
{
	struct fault f;
	size_t more;
	enum err e = http_body_decode(&b, out, used, str_sub(raw, 0, cut), &f);
	if (e != E_MORE)
		return e;
	check(*used == cut || *used == raw.n);
	e = http_body_decode(&b, out, &more, str_skip(raw, *used), &f);
	*used += e == OK || e == E_MORE ? more : 0;
	return e;
}

static void round_trip(struct str content, size_t size)
{
	static char wire[MOST * 8], back[MOST];
	struct buf w = BUF(wire), out = BUF(back);
	for (size_t i = 0; i < content.n; i += size) {
		struct str piece = str_sub(content, i, i + size);
		char digits[] = { "0123456789abcdef"[piece.n >> 4 & 15], "0123456789ABCDEF"[piece.n & 15] };
		buf_format(&w, "%s;x=y\r\n%s\r\n", (struct str){ digits, 2 }, piece);
	}
	buf_format(&w, "0\r\nx: y\r\n\r\nrest");
	size_t used;
	struct http_head h = { .body = HTTP_BODY_CHUNKED };
	check(!w.full && decode(&out, &used, http_body(&h), buf_str(&w), w.n / 2) == OK);
	check(str_eq(buf_str(&out), content) && used == w.n - 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char a[MOST], b[MOST], c[MOST];
	if (n < 4 || n > MOST)
		return 0;
	struct str raw = { (const char *)data + 4, n - 4 };
	struct http_head h = { .body = data[0] % 4, .length = data[1] };
	size_t cap = data[2] * 16u, used_a = 0, used_b = 0, used_c = 0;
	struct buf whole = { a, 0, cap, false }, cut = { b, 0, cap, false },
			   place = { c, 0, cap, false };
	if (raw.n)
		memcpy(c, raw.p, raw.n);
	enum err e = decode(&whole, &used_a, http_body(&h), raw, raw.n);
	check(decode(&cut, &used_b, http_body(&h), raw, data[3] * 16u) == e);
	check(decode(&place, &used_c, http_body(&h), (struct str){ c, raw.n }, raw.n) == e);
	if (e == OK || e == E_MORE) {
		check(str_eq(buf_str(&whole), buf_str(&cut)) && str_eq(buf_str(&whole), buf_str(&place)));
		check(used_a == used_b && used_a == used_c && whole.n <= used_a);
		check(str_eq(str_skip(raw, used_a), str_sub((struct str){ c, raw.n }, used_c, raw.n)));
	}
	round_trip(raw, data[3] ? data[3] : 1u);
	return 0;
}
