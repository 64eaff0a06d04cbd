/* proxy.h - the way out through an HTTP proxy: which one the environment names and for whom, and
 * what it is asked for (CONNECT: RFC 9110, section 9.3.6; the absolute form: RFC 9112,
 * section 3.2.2; Basic: RFC 7617). */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/environment.h"
#include "net/stream.h"

enum {
	PROXY_USER_MAX = 1024, /* as the variable has it; some give tokens for passwords */
	PROXY_FIELD_MAX = sizeof("Proxy-Authorization: Basic \r\n") + (PROXY_USER_MAX + 1 + 2) / 3 * 4,
	PROXY_ANSWER_MAX = 8192, /* the heads of all answers to CONNECT, 1xx included */
};

struct proxy_server {
	struct str host; /* a name, or an address without brackets; empty if there is none to use */
	uint16_t port;
	struct str user; /* user:password or user, percent-encoded; may be empty. Never in a message. */
	bool secure;     /* it is spoken to in TLS */
	bool unusable;   /* the variable has a value that cannot be used */
	const char *variable; /* that names it */
};

/* Views into the environment. */
struct proxy {
	struct proxy_server servers[2]; /* for targets without TLS and with it */
	struct str except;              /* NO_PROXY */
	const struct trust *trust;      /* whom to believe of TLS proxies; set by the owner */
};

/* Reads http_proxy, https_proxy and no_proxy, each in lower case or else in upper case; all_proxy
 * stands in for either of the first two. An empty one counts as not set. Where REQUEST_METHOD is
 * set, HTTP_PROXY is ignored: under CGI it is what a client sent as `Proxy:`. A value is
 * [http://|https://][user[:password]@]host[:port][/]. The port defaults to 80, or 443 after
 * https://; user and password are percent-encoded. Blanks and newlines around a value do not
 * count. */
void proxy_read(struct proxy *p, const struct environment *env);

/* E_CONFIG if `via`, which may be NULL, cannot be used; the text names the variable, never the
 * value. */
must_check enum err proxy_check(const struct proxy_server *via, struct fault *f);

/* The proxy to use for a target; NULL for a direct connection. Pure, and looks up no name. `p` may
 * be NULL: then every connection is direct.
 *
 * A connection is direct if `p` has no proxy for it; if NO_PROXY lists the target; if the target is
 * localhost, a loopback address, or an address where AWS gives metadata (169.254.0.0/16,
 * fd00:ec2::/32); and if it is not a host name, which resolve then refuses.
 *
 * NO_PROXY is a list whose entries, perhaps in quotes, are separated by commas, blanks or newlines:
 * `*` for everything; a domain, for itself and all below it, with or without a dot or `*.` before
 * it and a dot after it; an address or a block such as 10.0.0.0/8, compared with targets that are
 * addresses. Each may have a port (IPv6 addresses then in brackets). Case does not matter. Any
 * other entry matches nothing. */
const struct proxy_server *proxy_for(
	const struct proxy *p, struct str host, uint16_t port, bool secure);

/* Appends "Proxy-Authorization: Basic ...\r\n", a secret of less than PROXY_FIELD_MAX bytes;
 * nothing if `via` is NULL or has no user. */
void proxy_put_field(struct buf *b, const struct proxy_server *via);

/* Asks `via`, which `s` is connected with, to connect on to host:port. After OK the next byte from
 * `s` is the target's. E_REFUSED: it does not want to, or what answers there is no proxy, so that
 * trying again cannot help. E_CONNECT: it cannot (5xx). E_CLOSED, E_TIMEOUT, E_SYSTEM, E_TLS. */
must_check enum err proxy_open(struct stream *s, const struct proxy_server *via, struct str host,
	uint16_t port, struct deadline *d, struct fault *f);

#endif
