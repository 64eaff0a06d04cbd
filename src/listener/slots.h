/* slots.h - what clients of the listener hold, connections and buffers, and whose connection is
 * dropped when there are too many.
 *
 * Everything is sized at the start. A connection that is idle is a small slot; with the first byte
 * of a request it takes a small buffer, with a long body a large one. Who asks for what has run out
 * gets it from one unauthenticated holder (slots_loser). Whoever sent a request that verified is
 * authenticated and loses nothing.
 *
 * No address is limited while places are free. Pure: no system call but for memory, and time is
 * `now`. Used by the loop's thread alone. */
#ifndef LISTENER_SLOTS_H
#define LISTENER_SLOTS_H

#include "http/body.h"
#include "net/address.h"
#include "os/queue.h"

struct access_note;
struct secure;

enum {
	/* A small buffer holds a head and most bodies: a slash command has some 500 bytes, an
	 * interaction with a message in it some 10 KiB. */
	HEAD_MAX = 16384,
	SMALL_BUFFER = HEAD_MAX + 16384,
	/* The largest body behind the largest head, and a read's worth of chunk framing. */
	READ_MAX = 16384,
	REQUEST_BODY_MAX = 1 << 20,
	LARGE_BUFFER = HEAD_MAX + REQUEST_BODY_MAX + READ_MAX,
	/* A request for metrics, and behind its head the page. */
	REPORT_BUFFER = HEAD_MAX + 128 * 1024,
	/* Memory behind a large buffer, for the work on its request: the event (the body in base64 or
	 * escaped, the head with every quote escaped), decoded fields, the reply. */
	ARENA_PER_BUFFER = 4,
	ANSWER_MAX = 1024,
	PEER_MAX = 46,
	/* A connection younger than this keeps its place while another can lose one: its request may be
	   on its way. */
	GRACE_MS = 250,
};

enum buffer_kind { BUFFER_SMALL, BUFFER_LARGE, BUFFER_REPORT, BUFFER_KINDS };

/* Where a request is read into, and what its head says. */
struct buffer {
	struct connection *owner;   /* that loses it when another needs it; NULL: nobody */
	enum buffer_kind kind;
	size_t cap;
	struct http_head head;      /* views into `bytes` */
	enum err result;            /* of input_read_body, */
	size_t used;                /* bytes behind c->raw that are the body's, if it is complete, */
	struct str why;             /* and what is wrong with it */
	char answer[ANSWER_MAX];    /* for what the listener says itself */
	char bytes[];
};

/* How far a connection has got with its request, and in which order places are taken from it. */
enum stage {
	STAGE_HANDSHAKE, /* TLS */
	STAGE_HEAD,      /* without a buffer: idle */
	STAGE_BODY,
	STAGE_WRITING,
	STAGE_LINGERING, /* answered and shut; what still comes is thrown away */
	STAGE_WORKING,   /* somebody else has the request; never loses its place */
	STAGES,
};

/* What a connection may wait for; each has one length, so each is a queue in the order of time.
 * WAIT_ANSWER has a moment for each connection instead. */
enum wait {
	WAIT_IDLE, WAIT_HANDSHAKE, WAIT_HEAD, WAIT_BODY, WAIT_WRITE, WAIT_LINGER, WAIT_ANSWER,
	WAITS, WAIT_NONE = WAITS,
};

/* What a listening socket is for. */
enum door_use { USE_REQUESTS, USE_METRICS, USE_ADMIN };

/* An address, or /64 of IPv6, and how many unauthenticated connections it holds. */
struct origin {
	struct origin *next; /* of those with its hash, or of the free ones */
	uint64_t key[2];
	size_t count;
};

struct connection {
	struct link waiting;      /* in the queue of its wait; in the free list */
	struct link
		holding; /* among the unauthenticated of its stage, in the order in which they got there */
	int64_t due;              /* when its wait is over; monotonic ms, as all moments here */
	int64_t opened;
	int fd;                   /* -1: the slot is free */
	enum stage stage;
	enum wait wait;
	bool authenticated;
	bool readable, writable;  /* as far as is known: edge-triggered */
	bool proxy;               /* says for whom it speaks */
	bool hung_up;             /* the end of what the client sends is on its way */
	bool ended;               /* the client will send no more */
	bool broken;              /* nothing can be sent any more */
	bool keep;                /* after this answer */
	bool passed_over;         /* an empty line before the request, and no other will be */
	bool must_leave;          /* its task is let go only when the answer has left */
	bool unlogged;            /* a request has begun that has no access line yet */
	bool stepping;            /* a stepper has it, or is going to: the loop leaves it alone */
	bool late;                /* it ends as soon as the stepper gives it back */
	struct secure *secure;    /* TLS; NULL in plain */

	struct buffer *buffer;
	size_t n;                 /* bytes in it */
	size_t head_n;            /* length of the head once it is complete */
	const struct http_head *head; /* of the request that was read; NULL until then */
	size_t raw;               /* where undecoded bytes of the body begin */
	struct str out;           /* to be written */
	size_t scanned;           /* bytes looked through for the end of the head */
	struct buf decoded;
	struct http_body body;
	int64_t began;            /* first byte of the request */

	void *task;               /* of whoever took the request; NULL: nobody */
	const struct access_note *note; /* about the request, for its access line; NULL: nothing */
	int status;
	enum door_use use;
	struct origin *origin;    /* NULL: has no address that counts, or is authenticated */
	struct link step;         /* in the steppers' queue */
	uint32_t told;            /* events that were not looked at yet */
	size_t peer_n;
	char peer[PEER_MAX];      /* its address as text; empty for a unix socket */
};

struct buffer_pool {
	char *memory;
	size_t size;           /* of one, in whole pages */
	size_t warm;           /* of it, what those that keep their memory keep */
	size_t cap;            /* of its `bytes` */
	size_t count;
	size_t unused;         /* how many at the end of `memory` nobody has had yet */
	struct buffer **free;  /* the others that are free; the last was used last */
	size_t free_count;
	size_t kept; /* free ones that keep their memory; that of a crowd which has left goes back */
};

struct slots {
	size_t count, open;
	struct connection *list;
	size_t used;                 /* slots from here on nobody has had yet */
	struct list free;            /* the others that are free; the last used first */
	struct list holders[STAGES]; /* unauthenticated connections by stage */
	struct list waits[WAITS];
	int64_t lengths[WAITS];      /* ms */
	struct buffer_pool pools[BUFFER_KINDS];
	uint64_t seed;               /* of the hash of origins */
	size_t origins_mask;
	struct origin **origins;
	struct origin *all_origins, *free_origins;
	size_t origins_used;         /* as `used` */
	size_t *by_count;            /* how many origins hold that many */
	size_t most;                 /* the largest of these */
};

/* How many of each. */
struct slots_sizes {
	size_t connections;
	size_t buffers[BUFFER_KINDS];
	int64_t idle_ms;
};

/* `s` is zeroed. `seed`: random, so that nobody can choose addresses that collide. */
void slots_init(struct slots *s, const struct slots_sizes *sizes, uint64_t seed);

/* A connection in STAGE_HEAD that waits for nothing; NULL when all are in use. `address` counts for
 * it; NULL: none does. */
struct connection *slots_take(struct slots *s, int fd, const struct address *address, int64_t now);
void slots_give(struct slots *s, struct connection *c);

/* Says how far it has got. */
void slots_enter(struct slots *s, struct connection *c, enum stage stage);

/* A request of it has verified. */
void slots_authenticate(struct slots *s, struct connection *c);

/* Whose place another may take: of the unauthenticated connections from the origin that holds most,
 * those in the earliest unfinished stage, and of these the one that has waited longest. One that
 * was opened less than GRACE_MS ago is passed over while there is another. When all are
 * authenticated: the one that has been idle longest. NULL: nobody's. */
struct connection *slots_loser(struct slots *s, int64_t now);

/* The same among those in the handshake, and among those that own a buffer of that kind. */
struct connection *slots_handshake_loser(struct slots *s, int64_t now);
struct connection *slots_buffer_loser(struct slots *s, enum buffer_kind kind, int64_t now);

/* Starts its wait, ends it with WAIT_NONE; with slots_wait_until for its answer. */
void slots_wait(struct slots *s, struct connection *c, enum wait wait, int64_t now);
void slots_wait_until(struct slots *s, struct connection *c, int64_t due);

/* One whose wait is over; NULL: none, and *next is when the next one's is, or what it was if that
 * is earlier. */
struct connection *slots_next_due(struct slots *s, int64_t now, int64_t *next);

/* NULL when all are in use. */
struct buffer *slots_take_buffer(struct slots *s, enum buffer_kind kind);
void slots_give_buffer(struct slots *s, struct buffer *b);

#endif
