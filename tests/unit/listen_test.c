#include "check.h"
#include "refuse.h"

#include "net/listen.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fault fault;

static int opened(struct str address)
{
	int fd = -1;
	if (!expect_int(listen_open(&fd, address, &fault), OK))
		context("%.*s", (int)fault.n, fault.text);
	return fd;
}

static void expect_name_begins(int fd, struct str begin)
{
	char memory[64];
	struct buf name = BUF(memory);
	listen_name(&name, fd);
	expect_str(str_sub(buf_str(&name), 0, begin.n), begin);
}

TEST(listen_forms)
{
	int v6 = socket(AF_INET6, SOCK_STREAM, 0);
	static const struct {
		struct str address, name;
	} cases[] = {
		{ STR("127.0.0.1:0"), STR("127.0.0.1:") },
		{ STR("localhost:0"), STR("127.0.0.1:") },
		{ STR(":0"), STR("[::]:") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].address.p);
		int fd = opened(guard_copy(cases[i].address));
		expect_name_begins(fd, v6 < 0 && cases[i].name.p[0] == '[' ? S("0.0.0.0:") : cases[i].name);
		close(fd);
	}
	if (v6 >= 0)
		close(v6);
}

TEST(listen_refuses_other_forms)
{
	static const struct str cases[] = {
		STR(""),
		STR("8080"),
		STR("127.0.0.1"),
		STR("127.0.0.1:"),
		STR("127.0.0.1:65536"),
		STR("127.1:80"),
		STR("::1:80"),
		STR("[::1]"),
		STR("[127.0.0.1]:80"),
		STR("example.com:80"),
		STR("unix:"),
		STR("unix:relative"),
	};
	for (size_t i = 0; i < countof(cases); i++) {
		int fd = -1;
		context("%s", cases[i].p);
		expect_int(listen_open(&fd, guard_copy(cases[i]), &fault), E_CONFIG);
		expect_int(fd, -1);
	}
}

/* ---- accept(2) that fails ---- */

/* What listen_accept makes of it, in a process of its own; 100 when the kernel takes no filter. It
 * is killed if it hangs. */
static int accept_failing_with(int sys)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		char memory[64];
		struct buf peer = BUF(memory);
		int fd, listening = opened(S("127.0.0.1:0"));
		alarm(10);
		if (!refuse_calls((const long[]){ SYS_accept4 }, 1, sys))
			_exit(100);
		_exit((int)listen_accept(&fd, &peer, listening, &fault));
	}
	expect(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(listen_accept_tells_failures_apart)
{
	static const struct {
		int sys;
		enum err want;
	} cases[] = {
		{ EAGAIN, E_MORE },
		{ ECONNABORTED, E_MORE },
		{ EPROTO, E_MORE },
		{ EHOSTUNREACH, E_MORE },
		{ EPERM, E_MORE },
		{ EMFILE, E_LIMIT },
		{ ENFILE, E_LIMIT },
		{ ENOBUFS, E_LIMIT },
		{ ENOMEM, E_LIMIT },
		{ EBADF, E_SYSTEM },
		{ EACCES, E_SYSTEM },
		{ EIO, E_SYSTEM },
		{ 517, E_SYSTEM },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("errno %d", cases[i].sys);
		expect_int(accept_failing_with(cases[i].sys), cases[i].want);
	}
}
