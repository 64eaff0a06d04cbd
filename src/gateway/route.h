/* route.h - GATEWAY_CONFIG: which function serves which requests, and who may ask; and apps with a
 * secret each. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/arena.h"
#include "base/fault.h"
#include "codec/json_read.h"
#include "gateway/target.h"
#include "slack/request.h"

enum { ROUTES_MAX = 256, APPS_MAX = 64, APP_ID_MAX = 32 };

enum payload { PAYLOAD_EVENT, PAYLOAD_SLACK };

/* Who wrote the message that an event is about. */
enum writer { WRITER_ANYBODY, WRITER_PERSON, WRITER_APP };

struct route {
	/* What a request must be; empty: does not matter. Patterns with `*`. `path` without slashes at
	 * its ends. */
	struct str command, callback_id, action_id, event, function, kind, app, subtype, channel_type,
		path;
	enum writer writer;
	uint32_t kinds; /* a bit for each enum slack_kind of which all this can hold */
	/* What happens then. */
	struct target target;
	bool sync;
	bool once_message;      /* its message identifies an event, not its own id */
	enum payload payload;
	struct str ack_text;    /* template; p == NULL: as without a route */
	struct str ack_message; /* a whole message, JSON; empty: none */
	struct str ack_type;    /* empty: as without a route */
	/* Who may ask, and where: arrays of ids; absent: everybody, anywhere. */
	struct json teams, user_teams, channels, users;
};

struct app {
	struct str id;
	struct str secret; /* literal or reference, several by comma */
};

struct routes {
	size_t count, apps_count;
	struct route *list;
	struct app *apps;
	bool for_events; /* one of them can match an event */
};

/* Reads the configuration's text; everything it points to lives in `text` and `arena`. `payload` is
 * the form for routes that name none. A route that no request can match is refused. E_CONFIG: one
 * sentence that names the place ("routes[2].mode") and what to write there, never a value that may
 * be secret. */
must_check enum err routes_read(struct routes *out, struct str text, enum payload payload,
	struct arena *arena, struct fault *f);

/* Whether part of route `i` has no effect, although it is not an error; the fault's text says
 * which. */
bool route_warning(const struct routes *r, size_t i, struct fault *f);

/* The first route that the request matches; NULL when none does. `app` is the id under which the
 * secret that verified it is listed; empty for a secret of SLACK_SIGNING_SECRET. */
const struct route *route_find(const struct routes *r, const struct slack_request *slack,
	struct str app, const struct request_path *path);

/* Why the user may not start the route's function, for the end of a sentence ("you are not allowed
 * to start it"); empty if they may. */
struct str route_refusal(const struct route *route, const struct slack_request *slack);

#endif
