#include "os/child.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than the largest pipe holds, in reads of 8 KiB. */
enum { LEFT_READS = 200 };

/* ---- children ---- */

struct child {
	struct child *next;
	pid_t pid;
	int exited; /* eventfd */
	int status;
	bool reaped; /* its number may be somebody else's by now */
};

/* What it has left behind in its group ends with it, before its number, which is the group's too,
 * is free. */
static void reap(struct child *child)
{
	static const uint64_t one = 1;
	kill(-child->pid, SIGKILL);
	check(waitpid(child->pid, &child->status, 0) == child->pid);
	child->reaped = true;
	(void)!write(child->exited, &one, sizeof(one));
}

void children_reap(struct children *c)
{
	siginfo_t info = { .si_pid = 0 };
	lock_take(&c->lock);
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
		struct child *child = c->first;
		while (child && child->pid != info.si_pid)
			child = child->next;
		if (child)
			reap(child);
		else
			waitpid(info.si_pid, NULL, 0);
		info.si_pid = 0;
	}
	lock_give(&c->lock);
}

static void forget(struct children *c, struct child *child)
{
	lock_take(&c->lock);
	struct child **at = &c->first;
	while (*at && *at != child)
		at = &(*at)->next;
	if (*at)
		*at = child->next;
	lock_give(&c->lock);
}

/* ---- one run ---- */

/* The gateway's ends of the three pipes, and the child's exit. */
enum { IN, OUT, ERR, EXIT, STOP, ENDS };

struct run {
	const struct child_call *call;
	struct child child;
	struct pollfd ends[ENDS];
	struct str payload;   /* still to be written */
	struct buf *output;
	char line[CHILD_LINE_MAX];
	size_t line_n;
};

static void close_end(struct run *r, int end)
{
	if (r->ends[end].fd >= 0)
		close(r->ends[end].fd);
	r->ends[end].fd = -1;
}

/* As system calls: libc's would have all threads of this process follow, whose memory the child
 * shares. */
#ifdef SYS_setresuid32
enum { SET_GROUPS = SYS_setgroups32, SET_GID = SYS_setresgid32, SET_UID = SYS_setresuid32 };
#else
enum { SET_GROUPS = SYS_setgroups, SET_GID = SYS_setresgid, SET_UID = SYS_setresuid };
#endif

static bool become_user(const struct account *a)
{
	return !a ||
		(syscall(SET_GROUPS, 1, &a->gid) == 0 && syscall(SET_GID, a->gid, a->gid, a->gid) == 0 &&
			syscall(SET_UID, a->uid, a->uid, a->uid) == 0);
}

/* The kernel does it when the thread dies that started the child; all that do live as long as the
 * process. Another user's process would lose it. */
static bool die_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* In the child, which shares the parent's memory until it is another program: nothing but system
 * calls. Returns only when that fails. */
static int become(const struct child_call *call, pid_t parent, const int theirs[static 3])
{
	sigset_t none;
	sigemptyset(&none);
	bool ok = setpgid(0, 0) == 0 && become_user(call->account) && die_with(parent) &&
		chdir(call->directory) == 0;
	for (int fd = 0; ok && fd < 3; fd++)
		ok = dup2(theirs[fd], fd) == fd;
	/* An ignored signal would stay ignored: SIGPIPE is here, others may have been when this process
	 * was started. */
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	if (ok && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(call->path, call->arguments, call->environment);
	return errno;
}

/* posix_spawn would do, but it wants a heap, and this program has none. */
static int spawn(struct run *r, const int theirs[static 3])
{
	volatile int sys = 0;
	sigset_t all, before;
	pid_t parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid_t pid = vfork();
	if (pid == 0) {
		sys = become(r->call, parent, theirs);
		_exit(127);
	}
	if (pid < 0)
		sys = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	r->child.pid = pid;
	return sys;
}

/* Makes the pipes and starts it, known to the children before its status can be taken. */
static int start(struct run *r)
{
	int theirs[3] = { -1, -1, -1 }, sys = 0;
	signal(SIGCHLD, SIG_DFL); /* ignored, as it may have been when this process was started, no
								 status would be kept */
	for (int i = 0; i < 3 && sys == 0; i++) {
		int fds[2];
		sys = pipe2(fds, O_CLOEXEC) == 0 ? 0 : errno;
		if (sys)
			break;
		theirs[i] = fds[i == IN ? 0 : 1];
		r->ends[i].fd = fds[i == IN ? 1 : 0];
		fcntl(r->ends[i].fd, F_SETFL, O_NONBLOCK);
	}
	if (sys == 0 && (r->child.exited = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		sys = errno;
	if (sys == 0) {
		lock_take(&r->call->children->lock);
		sys = spawn(r, theirs);
		if (sys == 0) {
			r->child.next = r->call->children->first;
			r->call->children->first = &r->child;
		}
		lock_give(&r->call->children->lock);
	}
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	r->ends[EXIT].fd = r->child.exited;
	return sys;
}

static void feed(struct run *r)
{
	while (r->payload.n) {
		ssize_t n = write(r->ends[IN].fd, r->payload.p, r->payload.n);
		if (n > 0)
			r->payload = str_skip(r->payload, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			break; /* it does not want to read more */
	}
	close_end(r, IN);
}

static void log_lines(struct run *r, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n')
			r->line[r->line_n++] = text.p[i];
		if (r->line_n && (text.p[i] == '\n' || r->line_n == sizeof(r->line))) {
			r->call->log(r->call->ctx, (struct str){ r->line, r->line_n });
			r->line_n = 0;
		}
	}
}

/* Reads once. False: there is nothing now, or never again. */
static bool take_output(struct run *r, int end)
{
	char memory[8192];
	struct buf other = BUF(memory),
			   *to = end == OUT && r->output->n < r->output->cap ? r->output : &other;
	if (r->ends[end].fd < 0)
		return false;
	ssize_t n = read(r->ends[end].fd, to->p + to->n, to->cap - to->n);
	if (n == 0)
		close_end(r, end);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	to->n += (size_t)n;
	if (end == ERR)
		log_lines(r, buf_str(to));
	else
		r->output->full |= to == &other;
	return true;
}

/* Takes what is left in a pipe, which a process that left the group may go on filling. */
static void empty(struct run *r, int end)
{
	for (int i = 0; i < LEFT_READS && take_output(r, end); i++)
		;
}

static void signal_group(struct run *r, int number)
{
	lock_take(&r->call->children->lock);
	if (!r->child.reaped)
		kill(-r->child.pid, number);
	lock_give(&r->call->children->lock);
}

/* Serves the pipes until it has exited. */
static enum child_end attend(struct run *r, struct deadline *d)
{
	enum child_end end = CHILD_EXITED;
	for (;;) {
		int left = deadline_left(d);
		if (left == 0) {
			/* First a word, then the end. */
			signal_group(r, end == CHILD_EXITED && r->call->warn ? SIGTERM : SIGKILL);
			end = end == CHILD_EXITED ? CHILD_TIMED_OUT : end;
			d->hard = clock_mono_ms() + CHILD_GRACE_MS;
			continue;
		}
		/* -1 is for ever, which as an unsigned number it is. */
		if (poll(r->ends, ENDS,
				(unsigned)left < (unsigned)r->call->tick_ms ? left : r->call->tick_ms) < 0)
			continue;
		if (r->call->tick_ms >= 0)
			children_reap(r->call->children);
		if (r->ends[IN].fd >= 0 && r->ends[IN].revents)
			feed(r);
		for (int i = OUT; i <= ERR; i++)
			if (r->ends[i].fd >= 0 && r->ends[i].revents)
				take_output(r, i);
		if (r->ends[EXIT].revents)
			return end;
		if (r->ends[STOP].fd >= 0 && r->ends[STOP].revents) {
			end = CHILD_STOPPED;
			r->ends[STOP].fd = -1;
			signal_group(r, SIGTERM);
			d->hard = clock_mono_ms() + CHILD_GRACE_MS;
		}
	}
}

struct str child_describe(char memory[static 64], const struct child_result *result)
{
	struct buf b = { memory, 0, 64, false };
	if (result->end == CHILD_TIMED_OUT)
		buf_put(&b, S("it exceeded its time limit and was ended"));
	else if (result->end == CHILD_STOPPED)
		buf_put(&b, S("it was ended because the gateway stops"));
	else if (result->end == CHILD_EXITED && result->code == 0)
		buf_put(&b, S("it printed too much"));
	else
		buf_format(&b, "%s%d",
			result->end == CHILD_SIGNALLED ? S("it was killed by signal ")
										   : S("it ended with exit code "),
			NUM(result->code));
	return buf_str(&b);
}

enum err child_run(struct child_result *out, struct buf *output, const struct child_call *call,
	struct deadline *d, struct fault *f)
{
	struct deadline inner = *d;
	struct run r = {
		.call = call, .child = { .exited = -1 }, .payload = call->payload, .output = output
	};
	for (int i = 0; i < ENDS; i++)
		r.ends[i] = (struct pollfd){ .fd = -1, .events = i == IN ? POLLOUT : POLLIN };
	r.ends[STOP].fd = call->stop;
	int sys = start(&r);
	if (sys == 0) {
		out->end = attend(&r, &inner);
		deadline_leave(d, &inner);
		empty(&r, OUT);
		empty(&r, ERR);
		log_lines(&r, S("\n"));
		forget(call->children, &r.child);
		bool signalled = WIFSIGNALED(r.child.status);
		if (out->end == CHILD_EXITED && signalled)
			out->end = CHILD_SIGNALLED;
		out->code = signalled ? WTERMSIG(r.child.status) : WEXITSTATUS(r.child.status);
		out->cut = output->full;
	}
	for (int i = 0; i <= EXIT; i++)
		close_end(&r, i);
	return sys ? fault_set(f, E_SYSTEM, sys, "it could not be started") : OK;
}
