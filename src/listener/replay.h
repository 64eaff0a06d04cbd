/* replay.h - deals with what an earlier process left in the journal: starts what was never tried,
 * and tells users of what cannot be known any more. */
#ifndef LISTENER_REPLAY_H
#define LISTENER_REPLAY_H

#include "listener/backend.h"

/* Begins, in threads of its own, if anything is left, and with it the journal's thread. s->journal
 * is open; `b` runs functions of region local, NULL: nobody does. E_SYSTEM. */
must_check enum err replay_start(struct services *s, struct backend *b, struct fault *f);

/* How many threads are still at it. */
size_t replay_busy(void);

#endif
