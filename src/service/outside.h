/* outside.h - what a piece of work does to the world: it calls AWS, posts to Slack, and looks at
 * the clock. */
#ifndef SERVICE_OUTSIDE_H
#define SERVICE_OUTSIDE_H

#include "service/dispatch.h"
#include "service/services.h"

/* One per thread. `invoker` and `effects` point into it: it stays where it is. */
struct outside {
	struct services *services;
	struct invoker invoker;
	struct effects effects;
};

void outside_init(struct outside *o, struct services *s);

#endif
