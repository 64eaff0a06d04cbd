#include "http/forwarded.h"

bool proxies_have(const struct trusted_proxies *p, const struct address *a)
{
	for (size_t i = 0; i < p->count; i++)
		if (address_block_has(&p->list[i], a))
			return true;
	return false;
}

/* Takes the last entry off a list. */
static struct str take_last(struct str *list)
{
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	struct str last = str_trim(str_skip(*list, at));
	*list = str_sub(*list, 0, at ? at - 1 : 0);
	return last;
}

/* Each proxy appends whom it got the request from; fields of the same name are one list. */
bool forwarded_for(
	struct address *out, const struct http_head *head, const struct trusted_proxies *p)
{
	for (size_t i = head->count; i-- > 0;) {
		struct str list = head->fields[i].value;
		if (!str_eq_nocase(head->fields[i].name, S("X-Forwarded-For")))
			continue;
		while (list.n) {
			if (!address_parse(out, take_last(&list)))
				return false;
			if (!proxies_have(p, out))
				return true;
		}
	}
	return false;
}
