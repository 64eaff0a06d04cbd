/* dns.c - every message of up to 48 bytes as an answer, to questions for both kinds of address. */
#include "net/dns.h"
#include "unknown.h"

enum { MOST = 48 };

static void read(struct str name, unsigned type, size_t n)
{
	/* The message ends where the memory does. */
	char memory[MOST];
	struct dns_question q = { (uint16_t)unknown_number, (uint16_t)type, name };
	struct dns_answer a;
	(void)!dns_read_answer(&a, unknown_text(memory + MOST - n, n), &q);
	//@ slevel merge;
	;
}

int main(void)
{
	//@ widen_hints global:"all", 255;
	//@ loop unroll MOST + 1;
	for (size_t n = 0; n <= MOST; n++) {
		read(S("a.b"), DNS_A, n);
		read(S("a.b"), DNS_AAAA, n);
	}
	return 0;
}
