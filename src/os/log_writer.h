/* log_writer.h - where the log goes: how its lines look there, and a way to write them that never
 * waits.
 *
 * A pipe that nobody reads would stop every thread that logs. After log_writer_start, a line for
 * which there is no room is dropped; when lines get through again, one more says how many were
 * dropped. */
#ifndef OS_LOG_WRITER_H
#define OS_LOG_WRITER_H

#include "base/environment.h"
#include "base/log.h"

/* Sets the style of the log: LOG_AUTO becomes text on a terminal and JSON elsewhere. Lines begin
 * with a priority where JOURNAL_STREAM names standard error (systemd.exec(5)). Call it before any
 * thread is started. */
void log_writer_choose(enum log_style wanted, const struct environment *env);

/* Writes a line now, if there is room for it; takes no lock. False if there is none. */
bool log_writer_put(const char *line, size_t n);

/* From now on nothing waits. Call it before any thread is started. */
void log_writer_start(void);

#endif
