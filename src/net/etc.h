/* etc.h - what a machine's own files say about names: hosts(5) and resolv.conf(5).
 *
 * Lines are of any length. A file that is missing says nothing; one that cannot be read says
 * nothing either, and E_FILE comes beside what there is without it. */
#ifndef NET_ETC_H
#define NET_ETC_H

#include "base/environment.h"
#include "base/fault.h"
#include "net/address.h"

enum {
	ETC_SERVERS_MAX = 3,   /* as in the C libraries */
	ETC_SEARCH_MAX = 2048, /* what Kubernetes allows */
	ETC_SKIPPED_MAX = 160,
};

/* Appends the addresses that the hosts file at `path` gives to `name`, case aside. */
must_check enum err etc_find_host(
	struct addresses *out, const char *path, struct str name, struct fault *f);

struct resolv_conf {
	struct addresses servers; /* at most ETC_SERVERS_MAX; none if none that is named is usable */
	size_t search_n;
	/* Domains to append, without a dot at the end, separated by one blank; "." is the root. */
	char search[ETC_SEARCH_MAX];
	unsigned ndots;     /* 0 to 15: a name with at least as many dots is asked for as it is first */
	unsigned attempts;  /* 1 to 5 */
	unsigned timeout_s; /* 1 to 30 */
	bool rotate, use_tcp, no_aaaa, no_tld_query; /* options; `use-vc` is use_tcp */
	size_t skipped_n;
	char skipped[ETC_SKIPPED_MAX]; /* which lines could not be used and why, for the log */
};

/* Reads the resolv.conf at `path` and fills in what it does not say: 127.0.0.1 if it names no
 * server, the domain of the machine's own name, ndots 1, 2 attempts, 5 s. A server in another form
 * than ADDRESS or ADDRESS%ZONE is passed over without a substitute, and so are servers beyond
 * ETC_SERVERS_MAX, and domains that are malformed or find no room. In `env`, which may have no
 * look-up function, RES_OPTIONS adds options, and LOCALDOMAIN replaces the search list. */
must_check enum err etc_read_resolv_conf(struct resolv_conf *out, const char *path,
	const struct environment *env, struct fault *f);

#endif
