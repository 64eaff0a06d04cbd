/* access.h - one line in the log for each request, and its place in the metrics. */
#ifndef LISTENER_ACCESS_H
#define LISTENER_ACCESS_H

#include "base/log.h"

/* What whoever took a request knows of it. */
struct access_note {
	struct str request_id;
	struct str kind;      /* as the metrics name it; empty: none */
	struct str why;       /* beyond the status; empty: nothing */
	enum log_level level;
};

struct access {
	struct str remote, method, path;
	int status;
	int64_t took_ms;
	const struct access_note *note; /* NULL: nobody took it */
	struct str why;                 /* instead of the note's; empty: that */
	bool uncounted;                 /* who reads the metrics is not part of them */
};

void access_log(const struct access *a);

#endif
