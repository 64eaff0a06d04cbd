/* steppers.h - threads that do for connections what takes longer than the loop can spare, and the
 * certificate of HTTPS.
 *
 * Public key work takes milliseconds, and so does a large body: it is decrypted, taken out of its
 * chunks, copied. So a connection whose client has sent something of either goes into a queue; a
 * stepper takes it as far as possible without waiting and gives it back. So does one whose request
 * comes in more pieces than the loop takes in a turn. While a stepper has a connection, the loop
 * leaves it alone; a slow client holds up nobody.
 *
 * A stepper also reads the certificate again when asked to. Handshakes that have begun go on with
 * the old one, which is wiped when the last of them has ended; a new one that cannot be used is
 * reported and changes nothing. */
#ifndef LISTENER_STEPPERS_H
#define LISTENER_STEPPERS_H

#include "listener/config.h"
#include "listener/input.h"

enum { STEPPERS_MAX = 4, STEPPER_STACK = 64 * 1024 };

struct steppers {
	const struct listener_config *config;
	struct secure *slots;            /* one a connection; NULL: plain HTTP */
	struct queue queue;              /* of connection.step, and `reload` */
	struct link reload;
	_Atomic bool reloading;          /* `reload` waits in the queue */
	_Atomic bool failing;            /* the last reload found a certificate that cannot be used */
	struct lock lock;                /* of `current` and of the holders of certificates */
	struct held_identity *current;
};

/* Reads the certificate, if there is one, and starts the threads; `wake` is an eventfd that is
 * written when a step is done, unless it ends with waiting for the client. E_CONFIG with a sentence
 * for the person who starts the program, E_SYSTEM. */
must_check enum err steppers_start(struct steppers *s, const struct listener_config *config,
	size_t connections, int wake, struct fault *f);

/* Whether the configured certificate and its key can be used, and until when (seconds since 1970).
 * E_FILE, E_SYSTEM. */
must_check enum err steppers_check_certificate(
	int64_t *not_after, const struct listener_config *config, struct fault *f);

/* Queues a step: of the handshake, of the head, or of the body. */
void steppers_submit(struct steppers *s, struct connection *c);

/* Adds events of epoll to what it has been told. If a stepper has it, the loop is woken when it
 * comes back. */
void steppers_tell(struct steppers *s, struct connection *c, uint32_t events);

/* The next one whose step is done; NULL when there is none. */
struct connection *steppers_next_done(struct steppers *s);

/* Takes one out of the queue, undone. False: a stepper has it, or it is done. */
must_check bool steppers_withdraw(struct steppers *s, struct connection *c);

/* Gives up one that is not queued, in the middle of its handshake. */
void steppers_forget(struct steppers *s, struct secure *secure);

/* Has the certificate read again by the stepper that is free first. */
void steppers_reload(struct steppers *s);

#endif
