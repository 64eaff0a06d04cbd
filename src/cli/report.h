/* report.h - what `check` says: a line a step for people, in columns, or one JSON object for
 * programs. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/environment.h"
#include "codec/json_write.h"

enum step_result { STEP_OK, STEP_FAIL, STEP_WARN, STEP_SKIP };

struct step_report {
	struct str name;
	enum step_result result;
	const char *reason;       /* a stable code for programs: "dns_failed"; empty if all is well */
	struct str found, advice; /* for people; `advice` may be empty */
};

enum { REPORT_WIDTH = 100, REPORT_SIZE = 512 * 1024, REPORT_SKIPS = 16 };

struct report {
	bool as_json, utf8, colour;
	size_t problems, indent;
	struct buf out; /* a step in text, or all of the JSON; the caller's memory, REPORT_SIZE bytes */
	struct json_writer json;
	struct skipped {
		struct str name;
		char why[80];
		size_t why_n;
	} skipped[REPORT_SKIPS]; /* told together at the end */
	size_t skipped_count;
};

/* How it looks follows from `env` (LC_ALL, LC_CTYPE, LANG, NO_COLOR, TERM) and from whether
 * standard output is a terminal. */
void report_begin(
	struct report *r, char memory[static REPORT_SIZE], bool as_json, const struct environment *env);

/* Tells of a step. What is skipped waits for report_end. Names live until then. */
void report_step(struct report *r, const struct step_report *step);

/* Tells the rest, and sums up. Whether there was no problem. */
bool report_end(struct report *r);

#endif
