/* pool.h - kept client connections, shared by the threads of a process.
 *
 * A fixed number of slots, each with memory for one connection and its TLS. A slot is lent to one piece of
 * work at a time. No slot means E_LIMIT: size the pool to the number of workers. */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/client.h"

struct http_pool;

/* Bytes to set aside for a pool of `slots`; memory must be zeroed, page-aligned memory from the kernel that
 * nobody touched is best: a slot that is never used then costs nothing. */
size_t http_pool_size(size_t slots);
struct http_pool *http_pool_init(void *memory, size_t slots);

/* Lends a connection to `to`: one that is kept and still good, checked by stream_is_idle; else an empty slot; else the
 * least recently used idle one, closed. The result is connected (and `requests` > 0 or it was warmed up) or
 * not connected (stream.fd < 0): then the borrower connects it. `fresh`: do not hand out a kept one.
 * NULL when all slots are lent. */
struct http_client *http_pool_take(struct http_pool *p, const struct stream_target *to, bool fresh);

/* Gives it back, connected or not. */
void http_pool_give(struct http_pool *p, struct http_client *c);

#endif
