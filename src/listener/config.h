/* config.h - the settings that only the listener has. Pure, like gateway/config.h. */
#ifndef LISTENER_CONFIG_H
#define LISTENER_CONFIG_H

#include "base/environment.h"
#include "base/fault.h"
#include "http/forwarded.h"

enum {
	WORKERS_DEFAULT = 64,
	WORKERS_MAX = 1024,
	CONNECTIONS_DEFAULT = 10000,
	CONNECTIONS_TLS_DEFAULT = 1000, /* each has 25 KiB for its records */
	CONNECTIONS_MIN = 16,
	CONNECTIONS_MAX = 1000000,
	IDLE_DEFAULT_S = 75,
};

struct listener_config {
	char address_memory[16];
	struct str address;          /* GATEWAY_LISTEN, or 0.0.0.0:PORT */
	struct str metrics_address;  /* empty: none */
	struct str admin_address;    /* empty: none */
	struct str tls_cert, tls_key; /* paths; empty: plain HTTP */
	size_t connections;
	size_t idle_s;
	struct trusted_proxies proxies;
	size_t workers;
	struct str functions;        /* directory of the embedded backend; empty: none */
	size_t function_timeout_s, function_limit;
	struct str function_env;     /* names by comma */
	struct str function_user;    /* empty: the gateway's own */
	struct str journal;          /* directory; empty: none is kept */
};

/* E_CONFIG: one sentence that names the variable and what is allowed. */
must_check enum err listener_config_read(
	struct listener_config *c, const struct environment *env, struct fault *f);

#endif
