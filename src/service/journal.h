/* journal.h - what was promised to Slack and is not settled, on disk, over kill -9, a crash and a
 * power cut.
 *
 * Records are appended to files in one directory: a request before an answer promises something
 * about it, a mark before an attempt goes to the network, its end once that is known; and the keys
 * of events with what became of them. What must be on disk is there (fdatasync) when the call
 * returns; calls that come together share one write to the disk. A file is removed when all that it
 * holds is settled, or is in a newer one.
 *
 * Each record has its length and a code (HMAC-SHA-256 over its file, its place and its bytes) under
 * a key derived from a signing secret, or from random bytes kept beside the records where there is
 * no secret. A record that does not verify is counted and never acted on; a torn end is cut off.
 *
 * The directory belongs to this process's user, has mode 0700, and is locked: one process at a
 * time. A link to it is followed if root made it, as systemd does for a StateDirectory= of a
 * dynamic user; another's may lead anywhere. */
#ifndef SERVICE_JOURNAL_H
#define SERVICE_JOURNAL_H

#include "base/fault.h"
#include "crypto/hmac.h"
#include "os/lock.h"

enum {
	JOURNAL_KEYS_MAX = 128,
	JOURNAL_FILES_MAX = 64,
	JOURNAL_FILE_SIZE = 4 << 20,  /* bytes, from which on the next file is begun */
	JOURNAL_SIZE_MAX = 64 << 20,  /* bytes of all files together */
	JOURNAL_RECORD_MAX = 8 << 20, /* bytes */
	JOURNAL_ENTRIES_MAX = 4096,   /* requests that are not settled */
	JOURNAL_AGE_MS =
		30 * 60 * 1000, /* after which a request is too old to be started, or to be told of */
	JOURNAL_EVENT_MS = 10 * 60 * 1000, /* how long the keys of events count */
};

/* What it takes to start a request later, or to tell its user. */
struct journal_request {
	int64_t arrived_ms;          /* wall clock */
	struct str request_id, kind; /* for the log */
	struct str region, function;
	struct str response_url;     /* may be empty */
	struct str payload;          /* what the function gets */
};

struct journal_entry {
	uint64_t id; /* 0: free */
	uint32_t file, size;
	uint64_t offset;
	bool attempted;
};

enum journal_class { JOURNAL_REQUESTS, JOURNAL_EVENTS, JOURNAL_CLASSES };

struct journal_file {
	enum journal_class class;
	uint64_t number;     /* in its name; 0: this one is free */
	uint64_t size;
	size_t unsettled;
	int64_t newest_ms;   /* wall clock, of the newest event in it */
	int fd;
	bool dirty;          /* there is more in it than on the disk */
	const char *map; /* of what an earlier process left, until its entries are settled; else NULL */
	size_t mapped;
};

struct journal {
	struct lock lock;
	struct condition synced_on;
	int directory, guard;
	size_t keys_count;
	struct hmac_key keys[JOURNAL_KEYS_MAX]; /* the first signs, any may have signed */
	struct journal_file files[JOURNAL_FILES_MAX];
	struct journal_file *current[JOURNAL_CLASSES]; /* NULL: the next record begins one */
	struct journal_entry *entries;
	_Atomic size_t entries_count;
	uint64_t next_id, next_number;
	uint64_t total;              /* bytes of all files */
	uint64_t written, synced;    /* records so far */
	bool syncing;
	_Atomic int failing;         /* errno of the last write or sync; 0: all is well */
	int64_t complain_at;         /* monotonic ms, from which on the next complaint is due */
	size_t refused, torn; /* what journal_open found: records that do not verify, bytes cut off */
};

/* What journal_open hands over of the keys of events. `started`: false if it was attempted and
 * nobody knows. */
typedef void journal_event_fn(void *ctx, struct str key, bool started, int64_t wall_ms);

/* Opens and locks `directory`, which must exist, and reads what is there. `j` is zeroed; `secrets`
 * are the prepared keys of the signing secrets. E_FILE with a sentence: it is not a directory of
 * ours with mode 0700, another process has it, or it cannot be read. */
must_check enum err journal_open(struct journal *j, struct str directory,
	const struct hmac_key *secrets, size_t count, int64_t now_ms, journal_event_fn *event,
	void *ctx, struct fault *f);

/* Other secrets from now on, of which the first signs: what is not settled is signed again. Keys of
 * events stay as they are until they are forgotten. */
void journal_take_keys(struct journal *j, const struct hmac_key *secrets, size_t count);

/* The next request that an earlier process left unsettled. *cursor is 0 at first. Views into the
 * journal, valid until journal_settle. */
must_check bool journal_next_left(struct journal *j, size_t *cursor, uint64_t *id, bool *attempted,
                                  struct journal_request *out);

/* How many requests are not settled. Waits for nobody. */
size_t journal_unsettled(struct journal *j);

/* Puts a request on disk; `attempted`: the attempt has been or will at once be made. *id is for the
 * calls below, 0 after a failure. E_FILE: it is not there, because the disk is full or failing;
 * E_LIMIT: too much is unsettled. */
must_check enum err journal_promise(struct journal *j, uint64_t *id,
	const struct journal_request *r, bool attempted, struct fault *f);

/* Marks that an attempt is about to be made. On disk when it returns OK. E_FILE. */
must_check enum err journal_attempt(struct journal *j, uint64_t id, struct fault *f);

/* The request has its end: the user knows it, or cannot be told. Reaches the disk with the next
 * record that must. */
void journal_settle(struct journal *j, uint64_t id);

/* Notes that the event of that key is about to be started, or was. On disk when it returns OK.
 * E_FILE. */
must_check enum err journal_event(
	struct journal *j, struct str key, bool started, int64_t now_ms, struct fault *f);

/* Removes what is settled. To be called every 20 seconds or so. */
void journal_tend(struct journal *j, int64_t now_ms);

/* Lets go of the directory. What is unsettled stays in it for the next process. */
void journal_close(struct journal *j);

/* Whether the last write failed, and with which errno. Waits for nobody. */
int journal_failing(struct journal *j);

/* Whether it is time to say so: once a minute. `now`: monotonic ms. */
bool journal_complains(struct journal *j, int64_t now);

#endif
