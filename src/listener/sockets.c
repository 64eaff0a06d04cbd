#include "listener/sockets.h"

#include "base/log.h"
#include "net/listen.h"
#include "os/systemd.h"

#include <unistd.h>

static void add(struct sockets *s, int fd, enum door_use use)
{
	s->list[s->count++] = (struct listening){ fd, use };
}

static enum err open_one(struct sockets *s, struct str address, enum door_use use, struct fault *f)
{
	int fd;
	enum err e = listen_open(&fd, address, f);
	if (e == OK)
		add(s, fd, use);
	else if (e == E_CONFIG)
		fault_lead(f, e, use == USE_METRICS ? S("GATEWAY_METRICS_LISTEN") : S("GATEWAY_LISTEN"));
	return e;
}

enum err sockets_open(struct sockets *s, const struct listener_config *config, const struct environment *env, struct fault *f)
{
	bool has[2] = { false };
	size_t given = systemd_sockets(env);
	enum err e = OK;
	if (given > GIVEN_SOCKETS_MAX)
		e = fault_set(f, E_CONFIG, 0, "LISTEN_FDS: more than %d sockets", NUM(GIVEN_SOCKETS_MAX));
	for (size_t i = 0; e == OK && i < given; i++) {
		int fd;
		enum door_use use = systemd_socket_is(env, i, S("metrics")) ? USE_METRICS : USE_REQUESTS;
		has[use] = true;
		e = systemd_socket(&fd, i, f);
		if (e == OK)
			add(s, fd, use);
	}
	if (e == OK && !has[USE_REQUESTS])
		e = open_one(s, config->address, USE_REQUESTS, f);
	if (e == OK && !has[USE_METRICS] && config->metrics_address.n)
		e = open_one(s, config->metrics_address, USE_METRICS, f);
	return e;
}

void sockets_tell(const struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		char memory[160];
		struct buf name = BUF(memory);
		listen_name(&name, s->list[i].fd);
		LOG(LOG_INFO, "listening", "address for", buf_str(&name),
			s->list[i].use == USE_METRICS ? S("metrics") : S("requests"));
	}
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		close(s->list[i].fd);
	s->count = 0;
}
