/* process.h - what has to be right about the process before anything else happens. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "os/child.h"

/* Makes what was relocated at the start (PT_GNU_RELRO) read-only. Opens /dev/null for each of the
 * descriptors 0 to 2 that is closed, so that no connection gets its number and the log with it.
 * Ignores SIGPIPE, because a log whose reader has gone must not end the process. Makes a trap, as
 * by check(), first write a log line with `version`, which ends with a line feed, and with the
 * address of the trap, counted from the beginning of the program. */
void process_prepare(const char *version);

/* All that this process starts. */
extern struct children process_children;

/* Ends the process with one sentence unless `done`: the system refused `call`, without which
 * nothing works, most likely because of a sandbox. errno says why. */
void process_need(bool done, const char *call);

#endif
