#include "slack/text.h"

/* The entity at the front of `s`, which begins with '&'; else "&amp;", which is what that has to
 * become. */
static struct str entity(struct str s)
{
	static const struct str entities[] = { STR("&lt;"), STR("&gt;") };
	for (size_t i = 0; i < countof(entities); i++)
		if (str_starts(s, entities[i]))
			return entities[i];
	return S("&amp;");
}

static void put(struct buf *b, struct str s, bool typed)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '&') {
			struct str found = typed ? entity(str_skip(s, i)) : S("&amp;");
			buf_put(b, found);
			i += typed && str_starts(str_skip(s, i), found) ? found.n - 1 : 0;
		} else if (s.p[i] == '<') {
			buf_put(b, S("&lt;"));
		} else if (s.p[i] == '>') {
			buf_put(b, S("&gt;"));
		} else {
			buf_put_char(b, s.p[i]);
		}
	}
}

void slack_put_escaped(struct buf *b, struct str s)
{
	put(b, s, false);
}

void slack_put_typed(struct buf *b, struct str s)
{
	put(b, s, true);
}
