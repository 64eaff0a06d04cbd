/* outside.h - the real effects of dispatch.h: calls AWS, posts to Slack, reads the clock. */
#ifndef SERVICE_OUTSIDE_H
#define SERVICE_OUTSIDE_H

#include "service/dispatch.h"
#include "service/services.h"

/* One per thread. It must not move: `invoker` and `effects` point into it. */
struct outside {
	struct services *services;
	struct invoker invoker;
	struct effects effects;
};

/* `s` is borrowed for as long as `o` is used. */
void outside_init(struct outside *o, struct services *s);

#endif
