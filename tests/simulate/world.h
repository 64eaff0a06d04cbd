/* world.h - a machine that exists in memory alone, on which the shipped objects run.
 *
 * The linker gives them this machine's clock, threads, sockets, files and randomness in place of
 * libc's (ld --wrap), so one process, one thread and one 64-bit seed decide everything: which of
 * the program's threads goes on, how long the disk takes, where an answer is cut. Nothing sleeps:
 * when no thread can go on, the clock jumps to the next moment at which something happens.
 *
 * All of it lies in one mapping outside the program's own variables, which are put back to what
 * they were whenever the simulated process starts again. */
#ifndef SIMULATE_WORLD_H
#define SIMULATE_WORLD_H

#include "slack/verify.h"

#include <poll.h>
#include <sys/types.h>

enum {
	THREADS_MAX = 48,
	THREAD_STACK_SIZE = 512 * 1024,
	FDS_MAX = 160,
	LINKS_MAX = 128,
	LANE_SIZE = 16 * 1024,
	EVENTS_MAX = 2048,
	FILES_MAX = 32,
	FILE_SIZE = 512 * 1024,
	ASKS_MAX = 64,
	KEYS_MAX = 64,
	PIPES_MAX = 24,
	PIPE_SIZE = 300,
	CHILDREN_MAX = 6,
	MS = 1000, /* the clock counts microseconds */
	SECOND = 1000 * MS,
	ANSWER_TIME = 3 * SECOND, /* of Slack's patience */
};

/* ---- time, threads, chance: machine.c ---- */

struct thread {
	bool used, runnable, woken; /* woken: by somebody, not by its time */
	void *stack_pointer;
	char *stack;
	void *(*run)(void *arg);
	void *arg;
	const void *waits_for;      /* address of a lock or condition, or &world->changes */
	int64_t until;
	int saved_errno;
	int keys_held;              /* generations of AWS keys */
	const void *kept_keys;      /* by a bug that was put in */
	size_t pipes[3], pipes_n;   /* the last three that it made */
};

enum process_state { PROCESS_DOWN, PROCESS_UP, PROCESS_EXITED, PROCESS_KILLED };

typedef void event_fn(size_t what, uint64_t serial);

struct event {
	int64_t at;
	uint64_t order;
	event_fn *run;
	size_t what;
	uint64_t serial;
};

/* ---- descriptors and links: sockets.c ---- */

enum fd_kind {
	FD_FREE, FD_STANDARD, FD_STREAM, FD_LISTENING, FD_EVENT, FD_SIGNAL, FD_EPOLL, FD_FILE,
	FD_DIRECTORY, FD_DEVICE, FD_PROGRAM, FD_PIPE_OUT, FD_PIPE_IN, /* ends to read and to write */
};

struct descriptor {
	enum fd_kind kind;
	size_t object;       /* link or file */
	size_t at;           /* where the next read begins */
	uint64_t count;      /* of an eventfd; signals of a signalfd, one bit each */
	bool watched, edge;  /* by the one epoll; something new since it was last told */
	uint32_t wanted;
	void *data;
};

/* Bytes under way in one direction. */
struct lane {
	char bytes[LANE_SIZE];
	size_t n;
	bool ended;
};

enum role {
	ROLE_SLACK, ROLE_TARGET, ROLE_HOOKS, ROLE_SECRETS, ROLE_CREDENTIALS, ROLE_RUNTIME,
	ROLE_GATEWAY, /* for `send` */
	ROLES,
};

enum ending { ENDING_KEEP, ENDING_CLOSE, ENDING_RESET };

/* A connection between the program and somebody of the world. */
struct link_state {
	bool used;
	uint64_t serial;     /* of this use: what was meant for an earlier one is not done */
	enum role role;
	int fd;              /* the program's; -1: closed, or not accepted yet */
	bool connected, queued;
	int error;           /* errno that is told once */
	struct lane in, out; /* to the program, from the program */
	bool taking;         /* the peer is about to take what is there */

	/* the peer's */
	char inbox[LANE_SIZE * 2];
	size_t inbox_n;
	char script[4096];   /* what it is going to say, */
	size_t script_n, said, chunk;
	int64_t gap;
	enum ending ending;  /* and does then */
	size_t ask;          /* of Slack, or the one that is being answered */
	bool kept;           /* the program had it from before */
	size_t status_n, heard; /* of an answer that says "started": bytes until it is known; got */
	bool waiting;        /* in the Runtime API for an event */
	bool forgotten;      /* the peer knows nothing of it any more, and says so when it is used */
	bool calls;          /* has called a function */
};

/* ---- files: disk.c ---- */

struct file_state {
	bool used, linked, on_disk; /* its name, now and after a power cut */
	char name[32];
	char *bytes;
	size_t n, synced;
};

/* ---- functions that run here: children.c ---- */

struct pipe_state {
	bool used;
	int readers, writers;
	char bytes[PIPE_SIZE];
	size_t n;
};

struct child_state {
	bool used, ended;    /* ended: its status was not taken yet */
	bool stubborn;       /* does not read all, or does not end when it is asked to */
	uint64_t serial;
	int pid, status;
	size_t pipes[3], ask;
	char heard[4096], words[1024];
	size_t heard_n, words_n, said;
};

/* ---- who asked for what: slack.c ---- */

enum ask_kind { ASK_COMMAND, ASK_BUTTON, ASK_VIEW, ASK_EVENT, ASK_KINDS };
enum answer_word {
	SAYS_NOTHING, SAYS_STARTED, SAYS_PROMISED, SAYS_NOT, SAYS_MAYBE, SAYS_RESULT, SAYS_OTHER,
};

/* One delivery of a request. Of an event that comes again, `root` is the first. */
struct ask {
	bool used;
	enum ask_kind kind;
	size_t root;
	bool local;           /* for a function that runs here */
	bool sync;            /* its answer is what its function returns */
	uint32_t token;       /* stands in its payload, its response_url and its function's result */
	int64_t at;           /* when it had been sent whole */
	int64_t answered;
	int answers, status;
	enum answer_word word;
	bool sent, cut;       /* cut: by its own client, or because the program was killed */
	unsigned life;        /* of the process that it was sent to */

	/* of the root: what the world knows */
	int starts;           /* times its function was started */
	bool known;           /* the program has read that it was, */
	unsigned known_life;
	int reached;          /* calls that came to the target, started or not */
	int told_not, told_maybe, told_other; /* messages */
	int hook_faults;      /* messages that its response_url did not take, or may not have */
	int64_t started;      /* last */
	unsigned secret;      /* with which it was signed first */
	int64_t known_at;     /* Slack has had its 200: of an event */
	bool seen_maybe;      /* an outcome was kept from the program */
};

/* What may go wrong, in percent of the occasions; drawn at the beginning of a run. */
struct weather {
	int refuse, hang, slow, cut, fail, lose; /* peers */
	int disk_fault, disk_slow, disk_stall;
	int thread_fault, fork_fault;
	int switches; /* how often threads take turns */
};

struct scenario {
	bool journal, first, lambda, fetched_secret, fetched_keys, routes, freezes, functions;
	bool peaceful;        /* nothing goes wrong but what freezing does */
	int workers, asks;
	int key_life_s;
	int64_t last_ask, end;
};

/* What is failed on purpose in a fault sweep: the call number `at` of `name`. */
struct fault_plan {
	const char *name;
	unsigned at, seen;
	bool struck, excused, risked;
};

struct world {
	uint64_t seed, chance, order;
	int64_t now, wall;    /* microseconds; wall: what has to be added for the time of day */
	struct thread threads[THREADS_MAX];
	size_t threads_n;     /* those behind have not been used in this process */
	size_t running;
	bool inside;          /* one of them, not the world */
	void *scheduler;
	enum process_state process;
	int exit_code;
	unsigned life;        /* how many processes there have been */
	unsigned untold_life; /* the last that ended with 1, which says that users were not told */
	bool power_cut;
	bool frozen;          /* the sandbox: none of its threads goes on */
	int64_t froze_at;
	const char changes;   /* waited for by all that poll */
	struct event events[EVENTS_MAX];
	size_t events_n;

	struct descriptor fds[FDS_MAX];
	size_t fds_n;         /* those behind have not been used in this process */
	struct link_state links[LINKS_MAX];
	uint64_t serials;
	size_t accept_queue[LINKS_MAX], accept_n;
	uint64_t signals;     /* pending, one bit each */
	struct pipe_state pipes[PIPES_MAX];
	struct child_state children[CHILDREN_MAX];

	struct file_state files[FILES_MAX];
	char *file_memory;
	bool locked;          /* the journal's directory */
	int disk_faults;      /* so far */

	struct weather weather;
	struct scenario scenario;
	struct ask asks[ASKS_MAX];
	size_t asks_n;
	struct slack_secrets secrets; /* the one that Slack signs with */
	unsigned secret_serial, key_serial;
	unsigned secret_told; /* the newest that its store was asked for, and some time ago */
	int64_t key_ends[KEYS_MAX];
	int64_t keys_told;    /* when the newest leave their source, */
	unsigned keys_late;   /* and the newest that a frozen process may have read after their end */
	size_t queue[ASKS_MAX * 4], queue_n; /* events for the Runtime API */
	int untold_lines, too_old_lines;
	int sentences;        /* errors in the log, words on the terminal */
	int lost_lives;       /* that ended without a drain */

	bool failed, trace;
	char why[512];
	struct fault_plan plan;
	int bug;              /* put in on purpose, see bugs.c */
	int lent;             /* connections that are not in the pool */
	long mapped;          /* mappings that are held */
	char *arguments[8];
	char *environment[40];
	char environment_text[8192];
	size_t environment_n;
};

extern struct world *world;

/* Fails the run; the first reason counts. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t chance_next(void);
uint64_t below(uint64_t bound);        /* 0 ... bound - 1 */
int64_t between(int64_t least, int64_t most);
bool happens(int percent);

/* Has `run` called with `what` and `serial` after that time. */
void later(int64_t us, event_fn *run, size_t what, uint64_t serial);

/* For the program's threads: a point at which another may go on. */
void pause_here(void);
/* Waits until somebody wakes those who wait for `what`, or for that moment. False: the moment. */
bool wait_for(const void *what, int64_t until);
void wake_those(const void *what, bool all);
void fds_changed(void);

/* The process begins, and ends: by itself, or killed. */
void process_start(void);
void process_kill(bool power_cut);
/* Runs until `over` says so. */
void world_run(bool (*over)(void));
/* Remembers the program's variables as they are, for process_start. */
void machine_prepare(void);
/* A seed's world, empty. */
void world_reset(uint64_t seed);

/* Whether this call is to fail; counts it. */
bool call_fails(const char *name);

/* ---- sockets.c ---- */

void sockets_forget(void);              /* the process has ended */
struct link_state *link_take(enum role role);
void link_free(struct link_state *l);
void link_edge(struct link_state *l);
bool link_call(size_t client);          /* a client connects; false: nobody listens */
void link_end(struct link_state *l, enum ending how);
void link_say(struct link_state *l, size_t n, enum ending ending);
void signal_raise(int number);
size_t fds_open(enum fd_kind kind);
int fd_open(enum fd_kind kind, size_t object);

/* ---- disk.c ---- */

ssize_t disk_read(struct descriptor *d, void *p, size_t n);
void disk_forget(bool power_cut);
size_t disk_files(const char *prefix);

/* ---- children.c ---- */

uint32_t pipe_state_of(const struct descriptor *d);
ssize_t pipe_read(const struct descriptor *d, void *out, size_t n);
ssize_t pipe_write(const struct descriptor *d, const void *bytes, size_t n);
void pipe_close(const struct descriptor *d);
size_t children_running(void);          /* and their pipes */
void children_forget(void);

/* ---- peers.c ---- */

void function_started(size_t ask);      /* that of its root */

/* What the peer makes of what has come; the program has ended its side, if `ended`. */
void peer_hear(struct link_state *l, bool ended);
void peer_gone(struct link_state *l);   /* the process was killed */
void runtime_deliver(void);

/* ---- slack.c ---- */

void slack_hear(struct link_state *l, bool ended);
void slack_gone(struct link_state *l);
void slack_plan(void);
void slack_log(const char *line, size_t n);
void slack_check(void);
void slack_overdue(size_t ask, uint64_t serial);
bool slack_is_done(void);
void slack_answered(size_t ask, int status, const char *body, size_t n);
size_t ask_of(const char *text, size_t n); /* its root, by the token in the text; SIZE_MAX */
enum answer_word word_of(const char *text);
size_t ask_put_body(char *out, size_t cap, size_t ask);

/* As many asks of each kind, one a second, for a fault sweep. */
void slack_plan_each(void);

/* ---- simulate.c ---- */

/* What its environment holds; of a Lambda function other keys for every process. */
void set_up_process(void);
void change_secret(void);
unsigned change_keys(int64_t after);    /* other keys from a moment on; returns their number */

/* ---- sweep.c ---- */

bool sweep_excuses(void);
void sweep_all(long *passed, long *failed);
/* The call number `at` of that name in that scenario, to be looked at. */
bool sweep_one(int scenario, const char *name, unsigned at);

/* ---- bugs.c ---- */

extern const char *const bug_names[]; /* NULL at the end */
/* The running thread is about to wait for a peer. */
void holdings_check(void);
/* Whether the process, at rest, holds anything that it should not. */
void leaks_check(void);

#endif
