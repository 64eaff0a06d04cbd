/* systemd.h - what a service manager and a service tell each other: sd_notify(3), sd_listen_fds(3).
 *
 * Both are a few variables and one datagram; other managers speak them, too. Without a manager that
 * asks for it, nothing here does anything. */
#ifndef OS_SYSTEMD_H
#define OS_SYSTEMD_H

#include "base/environment.h"
#include "base/fault.h"

/* Tells the manager that waits at NOTIFY_SOCKET: "READY=1", "STOPPING=1". One that cannot be
 * reached is not told. */
void systemd_notify(const struct environment *env, struct str state);

/* RELOADING=1, with the time that it must carry. READY=1 follows when it is done. */
void systemd_notify_reloading(const struct environment *env);

/* How many sockets the manager has opened for this process (LISTEN_FDS, LISTEN_PID). */
size_t systemd_sockets(const struct environment *env);

/* Takes the i-th of them over: it listens, is non-blocking and closed on exec. E_CONFIG if it is no
 * listening stream socket. */
must_check enum err systemd_socket(int *fd, size_t i, struct fault *f);

/* Whether the manager gave the i-th that name (FileDescriptorName=, LISTEN_FDNAMES). */
bool systemd_socket_is(const struct environment *env, size_t i, struct str name);

#endif
