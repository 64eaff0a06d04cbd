/* resolve.h - a stub resolver with deadlines (RFC 1034, 1035, 2181, 3596, 5452, 6891 not used).
 *
 * Literals need no query. Names are looked up in /etc/hosts, then asked of the name servers of
 * /etc/resolv.conf (127.0.0.1 when it names none): A and AAAA at once over UDP, over TCP after truncation,
 * random ids and source ports, answers taken only from the server that was asked and only if they repeat
 * the question; CNAME chains are followed within the answer. `options timeout: attempts:` are honoured
 * within bounds. A name with a dot is absolute first and then tried with the search list; one without,
 * the other way round: `ndots` is not honoured, because the names asked here are absolute ones and an
 * ndots of 5 would cost five useless queries each. "localhost" is always loopback (RFC 6761).
 * Answers are kept for their TTL (1 s to 300 s). */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/deadline.h"
#include "base/fault.h"

#include <netinet/in.h>

enum { RESOLVE_ADDRESSES_MAX = 16 };

struct address {
	struct in6_addr ip; /* IPv4 as ::ffff:a.b.c.d */
};
static inline bool address_is_v4(const struct address *a) { return IN6_IS_ADDR_V4MAPPED(&a->ip); }

struct addresses {
	size_t count; /* at least 1 after success */
	struct address list[RESOLVE_ADDRESSES_MAX]; /* in the order to try: families interleaved, IPv6 first if there is a route for it */
};

struct resolver; /* complete below; members are resolve.c's business */

/* Paths are parameters so that tests can hand their own files; the process's are RESOLVE_CONF and RESOLVE_HOSTS. */
#define RESOLVE_CONF "/etc/resolv.conf"
#define RESOLVE_HOSTS "/etc/hosts"
/* Opens nothing: files are read at the first look-up that needs them. The paths are borrowed for ever. */
void resolver_init(struct resolver *r, const char *conf_path, const char *hosts_path);

/* All addresses of `host`, a name or a literal without brackets. Several threads may ask at once.
 * E_NAME (no such name, no address, server failure, each told apart in the text), E_TIMEOUT, E_SYNTAX for
 * something that cannot be a host name. */
must_check enum err resolve(struct resolver *r, struct addresses *out, struct str host, struct deadline *d, struct fault *f);

/* An IPv4 or IPv6 literal; false if `host` is none. No octal, no shortened IPv4 forms, no zone. */
must_check bool address_parse(struct address *out, struct str host);

/* Appends the usual text form. */
void address_put(struct buf *b, const struct address *a);

/* 127/8 and ::1. */
bool address_is_loopback(const struct address *a);

#endif
