/* config.h - the settings of the gateway, read once at start from variables. Pure: the variables
 * come from a look-up function.
 *
 * Views in it point to the variables' own memory, which lives as long as the process. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "base/environment.h"
#include "base/fault.h"
#include "base/log.h"
#include "gateway/route.h"
#include "slack/verify.h"

enum {
	TIMEOUT_MS_DEFAULT = 2500,
	TIMEOUT_MS_MIN = 100,
	TIMEOUT_MS_MAX = 2900, /* Slack gives 3,000 ms, the way back takes some */
	SECRET_NAME_MAX = 2048,
	SECRET_SOURCES_MAX = SLACK_SECRETS_MAX / 2, /* a rotating one needs room for old and new */
};

enum secret_kind { SECRET_LITERAL, SECRET_FILE, SECRET_SSM, SECRET_SECRETS_MANAGER };

/* Where signing secrets come from. */
struct secret_source {
	enum secret_kind kind;
	struct str text; /* as it was written */
	/* What follows the scheme, not empty: a path, a parameter, a secret's id with or without #key;
	 * or the secret itself. */
	struct str name;
	struct str app;  /* the app that it belongs to; empty for every app */
};

enum ack_when { ACK_CONFIRMED, ACK_FIRST };

struct config {
	bool skip_verify;
	bool local; /* region "local" is served, by a backend in this process; for its host to set */
	struct str allow;         /* patterns, checked; empty: everything may be started */
	enum ack_when ack;
	struct str ack_text;      /* template, checked; p == NULL for the default text */
	struct str ack_type;      /* "ephemeral" or "in_channel" */
	enum payload payload;
	struct routes routes;
	int64_t timeout_ms;
	struct str base_path;     /* without slashes at its ends; may be empty */
	struct str response_hosts; /* list, checked */
	bool response_hosts_default;
	enum log_level log_level;
	enum log_style log_style;
	size_t sources_count;
	struct secret_source sources[SECRET_SOURCES_MAX];
};

/* `c` is zeroed memory. An empty value counts as unset, except for GATEWAY_ACK_TEXT, where it means
 * an empty answer. E_CONFIG: one sentence that names the variable, its value unless that may be a
 * secret, and what is allowed. */
must_check enum err config_read(struct config *c, const struct environment *env, struct fault *f);

/* Reads the text of GATEWAY_CONFIG into a configuration that config_read has filled: the routes,
 * and where the secrets of its apps come from. Everything lives in `text` and `arena`. */
must_check enum err config_read_routes(
	struct config *c, struct str text, struct arena *arena, struct fault *f);

/* Whether there is anything to verify requests with; to be asked when all is read. */
must_check enum err config_check_secrets(const struct config *c, struct fault *f);

/* Every variable of the gateway's own, without GATEWAY_, with commas between them. */
extern const struct str config_names;

/* Whether a variable of that name may be set: false only for one that starts with GATEWAY_ and is
 * neither known nor made by Kubernetes for a Service (GATEWAY_SERVICE_HOST,
 * GATEWAY_PORT=tcp://...). */
bool config_name_ok(struct str name, struct str value);

#endif
