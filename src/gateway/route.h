/* route.h - GATEWAY_CONFIG: which function serves which command, callback, action, event or path, and who may
 * ask; and apps with a secret each. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/arena.h"
#include "base/fault.h"
#include "gateway/target.h"
#include "slack/request.h"
#include "slack/verify.h"

#include "codec/json_read.h"

enum { ROUTES_MAX = 256, APPS_MAX = 64, APP_ID_MAX = 32 };

enum payload { PAYLOAD_EVENT, PAYLOAD_SLACK };

struct route {
	/* What a request must be; empty: does not matter. Patterns with `*`. `path` without slashes at its ends. */
	struct str command, callback_id, action_id, event, path;
	/* What happens then. */
	struct target target;
	bool sync;
	enum payload payload;
	struct str ack_text;    /* template; p == NULL: as without a route */
	struct str ack_message; /* a whole message, JSON; empty: none */
	struct str ack_type;    /* empty: as without a route */
	/* Who may ask: arrays of ids; absent: everybody. */
	struct json teams, channels, users;
};

struct app {
	struct str id;
	struct str secret; /* literal or reference, several by comma */
};

struct routes {
	size_t count, apps_count;
	struct route *list;
	struct app *apps;
};

/* Reads the configuration's text; everything it points to lives in `text` and `arena`. `payload` is what a
 * route without one gets. E_CONFIG: one sentence that names the place ("routes[2].mode") and what is allowed there, never a value
 * that may be secret. */
must_check enum err routes_read(struct routes *out, struct str text, enum payload payload, struct arena *arena, struct fault *f);

/* The first route that the request matches; NULL when none does. `path`: as target_from_path shows it. */
const struct route *route_find(const struct routes *r, const struct slack_request *slack, struct str path);

/* OK, or a sentence why the one who asks may not: "your workspace is not on the list of this command". */
struct str route_refusal(const struct route *route, const struct slack_request *slack);

#endif
