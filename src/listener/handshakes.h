/* handshakes.h - HTTPS of the listener: threads that do the public key work of TLS, and the
 * certificate they show.
 *
 * A handshake takes milliseconds of computing, which the loop cannot spare. So a connection whose
 * client has sent something goes into a queue; a stepper moves its records as far as possible
 * without waiting and gives it back. While a stepper has a connection, the loop leaves it alone; a
 * slow client holds up nobody. After the handshake the loop moves records itself.
 *
 * A stepper also reads the certificate again when asked to. Handshakes that have begun go on with
 * the old one, which is wiped when the last of them has ended; a new one that cannot be used is
 * reported and changes nothing. */
#ifndef LISTENER_HANDSHAKES_H
#define LISTENER_HANDSHAKES_H

#include "listener/config.h"
#include "net/tls_server.h"
#include "os/queue.h"

struct connection;
struct held_identity;

enum { STEPPERS_MAX = 4, STEPPER_STACK = 64 * 1024 };

/* The TLS of one connection. */
struct secure {
	struct link link;                /* in the queue */
	struct connection *connection;
	struct held_identity
		*certificate; /* that it shows; NULL before its first step and after its handshake */
	int fd;
	bool readable, writable;         /* as for tls_server_pump: before a step, and after it */
	enum err result;                 /* of the last step */
	struct fault fault;
	struct tls_server tls;
};

struct handshakes {
	const struct listener_config *config;
	struct secure *slots;            /* one a connection; NULL: plain HTTP */
	struct queue queue;              /* of secure.link, and `reload` */
	struct link reload;
	_Atomic bool reloading;          /* `reload` waits in the queue */
	_Atomic bool failing;            /* the last reload found a certificate that cannot be used */
	struct lock lock;                /* of `current` and of the holders of certificates */
	struct held_identity *current;
};

/* Reads the certificate and starts the threads; `wake` is an eventfd that is written when a step is
 * done. E_CONFIG with a sentence for the person who starts the program, E_SYSTEM. */
must_check enum err handshakes_start(struct handshakes *h, const struct listener_config *config,
	size_t connections, int wake, struct fault *f);

/* Whether the configured certificate and its key can be used, and until when (seconds since 1970).
 * E_FILE, E_SYSTEM. */
must_check enum err handshakes_check_certificate(
	int64_t *not_after, const struct listener_config *config, struct fault *f);

/* Queues the next step of s->connection. */
void handshakes_submit(struct handshakes *h, struct secure *s);

/* The next one whose step is done; NULL when there is none. */
struct secure *handshakes_next_done(struct handshakes *h);

/* Takes one out of the queue, undone. False: a stepper has it, or it is done. */
must_check bool handshakes_withdraw(struct handshakes *h, struct secure *s);

/* Gives up one that is not queued, in the middle of its handshake. */
void handshakes_forget(struct handshakes *h, struct secure *s);

/* Has the certificate read again by the stepper that is free first. */
void handshakes_reload(struct handshakes *h);

#endif
