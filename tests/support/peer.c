#include "peer.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void *run(void *arg)
{
	struct peer *p = arg;
	for (int fd; (fd = accept(p->listener, NULL, NULL)) >= 0;) {
		/* So that a test that went wrong ends. */
		struct timeval patience = { 5, 0 };
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		atomic_fetch_add(&p->connections, 1);
		p->serve(fd, p);
		close(fd);
	}
	return NULL;
}

void peer_start(struct peer *p, void (*serve)(int fd, struct peer *p), void *arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	p->serve = serve;
	p->arg = arg;
	atomic_init(&p->connections, 0);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, sizeof(at)) ||
		listen(p->listener, 16) || getsockname(p->listener, (struct sockaddr *)&at, &n) ||
		pthread_create(&p->thread, NULL, run, p)) {
		perror("peer");
		exit(2);
	}
	p->port = ntohs(at.sin_port);
}

void peer_stop(struct peer *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
}

void peer_reset(int fd)
{
	struct linger at_once = { 1, 0 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void peer_close(int fd, struct peer *p)
{
	(void)fd, (void)p;
}

void peer_hang(int fd, struct peer *p)
{
	(void)p;
	poll(&(struct pollfd){ fd, POLLRDHUP, 0 }, 1, 5000);
}

void peer_echo(int fd, struct peer *p)
{
	char bytes[4096];
	(void)p;
	for (ssize_t n; (n = recv(fd, bytes, sizeof(bytes), 0)) > 0;)
		if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
			return;
}
