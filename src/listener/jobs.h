/* jobs.h - complete requests that need more than a decision of the loop's, and the threads that
 * work on them.
 *
 * A fixed number of jobs. The loop opens one, submits it, collects what the workers have done with
 * it, and releases it when its answer has left or its connection is gone. An answer may come long
 * before the work ends: whoever is the last to need a job, the loop or a worker, ends it. A job is
 * in one state, and on the one list that belongs to it. */
#ifndef LISTENER_JOBS_H
#define LISTENER_JOBS_H

#include "gateway/decide.h"
#include "listener/access.h"
#include "listener/backend.h"
#include "listener/slots.h"
#include "os/queue.h"
#include "service/dispatch.h"
#include "service/services.h"

#include <stdatomic.h>

enum {
	/* The event, decoded fields, and the reply; */
	SMALL_ARENA = ARENA_PER_BUFFER * SMALL_BUFFER,
	/* where routes are synchronous, also what a function answers while Slack waits, and the reply
	   made of that. */
	SYNC_ARENA = SMALL_ARENA + 2 * SYNC_ANSWER_MAX,
	VERIFIERS_MAX = 4,
	/* What may wait to be hashed by verifiers, in bytes times secrets: about a second's work. */
	UNVERIFIED_MAX = 256 << 20,
	JOB_LIFE_MS = 30000, /* from the arrival of a request until all its work must have ended, */
	JOB_LATE_MS =
		2000, /* but this long after its turn has come: one try, or at least a word to its user */
	JOB_ID_SIZE = 32,
	RENEW_BY_MS = 1900, /* from the arrival: later there is no time for newer secrets */
	TELLERS = 8, /* threads that help to tell users when the time for draining runs out */
	/* Twice what the deepest call takes: an invocation that renews credentials with a signature of
	   its own. */
	WORKER_STACK = 192 * 1024,
};

/* The loop's part, before the underscore, and the workers'. LEFT: nobody waits for an answer any
 * more. */
enum job_state {
	JOB_FREE,             /* list `free` */
	JOB_OPEN,             /* the loop fills it and decides */
	JOB_UNVERIFIED,       /* list `unverified`: waits for a verifier */
	JOB_DELAYED,          /* list `delayed`: waits for the disk; why, the loop knows */
	JOB_VERIFYING,
	JOB_VERIFYING_LEFT,
	JOB_QUEUED,           /* list `waiting`: waits for a worker */
	JOB_QUEUED_SETTLED,   /* the same, but it is answered already */
	JOB_QUEUED_LEFT,      /* the same */
	JOB_RUNNING,
	JOB_RUNNING_ANSWERED, /* list `done`: there is an answer, and work goes on */
	JOB_RUNNING_SETTLED,  /* the loop has the answer */
	JOB_RUNNING_LEFT,
	JOB_RETURNED,         /* list `done`: the loop decides again */
	JOB_DONE_ANSWERED,    /* list `done`: there is an answer, and no more work */
	JOB_SETTLED,          /* the loop writes its answer, and there is no more work */
	JOB_ENDED,            /* list `ended`: nobody needs it */
	JOB_STATES,
};

enum job_event {
	JOB_OPENS,
	JOB_ASKS,      /* the loop wants it verified, */
	JOB_DELAYS,    /* or promised on disk, */
	JOB_SUBMITS,   /* or worked on, */
	JOB_WITHDRAWS, /* or has waited for that long enough, */
	JOB_SETTLES,   /* or answers itself */
	JOB_STARTS,    /* a thread takes it, */
	JOB_ANSWERS,   /* has an answer, */
	JOB_RETURNS,   /* gives it back undecided, */
	JOB_ENDS,      /* is done with it */
	JOB_COLLECTS,  /* the loop takes notice */
	JOB_RELEASES,  /* the loop needs it no more */
	JOB_EVENTS,
};

/* JOB_STATES if that cannot happen. */
enum job_state job_next(enum job_state state, enum job_event event);

/* What a worker is to do. */
enum job_task {
	TASK_VERIFY,
	TASK_RENEW,
	TASK_INVOKE,
	TASK_LOCAL, /* nothing: the embedded backend has it */
	TASK_TELL, /* to post the message of a decision whose answer was made */
};

struct job {
	struct link link;
	enum job_state state;   /* under the queue's lock */
	enum job_task task;
	size_t cost;            /* bytes times secrets: of TASK_VERIFY */
	struct connection
		*connection; /* that waits for the answer or is being answered; the loop's business */
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
	bool renewed;           /* it has waited for newer secrets, which it does once */
	struct str payload;     /* what its function gets, once it is made */
	uint64_t promised;      /* its id in the journal; 0: nothing is promised there */
	uint64_t ticket;        /* that it waits for, or waited */
	bool delayed, overdue;  /* it waits for its ticket; its soft moment has passed */
	bool acknowledged;      /* under the lock: the loop has its answer */
	bool local;             /* the embedded backend has a copy and waits for the answer to leave */
	struct access_note note;
	int status;
	struct str response;    /* the whole answer as it goes on the wire; in the arena */
};

static inline struct str job_id(const struct job *job)
{
	return (struct str){ job->id, sizeof(job->id) };
}

struct worker;

struct jobs {
	struct services *services;
	struct backend *backend;  /* that functions of region local run in; NULL if there is none */
	size_t workers;
	size_t small_arena;       /* SMALL_ARENA or SYNC_ARENA */
	_Atomic bool closing;     /* connections end with their answer */
	_Atomic int64_t limit;    /* when calls must have ended; DEADLINE_NEVER before a drain */
	_Atomic size_t
		untold; /* that were acknowledged, not settled, and whose users could not be told */
	struct worker *tellers;
	_Atomic size_t renewing;  /* jobs with TASK_RENEW that wait for a worker or have one */

	/* the loop's */
	uint64_t id_prefix, id_count;

	struct queue queue;       /* its lock is that of what follows, too */
	struct condition verification;
	struct list free, unverified, delayed, ended;
	size_t unverified_cost;   /* of all in that list */
	size_t counts[JOB_STATES];
	struct job *all;
	char *small_memory;
	size_t count, used;       /* those from `used` on nobody has had yet */
};

/* Sets up memory and threads: `count` jobs, more than `workers`; `wake` is an eventfd that is
 * written when there is something to collect. E_SYSTEM. */
must_check enum err jobs_start(
	struct jobs *j, struct services *s, size_t count, size_t workers, int wake, struct fault *f);

/* A job to fill; NULL when all are in use: take back those that have ended first. Its arena is
 * sized to `buffer`. */
struct job *jobs_open(struct jobs *j, struct buffer *buffer);

/* Decides it, with the signing secrets as they are now. */
void jobs_decide(struct jobs *j, struct job *job);

/* Puts it into a queue: to be decided by a verifier, to wait for newer secrets, or to be carried
 * out. */
void jobs_submit(struct jobs *j, struct job *job, enum job_task task);

/* Whether newer secrets may lead to another decision while Slack still waits, and a worker can be
 * spared for that: half of them are. */
bool jobs_may_renew(const struct jobs *j, const struct job *job);

/* Hands it to the embedded backend, which takes a copy and answers later, and makes the decision's
 * reply. With a journal, job->ticket is that of its promise. */
void jobs_run_local(struct jobs *j, struct job *job);

/* Promises it in the journal: job->promised, job->ticket. As attempted, if a worker will have it at
 * once. */
void jobs_promise(struct jobs *j, struct job *job);

/* Has it collected again when its ticket is done. */
void jobs_delay(struct jobs *j, struct job *job);

/* What is to be done about a promise that was waited for: true if it is on disk. A failure is
 * logged. Does not wait. */
must_check bool jobs_kept(struct jobs *j, const struct job *job);

/* The loop has made the answer itself: job_respond. */
void jobs_settle(struct jobs *j, struct job *job);

/* Takes one back that waits, for the loop to answer. False: a thread has it, and will answer. */
must_check bool jobs_take_back(struct jobs *j, struct job *job);

/* The next job that has an answer, or, `again`, comes back to be decided by the loop; NULL when
 * there is none. */
struct job *jobs_collect(struct jobs *j, bool *again);

/* The loop lets go: the backend may tell what it found. Returns the job's buffer if nobody needs it
 * any more, else NULL. */
must_check struct buffer *jobs_release(struct jobs *j, struct job *job);

/* Takes one back that has ended, and returns its buffer; NULL when there is none. */
must_check struct buffer *jobs_reclaim(struct jobs *j);

/* When more than UNVERIFIED_MAX waits for verifiers: the job that loses its place there, as
 * slots_loser has it; NULL: none need. */
struct job *jobs_unverified_loser(struct jobs *j);

/* From now on answers say that their connection ends, and calls end at `limit`: what has not been
 * started by then is not, and its user is told. */
void jobs_close(struct jobs *j, int64_t limit);

/* That moment has come: more threads take what still waits. Once. */
void jobs_tell(struct jobs *j);

/* How many were acknowledged, and are neither settled nor was their user told. */
size_t jobs_untold(struct jobs *j);

/* How many wait for a thread, and how many are in the hands of one. */
void jobs_count(struct jobs *j, size_t *queued, size_t *running);

/* Makes the wire form of `reply` in the job's arena. */
void job_respond(struct job *job, const struct reply *reply);

/* The same for 503, after which the connection ends. */
void job_respond_503(struct job *job);

#endif
