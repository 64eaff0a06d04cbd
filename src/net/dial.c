#include "net/dial.h"

#include "net/tcp.h"

const struct proxy_server *dial_via(const struct dial_target *to)
{
	return proxy_for(to->proxy, to->host, to->port, to->secure);
}

/* Tells on which side of a proxy it failed. */
static enum err through(const struct proxy_server *via, enum err e, struct fault *f)
{
	if (e == OK || !via)
		return e;
	return fault_set(f, e == E_NAME || e == E_CLOSED ? E_CONNECT : e, 0,
		"through the proxy %s:%d: %s", via->host, NUM(via->port), fault_text(f));
}

enum err dial_resolve(
	struct addresses *out, const struct dial_target *to, struct deadline *d, struct fault *f)
{
	const struct proxy_server *via = dial_via(to);
	enum err e = proxy_check(via, f);
	if (e != OK)
		return e;
	return through(via, resolve(to->resolver, out, via ? via->host : to->host, d, f), f);
}

enum err dial_connect(struct stream *s, const struct addresses *found, const struct dial_target *to,
	struct deadline *d, struct fault *f)
{
	const struct proxy_server *via = dial_via(to);
	check(s->fd < 0 && !s->secure && !s->wrapped);
	s->via = to->secure ? NULL : via;
	enum err e =
		tcp_connect(&s->fd, found, via ? via->host : to->host, via ? via->port : to->port, d, f);
	return through(via, e, f);
}

enum err dial_tunnel(
	struct stream *s, const struct dial_target *to, struct deadline *d, struct fault *f)
{
	const struct proxy_server *via = dial_via(to);
	enum err e = OK;
	if (via && via->secure) {
		struct tls_peer peer = { .host = via->host, .port = via->port, .trust = to->proxy->trust };
		e = stream_wrap(s, &peer, d, f);
	}
	if (via && to->secure && e == OK)
		e = proxy_open(s, via, to->host, to->port, d, f);
	if (e != OK)
		stream_close(s);
	return through(via, e, f);
}

static enum err secure_once(
	struct stream *s, const struct dial_target *to, struct deadline *d, struct fault *f)
{
	struct tls_peer peer = {
		.host = to->host,
		.port = to->port,
		.trust = to->trust,
		.seen = to->seen,
		.rsa_first = to->rsa_first,
	};
	return through(dial_via(to), stream_secure(s, &peer, d, f), f);
}

enum err dial_secure(struct stream *s, const struct addresses *found, const struct dial_target *to,
	struct deadline *d, struct fault *f)
{
	enum err e = secure_once(s, to, d, f);
	if (e == OK || !s->tls->declined)
		return e;
	e = dial_connect(s, found, to, d, f);
	if (e == OK)
		e = dial_tunnel(s, to, d, f);
	return e == OK ? secure_once(s, to, d, f) : e;
}

enum err dial(struct stream *s, const struct dial_target *to, struct deadline *d, struct fault *f)
{
	struct addresses found;
	enum err e = dial_resolve(&found, to, d, f);
	if (e == OK)
		e = dial_connect(s, &found, to, d, f);
	if (e == OK)
		e = dial_tunnel(s, to, d, f);
	if (e == OK && to->secure)
		e = dial_secure(s, &found, to, d, f);
	return e;
}
