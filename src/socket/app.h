/* app.h - one app of the pool and its sessions; within this room. */
#ifndef SOCKET_APP_H
#define SOCKET_APP_H

#include "http/client.h"
#include "http/websocket.h"
#include "net/tls_client.h"
#include "os/lock.h"
#include "service/slack_api.h"
#include "slack/envelope.h"
#include "socket/lane.h"

enum {
	MESSAGE_MAX = 1 << 20,
	FRAME_MAX = ENVELOPE_ANSWER_MAX + WEBSOCKET_FRAMING_MAX,
	ANSWER_MAX = ENVELOPE_ANSWER_MAX + 4096, /* of the listener, with its head */
};

enum session_state {
	SESSION_IDLE,
	SESSION_OPENING, /* until it is greeted */
	SESSION_UP,
	SESSION_LEAVING, /* as UP, until another has taken its place */
	SESSION_GOING,   /* acknowledges what is due, then says goodbye */
	SESSION_CLOSING, /* has said goodbye: only reads */
	SESSION_STATES,
};

/* How a session ended. */
enum session_end {
	END_DONE,     /* its place was taken, or the process stops */
	END_FAILED,
	END_CROWDED,  /* Slack counts too many */
	END_OFF,      /* the app's Socket Mode is off, or it is another app than the one expected */
	END_USELESS,  /* Slack will never take this token */
};

struct session {
	struct socket_app *app;
	int number;
	enum session_state state;  /* written by its thread under the app's lock */
	enum session_end end;
	struct http_client client; /* its head takes what comes in */
	struct websocket_reader reader;
	int64_t heard, pinged, greeted; /* monotonic ms */
	int64_t until;             /* when its state or its life ends */
	bool said;                 /* a close frame was sent, or none can be */
	int64_t wait_ms;           /* what Slack wants before the next attempt */
	struct slack_call call;
	struct fault *fault;       /* why it ends */
	char url[2048], text[ENVELOPE_ANSWER_MAX], frame[FRAME_MAX];
	char message[MESSAGE_MAX], decoded[MESSAGE_MAX], body[BODY_MAX];
	struct tls_client tls;
	struct tls_client *outer;  /* for proxies that are spoken to in TLS; else NULL */
};

struct socket_app {
	struct socket_share *share;
	const struct secret_source *token;
	struct lock lock;
	struct condition changed;
	size_t states[SESSION_STATES]; /* how many sessions are in each */
	int64_t open_after;        /* monotonic ms: nothing is opened before */
	unsigned failures, crowds; /* in a row */
	bool useless;
	int64_t counted, told;     /* connections that Slack counts; of which the log told */
	char id[APP_ID_MAX];       /* the app's, as Slack greeted it */
	size_t id_n;
	struct lane lanes[LANES_MAX];
	struct session *sessions;  /* one more than are wanted */
};

/* How many sessions are in `first` or a later state; under the lock. */
size_t socket_app_count(const struct socket_app *a, enum session_state first);

/* Waits until another connection is wanted and may be opened, and takes that on. False: the process
 * stops. */
must_check bool socket_app_take_turn(struct socket_app *a, struct session *s);

/* Slack has greeted it. How many connections of the app carry envelopes now. */
int64_t socket_app_greeted(struct socket_app *a, struct session *s, const struct envelope *hello);

void socket_app_enter(struct socket_app *a, struct session *s, enum session_state state);

/* Whether the place of one that is closing is waited for. */
bool socket_app_hurries(struct socket_app *a);

/* From LEAVING to GOING if more than enough carry envelopes; any state if the process stops. Whether
 * it went. */
bool socket_app_leave(struct socket_app *a, struct session *s);

/* It has ended, and its connection is closed. */
void socket_app_return(struct socket_app *a, struct session *s, const struct fault *f);

static inline bool socket_app_stops(const struct socket_app *a)
{
	return a->share->stop != DEADLINE_NEVER;
}

/* The thread of a session. */
void *session_run(void *session);

#endif
