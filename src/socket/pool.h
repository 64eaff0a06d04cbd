/* pool.h - Socket Mode: the connections to Slack that a process holds, how many, and when one takes
 * the place of another.
 *
 * Each token, and so each app, has as many connections as are wanted, and a thread for each and one
 * more: a connection that is about to end is left only when the one that takes its place has been
 * greeted. So there is never more than one above the wanted number, and never a gap.
 *
 * An envelope goes its way as an HTTP request: a session writes it to a socket pair, whose other
 * end the listener takes like an accepted connection (lane). The HTTP answer becomes the
 * acknowledgement. */
#ifndef SOCKET_POOL_H
#define SOCKET_POOL_H

#include "socket/lane.h"

struct socket_app;

struct socket_pool {
	struct socket_share share;
	size_t count;              /* 0: Socket Mode is off */
	struct socket_app *apps;
};

/* Starts the threads. `p` is zeroed; `wanted` is for each app; `wake` is written when p->share.useless has grown. E_SYSTEM. */
must_check enum err socket_pool_start(
	struct socket_pool *p, struct services *s, size_t wanted, int wake, struct fault *f);

/* The next envelope that waits for the listener. False: none. */
must_check bool socket_pool_take(struct socket_pool *p, struct lane_offer *out);

/* No more connections; those that are there end in an orderly way: what is due is acknowledged, and
 * Slack is told. */
void socket_pool_stop(struct socket_pool *p);

/* How many connections are not closed yet; how many carry envelopes; how many Slack counted last. */
struct socket_count {
	size_t open, held, counted;
};
struct socket_count socket_pool_count(struct socket_pool *p);

#endif
