/* child.h - runs another program and waits for its end: a function of the embedded backend, or one
 * that hands out credentials.
 *
 * It gets the payload on standard input. What it prints is its answer; what it writes to standard
 * error is handed on line by line. It runs in a process group of its own, with the environment it
 * is given and nothing else. The whole group ends with the program, when its time is up, or when
 * this process dies. */
#ifndef OS_CHILD_H
#define OS_CHILD_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/fault.h"
#include "os/accounts.h"
#include "os/lock.h"

#include <sys/types.h>

enum {
	CHILD_LINE_MAX = 1024,   /* of standard error; longer ones are logged in pieces */
	CHILD_GRACE_MS = 2000,   /* between SIGTERM and SIGKILL */
};

/* Collects the exit statuses of children for the threads that wait for them. One per process,
 * because a process that is PID 1 inherits orphans and must take their statuses too. Starts zeroed.
 */
struct child;
struct children {
	struct lock lock;
	struct child *first;
};

/* Takes all statuses that are there; call it on SIGCHLD. */
void children_reap(struct children *c);

struct child_call {
	struct children *children;
	const char *path;
	const char *directory;
	char *const *arguments, *const *environment; /* NULL-ended, as for execve */
	const struct account *account; /* that it runs as, for root to say; NULL: this process's own */
	struct str payload;
	/* When it must end: true for SIGTERM, and SIGKILL CHILD_GRACE_MS later; false for SIGKILL. */
	bool warn;
	/* How often to look whether it has ended; -1 if children_reap is called on SIGCHLD. */
	int tick_ms;
	int stop; /* descriptor that becomes readable when it must end early; -1 if none */
	void (*log)(void *ctx, struct str line); /* a line of standard error, without its end */
	void *ctx;
};

enum child_end { CHILD_EXITED, CHILD_SIGNALLED, CHILD_TIMED_OUT, CHILD_STOPPED };

struct child_result {
	enum child_end end;
	int code;      /* exit code or signal number */
	bool cut;      /* it printed more than `output` holds */
};

/* Runs it to its end, which comes at the hard moment of `d` at the latest; `output` receives what
 * it printed, and no copy of that is left anywhere. E_SYSTEM: it could not be started. */
must_check enum err child_run(struct child_result *out, struct buf *output,
	const struct child_call *call, struct deadline *d, struct fault *f);

/* What was wrong, in words. With exit code 0: that it printed too much. */
struct str child_describe(char memory[static 64], const struct child_result *result);

#endif
