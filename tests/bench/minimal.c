/* The least that can be a Lambda runtime: asks for an event, gives every one the same answer, asks
 * again. It knows one form of address, one request at a time, and no errors: what the gateway costs
 * above this is its own doing. */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define API " /2018-06-01/runtime/invocation/"

static char in[64 * 1024], out[1024];

static int dial(const char *api)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *port = strchr(api, ':');
	char host[16] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!port || port - api >= (int)sizeof(host))
		exit(2);
	memcpy(host, api, (size_t)(port - api));
	to.sin_port = htons((unsigned short)atoi(port + 1));
	to.sin_addr.s_addr = inet_addr(host);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		exit(1);
	return fd;
}

/* Whether `in` holds a whole response: up to its length, or to the last chunk. */
static int is_whole(size_t n)
{
	const char *body = strstr(in, "\r\n\r\n"), *length = strstr(in, "Content-Length: ");
	if (!body)
		return 0;
	if (length && length < body)
		return n == (size_t)(body + 4 - in) + (size_t)atoi(length + 16);
	return memcmp(in + n - 5, "0\r\n\r\n", 5) == 0;
}

static void exchange(int fd, size_t n)
{
	size_t have = 0;
	if (write(fd, out, n) != (ssize_t)n)
		exit(1);
	do {
		ssize_t got = read(fd, in + have, sizeof(in) - 1 - have);
		if (got <= 0)
			exit(1);
		have += (size_t)got;
		in[have] = '\0';
	} while (!is_whole(have));
}

static char *put(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

#define PUT(p, lit) put(p, "" lit, sizeof(lit) - 1)

int main(void)
{
	static const char field[] = "Lambda-Runtime-Aws-Request-Id: ";
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	int fd = dial(api);
	for (;;) {
		char *p = PUT(out, "GET" API "next HTTP/1.1\r\nHost: ");
		p = put(p, api, strlen(api));
		exchange(fd, (size_t)(PUT(p, "\r\n\r\n") - out));
		const char *id = strstr(in, field);
		if (!id)
			return 1;
		id += sizeof(field) - 1;
		p = PUT(out, "POST" API);
		p = put(p, id, strcspn(id, "\r"));
		p = PUT(p, "/response HTTP/1.1\r\nHost: ");
		p = put(p, api, strlen(api));
		exchange(fd, (size_t)(PUT(p, "\r\nContent-Length: 2\r\n\r\n{}") - out));
	}
}
