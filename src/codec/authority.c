#include "codec/authority.h"

#include "codec/hex.h"

static bool is_host_byte(unsigned char c, bool bracketed)
{
	return bracketed ? hex_digit(c) >= 0 || c == ':' || c == '.' : is_alnum(c) || c == '.' || c == '-' || c == '_';
}

bool authority_split(struct str *host, uint64_t *port, struct str s)
{
	struct str rest;
	bool bracketed = str_starts(s, S("["));
	if (bracketed && (!str_cut(host, &rest, str_skip(s, 1), ']') || (rest.n && rest.p[0] != ':')))
		return false;
	if (bracketed)
		rest = str_skip(rest, 1);
	else
		str_cut(host, &rest, s, ':');
	bool has_port = s.n > host->n + (bracketed ? 2 : 0);
	if (has_port && (!str_to_u64(port, rest, 65535) || *port == 0))
		return false;
	for (size_t i = 0; i < host->n; i++)
		if (!is_host_byte((unsigned char)host->p[i], bracketed))
			return false;
	return bracketed ? str_find(*host, ':') < host->n : host->n > 0;
}
