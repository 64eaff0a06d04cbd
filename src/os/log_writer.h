/* log_writer.h - a log that never waits for its reader.
 *
 * A pipe that nobody empties would stop every thread that logs. Here a line for which there is no room is
 * dropped, and when lines get through again, one more says how many were. */
#ifndef OS_LOG_WRITER_H
#define OS_LOG_WRITER_H

/* From now on; call it before any thread is started. */
void log_writer_start(void);

#endif
