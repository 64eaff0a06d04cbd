/* XML: whatever comes, a text is no longer than what it was taken from, and found again when it is
 * written plainly. */
#include "codec/xml.h"

#include <string.h>

enum { MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_put(b, s.p[i] == '<' ? S("&lt;") : s.p[i] == '&' ? S("&amp;") : str_sub(s, i, i + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[2 * MAX], plain_memory[6 * MAX];
	struct arena arena = { memory, 0, sizeof(memory) };
	struct buf plain = BUF(plain_memory);
	if (size > MAX)
		return 0;
	struct str text = xml_text((struct str){ (const char *)data, size }, S("Key"), &arena);
	check(arena.n == text.n && text.n <= size);
	buf_put(&plain, S("<a><Key>"));
	put_escaped(&plain, text);
	buf_put(&plain, S("</Key></a>"));
	struct str again = xml_text(buf_str(&plain), S("Key"), &arena);
	check(str_eq(again, text));
	return 0;
}
