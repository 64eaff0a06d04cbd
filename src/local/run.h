/* run.h - runs another program and waits for its end: a function of the embedded backend, or one that hands out credentials.
 *
 * It gets the payload on standard input, what it prints is its answer, what it writes to standard error is handed on line by
 * line. It runs in a process group of its own, with the environment it is given and nothing else, and the whole group ends
 * with it, or when its time is up. A function is an executable file DIR/NAME, and runs in DIR. */
#ifndef LOCAL_RUN_H
#define LOCAL_RUN_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/fault.h"
#include "base/lock.h"

#include <sys/stat.h>
#include <sys/types.h>

enum {
	LOCAL_PATH_MAX = 4096,
	LOCAL_NAME_MAX = 64,
	LOCAL_LINE_MAX = 1024,   /* of standard error; longer ones are logged in pieces */
	LOCAL_GRACE_MS = 2000,   /* between SIGTERM and SIGKILL */
};

/* Whether `name` may be a function's: A-Z a-z 0-9 _ -, at most LOCAL_NAME_MAX. */
bool local_name_ok(struct str name);

/* The path without links that the kernel knows `path` by (/proc must be there), NUL-terminated, and what is there. False with
 * errno if it cannot be had. */
must_check bool local_real_path(char out[static LOCAL_PATH_MAX], struct stat *st, const char *path);

/* Finds DIR/NAME. `path` gets its real path, NUL-terminated. E_REFUSED: there is no such file, it is no executable
 * regular file, or a link led out of DIR (`directory` is a real path without a trailing slash). */
must_check enum err local_find(char path[static LOCAL_PATH_MAX], const char *directory, struct str name, struct fault *f);

/* Collects the exit statuses of children for the threads that wait for them. One per process, because a process
 * that is PID 1 inherits orphans and must take their statuses too. Starts zeroed. */
struct local_child;
struct local_children {
	struct lock lock;
	struct local_child *first;
};

/* Takes all statuses that are there; call it on SIGCHLD. */
void local_children_reap(struct local_children *c);

struct local_call {
	struct local_children *children;
	const char *path;
	const char *directory;
	char *const *arguments, *const *environment; /* NULL-ended, as for execve */
	struct str payload;
	bool warn;                /* when it must end: SIGTERM first, and SIGKILL LOCAL_GRACE_MS later; else SIGKILL at once */
	int tick_ms;              /* how often to look whether it has ended; -1: local_children_reap is called on SIGCHLD */
	int stop;                 /* descriptor that becomes readable when it must end early; -1 if none */
	void (*log)(void *ctx, struct str line); /* a line of standard error, without its end */
	void *ctx;
};

enum local_end { LOCAL_EXITED, LOCAL_SIGNALLED, LOCAL_TIMED_OUT, LOCAL_STOPPED };

struct local_result {
	enum local_end end;
	int code;      /* exit code or signal number */
	bool cut;      /* it printed more than `output` holds */
};

/* Runs it to its end, which comes at the hard moment of `d` at the latest; `output` receives what it printed, and no copy of that is
 * left anywhere. E_SYSTEM: it could not be started. */
must_check enum err local_run(struct local_result *out, struct buf *output, const struct local_call *call, struct deadline *d,
                              struct fault *f);

/* What was wrong, in words. That is that it printed too much if its exit code was 0. */
struct str local_describe(char memory[static 64], const struct local_result *result);

#endif
