/* call.h - one call to a control service of AWS (STS, SSM, Secrets Manager, Roles Anywhere) that
 * may safely be sent again.
 *
 * Within the deadline, a call is sent again as http/retry says for HTTP_SENDER_CALL, after a
 * refusal whose name means throttling or passing trouble, and, at once, where aws_post_remedy knows
 * a remedy. */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "aws/post.h"
#include "aws/refusal.h"
#include "base/arena.h"

enum { AWS_CALL_ANSWER_MAX = 32 * 1024 };

struct aws_call {
	enum aws_service service;
	struct str host; /* instead of the region's usual one; may be empty. An override counts more */
	struct str action;          /* for refusal_read: "ssm:GetParameter" */
	struct aws_post post; /* who signs it, its region, its content; the rest is filled in */
};

struct aws_answer {
	struct str body; /* of a success, 200 to 299; else as much of the refusal as came */
	enum refusal refusal;              /* what that was about */
	char error_name[REFUSAL_NAME_MAX]; /* "ParameterNotFound", NUL-terminated; may be empty */
};

/* Makes the call. The answer takes AWS_CALL_ANSWER_MAX bytes of `arena`. If it is a secret, the
 * owner of `arena` wipes all of these: raw bytes may lie behind the body. Uses about 30 KiB of
 * stack. E_REFUSED: AWS said no; the text is refusal_read's. E_CONFIG: the region is malformed.
 * E_LIMIT: the answer is too large, or `arena` has no room for it. Else as aws_post_sign and
 * aws_post_send. */
must_check enum err aws_call(struct aws_answer *out, struct aws_context *aws,
	const struct aws_call *call, struct arena *arena, struct deadline *d, struct fault *f);

#endif
