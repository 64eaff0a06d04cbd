#include "codec/words.h"

/* Whether a backslash before `c` is more than a backslash. */
static bool is_special(char quote, char c)
{
	struct str special = S("$`\"\\\n");
	return !quote || (quote == '"' && str_find(special, c) < special.n);
}

enum err words_split(char **words, size_t max, struct buf *memory, struct str text)
{
	struct str blanks = S(" \t\r\n");
	size_t count = 0;
	bool inside = false;
	char quote = 0;
	if (str_find(text, 0) < text.n)
		return E_SYNTAX;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!quote && str_find(blanks, c) < blanks.n) {
			inside = false;
			continue;
		}
		bool escaped = c == '\\' && (i + 1 == text.n || is_special(quote, text.p[i + 1]));
		if (escaped && ++i == text.n)
			return E_SYNTAX;
		if (escaped && text.p[i] == '\n')
			continue; /* which joins two lines */
		if (!inside) {
			if (count + 1 == max)
				return E_LIMIT;
			if (count)
				buf_put_char(memory, 0);
			words[count++] = memory->p + memory->n;
			inside = true;
		}
		if (escaped)
			buf_put_char(memory, text.p[i]);
		else if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		else
			buf_put_char(memory, c);
	}
	buf_put_char(memory, 0);
	words[count] = NULL;
	if (quote || count == 0)
		return E_SYNTAX;
	return memory->full ? E_LIMIT : OK;
}
