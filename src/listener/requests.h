/* requests.h - what a complete request means: decides, answers at once, or hands it to the workers
 * (jobs.h) or to the embedded backend. */
#ifndef LISTENER_REQUESTS_H
#define LISTENER_REQUESTS_H

#include "listener/backend.h"
#include "listener/connection.h"
#include "listener/jobs.h"
#include "listener/status.h"

enum {
	/* What the loop hashes itself to verify one request, in bytes times secrets: some 20 us where
	 * the processor has instructions for SHA-256, a quarter of a millisecond where it has not. */
	VERIFY_IN_LOOP_MAX = 32 * 1024,
};

struct requests {
	struct services *services;
	struct server *server;
	struct jobs jobs;
	struct backend *backend; /* NULL if there is none */
	struct status status;
};

/* Makes `server` give its requests to `r`, whose members are set and whose jobs are started. */
void requests_attach(struct requests *r, struct server *server);

/* Once a round: takes notice of what the workers have done. */
void requests_collect(struct requests *r);

#endif
