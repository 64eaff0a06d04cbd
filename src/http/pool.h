/* pool.h - kept client connections, shared by the threads of a process.
 *
 * A fixed number of slots, each with memory for one connection and its TLS. A slot is lent to one
 * piece of work at a time. A connection is kept for its host, port, security and trust, up to
 * HTTP_POOL_IDLE_MS. All slots lent means no connection: size the pool to the number of workers. */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/client.h"
#include "net/dial.h"
#include "os/lock.h"

/* Servers and load balancers commonly end idle connections after 60 s; one that is about to end is
 * no gain. */
enum { HTTP_POOL_IDLE_MS = 50000 };

struct http_pool {
	struct lock lock;
	size_t count;
	struct http_slot *slots;
	struct pooled *connections;
	struct tls_client *outer; /* one for each of them, or NULL */
};

/* How many bytes a pool of `slots` needs. The memory must be zeroed; best is page-aligned memory
 * from the kernel that nobody has touched, because a slot that is never used then costs nothing. */
size_t http_pool_size(size_t slots);
void http_pool_init(struct http_pool *p, void *memory, size_t slots);

/* The same for TLS with a proxy. Without it, no slot can be used with a proxy that speaks TLS. */
size_t http_pool_wrap_size(size_t slots);
void http_pool_wrap(struct http_pool *p, void *memory);

/* Lends a connection to `to`: one that is kept and still good, checked by stream_is_idle; else an
 * empty slot, preferably one whose TLS session with the same host can be resumed; else that of the
 * least recently used idle connection, which is closed. The result is connected, or it is not
 * (stream.fd < 0): then the borrower connects it, to `to`. `fresh`: one kept for `to` is not handed
 * out but closed, and its slot taken. NULL when all slots are lent. */
struct http_client *http_pool_take(struct http_pool *p, const struct dial_target *to, bool fresh);

/* Gives it back, connected or not. Views into it (heads) die here. */
void http_pool_give(struct http_pool *p, struct http_client *c);

#endif
