/* etc.h - what a machine's own files say about names: hosts(5) and resolv.conf(5).
 *
 * A file that is missing or cannot be read says nothing. Lines of ETC_LINE_MAX bytes and more are passed over. */
#ifndef NET_ETC_H
#define NET_ETC_H

#include "net/address.h"

enum { ETC_LINE_MAX = 1024, ETC_SERVERS_MAX = 3, ETC_SEARCH_MAX = 256 };

/* Appends the addresses that the hosts file at `path` gives to `name`, case aside. */
void etc_find_host(struct addresses *out, const char *path, struct str name);

struct resolv_conf {
	struct addresses servers; /* 1 to ETC_SERVERS_MAX */
	size_t search_n;
	char search[ETC_SEARCH_MAX]; /* domains to append, with blanks between them */
	unsigned attempts;  /* 1 to 5 */
	unsigned timeout_s; /* 1 to 10 */
};

/* Reads the resolv.conf at `path`, and fills in what it does not say: 127.0.0.1, no domains, 2 attempts, 5 s. A server with
 * a zone (fe80::1%eth0) is passed over. */
void etc_read_resolv_conf(struct resolv_conf *out, const char *path);

/* Takes the next word off *rest, words being apart by blanks; false when there is none left. */
bool etc_word(struct str *word, struct str *rest);

#endif
