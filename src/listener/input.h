/* input.h - what a client sends: bytes off its socket or out of its TLS, and a body out of those.
 *
 * Nothing here waits. It is for whoever has the connection: the loop, or a stepper (steppers.h). */
#ifndef LISTENER_INPUT_H
#define LISTENER_INPUT_H

#include "listener/slots.h"
#include "net/tls_server.h"

struct held_identity;

/* The TLS of one connection. */
struct secure {
	struct held_identity
		*certificate; /* that it shows; NULL before its first step and after its handshake */
	enum err result; /* of the last step of its handshake */
	struct fault fault;
	struct tls_server tls;
};

/* What has come, into `p`: a record at most in TLS. False: nothing now, see c->readable, `ended`
 * and `broken`; true with *got 0: there was nothing in it, and there may be more. */
must_check bool input_receive(struct connection *c, size_t *got, char *p, size_t cap);

/* Reads on, from c->raw in its buffer, to the end of the body, of the buffer, or of what has come;
 * receives `times` at most. In c->buffer: `result` is OK with `used`, E_MORE, or as
 * http_body_decode says with `why`, which lies in its `answer`. False: it waits for more; a full
 * buffer does not. */
bool input_read_body(struct connection *c, unsigned times);

/* Fills c->buffer with what has come. */
void input_fill(struct connection *c);

#endif
