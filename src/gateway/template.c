#include "gateway/template.h"

bool template_next(enum template_name *name, struct str *piece, struct str *rest)
{
	struct str word, words = S("function,region,command,text,user_name,request_id");
	if (rest->n == 0)
		return false;
	size_t open = str_find(*rest, '{'), end = open + 1;
	while (end < rest->n && (is_alpha((unsigned char)rest->p[end]) || rest->p[end] == '_'))
		end++;
	bool is_name = open < rest->n && end > open + 1 && end < rest->n && rest->p[end] == '}';
	if (open > 0 || !is_name) {
		size_t n = is_name ? open : end < rest->n ? end : rest->n;
		*name = TEMPLATE_LITERAL;
		*piece = str_sub(*rest, 0, n);
		*rest = str_skip(*rest, n);
		return true;
	}
	*piece = str_sub(*rest, 1, end);
	*rest = str_skip(*rest, end + 1);
	*name = TEMPLATE_UNKNOWN;
	for (int i = TEMPLATE_FUNCTION; words.n; i++) {
		str_next(&word, &words, ',');
		if (str_eq(word, *piece))
			*name = (enum template_name)i;
	}
	return true;
}
