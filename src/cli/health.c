#include "cli/health.h"

#include "aws/endpoint.h"
#include "base/clock.h"
#include "cli/console.h"
#include "cli/help.h"
#include "codec/pem.h"
#include "http/client.h"
#include "listener/config.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/place.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/variables.h"

#include <unistd.h>

enum { TIME_MS = 2000, PEM_MAX = 65536, ANSWER_MAX = 16 * 1024 };

struct call {
	struct listener_config config;
	struct endpoint url;
	struct http_client client;
	struct tls_client tls;
	struct http_response response;
	struct trust trust;
	struct resolver resolver;
	char pem[2 * PEM_MAX], answer[ANSWER_MAX];
};

/* The first certificate of the configured chain: the one that the listener shows. */
static enum err read_certificate(struct str *out, struct call *c, struct fault *f)
{
	struct buf text = { c->pem, 0, PEM_MAX, false }, der = { c->pem + PEM_MAX, 0, PEM_MAX, false };
	struct str rest, label;
	enum err e = file_read(NULL, &text, c->config.tls_cert, f);
	if (e != OK)
		return e;
	rest = buf_str(&text);
	if (pem_next(&label, &der, &rest) != OK || !der.n)
		return fault_set(f, E_FILE, 0, "GATEWAY_TLS_CERT holds no certificate");
	*out = buf_str(&der);
	return OK;
}

/* The listener that these settings would start. */
static enum err connect_to_own(struct call *c, struct deadline *d, struct fault *f)
{
	const struct environment env = variables_of_process();
	struct place place;
	struct tls_peer peer = { .host = S("localhost"), .trust = &(struct trust){ .count = 0 } };
	enum err e = listener_config_read(&c->config, &env, f);
	if (e == OK && c->config.tls_cert.n)
		e = read_certificate(&peer.pinned, c, f);
	if (e == OK)
		e = place_parse(&place, c->config.address, f);
	if (e == OK)
		e = listen_connect(&c->client.stream.fd, place.address, d, f);
	if (e == OK && c->config.tls_cert.n)
		e = stream_secure(&c->client.stream, &peer, d, f);
	return e;
}

static enum err connect_to_url(struct call *c, struct str url, struct deadline *d, struct fault *f)
{
	struct dial_target to;
	enum err e = endpoint_from_url(&c->url, url, f);
	if (e != OK)
		return fault_lead(f, e, S("the URL cannot be used"));
	resolver_init(&c->resolver, RESOLVE_CONF, RESOLVE_HOSTS);
	c->resolver.env = variables_of_process();
	c->trust = trust_builtin();
	to = (struct dial_target){
		.host = c->url.host,
		.port = c->url.port,
		.secure = c->url.secure,
		.trust = &c->trust,
		.resolver = &c->resolver,
	};
	return dial(&c->client.stream, &to, d, f);
}

static enum err ask_health(struct call *c, bool by_url, struct deadline *d, struct fault *f)
{
	struct buf body = BUF(c->answer);
	struct http_progress progress = { 0 };
	const struct http_request request = {
		.method = S("GET"), .authority = by_url ? c->url.authority : S("localhost"),
		.path = by_url && c->url.base_path.n ? c->url.base_path : S("/healthz"),
	};
	enum err e = http_exchange(&c->client, &c->response, &progress, &request, &body, d, f);
	if (e == OK && c->response.head.status != 200)
		e = fault_set(
			f, E_REFUSED, 0, "%s answered %d", request.path, NUM(c->response.head.status));
	return e;
}

int health_run(char **arguments)
{
	struct fault f;
	struct deadline d = deadline_in(TIME_MS);
	struct call *c = memory_map(sizeof(*c));
	if (*arguments && help_wanted(str_c(*arguments))) {
		console_put(STDOUT_FILENO, str_c(help_health));
		return 0;
	}
	if (*arguments && (arguments[1] || **arguments == '-')) {
		fault_set(&f, E_CONFIG, 0, "unexpected argument %s; health takes one URL, or none",
			str_sub(str_c(arguments[1] ? arguments[1] : *arguments), 0, 60));
		return console_fail(2, &f);
	}
	http_client_init(&c->client, &c->tls, NULL);
	enum err e =
		*arguments ? connect_to_url(c, str_c(*arguments), &d, &f) : connect_to_own(c, &d, &f);
	if (e == OK)
		e = ask_health(c, *arguments != NULL, &d, &f);
	if (c->response.body.n)
		console_put(STDOUT_FILENO, c->response.body);
	return e == OK ? 0 : console_fail(e == E_CONFIG ? 2 : 1, &f);
}
