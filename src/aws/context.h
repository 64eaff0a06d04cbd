/* context.h - what every request to AWS needs that outlives it. One per process, shared by its
 * threads. */
#ifndef AWS_CONTEXT_H
#define AWS_CONTEXT_H

#include "aws/endpoint.h"
#include "aws/refusal.h"
#include "http/pool.h"

struct proxy;

struct aws_context {
	struct http_pool *pool;
	struct resolver *resolver;
	const struct trust *trust;
	const struct proxy *proxy;         /* the way out; NULL: straight */
	const struct endpoints *endpoints; /* where the services are */
	struct str region;                 /* the process's own; empty if nothing names one */
	_Atomic int64_t skew_ms;           /* AWS's clock minus ours, learned from its answers */
};

/* AWS's time by our clock, as requests are signed. */
int64_t aws_now_ms(const struct aws_context *c);

/* Call it once for each refused request: whether it was refused for its time. `used_skew_ms` is the
 * skew that it was signed with. If so, the server's time, from the Date field of `head`, is used
 * from now on, one line is logged, and the request may be sent again. Certificates are still judged
 * by our own clock. */
bool aws_clock_correct(struct aws_context *c, int64_t used_skew_ms, enum refusal refusal,
	const struct http_head *head);

#endif
