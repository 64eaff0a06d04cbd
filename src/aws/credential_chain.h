/* credential_chain.h - where keys come from, and how they are kept fresh.
 *
 * The sources, in this order: the environment; the profile that AWS_PROFILE names; web identity
 * (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN); the profile called default; the container
 * (AWS_CONTAINER_CREDENTIALS_...); the instance's metadata. The first source that is configured
 * counts. If it fails, no later one is tried. GATEWAY_ROLESANYWHERE_CERT makes IAM Roles Anywhere
 * the only source.
 *
 * Whoever calls credentials_renew from time to time replaces keys 15 minutes before they expire, or
 * after half their life if that is sooner. Requests use the current keys as long as they are valid.
 * Only without valid keys does a request fetch some itself, or wait for the fetch in progress. A
 * fetch has its own time limit: a request with less time than that leaves the fetch to another
 * thread and waits as long as it may. There is one fetch at a time, and after a failed one a pause
 * of CREDENTIALS_PAUSE_MS, unless the sandbox was frozen until after its time limit. Keys that look
 * expired on arrival are used for a quarter of an hour all the same, because our own clock may be
 * wrong. */
#ifndef AWS_CREDENTIAL_CHAIN_H
#define AWS_CREDENTIAL_CHAIN_H

#include "aws/context.h"
#include "aws/credentials.h"
#include "base/environment.h"
#include "os/generation.h"

#include <stdatomic.h>

enum {
	CREDENTIALS_AHEAD_MS = 15 * 60 * 1000,
	CREDENTIALS_PAUSE_MS = 1000,
	/* Two sets; certificates and their key, what a process prints, answers, a token. */
	CREDENTIALS_SCRATCH = 256 * 1024,
	CREDENTIALS_PEM_MAX = 64 * 1024,
	CREDENTIALS_FILE_MAX = 4 << 20, /* of a profile file: some hold thousands of profiles */
	CREDENTIAL_PROCESS_MS = 10 * 1000,
	CREDENTIALS_FETCH_MS = 15 * 1000, /* what takes longer has failed, whoever waits for it */
};

/* What only a host can do for the sources. */
struct credential_host {
	/* Appends a file's contents. E_CONFIG; f->sys is ENOENT if there is none. */
	enum err (*read_file)(void *ctx, struct buf *out, struct str path, struct fault *f);
	/* Reads one of at most `max` bytes into memory of its own, which unload wipes and gives back
	 * (nothing, if it is empty). As read_file. */
	enum err (*load)(void *ctx, struct str *out, struct str path, size_t max, struct fault *f);
	void (*unload)(void *ctx, struct str text);
	/* Runs a command line without a shell and appends what it prints; without a deadline only looks
	 * whether it could. */
	enum err (*run)(
		void *ctx, struct buf *out, struct str command, struct deadline *d, struct fault *f);
	void *ctx;
};

struct credential_chain;

/* Fetches from the first source that is configured, as credential_sources_fetch does. Without a
 * deadline nothing outside is asked and no process run: OK then means that what this machine has of
 * the source is usable. */
typedef enum err credential_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

struct credential_chain {
	struct environment env;
	struct aws_context *aws;
	const struct credential_host *host;
	credential_fetch *fetch;
	struct credentials from_environment; /* views; no id if there are none */
	bool fixed;                 /* these are used, nothing is ever fetched */
	struct arena scratch;       /* of the one that fetches */
	atomic_flag busy;           /* somebody fetches */
	_Atomic bool rejected;      /* AWS said that the current ones are no good */
	_Atomic bool stale;         /* their source may have others */
	_Atomic bool fetched;       /* there is a current set */
	_Atomic bool failing;       /* the last fetch failed */
	struct fault last;          /* why the last fetch failed; belongs to the thread that fetches */
	int64_t pause_until;        /* no other fetch before, monotonic ms; likewise */
	/* Of the current set, by AWS's wall clock: when to replace it, and when it ends. */
	_Atomic int64_t renew_at, until;
	_Atomic unsigned serial;    /* of the current set */
	struct generation generation;
	struct credential_set *sets; /* two */
};

/* `c` is zeroed. Looks at the keys in `env` only; nothing else is read or fetched. An empty
 * variable counts as unset. `scratch`: CREDENTIALS_SCRATCH bytes, aligned for any type, not touched
 * before something is fetched. E_CONFIG for a key without its secret or the other way round, and
 * for values that cannot be keys. */
must_check enum err credential_chain_init(struct credential_chain *c, const struct environment *env,
	struct aws_context *aws, const struct credential_host *host, credential_fetch *fetch,
	void *scratch, struct fault *f);

/* Checks the settings that name the source and the files that they name: reports what the first
 * fetch would, as far as nothing outside need be asked. Call it before there are other threads.
 * Errors are those of the source. */
must_check enum err credentials_check(struct credential_chain *c, struct fault *f);

/* For the sources: reads a file that holds 1 to `max` bytes of text into the scratch memory.
 * Without a deadline, a file that does not exist is E_TIMEOUT: somebody may be about to write
 * it. */
must_check enum err credentials_read_token(struct str *out, struct credential_chain *c,
	struct str path, size_t max, struct deadline *d, struct fault *f);

/* The current credentials, valid until the matching release. Release them as soon as something is
 * signed: no others can be fetched while the last but one are held. Their parts are within the
 * bounds of credentials.h and visible ASCII. May fetch, see above. E_CONFIG when there are none,
 * with a text that says where they were looked for; else as the source that failed. */
must_check enum err credentials_hold(const struct credentials **out, struct credential_chain *c,
	struct deadline *d, struct fault *f);
void credentials_release(struct credential_chain *c, const struct credentials *held);

/* The source of the current keys; empty if there are no valid ones. */
struct str credentials_source(struct credential_chain *c);

/* AWS refused what the keys with that serial signed: the next hold fetches, unless newer keys were
 * fetched since. False if there can be no others, because they come from the environment. */
bool credentials_reject(struct credential_chain *c, unsigned serial);

/* The source may have other keys now: the next credentials_renew fetches, however long the current
 * ones are valid. c->stale is set until that begins. */
void credentials_read_again(struct credential_chain *c);

/* Fetches if it is time. Returns for how many ms there is nothing to do, at least 1,000;
 * DEADLINE_NEVER for keys from the environment. A failure is logged, and the current keys stay. */
int64_t credentials_renew(struct credential_chain *c, struct deadline *d);

#endif
