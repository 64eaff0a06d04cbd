#include "http/request.h"

#include "base/version.h"
#include "check.h"
#include "net/proxy.h"

#define AGENT "User-Agent: slack-lambda-gateway/" VERSION "\r\n"

TEST(http_request_heads)
{
	static const struct http_field fields[] = { { STR("Content-Type"), STR("text/plain") },
		{ STR("x-empty"), STR("") } };
	static const struct proxy_server open_proxy = { .host = STR("proxy") },
									 user_proxy = { .host = STR("proxy"), .user = STR("u:p%40") };
	static const struct {
		struct http_request in;
		const struct proxy_server *via;
		struct str want;
	} cases[] = {
		{ { .method = STR("GET"), .authority = STR("a.test"), .path = STR("/x") }, NULL,
			STR("GET /x HTTP/1.1\r\nHost: a.test\r\n" AGENT "\r\n") },
		{ { .method = STR("POST"),
			  .authority = STR("[::1]:8080"),
			  .base_path = STR("/base"),
			  .path = STR("/x"),
			  .query = STR("q=%20") },
			NULL,
			STR("POST /base/x?q=%20 HTTP/1.1\r\nHost: [::1]:8080\r\n" AGENT
				"Content-Length: 0\r\n\r\n") },
		{ { .method = STR("PUT"), .authority = STR("a"), .path = STR("/") }, NULL,
			STR("PUT / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Length: 0\r\n\r\n") },
		{ { .method = STR("GET"), .authority = STR("a"), .path = STR("/"), .body = STR("xyz") },
			NULL, STR("GET / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Length: 3\r\n\r\n") },
		{ { .method = STR("GET"),
			  .authority = STR("a"),
			  .path = STR("/"),
			  .fields = fields,
			  .fields_count = 2 },
			NULL,
			STR("GET / HTTP/1.1\r\nHost: a\r\n" AGENT
				"Content-Type: text/plain\r\nx-empty: \r\n\r\n") },
		{ { .method = STR("GET"),
			  .authority = STR("a:81"),
			  .base_path = STR("/b"),
			  .path = STR("/"),
			  .query = STR("c") },
			&open_proxy, STR("GET http://a:81/b/?c HTTP/1.1\r\nHost: a:81\r\n" AGENT "\r\n") },
		{ { .method = STR("GET"), .authority = STR("a"), .path = STR("/") }, &user_proxy,
			STR("GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dTpwQA==\r\n" AGENT
				"\r\n") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[512];
		context("case %zu", i);
		struct buf b = BUF(memory);
		http_request_put(&b, &cases[i].in, cases[i].via);
		expect_str(buf_str(&b), cases[i].want);
		for (size_t cap = 0; cap < cases[i].want.n; cap++) {
			struct buf small = { memory, 0, cap, false };
			http_request_put(&small, &cases[i].in, cases[i].via);
			expect(small.full && small.n <= cap);
		}
	}
}
