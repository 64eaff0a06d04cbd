/* upgrade.h - the opening handshake of a WebSocket, seen from the client (RFC 6455, section 4.1). */
#ifndef SOCKET_UPGRADE_H
#define SOCKET_UPGRADE_H

#include "http/client.h"

/* The parts of a ws:// or wss:// URL; views into it. */
struct socket_url {
	bool secure;
	struct str host, authority, target; /* path and query, which begin with a slash */
	uint16_t port;
};

/* False if it is no such URL, or holds what cannot stand in a request. */
must_check bool socket_url_read(struct socket_url *out, struct str url);

/* Asks the server on a connection to go over to the WebSocket protocol, without extensions. What came
 * behind its answer is appended to `rest`. E_REFUSED: it answered something else; E_SYNTAX: its
 * answer is no handshake; otherwise as http_exchange. The fault never holds the URL. */
must_check enum err upgrade(struct http_client *c, struct buf *rest, const struct socket_url *url,
	struct deadline *d, struct fault *f);

#endif
