#include "os/systemd.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, COUNT_MAX = 1000 };

void systemd_notify(const struct environment *env, struct str state)
{
	struct str path = environment_get(env, "NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (!(str_starts(path, S("/")) || str_starts(path, S("@"))) || path.n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path.p, path.n);
	if (path.p[0] == '@')
		to.sun_path[0] = 0; /* a name that is in no file system */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* The manager reads at once; one that does not is not worth waiting for. */
	(void)!sendto(fd, state.p, state.n, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to,
	              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n));
	close(fd);
}

void systemd_notify_reloading(const struct environment *env)
{
	char memory[64];
	struct buf b = BUF(memory);
	/* In microseconds, and not before the signal that asked for it: rounded up. */
	buf_format(&b, "RELOADING=1\nMONOTONIC_USEC=%d", NUM((clock_mono_ms() + 1) * 1000));
	systemd_notify(env, buf_str(&b));
}

size_t systemd_sockets(const struct environment *env)
{
	uint64_t pid, count;
	if (!str_to_u64(&pid, environment_get(env, "LISTEN_PID"), INT_MAX) || pid != (uint64_t)getpid())
		return 0;
	return str_to_u64(&count, environment_get(env, "LISTEN_FDS"), COUNT_MAX) ? (size_t)count : 0;
}

enum err systemd_socket(int *fd, size_t i, struct fault *f)
{
	int listens = 0, type = 0;
	socklen_t size = sizeof(int);
	*fd = FIRST_FD + (int)i;
	if (getsockopt(*fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
		getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || !listens || type != SOCK_STREAM)
		return fault_set(f, E_CONFIG, 0,
			"LISTEN_FDS: descriptor %d is not a listening stream socket (ListenStream=, Accept=no)",
			NUM(*fd));
	if (fcntl(*fd, F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK) != 0)
		return fault_set(f, E_SYSTEM, errno, "LISTEN_FDS: descriptor %d cannot be used", NUM(*fd));
	return OK;
}

bool systemd_socket_is(const struct environment *env, size_t i, struct str name)
{
	struct str one = S(""), rest = environment_get(env, "LISTEN_FDNAMES");
	for (size_t at = 0; at <= i; at++)
		str_next(&one, &rest, ':');
	return str_eq(one, name);
}
