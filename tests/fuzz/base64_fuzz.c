/* Any bytes come back from base64 and from a PEM block; any text that decodes is the one encoding
 * of its bytes. The text as PEM yields blocks, an error or nothing, and always comes to an end. */
#include "codec/base64.h"
#include "codec/pem.h"

enum { MOST = 1 << 14 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char encoded[2 * MOST], decoded[2 * MOST];

static void as_text(struct str text)
{
	struct buf e = BUF(encoded), d = BUF(decoded);
	if (base64_decode(&d, text) != OK)
		return;
	check(d.n <= BASE64_DECODED_MAX(text.n));
	base64_encode(&e, buf_str(&d));
	while (!str_ends(text, S("=")) && str_ends(buf_str(&e), S("=")))
		e.n--;
	check(str_eq(buf_str(&e), text));
}

static void as_bytes(struct str bytes)
{
	struct buf e = BUF(encoded), d = BUF(decoded);
	struct str label, text;
	base64_encode(&e, bytes);
	check(!e.full && e.n == BASE64_ENCODED(bytes.n));
	check(base64_decode(&d, buf_str(&e)) == OK && str_eq(buf_str(&d), bytes));
	if (bytes.n == 0)
		return;
	buf_reset(&e);
	buf_reset(&d);
	buf_put(&e, S("-----BEGIN X-----\n"));
	for (size_t i = 0; i < bytes.n; i += 48) {
		base64_encode(&e, str_sub(bytes, i, i + 48));
		buf_put_char(&e, '\n');
	}
	buf_put(&e, S("-----END X-----\n"));
	text = buf_str(&e);
	check(pem_next(&label, &d, &text) == OK && str_eq(label, S("X")) &&
		str_eq(buf_str(&d), bytes) && text.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n }, label;
	if (n > MOST)
		return 0;
	as_text(s);
	as_bytes(s);
	for (size_t left = n + 1; left > s.n;) {
		struct buf d = BUF(decoded);
		left = s.n;
		if (pem_next(&label, &d, &s) != OK || !label.p)
			break;
		check(d.n > 0 && label.n > 0);
	}
	return 0;
}
