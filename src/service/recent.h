/* recent.h - the last requests that verified, and what became of each, for people who look at the
 * status page. Nothing of what a request holds is kept. Any thread may note one. */
#ifndef SERVICE_RECENT_H
#define SERVICE_RECENT_H

#include "gateway/decide.h"

enum { RECENT_MAX = 100, RECENT_TEXT_MAX = 128 };

struct recent_request {
	int64_t arrived_ms;    /* wall clock */
	int64_t took_ms;       /* until its outcome was known */
	struct str kind;       /* as the metrics name it */
	const char *outcome;   /* a literal */
	struct buf target, why; /* printable ASCII, cut to RECENT_TEXT_MAX bytes; may be empty */
	char memory[2][RECENT_TEXT_MAX];
};

/* Starts keeping them; without it, none are kept. Once, before any thread. */
void recent_start(void);

/* The outcome of a request that arrived at `arrived_ms` (wall clock) is known now. `outcome`: a
 * literal. */
void recent_note(
	const struct decision *decision, int64_t arrived_ms, const char *outcome, struct str why);

/* Calls `each` for those kept, the last one first. Others wait meanwhile. */
void recent_read(void (*each)(void *ctx, const struct recent_request *r), void *ctx);

#endif
