/* dial.h - the way from a target's name to a stream that is connected with it: resolve, connect,
 * ask a proxy to connect on, TLS handshake. The steps can be taken one by one, as `check` does to
 * tell what each found. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/proxy.h"
#include "net/resolve.h"
#include "net/tls_client.h"

struct dial_target {
	struct str host;           /* a name, or an IPv4 or IPv6 address without brackets */
	uint16_t port;
	bool secure;
	const struct trust *trust; /* whom to believe, if secure */
	struct resolver *resolver;
	const struct proxy *proxy; /* the ways out, see proxy.h; NULL: always direct */
	struct buf *seen;          /* as in struct tls_peer */
	bool rsa_first; /* as in struct tls_peer; a host that declines is connected to once more */
};

/* Takes all four steps: afterwards `s` carries requests to the target. `s` is not connected before,
 * nor after a failure.
 *
 * With a proxy in between (proxy_for), the proxy is resolved and connected to, and a failure names
 * it. If the target is secure, the proxy is asked to connect on, and the handshake is with the
 * target. If not, s->via says that requests are for the proxy: they name their target in absolute
 * form, http://AUTHORITY before the path, and carry the proxy's field (proxy_put_field).
 *
 * E_NAME, E_CONNECT, E_TLS, E_CERT, E_TIMEOUT, E_SYSTEM; from a proxy E_REFUSED, and E_CONFIG if it
 * cannot be used. In all these cases nothing of a request has been sent. A proxy that speaks TLS
 * needs s->outer. */
must_check enum err dial(
	struct stream *s, const struct dial_target *to, struct deadline *d, struct fault *f);

/* The proxy to go through, or NULL. */
const struct proxy_server *dial_via(const struct dial_target *to);

/* The first step: the addresses to connect to, as resolve. */
must_check enum err dial_resolve(
	struct addresses *out, const struct dial_target *to, struct deadline *d, struct fault *f);

/* The second: connects to one of them as tcp_connect does. */
must_check enum err dial_connect(struct stream *s, const struct addresses *found,
	const struct dial_target *to, struct deadline *d, struct fault *f);

/* The third: TLS with the proxy, if it speaks that; and if the target is secure, asks the proxy to
 * connect on. Does nothing without a proxy. */
must_check enum err dial_tunnel(
	struct stream *s, const struct dial_target *to, struct deadline *d, struct fault *f);

/* The fourth, if the target is secure: the handshake with it. If it declines what is offered first,
 * the second to the fourth step are taken once more with all that can be offered. */
must_check enum err dial_secure(struct stream *s, const struct addresses *found,
	const struct dial_target *to, struct deadline *d, struct fault *f);

#endif
