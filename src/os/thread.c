#include "os/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICE = 10 };

enum err thread_start(void *(*run)(void *arg), void *arg, size_t stack, struct fault *f)
{
	pthread_t thread;
	pthread_attr_t attributes;
	sigset_t all, before;
	sigfillset(&all);
	/* Traps, which os/process tells of. */
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	check(pthread_attr_init(&attributes) == 0);
	check(pthread_attr_setstacksize(&attributes, stack) == 0);
	check(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int sys = pthread_create(&thread, &attributes, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return sys ? fault_set(f, E_SYSTEM, sys, "no thread can be started") : OK;
}

size_t thread_processors(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

void thread_step_back(void)
{
	/* On Linux it is the thread's, and to have less always works. */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
}

void thread_wake(int event)
{
	static const uint64_t one = 1;
	while (write(event, &one, sizeof(one)) < 0)
		; /* only a signal can be in the way: the counter never gets full */
}
