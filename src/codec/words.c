#include "codec/words.h"

enum err words_split(char **words, size_t max, struct buf *memory, struct str text)
{
	struct str special = S("$`\"\\\n"); /* for a backslash between double quotes */
	size_t count = 0;
	bool inside = false;
	char quote = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool plain = c != '"' && c != '\'';
		if (!quote && (unsigned char)c <= ' ') {
			inside = false;
			continue;
		}
		if (c == '\\' && quote != '\'') {
			char following = i + 1 < text.n ? text.p[i + 1] : 0;
			if (!quote || str_find(special, following) < special.n) {
				c = following;
				i++;
				if (c == '\n')
					continue; /* two lines are one */
			}
			plain = true;
		}
		if (!c)
			return E_SYNTAX;
		if (!inside) {
			if (count + 1 == max)
				return E_LIMIT;
			if (count)
				buf_put_char(memory, 0);
			words[count++] = memory->p + memory->n;
			inside = true;
		}
		if (plain || (quote && quote != c))
			buf_put_char(memory, c);
		else
			quote ^= c;
	}
	buf_put_char(memory, 0);
	words[count] = NULL;
	if (quote || count == 0)
		return E_SYNTAX;
	return memory->full ? E_LIMIT : OK;
}
