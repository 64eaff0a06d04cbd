/* listener.h - the HTTP server: one thread that accepts, reads, parses, decides and answers.
 *
 * A connection is a small slot. With its first byte it takes a buffer, which it gives back when it is idle
 * again; a complete request moves the buffer on to a job, so that a slow client costs a buffer and never a
 * thread. One request of a connection is worked on at a time: pipelined ones wait behind it, and answers are
 * in order by construction. Every wait has a limit.
 *
 * What the loop cannot answer itself goes to the workers as a job (jobs.h). */
#ifndef LISTENER_LOOP_H
#define LISTENER_LOOP_H

#include "listener/backend.h"
#include "listener/config.h"
#include "listener/connection.h"
#include "listener/handshakes.h"
#include "listener/jobs.h"
#include "service/services.h"

enum {
	IDLE_MS = 75000,
	HEAD_MS = 5000,
	BODY_MS = 10000,
	WRITE_MS = 10000,
	LINGER_MS = 1000,
	DRAIN_MS = 10000,

	CONNECTIONS_MAX = 10000,
	CONNECTIONS_TLS_MAX = 1000,
	LARGE_BUFFERS = 64,
	SMALL_BUFFERS_KEPT = 512, /* free ones that keep their memory; that of a crowd which has left goes back */
	GIVEN_SOCKETS_MAX = 16, /* listening ones that a service manager gives */
	SOCKETS_MAX = GIVEN_SOCKETS_MAX + 2,
};

struct wait_queue {
	int64_t length_ms;
	struct connection *first, *last;
};

struct buffer_pool {
	char *memory;
	size_t size;           /* of one, in whole pages */
	size_t unused;         /* how many at the end of `memory` nobody has had yet */
	struct buffer **free;  /* the others that are free; the last was used last */
	size_t free_count, kept;
};

struct listening {
	int fd;
	bool metrics;
};

struct listener {
	struct services *services;
	const struct listener_config *config;
	const struct environment *env;
	struct jobs jobs;
	struct handshakes handshakes;
	struct backend *backend; /* NULL if there is none */
	int epoll, wake, signals;
	struct listening sockets[SOCKETS_MAX];
	size_t sockets_count;
	bool accepting;       /* false while there are no file descriptors for more, */
	int64_t accept_again; /* until this moment or until one is closed */
	bool acceptable;      /* somebody is waiting */
	bool draining;
	int64_t drained_by, functions_end_by;
	int64_t now; /* monotonic ms, read once a round */
	int64_t started_wall_s;
	struct connection *slots, *free_slots;
	size_t slots_count, open;
	struct buffer_pool small, large;
	struct wait_queue waits[WAIT_CLASSES];
};

/* Runs the listener until it is told to stop and has drained, in the calling thread. Exit code. */
int listener_run(struct services *s, const struct listener_config *config, const struct environment *env);

/* ---- for connection.c ---- */

struct connection *listener_take_slot(struct listener *l);
void listener_give_slot(struct listener *l, struct connection *c);
struct buffer *listener_take_buffer(struct listener *l, bool large);
void listener_give_buffer(struct listener *l, struct buffer *b);
void listener_release_job(struct listener *l, struct job *job);
void listener_wait(struct listener *l, struct connection *c, enum wait_class wait);

#endif
