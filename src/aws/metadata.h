/* metadata.h - plain requests to those servers of AWS that live on the machine itself or on its link: never signed, never
 * through a proxy, each on a connection of its own. */
#ifndef AWS_METADATA_H
#define AWS_METADATA_H

#include "aws/client.h"
#include "base/arena.h"

struct metadata_request {
	struct aws_client *client;
	struct arena *scratch;         /* for what is sent and what comes back */
	bool puts;                     /* PUT without a body; else GET */
	const struct endpoint *server;
	struct str path;               /* behind the server's base path */
	struct str field, value;       /* one more header field; left out if the value is empty. A value with control bytes is refused */
	int64_t patience_ms;           /* for one attempt */
	int attempts;                  /* if there is no answer, or one of 500 and more; a second apart */
};

/* The answer of the last attempt, in `scratch`, and *status. `body` is as it came, without line ends around it. E_CONFIG for a bad
 * value; E_LIMIT when `scratch` is exhausted; else as aws_request_connect and http_exchange. */
must_check enum err metadata_ask(struct str *body, int *status, const struct metadata_request *r, struct deadline *d, struct fault *f);

#endif
