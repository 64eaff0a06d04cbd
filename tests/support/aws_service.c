#include "aws_service.h"

#include "check.h"
#include "net/dial.h"
#include "peer.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { REQUEST_MAX = 65536, SLOTS = 2 };

struct aws_context aws_service_context;

static const struct str *script;
static size_t script_n, requests;
static char memory[AWS_SERVICE_REQUESTS_MAX][REQUEST_MAX];
static struct buf texts[AWS_SERVICE_REQUESTS_MAX];
static struct peer peer;
static struct endpoints endpoints;
static struct resolver resolver;

static bool is_whole(struct str text)
{
	static const struct str field = STR("Content-Length: ");
	uint64_t n;
	size_t end = str_find_str(text, S("\r\n\r\n")), at = str_find_str(text, field) + field.n;
	struct str digits = str_sub(text, at, at + str_find(str_skip(text, at), '\r'));
	return end < text.n && str_to_u64(&n, digits, REQUEST_MAX) && text.n >= end + 4 + n;
}

static void serve(int fd, struct peer *p)
{
	while (requests < AWS_SERVICE_REQUESTS_MAX) {
		struct buf *b = &texts[requests];
		*b = BUF(memory[requests]);
		for (ssize_t n; !is_whole(buf_str(b)); b->n += (size_t)n)
			if ((n = recv(fd, b->p + b->n, b->cap - b->n, 0)) <= 0)
				return;
		requests++;
		if (requests > script_n)
			break;
		struct str answer = script[requests - 1];
		for (struct str s = answer; s.n;) {
			ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
			if (n <= 0)
				return;
			s = str_skip(s, (size_t)n);
		}
		if (!str_starts(answer, S("HTTP/1.1 20")))
			return;
	}
	peer_hang(fd, p);
}

void aws_service_start(const struct str *answers, size_t count)
{
	static struct http_pool *pool;
	static char url_memory[64];
	if (!pool) {
		void *slots = mmap(NULL, http_pool_size(SLOTS), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(slots != MAP_FAILED);
		static struct http_pool only_pool;
		http_pool_init(&only_pool, slots, SLOTS);
		pool = &only_pool;
		resolver_init(&resolver, "/dev/null", "/dev/null");
	}
	script = answers;
	script_n = count;
	requests = 0;
	peer_start(&peer, serve, NULL);
	struct buf url = BUF(url_memory);
	buf_format(&url, "http://127.0.0.1:%d", NUM(peer.port));
	for (size_t i = 0; i < AWS_SERVICES; i++)
		endpoints.urls[i] = buf_str(&url);
	aws_service_context = (struct aws_context){
		.pool = pool, .resolver = &resolver, .endpoints = &endpoints, .region = S("eu-west-1")
	};
}

size_t aws_service_requests(void)
{
	return requests;
}

struct str aws_service_request(size_t i)
{
	check(i < requests);
	return buf_str(&texts[i]);
}

void aws_service_stop(void)
{
	struct dial_target to = { .host = S("127.0.0.1"), .port = peer.port, .resolver = &resolver };
	struct http_client *c = http_pool_take(aws_service_context.pool, &to, false);
	http_client_close(c);
	http_pool_give(aws_service_context.pool, c);
	peer_stop(&peer);
}
