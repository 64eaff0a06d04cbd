/* sockets.h - the sockets that the listener accepts from: those it opens, or those a service
 * manager gives it. */
#ifndef LISTENER_SOCKETS_H
#define LISTENER_SOCKETS_H

#include "base/environment.h"
#include "listener/config.h"
#include "listener/slots.h"

enum {
	GIVEN_SOCKETS_MAX = 16, /* that a service manager gives */
	SOCKETS_MAX = GIVEN_SOCKETS_MAX + 3,
};

struct listening {
	int fd;
	enum door_use use;
};

struct sockets {
	size_t count;
	struct listening list[SOCKETS_MAX];
};

/* Those that the service manager holds take the place of the configured ones; what it calls
 * "metrics" or "admin" is for that. E_CONFIG, E_FILE, E_SYSTEM. */
must_check enum err sockets_open(struct sockets *s, const struct listener_config *config,
	const struct environment *env, struct fault *f);

/* Logs where they listen, and warns of an admin address that others than this machine can reach. */
void sockets_tell(const struct sockets *s);

void sockets_close(struct sockets *s);

#endif
