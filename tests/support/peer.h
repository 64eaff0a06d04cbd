/* peer.h - somebody to talk to on the loopback address, as well or as badly behaved as a test
 * wants. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Listens on a free port of 127.0.0.1 and serves one connection after another in a thread of its
 * own. */
struct peer {
	void (*serve)(
		int fd, struct peer *p); /* called with each connection, which is closed afterwards */
	void *arg;
	uint16_t port;
	atomic_uint connections; /* accepted so far */
	int listener;
	pthread_t thread;
};

void peer_start(struct peer *p, void (*serve)(int fd, struct peer *p), void *arg);

/* Close the own end first: this waits until the last connection is served. */
void peer_stop(struct peer *p);

/* Makes the end of the connection a reset instead of an orderly one. */
void peer_reset(int fd);

/* Things to serve. */
void peer_close(int fd, struct peer *p); /* at once */
void peer_hang(int fd,
	struct peer *p); /* neither reads nor writes until the other side ends; for at most 5 s */
void peer_echo(int fd, struct peer *p);

#endif
