#include "check.h"
#include "http/head.h"

#include <string.h>

static struct http_head head;
static struct fault fault;

static bool mentions(struct str text, const char *word)
{
	return str_find_str(text, str_c(word)) < text.n;
}

/* Finds and parses, as both users of the parser do. */
static enum err request(struct str bytes)
{
	size_t end = 0, scanned = 0;
	fault.n = 0;
	enum err e = http_head_find(&end, &scanned, bytes);
	return e == OK ? http_request_parse(&head, str_sub(bytes, 0, end), &fault) : e;
}

static enum err response(struct str bytes, bool to_head)
{
	size_t end = 0, scanned = 0;
	fault.n = 0;
	enum err e = http_head_find(&end, &scanned, bytes);
	return e == OK ? http_response_parse(&head, str_sub(bytes, 0, end), to_head, &fault) : e;
}

TEST(head_reads_a_request)
{
	struct str bytes = guard_copy(
		S("POST /eu-west-1/f:live?x=1 HTTP/1.1\r\nHost: Gateway.example:8080\r\n"
		  "X-Slack-Signature:v0=ab \t\r\nempty:\r\nx-twice: a\r\nX-Twice: \xc3\xa4\tb\r\n"
		  "Content-Length: 12\r\n\r\n"));
	expect_int(request(bytes), OK);
	expect_str(head.method, S("POST"));
	expect_str(head.target, S("/eu-west-1/f:live?x=1"));
	expect_int(head.minor_version, 1);
	expect_int(head.body, HTTP_BODY_LENGTH);
	expect_int(head.length, 12);
	expect(head.keep_alive);
	expect_int(head.count, 6);
	expect_str(http_field_get(&head, S("x-slack-signature")), S("v0=ab"));
	expect_str(http_field_get(&head, S("Empty")), S(""));
	expect(http_field_get(&head, S("Empty")).p != NULL);
	expect(http_field_get(&head, S("Absent")).p == NULL);
	expect_str(http_field_get(&head, S("x-twice")), S("a"));
	expect_str(head.fields[4].value, S("\xc3\xa4\tb"));
	expect_int(http_field_count(&head, S("X-TWICE")), 2);
	expect_int(http_field_count(&head, S("x-twic")), 0);
}

TEST(head_reads_a_response)
{
	expect_int(
		response(
			guard_copy(
				S("HTTP/1.1 202 Accepted\r\nx-amzn-RequestId: 4a-1\r\nContent-Length: 0\r\n\r\n")),
			false),
		OK);
	expect_int(head.status, 202);
	expect_int(head.minor_version, 1);
	expect_int(head.body, HTTP_BODY_LENGTH);
	expect_int(head.length, 0);
	expect(head.keep_alive);
	expect_str(http_field_get(&head, S("X-Amzn-Requestid")), S("4a-1"));
}

/* What must be refused of a request, and by which word of the text it is told. NULL: as early as
 * http_head_find. */
TEST(head_refuses_requests)
{
	static const struct {
		struct str in;
		enum err want;
		const char *mentions;
	} cases[] = {
		/* lines */
		{ STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nb: \x01\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nb: \x7f\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, NULL },
		{ STR("\n"), E_SYNTAX, NULL },
		{ STR("\x16\x03\x01"), E_SYNTAX, NULL },
		/* request line */
		{ STR(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "method" },
		{ STR("\tGET / HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "method" },
		{ STR("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "method" },
		{ STR("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "method" },
		{ STR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "target" },
		{ STR("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET /\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET\r\n\r\n"), E_SYNTAX, "target" },
		{ STR("GET / http/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET / HTTP/1\r\nHost: a\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("PRI * HTTP/2.0\r\n\r\n"), E_SYNTAX, "HTTP/1.1" },
		{ STR("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "target" },
		{ STR("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "target" },
		{ STR("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "target" },
		{ STR("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "path" },
		{ STR("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), E_SYNTAX, "path" },
		{ STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "path" },
		{ STR("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "path" },
		{ STR("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET http://a?/ HTTP/1.1\r\nHost: a\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET http:/// HTTP/1.0\r\n\r\n"), E_SYNTAX, "Host" },
		/* Host */
		{ STR("GET / HTTP/1.1\r\n\r\n"), E_SYNTAX, "no Host" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), E_SYNTAX, "more than one Host" },
		{ STR("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), E_SYNTAX, "more than one Host" },
		{ STR("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: []\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: [::1]8\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"), E_SYNTAX, "Host" },
		{ STR("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"), E_SYNTAX, "Host" },
		/* fields */
		{ STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), E_SYNTAX, "folded" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"), E_SYNTAX, "folded" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n"), E_SYNTAX, "folded" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"), E_SYNTAX, "folded" },
		{ STR("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), E_SYNTAX, "white space" },
		{ STR("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"), E_SYNTAX, "white space" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n"), E_SYNTAX, "white space" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"), E_SYNTAX, "name" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nbare\r\n\r\n"), E_SYNTAX, "name" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa4: b\r\n\r\n"), E_SYNTAX, "name" },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n"), E_SYNTAX, "name" },
		/* how long the body is */
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
			E_SYNTAX, "more than one Content-Length" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n"),
			E_SYNTAX, "more than one Content-Length" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"), E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740993\r\n\r\n"), E_SYNTAX,
			"number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n"),
			E_SYNTAX, "number" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
			  "chunked\r\n\r\n"),
			E_SYNTAX, "both" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: "
			  "5\r\n\r\n"),
			E_SYNTAX, "both" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
			  "chunked\r\n\r\n"),
			E_SYNTAX, "more than one Transfer" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"),
			E_SYNTAX, "just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"), E_SYNTAX,
			"just chunked" },
		{ STR("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), E_SYNTAX,
			"HTTP/1.0" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(request(guard_copy(cases[i].in)), cases[i].want);
		if (cases[i].mentions)
			expect(mentions(fault_text(&fault), cases[i].mentions));
		else
			expect_int(fault.n, 0);
	}
}

TEST(head_accepts_requests)
{
	static const struct {
		struct str in, target;
		bool keep_alive;
		enum http_body_kind body;
	} cases[] = {
		{ STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("/"), true, HTTP_BODY_NONE },
		{ STR("get /?%zz=[] HTTP/1.1\r\nhOST: 127.0.0.1:80\r\n\r\n"), STR("/?%zz=[]"), true,
			HTTP_BODY_NONE },
		{ STR("GET //x HTTP/1.1\r\nHost:[::ffff:1.2.3.4]:443\r\n\r\n"), STR("//x"), true,
			HTTP_BODY_NONE },
		{ STR("GET /$LATEST HTTP/1.0\r\n\r\n"), STR("/$LATEST"), false, HTTP_BODY_NONE },
		{ STR("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"), STR("/"), true,
			HTTP_BODY_NONE },
		{ STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), STR("/"), false,
			HTTP_BODY_NONE },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), STR("/"), false,
			HTTP_BODY_NONE },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nconnection: foo,\t CLOSE ,\r\n\r\n"),
			STR("/"), false, HTTP_BODY_NONE },
		{ STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, not-close\r\n\r\n"), STR("/"), true,
			HTTP_BODY_NONE },
		{ STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), STR("*"), true, HTTP_BODY_NONE },
		{ STR("GET http://A.b:1/c?d HTTP/1.1\r\nHost: a.B:1\r\n\r\n"), STR("/c?d"), true,
			HTTP_BODY_NONE },
		{ STR("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n"), STR("/"), true, HTTP_BODY_NONE },
		{ STR("GET http://a/ HTTP/1.0\r\n\r\n"), STR("/"), false, HTTP_BODY_NONE },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"), STR("/"), true,
			HTTP_BODY_CHUNKED },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740992\r\n\r\n"), STR("/"),
			true, HTTP_BODY_LENGTH },
		{ STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0012\r\n\r\n"), STR("/"), true,
			HTTP_BODY_LENGTH },
		{ STR("G!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: a_b-c.\r\n!#$%&'*+-.^_`|~9: \x80\xff\r\n\r\n"),
			STR("/"), true, HTTP_BODY_NONE },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		expect_int(request(guard_copy(cases[i].in)), OK);
		expect_str(head.target, cases[i].target);
		expect_int(head.keep_alive, cases[i].keep_alive);
		expect_int(head.body, cases[i].body);
	}
}

TEST(head_response_bodies)
{
	static const struct {
		struct str in;
		bool to_head;
		enum err want;
		int status;
		enum http_body_kind body;
		bool keep_alive;
	} cases[] = {
		{ STR("HTTP/1.1 200 OK\r\n\r\n"), false, OK, 200, HTTP_BODY_UNTIL_CLOSE, false },
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), false, OK, 200, HTTP_BODY_LENGTH,
			true },
		{ STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), true, OK, 200, HTTP_BODY_NONE,
			true },
		{ STR("HTTP/1.1 200 OK\r\n\r\n"), true, OK, 200, HTTP_BODY_NONE, true },
		{ STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"), false,
			OK, 200, HTTP_BODY_CHUNKED, false },
		{ STR("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n"), false, OK, 200, HTTP_BODY_LENGTH,
			false },
		{ STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n"), false, OK,
			200, HTTP_BODY_LENGTH, true },
		{ STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), false, OK, 200,
			HTTP_BODY_UNTIL_CLOSE, false },
		{ STR("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n"), false, OK, 204,
			HTTP_BODY_NONE, true },
		{ STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"), false, OK, 304,
			HTTP_BODY_NONE, true },
		{ STR("HTTP/1.1 100 Continue\r\n\r\n"), false, OK, 100, HTTP_BODY_NONE, true },
		{ STR("HTTP/1.1 202\r\n\r\n"), false, OK, 202, HTTP_BODY_UNTIL_CLOSE, false },
		{ STR("HTTP/1.1 202 \r\n\r\n"), false, OK, 202, HTTP_BODY_UNTIL_CLOSE, false },
		{ STR("HTTP/1.1 599 \xc3\xa4\t b\r\n\r\n"), false, OK, 599, HTTP_BODY_UNTIL_CLOSE, false },
		{ STR("HTTP/1.1 600 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 099 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 20 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 2000 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 2x0 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 +20 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1  200 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 200\tX\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.2 200 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/2.0 200 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("http/1.1 200 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR(" HTTP/1.1 200 X\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
		{ STR("HTTP/1.1 200 X\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"), false, E_SYNTAX,
			0, 0, false },
		{ STR("HTTP/1.1 204 X\r\nContent-Length: x\r\n\r\n"), false, E_SYNTAX, 0, 0, false },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		if (!expect_int(response(guard_copy(cases[i].in), cases[i].to_head), cases[i].want) ||
			cases[i].want != OK)
			continue;
		expect_int(head.status, cases[i].status);
		expect_int(head.body, cases[i].body);
		expect_int(head.keep_alive, cases[i].keep_alive);
	}
}

TEST(head_counts_fields)
{
	static char text[8192];
	for (int fields = HTTP_FIELDS_MAX; fields <= HTTP_FIELDS_MAX + 1; fields++) {
		struct buf b = BUF(text);
		buf_format(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (int i = 1; i < fields; i++)
			buf_format(&b, "x%d: %d\r\n", NUM(i), NUM(i));
		buf_format(&b, "\r\n");
		expect_int(request(guard_copy(buf_str(&b))), fields == HTTP_FIELDS_MAX ? OK : E_LIMIT);
	}
	expect(mentions(fault_text(&fault), "100"));
}

/* Every prefix is a beginning, in one piece or byte by byte, and the end is found where it is. */
TEST(head_find_is_incremental)
{
	struct str whole = S("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
	struct str more =
		guard_copy(S("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"));
	size_t end, drip = 0, cuts = 0;
	for (size_t n = 0; n < whole.n; n++) {
		size_t scanned = 0;
		context("%zu bytes", n);
		expect_int(http_head_find(&end, &scanned, guard_copy(str_sub(whole, 0, n))), E_MORE);
		expect_int(scanned, n);
		expect_int(http_head_find(&end, &drip, str_sub(more, 0, n)), E_MORE);
		expect_int(drip, n);
		if (test_random(4) == 0)
			expect_int(http_head_find(&end, &cuts, str_sub(more, 0, n)), E_MORE);
		/* A head that ends too early is refused, not read past its end. */
		expect_int(http_request_parse(&head, guard_copy(str_sub(whole, 0, n)), &fault), E_SYNTAX);
	}
	expect_int(http_head_find(&end, &drip, more), OK);
	expect_int(end, whole.n);
	expect_int(http_head_find(&end, &cuts, more), OK);
	expect_int(end, whole.n);
	expect_int(http_request_parse(&head, more, &fault), E_SYNTAX);
	expect(mentions(fault_text(&fault), "behind"));
}

TEST(head_find_refuses_at_once)
{
	static const struct {
		struct str in;
		size_t at; /* with this many bytes it is refused, with one less not yet */
	} cases[] = {
		{ STR("GET / HTTP/1.1\nHost"), 15 },
		{ STR("GET / HTTP/1.1\rHost"), 16 },
		{ STR("GE\0 / HTTP"), 3 },
		{ STR("\r\nGET"), 2 },
		{ STR("a\r\nb\n"), 5 },
		{ STR("a\r\n\r\r"), 5 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		size_t end, scanned = 0;
		context("case %zu", i);
		for (size_t n = 0; n < cases[i].at; n++)
			expect_int(
				http_head_find(&end, &scanned, guard_copy(str_sub(cases[i].in, 0, n))), E_MORE);
		expect_int(http_head_find(&end, &scanned, guard_copy(str_sub(cases[i].in, 0, cases[i].at))),
			E_SYNTAX);
	}
}

TEST(head_status_line)
{
	static const struct {
		struct str in;
		enum err want;
		int status;
	} cases[] = {
		{ STR(""), E_MORE, 0 },
		{ STR("H"), E_MORE, 0 },
		{ STR("HTTP/1.1 202 Acc"), E_MORE, 0 },
		{ STR("HTTP/1.1 202 Accepted\r"), E_MORE, 0 },
		{ STR("HTTP/1.1 202 Accepted\r\n"), OK, 202 },
		{ STR("HTTP/1.1 202\r\nContent-Le"), OK, 202 },
		{ STR("HTTP/1.0 503 \r\n\1garbage"), OK, 503 },
		{ STR("HTTP/1.1 202 Accepted\n"), E_SYNTAX, 0 },
		{ STR("HTTP/1.1 202 A\rB\r\n"), E_SYNTAX, 0 },
		{ STR("HTTP/1.1 20\r\n"), E_SYNTAX, 0 },
		{ STR("\x15\x03\x03"), E_SYNTAX, 0 },
		{ STR("HTTP/2"), E_SYNTAX, 0 },
		{ STR("\n"), E_SYNTAX, 0 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		int status = 0;
		context("case %zu", i);
		expect_int(http_status_line(&status, guard_copy(cases[i].in)), cases[i].want);
		expect_int(status, cases[i].status);
	}
}

/* The classes of bytes, against the RFC's own list. */
TEST(head_classes_of_bytes)
{
	const char *token =
		"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		context("byte %d", c);
		expect_int(http_is_token_byte((unsigned char)c), c != 0 && strchr(token, c) != NULL);
		expect_int(http_is_value_byte((unsigned char)c), c == '\t' || (c >= ' ' && c != 0x7f));
		expect_int(http_value_ok((struct str){ &byte, 1 }), c == '\t' || (c >= ' ' && c != 0x7f));
	}
	expect(http_value_ok(S("")));
	expect(http_value_ok(S("a\tvalue\twith tabs\t\tat places in three blocks of sixteen\t")));
}

/* A long field in the middle of a head, with one byte in it that may not be there, or may. */
TEST(head_bytes_at_every_place)
{
	static const char bytes[] = { '\0', '\t', '\n', '\r', 0x1f, ' ', '~', 0x7f, '\x80', '\xff' };
	char memory[] = "HTTP/1.1 200 OK\r\nname: 0123456789012345678901234567890123456789\r\n\r\n";
	struct str whole = { memory, sizeof(memory) - 1 };
	for (size_t at = strlen("HTTP/1.1 200 OK\r\nname: "); at < whole.n - 4; at++) {
		char was = memory[at];
		for (size_t i = 0; i < countof(bytes); i++) {
			memory[at] = bytes[i];
			bool ok = http_is_value_byte((unsigned char)bytes[i]);
			struct str value = str_sub(whole, strlen("HTTP/1.1 200 OK\r\n"), whole.n - 4);
			size_t end, scanned = 0;
			context("byte %d at %zu", bytes[i], at);
			expect_int(http_value_ok(guard_copy(value)), ok);
			expect_int(http_head_find(&end, &scanned, guard_copy(whole)), ok ? OK : E_SYNTAX);
		}
		memory[at] = was;
	}
	expect(!http_value_ok(S("a\r\nb: c")));
}

TEST(head_list_has)
{
	expect(http_list_has(S("close"), S("Close")));
	expect(http_list_has(S("a, b ,close"), S("close")));
	expect(http_list_has(S(",,close,,"), S("close")));
	expect(!http_list_has(S(""), S("close")));
	expect(!http_list_has(S("closed, xclose, clo se"), S("close")));
}

TEST(head_may_name_no_host)
{
	struct http_head h;
	struct fault f;
	expect_int(http_request_parse(&h, guard_copy(S("GET / HTTP/1.1\r\nHost:\r\n\r\n")), &f), OK);
	expect_int(
		http_request_parse(&h, guard_copy(S("OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n")), &f), OK);
}
