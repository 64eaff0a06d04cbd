/* metadata.h - plain requests to AWS's servers on the machine itself or on its link: never signed,
 * never through a proxy, each on a connection of its own. */
#ifndef AWS_METADATA_H
#define AWS_METADATA_H

#include "aws/context.h"
#include "base/arena.h"

struct metadata_request {
	struct aws_context *aws;
	struct arena *scratch;         /* for what comes back */
	bool puts;                     /* PUT without a body; else GET */
	const struct endpoint *server;
	struct str path;               /* behind the server's base path */
	struct str field, value;       /* one more header field; left out if the value is empty */
	int patience_ms, attempts;     /* instead of those of HTTP_SENDER_METADATA; 0: those */
};

/* The answer of the last attempt, in `scratch`, and *status. `body` is as it came, without line
 * ends around it. E_CONFIG: `value` has a control byte. E_LIMIT: `scratch` is exhausted. Else as
 * http_attempt_begin and http_exchange. */
must_check enum err metadata_ask(struct str *body, int *status, const struct metadata_request *r,
	struct deadline *d, struct fault *f);

#endif
