#include "listener/sockets.h"

#include "base/log.h"
#include "net/listen.h"
#include "net/place.h"
#include "os/accounts.h"
#include "os/systemd.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_socket(struct sockets *s, int fd, enum door_use use)
{
	s->list[s->count++] = (struct listening){ fd, use };
}

static const struct {
	const char *name, *variable;
} uses[] = {
	[USE_REQUESTS] = { "requests", "GATEWAY_LISTEN" },
	[USE_METRICS] = { "metrics", "GATEWAY_METRICS_LISTEN" },
	[USE_ADMIN] = { "admin", "GATEWAY_ADMIN_LISTEN" },
};

/* The file is nobody's but the group's from the beginning: nothing is allowed before it is theirs.
 */
static enum err open_with_rights(int *fd, const struct place *place, struct fault *f)
{
	char memory[128];
	struct buf path = BUF(memory);
	gid_t group = (gid_t)-1;
	enum err e = place->group.n ? account_of_group(&group, place->group, f) : OK;
	if (e != OK)
		return e;
	if (place->mode < 0 && !place->group.n)
		return listen_open(fd, place->address, f);
	mode_t before = umask(0777);
	e = listen_open(fd, place->address, f);
	umask(before);
	if (e != OK)
		return e;
	buf_format(&path, "%s%s", str_skip(place->address, 5), (struct str){ "", 1 });
	check(!path.full);
	mode_t mode = place->mode >= 0 ? (mode_t)place->mode : 0777 & ~before;
	if ((!place->group.n || chown(memory, (uid_t)-1, group) == 0) && chmod(memory, mode) == 0)
		return OK;
	fault_set(f, E_FILE, errno, "the rights of %s cannot be set", place->address);
	/* It would be in the way of the next start, which could not even ask whether anybody
	 * listens. */
	unlink(memory);
	close(*fd);
	return E_FILE;
}

static enum err open_one(struct sockets *s, struct str address, enum door_use use, struct fault *f)
{
	int fd;
	struct place place;
	enum err e = place_parse(&place, address, f);
	if (e == OK)
		e = open_with_rights(&fd, &place, f);
	if (e != OK)
		return fault_lead(f, e, str_c(uses[use].variable));
	add_socket(s, fd, use);
	return OK;
}

static enum door_use use_of_given(const struct environment *env, size_t i)
{
	if (systemd_socket_is(env, i, S("metrics")))
		return USE_METRICS;
	return systemd_socket_is(env, i, S("admin")) ? USE_ADMIN : USE_REQUESTS;
}

enum err sockets_open(struct sockets *s, const struct listener_config *config,
	const struct environment *env, struct fault *f)
{
	const struct str addresses[] = {
		[USE_REQUESTS] = config->address,
		[USE_METRICS] = config->metrics_address,
		[USE_ADMIN] = config->admin_address,
	};
	bool has[countof(addresses)] = { false };
	size_t given = systemd_sockets(env);
	enum err e = OK;
	if (given > GIVEN_SOCKETS_MAX)
		e = fault_set(f, E_CONFIG, 0, "LISTEN_FDS: more than %d sockets", NUM(GIVEN_SOCKETS_MAX));
	for (size_t i = 0; e == OK && i < given; i++) {
		int fd;
		enum door_use use = use_of_given(env, i);
		has[use] = true;
		e = systemd_socket(&fd, i, f);
		if (e == OK)
			add_socket(s, fd, use);
	}
	for (enum door_use use = USE_REQUESTS; e == OK && use < countof(addresses); use++)
		if (!has[use] && addresses[use].n)
			e = open_one(s, addresses[use], use, f);
	return e;
}

/* Whether only this machine reaches it. */
static bool is_on_loopback(struct str name)
{
	return str_starts(name, S("unix:")) || str_starts(name, S("127.")) ||
		str_starts(name, S("[::1]"));
}

void sockets_tell(const struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		char memory[160];
		struct buf name = BUF(memory);
		listen_name(&name, s->list[i].fd);
		LOG(LOG_INFO, "listening", "address for", buf_str(&name), str_c(uses[s->list[i].use].name));
		if (s->list[i].use == USE_ADMIN && !is_on_loopback(buf_str(&name)))
			LOG(LOG_WARN,
				"other machines can reach the admin address and see all that it shows",
				"address", buf_str(&name));
	}
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		close(s->list[i].fd);
	s->count = 0;
}
