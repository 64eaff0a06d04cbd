/* Answers of name servers: nothing is read past the end, what is found is within its limits. The
 * question is made to fit the message, so that the fuzzer gets past it; and a question of ours
 * turned into an answer is always one. */
#include "net/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The name that the message asks for, if it is not compressed. */
static struct str asked_name(char *text, struct str message)
{
	struct buf b = { text, 0, DNS_NAME_MAX, false };
	struct str rest = str_skip(message, 12);
	while (rest.n > 0 && rest.p[0] > 0) {
		size_t n = (size_t)rest.p[0];
		buf_format(&b, "%s%s", b.n ? S(".") : S(""), str_sub(rest, 1, 1 + n));
		rest = str_skip(rest, 1 + n);
	}
	return buf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[DNS_NAME_MAX], bytes[DNS_QUERY_MAX];
	struct str message = { (const char *)data, size };
	struct dns_question q = { 0, size % 2 ? DNS_A : DNS_AAAA, asked_name(text, message) };
	struct dns_answer a;
	struct buf b = BUF(bytes);
	if (size < 2 || !dns_is_name(q.name))
		return 0;
	q.id = (uint16_t)(data[0] << 8 | data[1]);
	if (dns_read_answer(&a, message, &q) == OK) {
		check(a.found.count <= ADDRESSES_MAX && a.ttl <= INT32_MAX && a.status <= 15);
		for (size_t i = 0; i < a.found.count; i++)
			check(q.type == DNS_AAAA || address_is_v4(&a.found.list[i]));
	}

	dns_put_query(&b, &q);
	check(!b.full && dns_read_answer(&a, buf_str(&b), &q) == E_SYNTAX);
	bytes[2] = (char)(bytes[2] | 0x80);
	check(dns_read_answer(&a, buf_str(&b), &q) == OK);
	check(a.found.count == 0 && !a.truncated && a.status == DNS_NO_ERROR);
	return 0;
}
