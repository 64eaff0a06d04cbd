/* listener_config.h - the settings that only the listener has. Pure, like gateway/config.h. */
#ifndef LISTENER_CONFIG_H
#define LISTENER_CONFIG_H

#include "base/environment.h"
#include "base/fault.h"

enum { WORKERS_DEFAULT = 64, WORKERS_MAX = 1024 };

struct listener_config {
	char address_memory[16];
	struct str address;          /* GATEWAY_LISTEN, or 0.0.0.0:PORT */
	struct str metrics_address;  /* empty: no metrics */
	const char *tls_cert, *tls_key; /* paths; NULL: plain HTTP */
	size_t workers;
	struct str functions;        /* directory of the embedded backend; empty: none */
	size_t function_timeout_s, function_limit;
	struct str function_env;     /* names by comma */
};

/* E_CONFIG: one sentence that names the variable and what is allowed. */
must_check enum err listener_config_read(struct listener_config *c, const struct environment *env, struct fault *f);

#endif
