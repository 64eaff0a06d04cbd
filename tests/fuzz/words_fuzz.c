/* Words that were split, each quoted and joined by blanks, split into the same words. */
#include "codec/words.h"

#include <string.h>

enum { MOST = 1 << 12, COUNT = 64 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void quote(struct buf *b, const char *word)
{
	buf_put_char(b, '\'');
	for (; *word; word++)
		buf_put(b, *word == '\'' ? S("'\\''") : (struct str){ word, 1 });
	buf_put(b, S("' "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char first[MOST], second[MOST], quoted[8 * MOST], *words[COUNT], *again[COUNT];
	struct buf a = BUF(first), b = BUF(second), q = BUF(quoted);
	struct str text = { (const char *)data, n };
	enum err e = words_split(words, COUNT, &a, text);
	check(e == OK || e == E_SYNTAX || e == E_LIMIT);
	if (e != OK)
		return 0;
	size_t count = 0;
	for (; words[count]; count++)
		quote(&q, words[count]);
	check(count > 0 && count < COUNT);
	check(words_split(again, COUNT, &b, buf_str(&q)) == OK);
	check(a.n == b.n && memcmp(first, second, a.n) == 0 && again[count] == NULL);
	/* Without quotes and backslashes there is nothing to split by but blanks. */
	if (!memchr(data, '\'', n) && !memchr(data, '"', n) && !memchr(data, '\\', n))
		for (size_t i = 0; i < count; i++)
			check(words[i][0] && strcspn(words[i], " \t\r\n") == strlen(words[i]));
	return 0;
}
