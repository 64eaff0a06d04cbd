/* forwarded.h - who is behind a proxy: X-Forwarded-For, as far as it can be believed. Pure. */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "http/head.h"
#include "net/address.h"

enum { TRUSTED_PROXIES_MAX = 64 };

/* Proxies that tell the truth about who they got a request from. */
struct trusted_proxies {
	size_t count;
	struct address_block list[TRUSTED_PROXIES_MAX];
};

bool proxies_have(const struct trusted_proxies *p, const struct address *a);

/* The client of a request that came from a trusted proxy: the rightmost address in X-Forwarded-For
 * that is no trusted proxy's. False if there is none, or if what stands right of it is no address.
 */
must_check bool forwarded_for(
	struct address *out, const struct http_head *head, const struct trusted_proxies *p);

#endif
