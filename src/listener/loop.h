/* loop.h - the listener: one thread that accepts, reads, parses, decides and answers, and what it
 * starts.
 *
 * The loop waits in epoll for clients, signals and what other threads have done (connection.h,
 * requests.h), and for the moments at which something is due. Nothing that it does itself takes
 * long. */
#ifndef LISTENER_LOOP_H
#define LISTENER_LOOP_H

#include "listener/config.h"
#include "service/services.h"

/* How many calls to AWS and to Slack may be under way at once: of workers, of those that help a
 * drain to tell users, and of functions that run here. */
size_t loop_upstreams(const struct listener_config *config);

/* Listens until it is told to stop and has drained, in the calling thread. Exit code. */
int loop_run(
	struct services *s, const struct listener_config *config, const struct environment *env);

#endif
