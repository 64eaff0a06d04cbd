#include "http/attempt.h"

enum err http_attempt_on(struct http_attempt *a, struct http_client *client,
	const struct dial_target *to, struct deadline *d, struct fault *f)
{
	a->client = client;
	a->kept = client->stream.fd >= 0;
	a->progress = (struct http_progress){ 0 };
	a->response.head.status = 0;
	return a->kept ? OK : dial(&client->stream, to, d, f);
}

enum err http_attempt_begin(struct http_attempt *a, struct http_pool *pool,
	const struct dial_target *to, bool fresh, struct deadline *d, struct fault *f)
{
	struct http_client *client = http_pool_take(pool, to, fresh);
	if (client)
		return http_attempt_on(a, client, to, d, f);
	a->client = NULL;
	a->kept = false;
	a->progress = (struct http_progress){ 0 };
	a->response.head.status = 0;
	return fault_set(f, E_LIMIT, 0, "every connection is in use");
}

enum err http_attempt_send(struct http_attempt *a, const struct http_request *request,
	struct buf *body, struct deadline *d, struct fault *f)
{
	return http_exchange(a->client, &a->response, &a->progress, request, body, d, f);
}

void http_attempt_end(struct http_attempt *a, struct http_pool *pool)
{
	if (a->client)
		http_pool_give(pool, a->client);
	a->client = NULL;
}
