/* signing_secrets.h - the signing secrets as they are now, from wherever the configuration says:
 * literal, file, AWS.
 *
 * Literals and files are there from the start. What AWS keeps is fetched by a thread of its own
 * while the process starts, or by the first request that needs it. When a signature fails,
 * everything is read again, files too, if the last reading is a minute ago, or a second while some
 * secret has never been read. So a rotation needs no restart, and a flood of forged requests causes
 * one reading a minute. There is one reading at a time. A secret that cannot be read again stays as
 * it was. */
#ifndef SERVICE_SIGNING_SECRETS_H
#define SERVICE_SIGNING_SECRETS_H

#include "aws/secret_store.h"
#include "gateway/decide.h"
#include "os/generation.h"

struct signing_secrets {
	const struct config *config;
	struct credential_chain *credentials;
	bool refreshable;          /* some are references, and they matter */
	struct arena scratch;      /* of the one that reads */
	_Atomic bool busy;         /* somebody reads */
	_Atomic bool failing;      /* the last time something could not be read */
	_Atomic bool wanted;       /* that they are read once more */
	_Atomic int64_t due;       /* monotonic ms, from which on they may be read again */
	struct generation generation;
	struct slack_secrets sets[2];
	void (*_Atomic changed)(void *ctx); /* called after each reading, by its thread; may be NULL */
	void *ctx;
};

/* `s` is zeroed. Takes what is there without asking AWS. E_FILE for a file that cannot be read or
 * holds no secret. */
must_check enum err signing_secrets_init(struct signing_secrets *s, const struct config *config,
	struct credential_chain *credentials, struct fault *f);

/* Starts to read in a thread of its own, if something is missing or with `again`; if somebody reads
 * already, once more after that. A failure is logged. */
void signing_secrets_read_aside(struct signing_secrets *s, bool again);

/* Waits for whoever reads. */
void signing_secrets_wait(struct signing_secrets *s, struct deadline *d);

/* Reads in this thread, for a caller that alone uses s->sets[0]. Returns the first failure; each
 * was logged. */
must_check enum err signing_secrets_read(
	struct signing_secrets *s, struct deadline *d, struct fault *f);

/* decide(), with the secrets as they are now. */
void signing_secrets_decide(struct signing_secrets *s, struct decision *out,
	const struct gateway_request *req, int64_t now_s, struct arena *arena);

/* Whether signing_secrets_renew could find others for a request with that verdict. Does not wait.
 */
bool signing_secrets_may_help(const struct signing_secrets *s, enum slack_verdict verdict);

/* Reads again, or waits for the reading in progress: until that moment (monotonic ms), but at least
 * a second, because before that there is no answer to give. False if nothing has changed. */
bool signing_secrets_renew(struct signing_secrets *s, enum slack_verdict verdict, int64_t until);

/* The secrets themselves, for other uses; they stay as they are until they are released. */
const struct slack_secrets *signing_secrets_hold(struct signing_secrets *s);
void signing_secrets_release(struct signing_secrets *s, const struct slack_secrets *held);

#endif
