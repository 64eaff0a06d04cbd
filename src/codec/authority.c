#include "codec/authority.h"

#include "codec/hex.h"

static bool is_host_byte(unsigned char c, bool bracketed)
{
	return bracketed ? hex_digit(c) >= 0 || c == ':' || c == '.'
					 : is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* Into host, without its brackets, and what stands behind the colon; *has_port is false if there is
 * no colon. */
static bool split(struct str *host, struct str *port, bool *has_port, struct str s)
{
	bool bracketed = str_starts(s, S("["));
	if (bracketed && !str_cut(host, port, str_skip(s, 1), ']'))
		return false;
	if (!bracketed)
		*host = str_sub(s, 0, str_find(s, ':'));
	for (size_t i = 0; i < host->n; i++)
		if (!is_host_byte((unsigned char)host->p[i], bracketed))
			return false;
	*port = str_skip(s, host->n + 2 * bracketed);
	*has_port = port->n > 0;
	if (*has_port && port->p[0] != ':')
		return false;
	*port = str_skip(*port, *has_port);
	return !bracketed || str_find(*host, ':') < host->n;
}

bool authority_split(struct str *host, uint64_t *port, struct str s)
{
	struct str text;
	bool has_port;
	return split(host, &text, &has_port, s) && host->n > 0 &&
		(!has_port || (str_to_u64(port, text, 65535) && *port > 0));
}

bool authority_split_listening(struct str *host, uint64_t *port, struct str s)
{
	struct str text;
	bool has_port;
	return split(host, &text, &has_port, s) && has_port && str_to_u64(port, text, 65535);
}
