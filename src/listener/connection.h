/* connection.h - one client of the listener: the state machine from accept to close. Used by the loop's thread
 * alone. */
#ifndef LISTENER_CONNECTION_H
#define LISTENER_CONNECTION_H

#include "base/arena.h"
#include "base/clock.h"
#include "http/body.h"

struct listener;
struct job;
struct secure;

enum {
	/* A small buffer holds a head and most bodies: a slash command has some 500 bytes, an interaction with a
	 * message in it some 10 KiB. */
	HEAD_MAX = 16384,
	SMALL_BUFFER = HEAD_MAX + 16384,
	/* The largest body behind the largest head, and a read's worth of chunk framing. */
	READ_MAX = 16384,
	REQUEST_BODY_MAX = 1 << 20,
	LARGE_BUFFER = HEAD_MAX + REQUEST_BODY_MAX + READ_MAX,
	/* A job's memory: the event (the body in base64 or escaped, the head with every quote escaped), decoded fields, the reply. */
	ARENA_PER_BUFFER = 5,
	ANSWER_MAX = 1024,
	PEER_MAX = 46,
};

/* Where a request is read into, and what its head says. Small ones are many, large ones few. */
struct buffer {
	struct buffer *next; /* among those that jobs have given back */
	bool large;
	size_t cap;
	struct http_head head;    /* views into `bytes` */
	char answer[ANSWER_MAX];  /* for what the loop says itself */
	char bytes[];
};

/* What a connection may wait for. Each has one length, so that each is a queue in the order of time. */
enum wait_class { WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_WRITE, WAIT_LINGER, WAIT_CLASSES, WAIT_NONE = WAIT_CLASSES };

enum connection_state {
	CONNECTION_HANDSHAKE, /* TLS; a stepper has it, or it waits for bytes */
	CONNECTION_HEAD,      /* without a buffer: idle */
	CONNECTION_BODY,
	CONNECTION_WORKING,   /* a job has the request */
	CONNECTION_WRITING,
	CONNECTION_LINGERING, /* answered and shut; what still comes is thrown away */
};

struct connection {
	struct connection *next, *previous; /* in its wait class; `next` in the free list */
	int64_t due;
	int fd;
	enum connection_state state;
	enum wait_class wait;
	bool metrics;             /* came in on the address for metrics */
	bool readable, writable;  /* as far as is known: edge-triggered */
	bool hung_up;             /* the end of what the client sends is on its way */
	bool ended;               /* the client will send no more */
	bool broken;              /* nothing can be sent any more */
	bool keep;                /* after this answer */
	struct secure *secure;    /* TLS; NULL in plain */
	bool stepping;            /* a stepper has it, */
	bool late;                /* and has had it for too long */

	struct buffer *buffer;
	size_t n;                 /* bytes in it */
	size_t scanned;           /* of them looked through for the end of the head */
	size_t head_n;            /* length of the head once it is complete */
	size_t raw;               /* where undecoded bytes of the body begin */
	struct http_body body;
	struct buf decoded;
	int64_t began_mono;       /* first byte of the request */

	struct job *job;
	struct str out;           /* to be written */
	int status;
	bool unlogged;            /* a request has begun that has no access line yet */
	size_t peer_n;
	char peer[PEER_MAX];
};

/* Takes over an accepted socket. */
void connection_open(struct listener *l, int fd, struct str peer, bool metrics);

/* Goes on as far as it gets without waiting. The connection may be gone afterwards. */
void connection_advance(struct listener *l, struct connection *c);

/* Its wait is over. */
void connection_expire(struct listener *l, struct connection *c);

/* A stepper gives it back. */
void connection_take_back(struct listener *l, struct connection *c);

/* The job that works for it has an answer, or is to be decided again. */
void connection_answer_job(struct listener *l, struct connection *c);

/* Closes it if it is idle; otherwise it ends after its answer. */
void connection_drain(struct listener *l, struct connection *c);

/* Closes it, whatever it waits for: the time for draining is over. */
void connection_abandon(struct listener *l, struct connection *c);

#endif
