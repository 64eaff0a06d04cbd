/* machine.c - time, chance and threads of the simulated machine. */
#include "world.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct world *world;

/* ---- chance ---- */

/* SplitMix64. */
uint64_t chance_next(void)
{
	uint64_t z = world->chance += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t below(uint64_t bound)
{
	return chance_next() % bound;
}

int64_t between(int64_t least, int64_t most)
{
	return least + (int64_t)below((uint64_t)(most - least + 1));
}

bool happens(int percent)
{
	return percent > 0 && below(100) < (uint64_t)percent;
}

/* ---- what is said ---- */

void trace(const char *format, ...)
{
	va_list arguments;
	if (!world->trace)
		return;
	printf("%12.3f ", (double)world->now / 1000);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void violation(const char *format, ...)
{
	va_list arguments;
	if (world->failed)
		return;
	world->failed = true;
	va_start(arguments, format);
	vsnprintf(world->why, sizeof(world->why), format, arguments);
	va_end(arguments);
	trace("VIOLATION %s", world->why);
}

/* ---- what is going to happen: a heap, the earliest first ---- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void exchange(size_t a, size_t b)
{
	struct event e = world->events[a];
	world->events[a] = world->events[b];
	world->events[b] = e;
}

void later(int64_t us, event_fn *run, size_t what, uint64_t serial)
{
	size_t i = world->events_n++;
	check(i < EVENTS_MAX);
	world->events[i] = (struct event){ world->now + us, world->order++, run, what, serial };
	for (; i && is_before(&world->events[i], &world->events[(i - 1) / 2]); i = (i - 1) / 2)
		exchange(i, (i - 1) / 2);
}

static struct event take_event(void)
{
	struct event first = world->events[0];
	size_t n = --world->events_n;
	world->events[0] = world->events[n];
	for (size_t i = 0, least;; i = least) {
		least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
			if (is_before(&world->events[child], &world->events[least]))
				least = child;
		if (least == i)
			return first;
		exchange(i, least);
	}
}

/* ---- threads ---- */

/* Saves what a call must preserve, and goes on with another stack. */
void context_switch(void **from, void *to);
#if defined(__x86_64__)
__asm__(".text\n.globl context_switch\n.hidden context_switch\ncontext_switch:\n"
		"push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
		"mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
		"pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");
enum { RETURN_WORD = 6, FRAME_WORDS = 8 };
#elif defined(__aarch64__)
__asm__(".text\n.globl context_switch\n.hidden context_switch\ncontext_switch:\n"
		"sub sp, sp, #160\n"
		"stp x29, x30, [sp]\nstp x19, x20, [sp, #16]\nstp x21, x22, [sp, #32]\n"
		"stp x23, x24, [sp, #48]\nstp x25, x26, [sp, #64]\nstp x27, x28, [sp, #80]\n"
		"stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\n"
		"stp d14, d15, [sp, #144]\n"
		"mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
		"ldp x29, x30, [sp]\nldp x19, x20, [sp, #16]\nldp x21, x22, [sp, #32]\n"
		"ldp x23, x24, [sp, #48]\nldp x25, x26, [sp, #64]\nldp x27, x28, [sp, #80]\n"
		"ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\n"
		"ldp d14, d15, [sp, #144]\n"
		"add sp, sp, #160\nret\n");
enum { RETURN_WORD = 1, FRAME_WORDS = 20 };
#else
#error "context_switch is not written for this machine"
#endif

static void leave(void)
{
	struct thread *t = &world->threads[world->running];
	t->saved_errno = errno;
	context_switch(&t->stack_pointer, world->scheduler);
	errno = world->threads[world->running].saved_errno;
}

_Noreturn void __wrap_exit(int code);

_Noreturn static void thread_main(void)
{
	struct thread *t = &world->threads[world->running];
	t->run(t->arg);
	if (t == world->threads)
		__wrap_exit((int)(intptr_t)t->arg);
	t->used = false;
	leave();
	check(false);
	for (;;)
		;
}

static bool thread_begin(void *(*run)(void *), void *arg)
{
	size_t i = 0;
	while (i < THREADS_MAX && world->threads[i].used)
		i++;
	if (i == THREADS_MAX)
		return false;
	if (i == world->threads_n)
		world->threads_n++;
	struct thread *t = &world->threads[i];
	void **top = (void **)(void *)(t->stack + THREAD_STACK_SIZE - 64) - FRAME_WORDS;
	memset(top, 0, FRAME_WORDS * sizeof(*top));
	*(uintptr_t *)&top[RETURN_WORD] = (uintptr_t)thread_main;
	*t = (struct thread){ .used = true, .runnable = true, .stack_pointer = top, .stack = t->stack,
		.run = run, .arg = arg, .until = INT64_MAX };
	return true;
}

void pause_here(void)
{
	world->now++;
	if (world->inside && happens(world->weather.switches))
		leave();
}

bool wait_for(const void *what, int64_t until)
{
	struct thread *t = &world->threads[world->running];
	t->waits_for = what;
	t->until = until;
	t->runnable = t->woken = false;
	if (what == &world->changes)
		holdings_check();
	leave();
	t->waits_for = NULL;
	t->until = INT64_MAX;
	return t->woken;
}

void wake_those(const void *what, bool all)
{
	size_t n = world->threads_n, at = all || !n ? 0 : below(n);
	for (size_t i = 0; i < n; i++, at = at + 1 == n ? 0 : at + 1) {
		struct thread *t = &world->threads[at];
		if (!t->used || t->runnable || t->waits_for != what)
			continue;
		t->runnable = t->woken = true;
		if (!all)
			return;
	}
}

void fds_changed(void)
{
	wake_those(&world->changes, true);
}

/* ---- the process ---- */

void *__real_mmap(void *at, size_t n, int rights, int flags, int fd, off_t offset);
void mappings_prepare(void);
void mappings_forget(void);

static struct {
	char *begin, *copy;
	size_t n;
} variables;

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern char memory_region[];

static void *map_memory(size_t n)
{
	void *p = __real_mmap(NULL, n, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(p != MAP_FAILED);
	return p;
}

/* The program's writable segment but for its large memory, which begins as zeros. */
void machine_prepare(void)
{
	const ElfW(Ehdr) *header = (const void *)__ehdr_start;
	const ElfW(Phdr) *segment = (const void *)(__ehdr_start + header->e_phoff);
	for (size_t i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W))
			continue;
		variables.begin = (char *)(uintptr_t)(__ehdr_start + segment->p_vaddr);
		variables.n = (size_t)(memory_region - variables.begin);
	}
	check(variables.n && variables.n < 1 << 20);
	variables.copy = map_memory(variables.n);
	world = map_memory(sizeof(*world) + (size_t)FILES_MAX * FILE_SIZE);
	char *stacks = map_memory((size_t)THREADS_MAX * THREAD_STACK_SIZE);
	for (size_t i = 0; i < THREADS_MAX; i++)
		world->threads[i].stack = stacks + i * THREAD_STACK_SIZE;
	world->file_memory = (char *)(world + 1);
	mappings_prepare();
	fflush(stdout);
	memcpy(variables.copy, variables.begin, variables.n);
}


static void restore_variables(void)
{
	struct world *kept = world;
	size_t page = 4096;
	uintptr_t begin = ((uintptr_t)memory_region + page - 1) & ~(page - 1);
	char *p = memory_region;
	fflush(stdout);
	memcpy(variables.begin, variables.copy, variables.n);
	world = kept;
	memset(p, 0, begin - (uintptr_t)p);
	madvise((void *)begin, (32 << 20) - (begin - (uintptr_t)p), MADV_DONTNEED);
}

int __real_main(int argc, char **argv);

static void *run_main(void *arg)
{
	int argc = 0;
	(void)arg;
	while (world->arguments[argc])
		argc++;
	world->threads[0].arg = (void *)(intptr_t)__real_main(argc, world->arguments);
	return NULL;
}

extern char **environ;

void process_start(void)
{
	restore_variables();
	environ = world->environment;
	for (size_t i = 0; i < THREADS_MAX; i++)
		world->threads[i].used = false;
	world->threads_n = world->fds_n = 0;
	for (int fd = 0; fd < 3; fd++)
		(void)fd_open(FD_STANDARD, 0);
	world->process = PROCESS_UP;
	world->life++;
	world->signals = 0;
	world->lent = 0;
	world->frozen = false;
	trace("the process starts: life %u", world->life);
	check(thread_begin(run_main, NULL));
}

static void forget_process(void)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		world->threads[i].used = false;
	sockets_forget();
	children_forget();
	mappings_forget();
	disk_forget(world->power_cut);
	world->power_cut = false;
}

void process_kill(bool power_cut)
{
	if (world->process != PROCESS_UP)
		return;
	trace(power_cut ? "the power fails" : "the process is killed");
	world->process = PROCESS_KILLED;
	world->lost_lives++;
	world->power_cut = power_cut;
	forget_process();
}

_Noreturn void __wrap_exit(int code)
{
	trace("exit code %d", code);
	world->exit_code = code;
	if (code == 1)
		world->untold_life = world->life;
	world->process = PROCESS_EXITED;
	for (;;)
		leave();
}

_Noreturn void __wrap__exit(int code);
_Noreturn void __wrap__exit(int code)
{
	__wrap_exit(code);
}

/* ---- the scheduler ---- */

static bool run_one_thread(void)
{
	size_t candidates[THREADS_MAX], n = 0;
	for (size_t i = 0; i < world->threads_n; i++)
		if (world->threads[i].used && world->threads[i].runnable)
			candidates[n++] = i;
	if (!n)
		return false;
	world->running = candidates[n == 1 ? 0 : below(n)];
	world->inside = true;
	context_switch(&world->scheduler, world->threads[world->running].stack_pointer);
	world->inside = false;
	return true;
}

/* The clock jumps to the next moment. False: there is none. */
static bool pass_time(void)
{
	int64_t next = world->events_n ? world->events[0].at : INT64_MAX;
	for (size_t i = 0; i < world->threads_n; i++)
		if (!world->frozen && world->threads[i].used && world->threads[i].until < next)
			next = world->threads[i].until;
	if (next == INT64_MAX)
		return false;
	if (next > world->now)
		world->now = next;
	return true;
}

static void do_what_is_due(void)
{
	for (size_t i = 0; i < world->threads_n; i++) {
		struct thread *t = &world->threads[i];
		if (t->used && !t->runnable && t->until <= world->now)
			t->runnable = true;
	}
	while (world->events_n && world->events[0].at <= world->now && !world->failed) {
		struct event e = take_event();
		e.run(e.what, e.serial);
	}
}

void world_run(bool (*over)(void))
{
	enum { TURNS_MAX = 4 << 20 };
	for (int turns = 0; !world->failed && !over(); turns++) {
		if (turns == TURNS_MAX)
			violation("threads take turns for ever");
		do_what_is_due();
		if (world->process == PROCESS_UP && !world->frozen && run_one_thread()) {
			if (world->process == PROCESS_EXITED)
				forget_process();
			continue;
		}
		if (!over() && !pass_time())
			violation("nothing can happen any more");
	}
}

void world_reset(uint64_t seed)
{
	char *files = world->file_memory, *stacks = world->threads[0].stack;
	bool traced = world->trace;
	int bug = world->bug;
	size_t links = offsetof(struct world, links), after = links + sizeof(world->links);
	/* Links are large, and set up when they are taken. */
	memset(world, 0, links);
	memset((char *)world + after, 0, sizeof(*world) - after);
	for (size_t i = 0; i < LINKS_MAX; i++)
		world->links[i].used = false;
	for (size_t i = 0; i < THREADS_MAX; i++)
		world->threads[i].stack = stacks + i * THREAD_STACK_SIZE;
	world->file_memory = files;
	world->trace = traced;
	world->bug = bug;
	world->seed = world->chance = seed;
	world->now = 1000 * (int64_t)SECOND;
	world->wall = 1795910400 * (int64_t)SECOND; /* 2026-11-29 */
}

/* ---- what libc would do ---- */

int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t us = ++world->now + (id == CLOCK_REALTIME ? world->wall : 0);
	*t = (struct timespec){ us / SECOND, us % SECOND * 1000 };
	return 0;
}

int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	wait_for(NULL, world->now + t->tv_sec * (int64_t)SECOND + t->tv_nsec / 1000);
	return 0;
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	if (call_fails("getrandom")) {
		errno = ENOSYS;
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = (unsigned char)chance_next();
	return (ssize_t)n;
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *a, void *(*run)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	(void)thread, (void)a;
	if (call_fails("clone") || happens(world->weather.thread_fault) || !thread_begin(run, arg))
		return EAGAIN;
	pause_here();
	return 0;
}

/* A lock's first word is 1 while somebody has it. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	int *taken = (int *)(void *)m;
	pause_here();
	while (*taken)
		wait_for(m, INT64_MAX);
	*taken = 1;
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	*(int *)(void *)m = 0;
	wake_those(m, false);
	pause_here();
	return 0;
}

static bool wait_on(pthread_cond_t *c, pthread_mutex_t *m, int64_t until)
{
	*(int *)(void *)m = 0;
	wake_those(m, false);
	bool woken = wait_for(c, until);
	__wrap_pthread_mutex_lock(m);
	return woken;
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	wait_on(c, m, INT64_MAX);
	return 0;
}

int __wrap_pthread_cond_timedwait(
	pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *at);
int __wrap_pthread_cond_timedwait(
	pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *at)
{
	int64_t until = at->tv_sec * (int64_t)SECOND + at->tv_nsec / 1000;
	return wait_on(c, m, until) ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
	wake_those(c, false);
	pause_here();
	return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
	wake_those(c, true);
	pause_here();
	return 0;
}

int __wrap_sched_getaffinity(pid_t pid, size_t n, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t n, cpu_set_t *set)
{
	(void)pid;
	memset(set, 0, n);
	CPU_SET(0, set);
	CPU_SET(1, set);
	return 0;
}
