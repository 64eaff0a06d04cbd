#include "slack/text.h"

void slack_put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '&')
			buf_put(b, S("&amp;"));
		else if (s.p[i] == '<')
			buf_put(b, S("&lt;"));
		else if (s.p[i] == '>')
			buf_put(b, S("&gt;"));
		else
			buf_put_char(b, s.p[i]);
	}
}
