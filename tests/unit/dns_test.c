#include "check.h"

#include "net/dns.h"

#include <string.h>

static const struct dns_question about = { 0x1234, DNS_A, STR("www.example.com") };

/* ---- messages, by hand ---- */

#define HEADER(flags, answers) "\x12\x34" flags "\0\1" answers "\0\0\0\0"
#define QUESTION "\3www\7example\3com\0\0\1\0\1"
#define WWW "\xc0\x0c"
#define A_RECORD(ttl, ip) "\0\1\0\1" ttl "\0\4" ip

static enum err read(struct dns_answer *a, struct str message)
{
	return dns_read_answer(a, guard_copy(message), &about);
}

TEST(dns_query_is_as_in_the_rfc)
{
	char bytes[DNS_QUERY_MAX];
	struct buf b = BUF(bytes);
	dns_put_query(&b, &about);
	expect_str(buf_str(&b), S("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION));
}

TEST(dns_longest_name_fits)
{
	char name[DNS_NAME_MAX], bytes[DNS_QUERY_MAX];
	struct buf b = BUF(bytes);
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	struct dns_question q = { 1, DNS_AAAA, { name, sizeof(name) } };
	expect(dns_is_name(q.name));
	dns_put_query(&b, &q);
	expect(!b.full);
	expect_int(b.n, DNS_QUERY_MAX);
}

TEST(dns_names)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "a", true },
		{ "lambda.eu-west-1.amazonaws.com", true },
		{ "_dmarc.example.com", true },
		{ "3com.com", true },
		{ "1.2.3.4.com", true },
		{ "xn--mnchen-3ya.de", true },
		{ "", false },
		{ ".", false },
		{ "a..b", false },
		{ ".a", false },
		{ "a.", false },
		{ "1.2.3", false },
		{ "host.123", false },
		{ "a b", false },
		{ "a/b", false },
		{ "a:b", false },
		{ "a@b", false },
		{ "m\xc3\xbcnchen.de", false },
		{ "a\nb", false },
	};
	char label[64];
	memset(label, 'a', sizeof(label));
	expect(dns_is_name((struct str){ label, 63 }));
	expect(!dns_is_name((struct str){ label, 64 }));
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].name);
		expect(dns_is_name(guard_copy(str_c(cases[i].name))) == cases[i].ok);
	}
}

TEST(dns_answer_with_addresses)
{
	struct dns_answer a;
	expect_int(read(&a, S(HEADER("\x81\x80", "\0\2") QUESTION WWW A_RECORD("\0\0\1\0", "\1\2\3\4")
	                      WWW A_RECORD("\0\0\0\x3c", "\5\6\7\x08"))), OK);
	expect_int(a.status, DNS_NO_ERROR);
	expect(!a.truncated);
	expect_int(a.ttl, 60);
	if (expect_int(a.found.count, 2)) {
		expect_int(a.found.list[0].ip.s6_addr[12], 1);
		expect_int(a.found.list[1].ip.s6_addr[15], 8);
		expect(address_is_v4(&a.found.list[0]));
	}
}

TEST(dns_answer_with_ipv6)
{
	struct dns_question q = { 0x1234, DNS_AAAA, STR("www.example.com") };
	struct dns_answer a;
	struct str message = S(
		HEADER("\x81\x80", "\0\1") "\3www\7example\3com\0\0\x1c\0\1" WWW "\0\x1c\0\1\0\0\0\5\0\x10"
								   "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
	expect_int(dns_read_answer(&a, guard_copy(message), &q), OK);
	expect_int(a.found.count, 1);
	expect(!address_is_v4(&a.found.list[0]));
	expect_int(a.ttl, 5);
}

TEST(dns_aliases_are_followed)
{
	/* www -> cdn.example.net -> edge.example.net, in the wrong order, with a stranger's address
	 * between them. */
	struct dns_answer a;
	struct str message = S(HEADER("\x81\x80", "\0\4") QUESTION
	                       "\4edge\7example\3net\0" A_RECORD("\0\0\0\x1e", "\1\1\1\1") /* at 33 */
	                       "\5other\xc0\x26" A_RECORD("\0\0\0\x1e", "\6\6\6\6")
	                       "\3cdn\xc0\x26\0\5\0\1\0\0\0\x14\0\2\xc0\x21"
	                       WWW "\0\5\0\1\0\0\0\x0a\0\x06\3cdn\xc0\x26");
	expect_int(read(&a, message), OK);
	expect_int(a.ttl, 10);
	if (expect_int(a.found.count, 1))
		expect_int(a.found.list[0].ip.s6_addr[15], 1);
}

TEST(dns_alias_loop_ends)
{
	struct dns_answer a;
	expect_int(
		read(&a, S(HEADER("\x81\x80", "\0\1") QUESTION WWW "\0\5\0\1\0\0\0\x0a\0\2" WWW)), OK);
	expect_int(a.found.count, 0);
	expect_int(a.ttl, 0);
}

TEST(dns_statuses)
{
	struct dns_answer a;
	expect_int(read(&a, S(HEADER("\x81\x83", "\0\0") QUESTION)), OK);
	expect_int(a.status, DNS_NO_SUCH_NAME);
	expect_int(read(&a, S(HEADER("\x81\x82", "\0\0") QUESTION)), OK);
	expect_int(a.status, 2);
	expect_int(read(&a,
				   S(HEADER("\x83\x80", "\0\2") QUESTION WWW A_RECORD("\0\0\1\0", "\1\2\3\4") WWW
					   "\0\1\0")),
		OK);
	expect(a.truncated);
	expect_int(a.found.count, 1);
}

TEST(dns_case_is_no_matter)
{
	struct dns_question q = { 0x1234, DNS_A, STR("WWW.Example.COM") };
	struct dns_answer a;
	expect_int(dns_read_answer(&a,
				   S(HEADER("\x81\x80", "\0\1") QUESTION
					   "\3WwW\7eXample\3com\0" A_RECORD("\0\0\0\5", "\1\2\3\4")),
				   &q),
		OK);
	expect_int(a.found.count, 1);
}

TEST(dns_ttl_with_the_top_bit_is_zero)
{
	struct dns_answer a;
	expect_int(
		read(&a, S(HEADER("\x81\x80", "\0\1") QUESTION WWW A_RECORD("\x80\0\0\1", "\1\2\3\4"))),
		OK);
	expect_int(a.ttl, 0);
	expect_int(a.found.count, 1);
}

TEST(dns_too_many_addresses_are_cut)
{
	char bytes[1024];
	struct buf b = BUF(bytes);
	struct dns_answer a;
	buf_put(&b, S(HEADER("\x81\x80", "\0\x28") QUESTION));
	for (int i = 0; i < 40; i++)
		buf_put(&b, S(WWW A_RECORD("\0\0\0\5", "\1\2\3\4")));
	expect_int(read(&a, buf_str(&b)), OK);
	expect_int(a.found.count, ADDRESSES_MAX);
}

TEST(dns_what_is_no_answer_to_the_question)
{
	static const struct {
		const char *what;
		struct str message;
	} cases[] = {
		{ "empty", STR("") },
		{ "header only", STR(HEADER("\x81\x80", "\0\0")) },
		{ "another id", STR("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION) },
		{ "a query", STR(HEADER("\x01\x00", "\0\0") QUESTION) },
		{ "another opcode", STR(HEADER("\xa1\x80", "\0\0") QUESTION) },
		{ "no question", STR("\x12\x34\x81\x80\0\0\0\0\0\0\0\0") },
		{ "two questions", STR("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION QUESTION) },
		{ "another name", STR(HEADER("\x81\x80", "\0\0") "\3www\7example\3net\0\0\1\0\1") },
		{ "a longer name", STR(HEADER("\x81\x80", "\0\0") "\3www\7example\3com\1a\0\0\1\0\1") },
		{ "a dot in a label", STR(HEADER("\x81\x80", "\0\0") "\xbwww.example\3com\0\0\1\0\1") },
		{ "another type", STR(HEADER("\x81\x80", "\0\0") "\3www\7example\3com\0\0\x1c\0\1") },
		{ "another class", STR(HEADER("\x81\x80", "\0\0") "\3www\7example\3com\0\0\1\0\3") },
		{ "cut record", STR(HEADER("\x81\x80", "\0\1") QUESTION WWW "\0\1\0\1\0\0\0\5\0\4\1\2\3") },
		{ "missing record",
			STR(HEADER("\x81\x80", "\0\2") QUESTION WWW A_RECORD("\0\0\0\5", "\1\2\3\4")) },
		{ "pointer to itself",
			STR(HEADER("\x81\x80", "\0\1") QUESTION "\xc0\x21" A_RECORD("\0\0\0\5", "\1\2\3\4")) },
		{ "pointer forward",
			STR(HEADER("\x81\x80", "\0\1") QUESTION "\xc0\x30" A_RECORD("\0\0\0\5", "\1\2\3\4")) },
		{ "reserved label type",
			STR(HEADER("\x81\x80", "\0\1") QUESTION "\x40\0" A_RECORD("\0\0\0\5", "\1\2\3\4")) },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct dns_answer a;
		context("%s", cases[i].what);
		expect_int(read(&a, cases[i].message), E_SYNTAX);
		expect_int(a.found.count, 0);
	}
}

TEST(dns_every_prefix_is_refused)
{
	struct dns_answer a;
	struct str whole = S(HEADER("\x81\x80", "\0\2") QUESTION WWW A_RECORD("\0\0\1\0", "\1\2\3\4")
			WWW A_RECORD("\0\0\0\5", "\1\2\3\4"));
	for (size_t n = 0; n < whole.n; n++) {
		context("%zu bytes", n);
		expect_int(read(&a, str_sub(whole, 0, n)), E_SYNTAX);
	}
	expect_int(read(&a, whole), OK);
}

TEST(dns_name_of_too_many_labels_is_refused)
{
	/* In the data of one record labels of one byte, each with a pointer to the one before; the next
	 * record's name begins at the last: with 127 of them it is as long as a name may be. */
	for (int labels = 127; labels <= 128; labels++) {
		char bytes[1024];
		struct buf b = BUF(bytes);
		struct dns_answer a;
		buf_put(&b, S(HEADER("\x81\x80", "\0\2") QUESTION WWW "\0\x10\0\1\0\0\0\5"));
		buf_put_char(&b, (char)((4 * labels - 1) >> 8));
		buf_put_char(&b, (char)(4 * labels - 1));
		size_t last = b.n;
		buf_put(&b, S("\1x\0"));
		for (int i = 1; i < labels; i++) {
			size_t here = b.n;
			buf_put(&b, S("\1x"));
			buf_put_char(&b, (char)(0xc0 | last >> 8));
			buf_put_char(&b, (char)last);
			last = here;
		}
		buf_put_char(&b, (char)(0xc0 | last >> 8));
		buf_put_char(&b, (char)last);
		buf_put(&b, S(A_RECORD("\0\0\0\5", "\1\2\3\4")));
		context("%d labels", labels);
		expect_int(read(&a, buf_str(&b)), labels == 127 ? OK : E_SYNTAX);
	}
}
