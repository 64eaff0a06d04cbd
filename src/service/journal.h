/* journal.h - what was promised to Slack and is not settled, on disk, over kill -9, a crash and a
 * power cut.
 *
 * Records are appended to files in one directory: a request before an answer promises something
 * about it, a mark before an attempt goes to the network, its end once that is known; and the keys
 * of events with what became of them. A file is removed when all that it holds is settled, or is in
 * a newer one.
 *
 * Nobody waits for the disk who does not ask to: a call puts its record into memory and returns a
 * ticket. One thread, journal_run, signs and writes all that has come together and has it synced
 * (fdatasync) once; journal_wait says whether a ticket's record is on disk, and waits until a
 * moment at most. A disk that is too slow for that moment, and has taken JOURNAL_LAST_MS, counts as
 * one that fails until it has caught up: meanwhile new promises are refused at once.
 *
 * Each record has its length and a code (HMAC-SHA-256 over its file, its place and its bytes): a
 * request under a key derived from a signing secret, an event, which starts nothing, under random
 * bytes that are kept beside the records, so that it outlives every secret. Where there is no
 * secret, these do for both. A record that does not verify is counted and never acted on; a torn
 * end is cut off.
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
	JOURNAL_REQUESTS_MEMORY = 4 << 20, /* bytes that wait to be written, of each class */
	JOURNAL_EVENTS_MEMORY = 256 << 10,
	JOURNAL_PATIENCE_MS = 500, /* a promise that takes longer is not waited for: the request is
								  carried out, and answered when its outcome is known */
	JOURNAL_LAST_MS = 200, /* what "still being started" waits for its promise beyond the soft
							  moment, and then leaves without */
};

/* What it takes to start a request later, or to tell its user. */
struct journal_request {
	int64_t arrived_ms;          /* wall clock */
	bool sync;                   /* its user is shown what the function returns */
	struct str request_id, kind; /* for the log */
	struct str region, function;
	struct str response_url;     /* may be empty */
	struct str payload;          /* what the function gets */
	struct str event; /* its key, if Slack is told at once that it was started; else empty */
};

enum journal_class { JOURNAL_REQUESTS, JOURNAL_EVENTS, JOURNAL_CLASSES };

struct journal_entry {
	uint64_t id; /* 0: free */
	uint32_t file, size;
	uint64_t offset;
	bool attempted;
};

struct journal_file {
	enum journal_class class;
	uint64_t number;     /* in its name; 0: this one is free */
	uint64_t size;
	size_t unsettled;
	int64_t newest_ms;   /* wall clock, of the newest event in it */
	int fd;
	const char *map; /* of what an earlier process left, until its entries are settled; else NULL */
	size_t mapped;
};

/* What waits to be written, and where to. */
struct journal_lane {
	struct buf waiting[2];        /* one is filled, the other written */
	struct journal_file *current; /* NULL: the next record begins one */
	bool dirty;                   /* there is more in it than on the disk */
};

/* Files, and lanes but for what is filled, are the thread's that writes; the rest is under the
 * lock. */
struct journal {
	uint64_t total;              /* bytes of all files, and of what waits to be written */
	_Atomic uint64_t appended, done; /* tickets: given, and written or lost */
	uint64_t wanted, lost;       /* the last that must be synced; the last that was lost */
	int64_t busy_since;          /* monotonic ms, that what is being written has waited */
	_Atomic int failing;         /* errno of the last write or sync; 0: all is well */
	int directory, guard;
	uint64_t next_id, next_number;
	struct journal_entry *entries;
	_Atomic size_t entries_count;
	void (*told)(void *ctx);     /* called by the thread when `done` has grown; NULL: nobody */
	void *ctx;
	_Atomic int64_t complain_at; /* monotonic ms, from which on the next complaint is due */
	struct lock lock;
	struct condition work, synced_on;
	struct journal_lane lanes[JOURNAL_CLASSES];
	size_t refused, torn; /* what journal_open found: records that do not verify, bytes cut off */
	bool rekeyed, turn;          /* turn: which of those that wait is filled */
	/* Of events: the own key; of requests: a copy of the first below, for the thread. */
	struct hmac_key signing[JOURNAL_CLASSES];
	size_t keys_count;
	struct hmac_key keys[JOURNAL_KEYS_MAX]; /* the first signs, any may have signed */
	struct journal_file files[JOURNAL_FILES_MAX + 1]; /* the last: of what is not written yet */
};

/* The ticket of a record that could not be taken. */
enum { JOURNAL_REFUSED = 0 };

/* What became of an event: an attempt was about to be made, it was started, or the log has said
 * that nobody knows. */
enum journal_fate { JOURNAL_ATTEMPTED, JOURNAL_STARTED, JOURNAL_TOLD };

/* What journal_open hands over of the keys of events, in the order in which it was noted; that of a
 * request, settled or not, as started. */
typedef void journal_event_fn(
	void *ctx, struct str key, enum journal_fate fate, int64_t wall_ms);

/* Opens and locks `directory`, which must exist, and reads what is there. `j` is zeroed; `secrets`
 * are the prepared keys of the signing secrets. E_FILE with a sentence: it is not a directory of
 * ours with mode 0700, another process has it, or it cannot be read. */
must_check enum err journal_open(struct journal *j, struct str directory,
	const struct hmac_key *secrets, size_t count, int64_t now_ms, journal_event_fn *event,
	void *ctx, struct fault *f);

/* Writes what comes, for ever, and removes what is settled; `j` in a thread of its own. */
void *journal_run(void *j);

/* Other secrets from now on, of which the first signs: what is not settled is signed again. */
void journal_take_keys(struct journal *j, const struct hmac_key *secrets, size_t count);

/* The next request that an earlier process left unsettled. *cursor is 0 at first. Views into the
 * journal, valid until journal_settle. */
must_check bool journal_next_left(struct journal *j, size_t *cursor, uint64_t *id, bool *attempted,
                                  struct journal_request *out);

/* How many requests are not settled. Waits for nobody. */
size_t journal_unsettled(struct journal *j);

/* Promises a request; `attempted`: the attempt has been or will at once be made. *id is for the
 * calls below, 0 with JOURNAL_REFUSED: the disk is full, failing or too slow, or too much is
 * unsettled. Returns a ticket, as the next two. */
must_check uint64_t journal_promise(
	struct journal *j, uint64_t *id, const struct journal_request *r, bool attempted);

/* Marks that an attempt is about to be made. */
must_check uint64_t journal_attempt(struct journal *j, uint64_t id);

/* Notes what becomes of the event of that key. */
must_check uint64_t journal_event(
	struct journal *j, struct str key, enum journal_fate fate, int64_t now_ms);

/* The request has its end: the user knows it, or cannot be told. Is written with the next record,
 * and synced with the next that must be. */
void journal_settle(struct journal *j, uint64_t id);

/* Whether the thread is done with that record: it is on disk, or lost. Waits for nobody. */
static inline bool journal_is_done(const struct journal *j, uint64_t ticket)
{
	return j->done >= ticket;
}

/* OK: the record is on disk. Waits until then, or until that moment, monotonic; 0 looks only.
 * E_FILE: it is not there, and may come to be there if the disk is slow. */
must_check enum err journal_wait(
	struct journal *j, uint64_t ticket, int64_t until, struct fault *f);

/* What journal_run does in a round, for tests without a thread: writes what has come, syncs it if
 * that is waited for; and removes what is settled, which is due every 20 seconds. */
void journal_write(struct journal *j);
void journal_tend(struct journal *j, int64_t now_ms);

/* Lets go of the directory. What is unsettled stays in it for the next process. */
void journal_close(struct journal *j);

/* Whether the last write failed or took too long, and with which errno. Waits for nobody. */
int journal_failing(struct journal *j);

/* Whether it is time to say so: once a minute. `now`: monotonic ms. */
bool journal_complains(struct journal *j, int64_t now);

#endif
