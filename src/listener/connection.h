/* connection.h - an HTTP server: what happens on a connection from accept to close.
 *
 * A connection is read until a request is complete, which is given to `on_request`. That answers at
 * once (connection_say, connection_refuse), or takes the request with its buffer
 * (connection_detach) and answers later (connection_answer). One request of a connection is worked
 * on at a time: pipelined ones wait behind it, and answers are in order by construction. Every wait
 * has a limit. What a request means is not known here.
 *
 * Used by the loop's thread alone. */
#ifndef LISTENER_CONNECTION_H
#define LISTENER_CONNECTION_H

#include "http/server.h"
#include "http/forwarded.h"
#include "listener/steppers.h"
#include "listener/slots.h"

/* What all connections share. */
struct server {
	struct slots slots;
	struct steppers steppers;
	size_t handshakes_max;         /* connections that may be in their handshake at once */
	const struct trusted_proxies *proxies;
	int epoll;
	int64_t now;                   /* monotonic ms, read once a round */
	bool draining;                 /* every answer is its connection's last */
	size_t places_taken;           /* how many connections lost theirs to others */
	size_t late;                   /* how many will end when a stepper gives them back */
	bool starving;                 /* somebody waits for the buffer of one of these */

	void *ctx;
	/* c->buffer holds a complete request: its head, c->decoded as its body. */
	void (*on_request)(void *ctx, struct connection *c);
	/* c->task and c->note are needed no more: the answer has left, or has been copied, or never
	 * will. */
	void (*on_done)(void *ctx, struct connection *c);
	/* The moment given to connection_detach has come before the answer. */
	void (*on_overdue)(void *ctx, struct connection *c);
};

/* Takes over an accepted socket. `peer`: the other side's address as text, at most PEER_MAX;
 * `counted`: the address that it counts for, NULL if none does; `proxy`: it is a proxy that says
 * who it speaks for. When there is no place, another connection loses its own (slots_loser), or the
 * new one is turned away. */
void connection_open(struct server *server, int fd, struct str peer, const struct address *counted,
	bool proxy, enum door_use use);

/* Goes on as far as it gets without waiting. The connection may be gone afterwards. */
void connection_advance(struct server *server, struct connection *c);

/* Its wait is over. */
void connection_expire(struct server *server, struct connection *c);

/* A stepper gives it back. */
void connection_take_back(struct server *server, struct connection *c);

/* Closes it if it is idle; otherwise it ends after its answer. */
void connection_drain(struct server *server, struct connection *c);

/* Closes it, whatever it waits for: the time for draining is over. */
void connection_abandon(struct server *server, struct connection *c);

/* ---- for on_request, and whoever took a request ---- */

/* Answers at once; c->buffer has room for ANSWER_MAX bytes. `keep`: unless the client or a drain
 * says otherwise. */
void connection_say(struct server *server, struct connection *c, int status,
	struct str content_type, struct str body, bool keep);

/* The same in a builder of the caller's, whose memory lies in c->buffer. Of `options` the caller
 * sets keep_alive, as `keep`, and further fields. */
void connection_say_in(struct buf b, struct server *server, struct connection *c, int status,
	struct str content_type, struct str body, struct http_response_options options);

/* A JSON object with `why` as its error. Ends the connection: what follows on it is not trusted or
 * not read. */
void connection_refuse(struct server *server, struct connection *c, int status, struct str why);

/* Takes the request away with its buffer, which the caller gives back when on_done was called and
 * it is needed no more. c->task and c->note are the caller's to set. on_overdue is called at `due`
 * if there is no answer by then. */
must_check struct buffer *connection_detach(
	struct server *server, struct connection *c, int64_t due);

/* Another moment for on_overdue. */
void connection_wait_again(struct server *server, struct connection *c, int64_t due);

/* The answer to a request that was taken, as it goes on the wire; `keep` as it says. `must_leave`:
 * on_done waits until it has left, even if the client is slow. To be followed by
 * connection_advance, unless called from on_request. */
void connection_answer(struct server *server, struct connection *c, struct str answer, int status,
	bool keep, bool must_leave);

/* Has it advanced in the next round, for those who must not do that now. */
void connection_resume(struct server *server, struct connection *c);

/* A large or report buffer for the request in c->buffer, which moves there. False: none could be
 * had. */
must_check bool connection_enlarge(
	struct server *server, struct connection *c, enum buffer_kind kind);

#endif
