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
	struct str duration_seconds;        /* as it was written; empty: AWS's default, an hour */
	struct str web_identity_token_file; /* read each time, because others replace it */
};

/* Assumes the role, in the region of the process; without one, at the original global endpoint of
 * STS. `with`: the keys of somebody who may, which may be those in `out`; NULL if the token file's
 * web identity is enough. Nothing in `role` is checked: AWS says what is wrong with it. Leaves the
 * chain's scratch as it was. Uses about 35 KiB of stack. As aws_call and read_file, with texts that
 * begin with "web identity" or "assumed role"; E_SYNTAX: the answer has no keys. */
must_check enum err sts_assume_role(struct credential_set *out, struct credential_chain *c,
	const struct sts_role *role, const struct credentials *with, struct deadline *d,
	struct fault *f);

#endif
