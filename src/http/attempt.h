/* attempt.h - a request sent once on a connection of the pool. Whether it may be sent again is for
 * retry.h to say. */
#ifndef HTTP_ATTEMPT_H
#define HTTP_ATTEMPT_H

#include "http/pool.h"

struct http_attempt {
	struct http_client *client;    /* NULL if none was free */
	bool kept; /* it was connected before: its age may be why it fails */
	struct http_progress progress; /* all zero until it was connected */
	struct http_response response;
};

/* Takes a connection to `to` from the pool and connects it if it is not; `fresh`: not one that was
 * kept. E_LIMIT when none is free, else as dial. Whatever comes back, call http_attempt_end. */
must_check enum err http_attempt_begin(struct http_attempt *a, struct http_pool *pool,
	const struct dial_target *to, bool fresh, struct deadline *d, struct fault *f);

/* The same on a connection of one's own, which need not be connected. It is not to be ended. */
must_check enum err http_attempt_on(struct http_attempt *a, struct http_client *client,
	const struct dial_target *to, struct deadline *d, struct fault *f);

/* Sends the request and reads its answer: http_exchange. */
must_check enum err http_attempt_send(struct http_attempt *a, const struct http_request *request,
	struct buf *body, struct deadline *d, struct fault *f);

/* Gives the connection back; the views in a->response.head die here. */
void http_attempt_end(struct http_attempt *a, struct http_pool *pool);

#endif
