/* metadata.h - plain requests to those servers of AWS that live on the machine itself or on its link: never signed, never
 * through a proxy, each on a connection of its own. */
#ifndef AWS_METADATA_H
#define AWS_METADATA_H

#include "aws/client.h"
#include "base/arena.h"

struct metadata_request {
	struct str method;             /* GET, or PUT without a body */
	const struct endpoint *server;
	struct str path;               /* behind the server's base path */
	struct str field, value;       /* one more header field; left out if the value is empty. A value with control bytes is refused */
	int64_t patience_ms;           /* for one attempt */
	int attempts;                  /* if there is no answer, or one of 500 and more; a second apart */
};

/* Appends the answer of an attempt that was answered to `scratch`; *status says what it was. `body` is as it came, without
 * line ends around it. E_CONFIG for a bad value; else as stream_connect and http_exchange. */
must_check enum err metadata_ask(struct str *body, int *status, struct aws_client *c, const struct metadata_request *r,
                                 struct arena *scratch, struct deadline *d, struct fault *f);

#endif
