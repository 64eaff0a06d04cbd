/* credential_sources.h - the sources themselves. Each makes one fetch, with the chain's
 * environment, context, host and scratch.
 *
 * OK; E_MORE: it is not configured, the next one's turn; else its own failure, with a text that
 * begins with the name of the source. */
#ifndef AWS_CREDENTIAL_SOURCES_H
#define AWS_CREDENTIAL_SOURCES_H

#include "aws/credential_chain.h"
#include "aws/profile.h"

/* The first that is configured. E_CONFIG if none is, with a text that says where keys were looked
 * for. */
must_check enum err credential_sources_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

/* GATEWAY_ROLESANYWHERE_CERT and its like; roles_anywhere.c */
must_check enum err roles_anywhere_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

/* AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN; sts.c */
must_check enum err web_identity_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

/* ~/.aws/config and ~/.aws/credentials: the profile that AWS_PROFILE names, or else the one called
 * default; profile_source.c */
must_check enum err named_profile_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);
must_check enum err default_profile_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI; container.c */
must_check enum err container_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

/* The metadata of an EC2 instance; instance_metadata.c. What can be said of its settings before it
 * is asked: E_CONFIG. */
must_check enum err instance_metadata_check(
	const struct environment *env, const struct profile *profile, struct fault *f);
must_check enum err instance_metadata_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f);

#endif
