/* response_url.h - the address that Slack gives for late answers, and where one may be posted to at
 * all. */
#ifndef GATEWAY_RESPONSE_URL_H
#define GATEWAY_RESPONSE_URL_H

#include "base/str.h"

/* Parts of a response_url: views into it. `path` begins with '/' and has the query with it. */
struct response_url {
	bool secure;
	struct str host; /* without brackets */
	uint16_t port;
	struct str authority, path;
};

/* Whether one entry of GATEWAY_RESPONSE_HOSTS is of the form host, host:port, or
 * http://ADDRESS:PORT with a loopback address. */
bool response_host_entry_ok(struct str entry);

/* Reads `url` and asks whether it may be posted to: https without user information, to a host of
 * the comma list `hosts` (exact, port 443 unless listed), or http to a loopback address that is
 * listed that way. */
must_check bool response_url_read(struct response_url *out, struct str url, struct str hosts);

#endif
