/* log.h - one line a message on standard error: a JSON object, or text for a person.
 *
 * LOG(LOG_WARN, "invoke failed", "function status#", name, NUM(503));
 * A JSON line has `timestamp` (RFC 3339) and `level` first, the keys by which Lambda filters, then
 * `message` and the fields in order; a text line has the same in the same order. A line goes out in
 * one write(2); a field that would make it longer than LOG_LINE_MAX is left out. Safe to use from
 * several threads. Secrets, tokens, signatures, response_urls and payloads are not logged at any
 * level. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/fault.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_style { LOG_AUTO, LOG_JSON, LOG_TEXT }; /* LOG_AUTO: see os/log_writer.h */
enum { LOG_LINE_MAX = 4000 }; /* less than PIPE_BUF, so that lines of several threads do not mix */

/* `names` holds the names of the fields, separated by blanks, one for each argument. A '#' after a
 * name means that its argument is a NUM(), which is written without quotes. Fields with an empty
 * text are left out. Names that do not fit the arguments trap. */
#define LOG(level, message, ...) \
	log_line((level), (message), FORMAT(__VA_ARGS__, ), ARGUMENTS(__VA_ARGS__, NO_STR))

/* Lines below this level are not written. Set once at start, before any thread. The default is
 * LOG_INFO. */
void log_set_level(enum log_level least);

/* How lines look, and whether each begins with its priority, "<6>", as in sd-daemon(3). Set once at
 * start, before any thread. The default is JSON without priorities. */
void log_set_style(enum log_style wanted, bool priority);

/* Replaces the write(2) that writes a line. Set once at start, before any thread. */
void log_set_writer(void (*put)(const char *line, size_t n));

/* Makes a line, including its line feed. Returns its length. */
size_t log_format(char line[static LOG_LINE_MAX], enum log_level level, const char *message,
	const char *names, struct arguments arguments);

/* Logs a failure and its reason: LOG(LOG_ERROR, message, "request_id reason", ...). */
void log_failure(const char *message, struct str request_id, const struct fault *f);

/* Use LOG. */
void log_line(
	enum log_level level, const char *message, const char *names, struct arguments arguments);

#endif
