/* resolve.h - a stub resolver with deadlines (RFC 1034, 1035, 2181, 2308, 3596, 5452; no RFC 6891).
 *
 * Literals need no query, and "localhost" is always loopback (RFC 6761). Other names are looked up
 * in the cache, then in /etc/hosts, then with the name servers of /etc/resolv.conf (127.0.0.1 when
 * it names none; LOCALDOMAIN and RES_OPTIONS count). A and AAAA are asked for at once over UDP, and
 * over TCP after truncation. An answer counts only if it comes from a server that was asked and
 * repeats the question; CNAME chains are followed within it. Ids, source ports and the case of
 * letters in the question are random; a server that has once repeated the case must always do so.
 *
 * Which names are asked for, and in which order, is as in glibc (resolv.conf(5)): a name with fewer
 * dots than `ndots` is tried first in the domains of the search list and then as it is; any other
 * as it is and then in the list; a dot at the end leaves the list out. The first name that has an
 * address wins. A server that fails or is silent about one name does not end the search.
 *
 * `options attempts:` (1 to 5, else 2) says how often every server is asked; `timeout:` (1 to 30 s,
 * else 5) says how long the last server asked about the last name has. Before that, the next
 * server's turn comes after RESOLVE_PATIENCE_MS, and late answers still count: one lost packet must
 * not use up the three seconds in which Slack wants an answer. Whichever family is found, the other
 * one is waited for only briefly.
 *
 * What is found is kept for its TTL, but at least 1 s and at most 300 s; names from /etc/hosts for
 * 60 s. Until then no file is opened and nothing is asked. The first caller after that asks again,
 * while the others get the old addresses for up to 3 s more. That a name has no address is kept for
 * as long as its zone says (RFC 2308), at most 300 s; silence and failures of servers are not
 * kept. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/deadline.h"
#include "base/fault.h"
#include "base/environment.h"
#include "net/address.h"
#include "os/lock.h"

enum {
	RESOLVE_CACHE_SIZE = 64,
	RESOLVE_PATIENCE_MS = 600,
	RESOLVE_ECHOES = 4,
	RESOLVE_AAAA_MS = 50
};

/* Shared by the threads of a process; the members are resolve.c's business. */
struct resolver {
	struct resolver_entry {
		int64_t until; /* monotonic ms */
		size_t name_n;
		char name[256]; /* of a host; or with a dot at its end, of what is asked for as it is */
		bool exists;    /* although nothing may be found */
		struct addresses found; /* none: it has no address */
	} cache[RESOLVE_CACHE_SIZE];
	size_t cached; /* so many places of it were ever used, which are the first */
	struct address echoes[RESOLVE_ECHOES]; /* servers that repeat the case of a question */
	size_t echoes_n;
	bool told;        /* of what cannot be used in the files */
	struct lock lock; /* of all of the above; never held during a wait */
	/* Set by resolver_init; its owner may say otherwise before the first look-up. */
	uint16_t port;   /* of name servers: 53 */
	int64_t aaaa_ms; /* how much longer to wait for AAAA than for A (RFC 8305, 3) */
	const char *conf_path, *hosts_path;
	struct environment env; /* none: no look-up function */
};

/* Paths are parameters so that tests can hand their own files; the process's are RESOLVE_CONF and
 * RESOLVE_HOSTS. */
#define RESOLVE_CONF "/etc/resolv.conf"
#define RESOLVE_HOSTS "/etc/hosts"
/* `r` is zeroed memory. Opens nothing: files are read at the first look-up that needs them. The
 * paths are borrowed for ever. */
void resolver_init(struct resolver *r, const char *conf_path, const char *hosts_path);

/* Logs, once, what cannot be used in the files and variables, so that it is known before the first
 * look-up. */
void resolver_check(struct resolver *r);

/* The addresses of `host`, a name or a literal without brackets: at least one after success, in the
 * order to try, families interleaved, IPv6 first. Several threads may ask at once. E_NAME (not a
 * host name, no such name, no address, no answer from any server: told apart in the text),
 * E_TIMEOUT. */
must_check enum err resolve(struct resolver *r, struct addresses *out, struct str host,
	struct deadline *d, struct fault *f);

#endif
