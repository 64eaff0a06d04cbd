/* credential_chain.h - where keys come from, and how they are kept fresh.
 *
 * The sources, in this order: environment; the profile that AWS_PROFILE names; web identity
 * (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN); the profile called default; container
 * (AWS_CONTAINER_CREDENTIALS_...); the instance's metadata. The first that is configured counts,
 * and if it fails, that is the answer: no later one is tried. With GATEWAY_ROLESANYWHERE_CERT that
 * one is the only source.
 *
 * What expires is fetched anew 15 minutes before its end, or at half its life if that is shorter,
 * by whoever calls credentials_renew from time to time. Requests use what is held as long as it is
 * valid; only if nothing valid is held does a request fetch on its own, or wait for the one that
 * does. A fetch has its own time: who has less than that has it done aside, and waits as long as
 * that may last. There is one fetch at a time, and after one that failed no other for CREDENTIALS_PAUSE_MS.
 * Keys that look expired on arrival are used all the same, for a quarter of an hour: the clock may
 * be the one that is wrong. */
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
	CREDENTIALS_SCRATCH = 256 *
		1024, /* two sets; certificates and their key, what a process prints, answers, a token */
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

/* Fetches from the first source that is configured; credential_sources_fetch. Without a deadline
 * nobody outside is asked, and no process run: that what this machine has of it can be used is OK.
 */
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
	struct fault
		last; /* why the last fetch failed, and when the next may be: whoever is busy owns these */
	int64_t pause_until;        /* monotonic */
	_Atomic int64_t renew_at,
		until; /* of the current set, AWS's wall clock: when to fetch anew, when it ends */
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

/* Whether what names their source, and the files that it names, can be used: what the first fetch
 * would say without asking anybody. Before there are other threads. As the source that fails. */
must_check enum err credentials_check(struct credential_chain *c, struct fault *f);

/* For the sources: the text of 1 to `max` bytes in a file, in the scratch memory. That a file is not there yet is
 * E_TIMEOUT without a deadline: somebody may be about to write it. */
must_check enum err credentials_read_token(struct str *out, struct credential_chain *c,
	struct str path, size_t max, struct deadline *d, struct fault *f);

/* The current credentials, valid until the matching release, which comes as soon as something is
 * signed: others cannot be fetched while the last but one are held. Their parts stand within the
 * bounds of credentials.h and hold visible ASCII only. May fetch, see above. E_CONFIG when there
 * are none, with a text that says where they were looked for; else as the source that failed. */
must_check enum err credentials_hold(const struct credentials **out, struct credential_chain *c,
	struct deadline *d, struct fault *f);
void credentials_release(struct credential_chain *c, const struct credentials *held);

/* Where the keys come from that are used now; empty: none are held that are valid. */
struct str credentials_source(struct credential_chain *c);

/* AWS refused what the keys of that serial signed: the next hold fetches, unless that has happened
 * since. False if nothing else can be had: they are the environment's. */
bool credentials_reject(struct credential_chain *c, unsigned serial);

/* Their source may have others now: the next credentials_renew fetches, whatever they have left to
 * live. While c->stale is set, that has not begun. */
void credentials_read_again(struct credential_chain *c);

/* Fetches if it is time. Returns for how many ms nothing is to be done, at least 1,000;
 * DEADLINE_NEVER for keys from the environment. A failure is logged; what is held stays. */
int64_t credentials_renew(struct credential_chain *c, struct deadline *d);

#endif
