#include "gateway/template.h"

static const char names[][12] = {
	[TEMPLATE_FUNCTION] = "function",
	[TEMPLATE_REGION] = "region",
	[TEMPLATE_COMMAND] = "command",
	[TEMPLATE_TEXT] = "text",
	[TEMPLATE_USER_NAME] = "user_name",
	[TEMPLATE_USER_ID] = "user_id",
	[TEMPLATE_CHANNEL_ID] = "channel_id",
	[TEMPLATE_REQUEST_ID] = "request_id",
};

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
	size_t i = 0;
	while (i < countof(names) && !str_eq(str_c(names[i]), *piece))
		i++;
	*name = i < countof(names) ? (enum template_name)i : TEMPLATE_UNKNOWN;
	return true;
}
