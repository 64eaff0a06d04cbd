/* credentials.h - the keys that sign requests. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/arena.h"
#include "base/fault.h"

enum {
	CREDENTIALS_ID_MAX = 128,     /* as documented for access key ids */
	CREDENTIALS_SECRET_MAX = 128, /* ours; they have 40 bytes */
	CREDENTIALS_TOKEN_MAX = 8192, /* ours; AWS names none and gives out less than 4,096 bytes */
	CREDENTIALS_MEMORY = CREDENTIALS_ID_MAX + CREDENTIALS_SECRET_MAX + CREDENTIALS_TOKEN_MAX,
};

struct credentials {
	struct str access_key_id, secret_access_key;
	struct str session_token; /* empty if there is none */
	int64_t expires_ms;       /* AWS's wall clock; INT64_MAX if never or not known */
	struct str source;        /* for people: "environment"; a literal */
	unsigned serial;          /* of the fetch that brought them; 0 for the environment's */
};

/* Credentials that were fetched, with the memory that holds them. Not to be copied by assignment.
 */
struct credential_set {
	struct credentials keys;
	char memory[CREDENTIALS_MEMORY];
};

/* Fills `out` with copies. `expiration`: as RFC 3339 has it, or nearly so, or empty for never.
 * `source`: as above; it begins the message when something is wrong. E_SYNTAX: a key is missing, is
 * too long, or has a blank or control byte in it, such as the line end that a file left behind; or
 * the time is none. */
must_check enum err credentials_set(struct credential_set *out, struct str id, struct str secret,
	struct str token, struct str expiration, struct str source, struct fault *f);

/* The same from a JSON object with the members AccessKeyId, SecretAccessKey, Token or SessionToken,
 * and Expiration: what container and instance metadata, Roles Anywhere (whose names begin in lower
 * case) and credential processes hand out. `scratch` holds decoded strings for the call. */
must_check enum err credentials_set_from_json(struct credential_set *out, struct str json,
	struct arena *scratch, struct str source, struct fault *f);

/* Forgets the keys. */
void credentials_wipe(struct credential_set *set);

#endif
