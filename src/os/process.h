/* process.h - what has to be right about the process before anything else happens. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "os/child.h"

/* Makes what was relocated at the start (PT_GNU_RELRO) read-only. Opens /dev/null for those of the
 * descriptors 0 to 2 that are closed, lest a connection get one of these numbers and the log with
 * it. Ignores SIGPIPE: a log whose reader has gone must not end the process. A trap, as check()
 * ends in, first writes a log line with `version`, which ends with a line feed, and with its address, counted
 * from the beginning of the program. */
void process_prepare(const char *version);

/* All that this process starts. */
extern struct children process_children;

/* Ends the process with one sentence unless `done`: a call without which nothing works was refused,
 * most likely by a sandbox. errno says how. */
void process_need(bool done, const char *call);

#endif
