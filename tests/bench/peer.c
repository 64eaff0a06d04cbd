/* A Lambda Runtime API that starts the programs which talk to it, and takes the time.
 *
 *	peer [-m] [-f MS] [-g FILE] ROUNDS EVENTS FILE -- [NAME=VALUE]... PROGRAM [ARGUMENT]... [-- ...]
 *
 * Starts one program after the other, ROUNDS times over, each in the environment that stands before
 *it and AWS_LAMBDA_RUNTIME_API. Each gets EVENTS events, all with the content of FILE, and is ended
 *when it asks for one more. A program that ends without having asked is timed up to its end. The
 *order changes at random, always in the same way: a program starts faster after one that did
 *little, with the way to its start still in the caches.
 *
 * All of them run on one processor, this one included, and with a high priority where that is
 *allowed: a program and its peer then take turns, no idle processor has to be woken up in between,
 *and what is measured is the way that has to be gone, all of it. Waiting for a message is part of
 *that way, as it is in Lambda.
 *
 * Writes a line for everything measured: the number of the program, what, and how much:
 *
 *	exit	ns from the start to the end of a program that never asked
 *	next	ns from the start until the line that asks for the first event was there
 *	first	ns from the start until the whole first answer was there
 *	event	ns from handing over an event to the whole answer, from the second event on
 *	cpu	us of processor time up to the end
 *	faults	pages that were brought in up to the end
 *	links	connections that it made
 *	ready	KiB of memory at the most, up to when it asked for the first event
 *	peak	KiB of memory at the most, up to when all events were answered
 *	said	the content of its first answer, in the first round
 *
 * For the memory (-m) a program is given the time to come to rest after each answer; the times are
 *of no use then. With -f a program is stopped for so long before each event but the first, as
 *Lambda freezes a sandbox. With -g it starts in the control group that has this cgroup.procs. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PROGRAMS_MAX = 16,
	ENVIRONMENT_MAX = 64,
	EVENT_MAX = 1 << 20,
	LENGTH_MAX = 2048,   /* a longer event comes in one chunk, as from Lambda */
	DEADLINE_MS = 30000,
	REST_US = 10000,
	REFILL_US = 60000,   /* a control group has its whole quota again */
	PATIENCE_S = 100,
};

struct program {
	char *environment[ENVIRONMENT_MAX];
	char **argv;
};

/* A program that runs. */
struct trial {
	int number;
	long events;
	bool tell_answer;
	pid_t pid;
	int end;  /* readable when it has ended */
	int link; /* connection, -1 while there is none */
	long links, asked, answered;
	int64_t started, given;
};

static char event[EVENT_MAX], out[EVENT_MAX + 1024], in[256 * 1024], api[64];
static size_t event_n;
static int listener;
static bool measure_memory;
static long freeze_ms;
static int group = -1; /* cgroup.procs, -1 for no group */
static struct program programs[PROGRAMS_MAX];

static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void tell(const struct trial *t, const char *what, int64_t value)
{
	printf("%d %s %lld\n", t->number, what, (long long)value);
}

static int64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* KiB at the most so far. What the kernel sums up per processor and in passing is exact only at
 * rest. */
static long peak(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	usleep(REST_US);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = atol(line + 6);
	if (f)
		fclose(f);
	return kib;
}

/* ---- messages ---- */

/* Waits until there is something to read from `fd`; false when the program ended first. */
static bool wait_for(int fd, int end)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { end, POLLIN, 0 } };
	int n;
	while ((n = poll(fds, 2, -1)) < 0 && errno == EINTR)
		;
	if (n < 0)
		die("poll");
	return fds[0].revents != 0;
}

/* How long the request in `in` is, 0 while its head is not complete. */
static size_t length(void)
{
	const char *body = strstr(in, "\r\n\r\n"), *field = strcasestr(in, "\r\nContent-Length:");
	if (!body)
		return 0;
	return (size_t)(body + 4 - in) + (field && field < body ? (size_t)atol(field + 17) : 0);
}

/* Reads a request into `in` and tells when its first line was there; false when the connection
 * ended. */
static bool take(const struct trial *t, int64_t *line)
{
	size_t n = 0;
	*line = 0;
	do {
		ssize_t got = wait_for(t->link, t->end) ? recv(t->link, in + n, sizeof(in) - 1 - n, 0) : 0;
		if (got <= 0)
			return false;
		n += (size_t)got;
		in[n] = '\0';
		if (*line == 0 && strchr(in, '\n'))
			*line = now(CLOCK_MONOTONIC);
	} while (length() == 0 || n < length());
	return true;
}

static void give(const struct trial *t, const char *p, size_t n)
{
	if (send(t->link, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("send");
}

static void give_event(const struct trial *t)
{
	bool chunked = event_n > LENGTH_MAX;
	long long deadline = now(CLOCK_REALTIME) / 1000000 + DEADLINE_MS;
	int n = sprintf(out,
		"HTTP/1.1 200 OK\r\n"
		"Content-Type: application/json\r\n"
		"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-%012ld\r\n"
		"Lambda-Runtime-Deadline-Ms: %lld\r\n"
		"Lambda-Runtime-Invoked-Function-Arn: "
		"arn:aws:lambda:eu-west-1:123456789012:function:gateway\r\n"
		"Lambda-Runtime-Trace-Id: "
		"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n",
		t->asked, deadline);
	n += sprintf(out + n,
		chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n" : "Content-Length: %zu\r\n\r\n",
		event_n);
	memcpy(out + n, event, event_n);
	n += (int)event_n;
	if (chunked)
		n += sprintf(out + n, "\r\n0\r\n\r\n");
	give(t, out, (size_t)n);
}

static void give_thanks(const struct trial *t)
{
	static const char accepted[] =
		"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: "
		"16\r\n\r\n{\"status\":\"OK\"}\n";
	give(t, accepted, sizeof(accepted) - 1);
}

/* ---- a trial ---- */

static void launch_in_group(struct trial *t, struct program *p)
{
	usleep(REFILL_US);
	t->started = now(CLOCK_MONOTONIC);
	if ((t->pid = fork()) < 0)
		die("fork");
	if (t->pid == 0) {
		if (write(group, "0", 1) == 1)
			execve(p->argv[0], p->argv, p->environment);
		die(p->argv[0]);
	}
}

static void launch(struct trial *t, struct program *p)
{
	t->link = -1;
	t->started = now(CLOCK_MONOTONIC);
	if (group >= 0)
		launch_in_group(t, p);
	else if ((errno = posix_spawn(&t->pid, p->argv[0], NULL, NULL, p->argv, p->environment)) != 0)
		die(p->argv[0]);
	if ((t->end = (int)syscall(SYS_pidfd_open, t->pid, 0)) < 0)
		die("pidfd_open");
}

/* False when the program has ended instead of making a connection. */
static bool connected(struct trial *t)
{
	if (t->link >= 0)
		return true;
	if (!wait_for(listener, t->end))
		return false;
	if ((t->link = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		die("accept");
	setsockopt(t->link, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	t->links++;
	return true;
}

static void freeze_for_a_while(const struct trial *t)
{
	usleep(REST_US); /* it waits for its event by then, on every thread that it has */
	kill(t->pid, SIGSTOP);
	usleep((useconds_t)freeze_ms * 1000);
	kill(t->pid, SIGCONT);
}

/* The program asks for an event; false when it has had all of them. */
static bool on_next(struct trial *t, int64_t line)
{
	if (t->asked == 0) {
		tell(t, "next", line - t->started);
		if (measure_memory)
			tell(t, "ready", peak(t->pid));
	}
	if (t->asked++ == t->events)
		return false;
	if (freeze_ms > 0 && t->answered > 0)
		freeze_for_a_while(t);
	t->given = now(CLOCK_MONOTONIC);
	give_event(t);
	return true;
}

static void on_answer(struct trial *t)
{
	int64_t arrived = now(CLOCK_MONOTONIC);
	if (t->answered++ > 0)
		tell(t, "event", arrived - t->given);
	else
		tell(t, "first", arrived - t->started);
	if (t->answered == 1 && t->tell_answer)
		printf("%d said %s\n", t->number, strstr(in, "\r\n\r\n") + 4);
	give_thanks(t);
}

static void serve(struct trial *t)
{
	int64_t line;
	while (connected(t)) {
		if (!take(t, &line)) {
			close(t->link);
			t->link = -1;
		} else if (memcmp(in, "GET ", 4) != 0) {
			on_answer(t);
		} else if (!on_next(t, line)) {
			return;
		}
	}
	if (t->asked == 0)
		tell(t, "exit", now(CLOCK_MONOTONIC) - t->started);
}

static void finish(struct trial *t)
{
	struct rusage used;
	if (measure_memory && t->link >= 0)
		tell(t, "peak", peak(t->pid));
	if (t->link >= 0)
		kill(t->pid, SIGTERM);
	wait4(t->pid, NULL, 0, &used);
	tell(t, "cpu",
		(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec +
			used.ru_stime.tv_usec);
	tell(t, "faults", used.ru_minflt + used.ru_majflt);
	tell(t, "links", t->links);
	if (t->link >= 0)
		close(t->link);
	close(t->end);
	if (t->asked > 0 && t->asked <= t->events) {
		fprintf(stderr, "peer: program %d ended after %ld answers\n", t->number, t->answered);
		exit(1);
	}
}

/* ---- the beginning ---- */

static void read_event(const char *path)
{
	FILE *f = fopen(path, "r");
	if (!f)
		die(path);
	event_n = fread(event, 1, sizeof(event), f);
	fclose(f);
}

static void start_listening(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 16) != 0)
		die("listen");
	getsockname(listener, (struct sockaddr *)&at, &(socklen_t){ sizeof(at) });
	sprintf(api, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d", ntohs(at.sin_port));
}

/* Takes one program off the arguments, which become a list with an end, and returns where the next
 * one begins. */
static char **read_program(struct program *p, char **argv)
{
	size_t n = 0;
	p->environment[n++] = api;
	for (; *argv && strchr(*argv, '=') && n < ENVIRONMENT_MAX - 1; argv++)
		p->environment[n++] = *argv;
	p->argv = argv;
	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (p->argv == argv) {
		fputs("peer: a program is missing\n", stderr);
		exit(2);
	}
	if (*argv)
		*argv++ = NULL;
	return argv;
}

static void take_one_processor(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	setpriority(PRIO_PROCESS, 0, -20);
}

static void shuffle(int *order, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int j = rand() % (i + 1), other = order[j];
		order[j] = order[i];
		order[i] = other;
	}
}

static void usage(void)
{
	fputs("usage: peer [-m] [-f MS] [-g FILE] ROUNDS EVENTS FILE -- [NAME=VALUE]... PROGRAM "
		  "[ARGUMENT]... [-- ...]\n",
		stderr);
	exit(2);
}

/* Returns the arguments behind the options. */
static char **read_options(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "+mf:g:")) >= 0) {
		if (option == 'm')
			measure_memory = true;
		else if (option == 'f')
			freeze_ms = atol(optarg);
		else if (option != 'g')
			usage();
		else if ((group = open(optarg, O_WRONLY | O_CLOEXEC)) < 0)
			die(optarg);
	}
	if (argc - optind < 5 || strcmp(argv[optind + 3], "--") != 0)
		usage();
	return argv + optind;
}

int main(int argc, char **argv)
{
	int count = 0, order[PROGRAMS_MAX];
	argv = read_options(argc, argv);
	read_event(argv[2]);
	start_listening();
	for (char **rest = argv + 4; *rest && count < PROGRAMS_MAX; count++) {
		rest = read_program(&programs[count], rest);
		order[count] = count;
	}
	take_one_processor();
	alarm(PATIENCE_S);
	for (long round = 0; round < atol(argv[0]); round++) {
		shuffle(order, count);
		for (int i = 0; i < count; i++) {
			struct trial t = {
				.number = order[i], .events = atol(argv[1]), .tell_answer = round == 0
			};
			launch(&t, &programs[t.number]);
			serve(&t);
			finish(&t);
		}
	}
	return 0;
}
