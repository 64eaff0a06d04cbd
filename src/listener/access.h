/* access.h - one line a request in the log, and its place in the metrics. */
#ifndef LISTENER_ACCESS_H
#define LISTENER_ACCESS_H

#include "base/str.h"

struct listener;
struct connection;

/* `why`: what is to say beyond the status; empty if nothing. Marks the request as logged. */
void access_log(struct listener *l, struct connection *c, struct str why);

#endif
