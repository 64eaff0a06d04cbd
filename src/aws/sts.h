/* sts.h - keys of a role, from the Security Token Service.
 *
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
 * API_AssumeRoleWithWebIdentity.html. */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/credential_chain.h"

struct sts_role {
	struct str arn;
	struct str session_name;            /* empty: "slack-lambda-gateway" */
	struct str external_id;             /* empty for none; not with a web identity */
	struct str duration_seconds;        /* as it was written; empty: what AWS thinks best, an hour */
	struct str web_identity_token_file; /* read anew each time, for it is replaced from time to time */
};

/* Assumes the role, in the region of the process; without one, at the one endpoint that STS had in
 * the beginning. `with`: the keys of somebody who may, which may be those in `out`; NULL: the web
 * identity of the token file is enough. Nothing in `role` is looked at: AWS says what is wrong with
 * it. The chain's scratch is as before when this returns. Uses about 35 KiB of stack. As aws_call
 * and read_file, with texts that begin with "web identity" or "assumed role"; E_SYNTAX: the answer
 * has no keys. */
must_check enum err sts_assume_role(struct credential_set *out, struct credential_chain *c,
	const struct sts_role *role, const struct credentials *with, struct deadline *d,
	struct fault *f);

#endif
