/* handshakes.h - HTTPS of the listener: threads that do the public key work of TLS, and the certificate they show.
 *
 * A handshake takes milliseconds of computing, time that the loop has not. So a connection whose client has sent something goes
 * into a queue; a stepper moves its records as far as that needs no waiting and gives it back through a list and a wake-up. While
 * a stepper has a connection, the loop leaves it alone; a client that is slow holds nobody. After the handshake the
 * loop moves records itself.
 *
 * The certificate is read anew when that is asked for. Handshakes that have begun go on with the old one, which is wiped
 * when the last of them is through; one that cannot be used is reported and changes nothing. */
#ifndef LISTENER_HANDSHAKES_H
#define LISTENER_HANDSHAKES_H

#include "listener/config.h"
#include "net/tls_server.h"
#include "os/lock.h"

struct connection;
struct certificate;

enum { STEPPERS_MAX = 4, STEPPER_STACK = 64 * 1024 };

/* The TLS of one connection. */
struct secure {
	struct secure *next;             /* in the queue, or among those given back */
	struct connection *connection;
	struct certificate *certificate; /* that it shows; NULL before its first step and after its handshake */
	int fd;
	bool readable, writable;         /* as for tls_server_pump: before a step, and after it */
	enum err result;                 /* of the last step */
	struct fault fault;
	struct tls_server tls;
};

struct handshakes {
	const struct listener_config *config;
	struct secure *slots;            /* one a connection; NULL: plain HTTP */
	int wake;                        /* eventfd */
	struct lock lock;            /* of what follows */
	struct condition work;
	struct certificate *current;
	struct secure *first, *last;     /* the queue */
	struct secure *done;
};

/* Reads the certificate and starts the threads. E_CONFIG with a sentence for the person who starts the program, E_SYSTEM. */
must_check enum err handshakes_start(struct handshakes *h, const struct listener_config *config, size_t connections, int wake,
                                     struct fault *f);

/* Queues the next step of s->connection. */
void handshakes_submit(struct handshakes *h, struct secure *s);

/* Takes one whose step is done off the list; NULL when there is none. */
struct secure *handshakes_next_done(struct handshakes *h);

/* Gives up one that is not queued, in the middle of its handshake. */
void handshakes_forget(struct handshakes *h, struct secure *s);

/* Reads the certificate again, which takes some milliseconds. */
void handshakes_reload(struct handshakes *h);

#endif
