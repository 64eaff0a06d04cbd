/* children.c - functions of the embedded backend: processes and pipes of the simulated machine. A
 * function reads its request, and then answers, fails, hangs or is killed; one that is told to end
 * may not listen. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_PID = 1000, IN = 0, OUT, ERR };

static int fail(int sys)
{
	errno = sys;
	return -1;
}

/* ---- pipes ---- */

static struct pipe_state *pipe_of(const struct descriptor *d)
{
	return &world->pipes[d->object];
}

/* Nobody has an end of it any more. */
static void pipe_let_go(struct pipe_state *p, int readers, int writers)
{
	p->readers -= readers;
	p->writers -= writers;
	p->used = p->readers + p->writers > 0;
	fds_changed();
}

int __wrap_pipe2(int fds[2], int flags);
int __wrap_pipe2(int fds[2], int flags)
{
	struct thread *t = &world->threads[world->running];
	size_t i = 0;
	(void)flags;
	while (i < PIPES_MAX && world->pipes[i].used)
		i++;
	if (call_fails("pipe2") || i == PIPES_MAX)
		return fail(EMFILE);
	world->pipes[i] = (struct pipe_state){ .used = true, .readers = 1, .writers = 1 };
	fds[0] = fd_open(FD_PIPE_OUT, i);
	fds[1] = fd_open(FD_PIPE_IN, i);
	check(fds[0] >= 0 && fds[1] >= 0);
	t->pipes[t->pipes_n++ % 3] = i;
	return 0;
}

uint32_t pipe_state_of(const struct descriptor *d)
{
	const struct pipe_state *p = pipe_of(d);
	if (d->kind == FD_PIPE_OUT)
		return (p->n ? POLLIN : 0) | (p->writers ? 0 : POLLHUP);
	return (p->n < PIPE_SIZE ? POLLOUT : 0) | (p->readers ? 0 : POLLERR);
}

static size_t pipe_put(struct pipe_state *p, const char *bytes, size_t n)
{
	n = n < PIPE_SIZE - p->n ? n : PIPE_SIZE - p->n;
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
	if (n)
		fds_changed();
	return n;
}

static size_t pipe_take(struct pipe_state *p, char *out, size_t cap)
{
	size_t n = p->n < cap ? p->n : cap;
	memcpy(out, p->bytes, n);
	p->n -= n;
	memmove(p->bytes, p->bytes + n, p->n);
	if (n)
		fds_changed();
	return n;
}

ssize_t pipe_read(const struct descriptor *d, void *out, size_t n)
{
	struct pipe_state *p = pipe_of(d);
	pause_here();
	if (!p->n)
		return p->writers ? fail(EAGAIN) : 0;
	return (ssize_t)pipe_take(p, out, n);
}

ssize_t pipe_write(const struct descriptor *d, const void *bytes, size_t n)
{
	struct pipe_state *p = pipe_of(d);
	pause_here();
	if (!p->readers)
		return fail(EPIPE);
	n = pipe_put(p, bytes, n);
	return n ? (ssize_t)n : fail(EAGAIN);
}

void pipe_close(const struct descriptor *d)
{
	pipe_let_go(pipe_of(d), d->kind == FD_PIPE_OUT, d->kind == FD_PIPE_IN);
}

/* ---- functions ---- */

static struct child_state *child_of(size_t i, uint64_t serial)
{
	struct child_state *c = &world->children[i];
	return c->used && !c->ended && c->serial == serial ? c : NULL;
}

static void again(struct child_state *c, int64_t us, event_fn *run)
{
	later(us, run, (size_t)(c - world->children), c->serial);
}

static void child_end(struct child_state *c, int status)
{
	trace("function %d ends: %d", c->pid, status);
	c->ended = true;
	c->status = status;
	pipe_let_go(&world->pipes[c->pipes[IN]], 1, 0);
	pipe_let_go(&world->pipes[c->pipes[OUT]], 0, 1);
	pipe_let_go(&world->pipes[c->pipes[ERR]], 0, 1);
	signal_raise(SIGCHLD);
}

/* Says what it has to say, as fast as it is taken, and ends. */
static void child_speaks(size_t i, uint64_t serial)
{
	struct child_state *c = child_of(i, serial);
	if (!c)
		return;
	struct pipe_state *out = &world->pipes[c->pipes[OUT]];
	if (!out->readers) {
		child_end(c, SIGPIPE);
		return;
	}
	c->said += pipe_put(out, c->words + c->said, c->words_n - c->said);
	if (c->said < c->words_n)
		again(c, between(10, 2 * MS), child_speaks);
	else
		child_end(c, c->status);
}

static void child_dies(size_t i, uint64_t serial)
{
	struct child_state *c = child_of(i, serial);
	if (c)
		child_end(c, happens(50) ? SIGKILL : SIGSEGV);
}

/* It knows what it is asked for. */
static void child_works(struct child_state *c)
{
	static const char stderr_line[] = "a line\nand half of one";
	struct ask *a = &world->asks[c->ask];
	int64_t us = happens(60) ? between(1 * MS, SECOND) : between(1 * MS, 4 * SECOND);
	int fate = (int)below(100);
	bool json = happens(50);
	function_started(c->ask);
	a->known = true;
	a->known_life = world->life;
	if (happens(30))
		(void)pipe_put(&world->pipes[c->pipes[ERR]], stderr_line, sizeof(stderr_line) - 1);
	c->words_n = (size_t)snprintf(c->words, sizeof(c->words),
		json ? "{\"text\":\"zfzf%08x %*s\"}" : "zfzf%08x %*s\n", a->token,
		happens(50) ? 1 : (int)below(700), "");
	c->status = fate < 70 ? 0 : 1 << 8;
	c->stubborn = happens(30);
	if (fate < 85)
		again(c, us, child_speaks);
	else if (fate < 93)
		again(c, us, child_dies);
	/* Else it hangs. */
}

static void child_reads(size_t i, uint64_t serial)
{
	struct child_state *c = child_of(i, serial);
	if (!c)
		return;
	struct pipe_state *in = &world->pipes[c->pipes[IN]];
	c->heard_n += pipe_take(in, c->heard + c->heard_n, sizeof(c->heard) - c->heard_n);
	bool whole = !in->n && !in->writers;
	size_t ask = ask_of(c->heard, c->heard_n);
	/* Some stop when they know enough. */
	if (ask == SIZE_MAX && whole)
		violation("a function is started without a known token: %.*s", (int)c->heard_n, c->heard);
	else if (ask == SIZE_MAX || (!whole && !c->stubborn))
		again(c, between(10, 2 * MS), child_reads);
	if (ask == SIZE_MAX || (!whole && !c->stubborn))
		return;
	c->ask = ask;
	child_works(c);
}

pid_t __wrap_vfork(void);
pid_t __wrap_vfork(void)
{
	struct thread *t = &world->threads[world->running];
	size_t i = 0;
	while (i < CHILDREN_MAX && world->children[i].used)
		i++;
	if (call_fails("vfork") || i == CHILDREN_MAX || happens(world->weather.fork_fault))
		return fail(EAGAIN);
	struct child_state *c = &world->children[i];
	*c = (struct child_state){ .used = true, .serial = ++world->serials, .ask = SIZE_MAX,
		.pid = FIRST_PID + (int)world->serials, .stubborn = happens(30) };
	for (size_t end = IN; end <= ERR; end++) {
		c->pipes[end] = t->pipes[(t->pipes_n + end) % 3];
		world->pipes[c->pipes[end]].readers += end == IN;
		world->pipes[c->pipes[end]].writers += end != IN;
	}
	trace("function %d begins", c->pid);
	again(c, between(100, 20 * MS), child_reads);
	return c->pid;
}

static void child_obeys(size_t i, uint64_t serial)
{
	struct child_state *c = child_of(i, serial);
	if (c)
		child_end(c, SIGTERM);
}

int __wrap_kill(pid_t group, int number);
int __wrap_kill(pid_t group, int number)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child_state *c = &world->children[i];
		if (!c->used || c->pid != -group)
			continue;
		if (!c->ended && number == SIGKILL)
			child_end(c, SIGKILL);
		else if (!c->ended && !c->stubborn)
			again(c, between(10, 500 * MS), child_obeys);
		return 0;
	}
	violation("signal %d is sent to %d, which is nobody", number, group);
	return fail(ESRCH);
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	bool any = false;
	(void)type, (void)id, (void)options;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		any |= world->children[i].used;
		if (world->children[i].used && world->children[i].ended) {
			info->si_pid = world->children[i].pid;
			return 0;
		}
	}
	return any ? 0 : fail(ECHILD);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	(void)options;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child_state *c = &world->children[i];
		if (!c->used || c->pid != pid || !c->ended)
			continue;
		c->used = false;
		if (status)
			*status = c->status;
		return pid;
	}
	return fail(ECHILD);
}

size_t children_running(void)
{
	size_t n = 0;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		n += world->children[i].used;
	for (size_t i = 0; i < PIPES_MAX; i++)
		n += world->pipes[i].used;
	return n;
}

/* They end with the process that started them. */
void children_forget(void)
{
	memset(world->children, 0, sizeof(world->children));
	for (size_t i = 0; i < PIPES_MAX; i++)
		world->pipes[i].used = false;
}

/* ---- what is asked on the way ---- */

int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
	(void)option;
	return 0;
}

int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	(void)fd, (void)command;
	return 0;
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	return strcmp(path, "/functions/my-fn") == 0 ? 0 : fail(ENOENT);
}

ssize_t __wrap_readlink(const char *path, char *out, size_t cap);
ssize_t __wrap_readlink(const char *path, char *out, size_t cap)
{
	int fd = -1;
	(void)sscanf(path, "/proc/self/fd/%d", &fd);
	check(fd >= 0 && fd < FDS_MAX);
	const char *name =
		world->fds[fd].kind == FD_PROGRAM ? "/functions/my-fn" : "/functions";
	size_t n = strlen(name);
	check(n < cap);
	memcpy(out, name, n);
	return (ssize_t)n;
}
