/* A template's pieces, put together again, are the template; each is what its kind says. */
#include "base/buf.h"
#include "gateway/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char text[1 << 16];
	struct buf b = BUF(text);
	struct str template = { (const char *)data, n }, piece;
	enum template_name name;
	if (n > sizeof(text))
		return 0;
	for (struct str rest = template; template_next(&name, &piece, &rest);) {
		check(piece.n > 0);
		if (name == TEMPLATE_LITERAL) {
			buf_put(&b, piece);
			continue;
		}
		check(str_find(piece, '{') == piece.n && str_find(piece, '}') == piece.n);
		check((name == TEMPLATE_TEXT) == str_eq(piece, S("text")));
		buf_format(&b, "{%s}", piece);
	}
	check(!b.full && str_eq(buf_str(&b), template));
	return 0;
}
