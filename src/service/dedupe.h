/* dedupe.h - events once, as far as one process can know.
 *
 * Slack delivers an event again when it was not answered in time, with the same event_id. A second
 * delivery waits for what became of the first; one that was started is remembered for ten minutes,
 * one that was not, or of which that is not known, is not remembered at all. Bounded: when the
 * table is full, the oldest is forgotten. */
#ifndef SERVICE_DEDUPE_H
#define SERVICE_DEDUPE_H

#include "base/str.h"
#include "os/lock.h"


enum { DEDUPE_MAX = 4096, DEDUPE_ID_MAX = 40, DEDUPE_MS = 10 * 60 * 1000 };

struct dedupe_entry {
	int64_t since_ms;
	bool used, settled; /* settled: it was started; otherwise somebody is on it */
	uint8_t id_n;
	char id[DEDUPE_ID_MAX];
};

struct dedupe_table {
	uint32_t hashes[DEDUPE_MAX]; /* looked through first */
	struct dedupe_entry entries[DEDUPE_MAX];
};

struct dedupe {
	struct lock lock;
	struct condition change;
	size_t next; /* the slot to be used next: the oldest */
	struct dedupe_table *table;
};

/* `table` is zeroed memory, which is not touched before the first event. */
void dedupe_init(struct dedupe *d, struct dedupe_table *table);

enum dedupe_verdict {
	DEDUPE_FIRST,   /* nobody is on it: go on, and say what became of it with dedupe_end */
	DEDUPE_STARTED, /* it was started already */
	DEDUPE_BUSY,    /* another delivery was still not settled at `until_ms` */
};

/* `until_ms`: monotonic. An id longer than DEDUPE_ID_MAX is always the first. */
must_check enum dedupe_verdict dedupe_begin(struct dedupe *d, struct str id, int64_t until_ms);

void dedupe_end(struct dedupe *d, struct str id, bool started);

#endif
