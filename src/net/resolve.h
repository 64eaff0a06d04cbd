/* resolve.h - a stub resolver with deadlines (RFC 1034, 1035, 2181, 3596, 5452; no RFC 6891).
 *
 * Literals need no query, and "localhost" is always loopback (RFC 6761). Other names are looked for in the cache, then in
 * /etc/hosts, then asked of the name servers of /etc/resolv.conf (127.0.0.1 when it names none): A and AAAA at once over
 * UDP, over TCP after truncation, random ids and source ports, answers taken only from a server that was asked and only if
 * they repeat the question; CNAME chains are followed within the answer. A name with a dot is absolute first and then
 * tried with the search list; one without, the other way round: `ndots` is not honoured, because the names asked here are
 * absolute ones and an ndots of 5 would cost five useless queries each. A dot at the end leaves the search list out.
 *
 * `options attempts:` (1 to 5, else 2) says how often every server is asked, `timeout:` (1 to 10 s, else 5) how long the
 * last one asked has for its answer. Before that, the next one's turn comes after RESOLVE_PATIENCE_MS already, and late
 * answers still count: one lost packet must not eat the three seconds in which Slack wants to hear from us.
 *
 * What is found is kept for its TTL, but at least 1 s and at most 300 s; names from /etc/hosts for 60 s. Until then no
 * file is opened and nothing is asked. The first caller after that asks again, while the others get the old addresses for
 * up to 3 s more. That a name was not found is not kept. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/deadline.h"
#include "base/fault.h"
#include "net/address.h"
#include "os/lock.h"


enum { RESOLVE_CACHE_SIZE = 16, RESOLVE_PATIENCE_MS = 600 };

/* Shared by the threads of a process; the members are resolve.c's business. */
struct resolver {
	struct resolver_entry {
		int64_t until; /* monotonic ms; 0: empty */
		size_t name_n;
		char name[256];
		struct addresses found;
	} cache[RESOLVE_CACHE_SIZE];
	struct lock lock; /* of `cache`; never held during a wait */
	uint16_t port; /* of name servers: 53, unless a test says otherwise after resolver_init */
	const char *conf_path, *hosts_path;
};

/* Paths are parameters so that tests can hand their own files; the process's are RESOLVE_CONF and RESOLVE_HOSTS. */
#define RESOLVE_CONF "/etc/resolv.conf"
#define RESOLVE_HOSTS "/etc/hosts"
/* `r` is zeroed memory. Opens nothing: files are read at the first look-up that needs them. The paths are borrowed for ever. */
void resolver_init(struct resolver *r, const char *conf_path, const char *hosts_path);

/* The addresses of `host`, a name or a literal without brackets: at least one after success, in the order to try, families
 * interleaved, IPv6 first. Several threads may ask at once.
 * E_NAME (not a host name, no such name, no address, no answer from any server: told apart in the text), E_TIMEOUT. */
must_check enum err resolve(struct resolver *r, struct addresses *out, struct str host, struct deadline *d, struct fault *f);

#endif
