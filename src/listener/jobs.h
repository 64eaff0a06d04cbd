/* jobs.h - what the listener's workers do: complete requests that need more than a decision.
 *
 * A fixed number of jobs and threads. The loop puts jobs in, workers take them out in order, answers come back
 * through a list and a wake-up. An answer may come long before its job ends. */
#ifndef LISTENER_JOBS_H
#define LISTENER_JOBS_H

#include "gateway/decide.h"
#include "listener/connection.h"
#include "os/lock.h"
#include "service/dispatch.h"
#include "service/services.h"

#include <stdatomic.h>

enum {
	/* The event, decoded fields, what a function answers while Slack waits, and the reply made of that. */
	SMALL_ARENA = ARENA_PER_BUFFER * SMALL_BUFFER + 2 * SYNC_ANSWER_MAX,
	QUEUE_MAX = 256,     /* jobs that wait for a worker */
	JOB_LIFE_MS = 30000, /* from the arrival of a request until all its work must have ended, */
	JOB_LATE_MS = 2000,  /* but this long after its turn has come: one try, or at least a word to its user */
	JOB_ID_SIZE = 32,
	WORKER_STACK = 512 * 1024,
};

/* A complete request. Held by the loop until its answer is written or its connection is gone, and by the
 * worker until its work has ended; given back by whoever lets go last. */
struct job {
	struct job *next;       /* in the free list or the queue */
	struct job *next_done;  /* in the list of answers */
	struct connection *connection; /* the loop's business; NULL once it is gone */
	bool delivered;         /* the loop has its answer: also the loop's business */
	_Atomic int holders;
	bool answered;          /* under the lock while it is queued, then the worker's business */
	bool doubtful;          /* the loop's: it waits for newer secrets, and comes back to be decided again if not answered */
	struct buffer *buffer;  /* head and body, which the decision points into */
	char *small_memory;
	struct arena arena;
	struct gateway_request request;
	struct decision decision;
	char peer[PEER_MAX];
	size_t peer_n;
	int64_t arrived_mono, arrived_wall, soft, hard;
	char id[JOB_ID_SIZE];
	bool keep_alive, to_head;
	bool local;             /* the embedded backend has a copy and waits for the answer to leave */
	int status;
	struct str response;    /* the whole answer as it goes on the wire; in the arena */
};

static inline struct str job_id(const struct job *job) { return (struct str){ job->id, sizeof(job->id) }; }

struct jobs {
	struct services *services;
	int wake;                 /* eventfd */
	size_t workers;
	_Atomic bool closing;     /* connections end with their answer */

	/* the loop's */
	struct job *free;
	struct job *answered, *ended; /* what the last turn brought, to be dealt with */
	size_t doubtful;
	uint64_t id_prefix, id_count;

	/* under the lock */
	struct lock lock;
	struct condition work;
	struct job *first, *last; /* the queue */
	size_t queued, running;
	struct job *done;         /* have an answer for the loop */
	struct job *finished;     /* need nothing more but to be put away */
};

/* Sets up memory and threads. E_SYSTEM. */
must_check enum err jobs_start(struct jobs *j, struct services *s, size_t workers, int wake, struct fault *f);

/* A job for the loop to fill, held by it; NULL when all are in use. Its arena is sized to `buffer`. */
struct job *jobs_take(struct jobs *j, struct buffer *buffer);

/* Puts it into the queue. One whose decision is an answer comes back unanswered when the signing secrets have been read again. */
void jobs_submit(struct jobs *j, struct job *job);

/* Whether it can be submitted to be decided with newer secrets. Of the workers half are for that. */
bool jobs_may_doubt(const struct jobs *j, const struct job *job);

/* The loop lets go. Returns the job's buffer if nobody needs it any more, else NULL. */
must_check struct buffer *jobs_release(struct jobs *j, struct job *job);

/* Once a round: collects what the workers have done, and answers for those in the queue whose soft moment has come.
 * Returns the monotonic ms at which it must be called again at the latest, or DEADLINE_NEVER. All that it brings is taken
 * with the two below before it is called again. */
int64_t jobs_turn(struct jobs *j, int64_t now);

/* The next job that has an answer, or comes back without one; NULL when there is none; and the next buffer that nobody needs any more. */
struct job *jobs_next_answered(struct jobs *j);
struct buffer *jobs_next_returned(struct jobs *j);

/* From now on answers say that their connection ends. */
void jobs_close(struct jobs *j);

/* How many wait for a worker, and how many are in the hands of one. */
void jobs_count(struct jobs *j, size_t *queued, size_t *running);

/* What the job's function gets, in the form that its decision wants; in the arena. E_LIMIT. */
must_check enum err job_payload(struct str *out, struct job *job);

/* Makes the wire form of `reply` in the job's arena. */
void job_respond(struct job *job, const struct reply *reply);

#endif
