/* log.h - one JSON object a line on standard error.
 *
 * LOG(LOG_WARN, L("invoke failed"), KV("function", name), KI("status", 503));
 * Every line has `timestamp` (RFC 3339) and `level` first, the keys by which Lambda filters, then
 * `message` (L) and the fields in order. A line goes out in one write(2); a field that would make it
 * longer than LOG_LINE_MAX is left out. Safe to use from several threads. Secrets, tokens, signatures, response_urls and
 * payloads are not logged at any level. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_LINE_MAX = 2048 };

struct log_field {
	struct str key;
	struct str text;
	int64_t number;
	bool is_number;
};

#define L(text) { S("message"), S(text), 0, false }
#define KV(key, str) { S(key), (str), 0, false }
#define KI(key, int) { S(key), { NULL, 0 }, (int64_t)(int), true }

#define LOG(level, ...) \
	do { \
		if (log_wants(level)) \
			log_line((level), (const struct log_field[]){ __VA_ARGS__ }, \
			         sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)); \
	} while (0)

/* Set once at start, before any thread. The default is LOG_INFO. */
void log_set_level(enum log_level least);
bool log_wants(enum log_level level);

/* Replaces the write(2) by which a line goes out; set once at start, before any thread. */
void log_set_writer(void (*put)(const char *line, size_t n));

/* Makes a line, its line feed included. Returns its length. */
size_t log_format(char line[static LOG_LINE_MAX], enum log_level level, const struct log_field *fields, size_t count);

/* Use LOG. Fields with an empty text are left out. */
void log_line(enum log_level level, const struct log_field *fields, size_t count);

#endif
