/* credentials.h - the keys that sign requests, and where they come from. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/deadline.h"
#include "base/environment.h"
#include "base/fault.h"

enum {
	CREDENTIALS_ID_MAX = 128,     /* as documented for access key ids */
	CREDENTIALS_SECRET_MAX = 128, /* ours; they have 40 bytes */
	CREDENTIALS_TOKEN_MAX = 8192, /* ours; AWS names none and gives out less than 4,096 bytes */
};

struct credentials {
	struct str access_key_id, secret_access_key;
	struct str session_token; /* empty if there is none */
	int64_t expires_ms;       /* wall clock; INT64_MAX if never or not known */
	struct str source;        /* for people: "environment" */
};

/* The chain of sources. One per process, shared by its threads. */
struct credential_chain {
	struct credentials current;
	bool from_environment;
};

/* Looks at `env` only; nothing is read or fetched. An empty variable counts as unset. No keys at all is no error yet.
 * E_CONFIG for a key without its secret or the other way round, and for values that cannot be keys: too long,
 * or with a blank or control byte in them, such as the line end that a file left behind. */
must_check enum err credential_chain_init(struct credential_chain *c, const struct environment *env, struct fault *f);

/* The current credentials, valid until the matching release; their parts stand within the bounds above and
 * hold visible ASCII only. E_CONFIG when there are none, with a text that says where they were looked for. */
must_check enum err credentials_hold(const struct credentials **out, struct credential_chain *c, struct deadline *d,
                                     struct fault *f);
void credentials_release(struct credential_chain *c, const struct credentials *held);

#endif
