/* profile_in_use.h - the profile that AWS_PROFILE names, or else AWS_DEFAULT_PROFILE, or else the
 * one called default. */
#ifndef AWS_PROFILE_IN_USE_H
#define AWS_PROFILE_IN_USE_H

#include "aws/credential_chain.h"
#include "aws/profile.h"

struct profile_in_use {
	struct profile_files files;
	struct profile profile;
	bool named; /* by a variable */
};

/* Loads both files. A file that is not there is empty. E_FILE for one that cannot be read, and for
 * a line of this profile that cannot; E_CONFIG if the profile is named and nowhere. Nothing is to
 * be unloaded then. */
must_check enum err profile_in_use_load(struct profile_in_use *out, const struct environment *env,
	const struct credential_host *host, struct fault *f);
void profile_in_use_unload(struct profile_in_use *p, const struct credential_host *host);

/* Logs how many lines were passed over. */
void profile_in_use_tell(const struct profile_in_use *p);

#endif
