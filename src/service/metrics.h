/* metrics.h - counters of the process, in the text format of Prometheus (version 0.0.4). Any thread
 * may count. */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include "base/buf.h"

/* What is counted elsewhere, as it is now. */
struct metrics_gauges {
	size_t connections, inflight, queue, journal_unsettled;
	bool journal; /* whether there is one */
	bool journal_failing;
	int64_t started_wall_s;
};

/* Starts counting; without it, nothing is counted. Once, before any thread. */
void metrics_start(void);

void metrics_request(struct str kind, int status, int64_t took_ms);
void metrics_invoke(const char *outcome, const char *error_name, int attempts, int64_t took_ms);
void metrics_relay(const char *outcome);
void metrics_tls_failure(void);
void metrics_event_ignored(void);

/* Appends everything. */
void metrics_put(struct buf *b, const struct metrics_gauges *gauges);

#endif
