/* thread.h - threads that live as long as the process. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include "base/fault.h"

/* Starts a detached thread with that many bytes of stack; signals stay with the thread that is
 * there. E_SYSTEM. */
must_check enum err thread_start(void *(*run)(void *arg), void *arg, size_t stack, struct fault *f);

/* How many processors this process may use. */
size_t thread_processors(void);

/* From now on the calling thread takes a processor only when others leave it one. */
void thread_step_back(void);

/* Wakes whoever waits for the eventfd `event`. */
void thread_wake(int event);

#endif
