/* dns.h - questions to a name server and its answers, as messages (RFC 1035, 2308, 3596). Pure: no
 * I/O.
 *
 * Answers are hostile bytes. One counts only if it repeats the id and the question. Only the
 * addresses at the end of the chain of CNAMEs that begins with the name asked for are taken from
 * it. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/fault.h"
#include "net/address.h"

enum {
	DNS_A = 1,
	DNS_AAAA = 28,
	DNS_NAME_MAX = 253,
	DNS_QUERY_MAX = 12 + (DNS_NAME_MAX + 2) + 4,
};

struct dns_question {
	uint16_t id;
	uint16_t type;   /* DNS_A or DNS_AAAA */
	struct str name; /* dns_is_name, without a dot at the end */
};

enum { DNS_NO_ERROR = 0, DNS_NO_SUCH_NAME = 3 };

struct dns_answer {
	unsigned status; /* RCODE: DNS_NO_ERROR, DNS_NO_SUCH_NAME, or the server's trouble */
	bool truncated;  /* ask again over TCP */
	bool same_case;  /* the question was repeated to the letter, and not only to the name */
	/* Seconds: the least of all records used; without an address, how long that holds (RFC 2308),
	 * or 0. */
	uint32_t ttl;
	struct addresses found;
};

/* Labels of 1 to 63 letters, digits, hyphens and underscores, with dots between them; the last not
 * only digits, because that is a mistyped IPv4 address. */
bool dns_is_name(struct str name);

/* Appends the question as a message; DNS_QUERY_MAX bytes are room enough. */
void dns_put_query(struct buf *b, const struct dns_question *q);

/* Reads an answer to `q`. E_SYNTAX if it is not one, or broken: the caller goes on as if it had not
 * come. */
must_check enum err dns_read_answer(
	struct dns_answer *a, struct str message, const struct dns_question *q);

#endif
