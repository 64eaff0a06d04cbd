#include "check.h"
#include "slack/text.h"

TEST(slack_text_escapes)
{
	static const struct {
		struct str text, escaped, typed;
	} cases[] = {
		{ STR(""), STR(""), STR("") },
		{ STR("a"), STR("a"), STR("a") },
		{ STR("<!here> & <@U1>"), STR("&lt;!here&gt; &amp; &lt;@U1&gt;"),
			STR("&lt;!here&gt; &amp; &lt;@U1&gt;") },
		{ STR("&amp;&lt;&gt;"), STR("&amp;amp;&amp;lt;&amp;gt;"), STR("&amp;&lt;&gt;") },
		{ STR("&lt"), STR("&amp;lt"), STR("&amp;lt") },
		{ STR("&quot;"), STR("&amp;quot;"), STR("&amp;quot;") },
		{ STR("&&amp;"), STR("&amp;&amp;amp;"), STR("&amp;&amp;") },
		{ STR("&AMP;"), STR("&amp;AMP;"), STR("&amp;AMP;") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[128];
		struct buf b = BUF(memory);
		struct str text = guard_copy(cases[i].text);
		context("case %zu", i);
		slack_put_escaped(&b, text);
		expect_str(buf_str(&b), cases[i].escaped);
		buf_reset(&b);
		slack_put_typed(&b, text);
		expect_str(buf_str(&b), cases[i].typed);
	}
}
