#include "gateway/template.h"

bool template_next(enum template_name *name, struct str *piece, struct str *rest)
{
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
	int i = str_index(S("function,region,command,text,user_name,request_id"), *piece);
	*name = i < 0 ? TEMPLATE_UNKNOWN : (enum template_name)i;
	return true;
}
