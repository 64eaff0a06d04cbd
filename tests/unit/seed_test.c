#include "crypto/seed.h"

#include "check.h"
#include "refuse.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>


TEST(seed_fill_fills_all_and_only_that)
{
	static unsigned char bytes[1024], seen[1024];
	/* The chance that one place is zero sixteen times over is 2^-128. */
	for (int round = 0; round < 16; round++) {
		memset(bytes, 0, sizeof(bytes));
		seed_fill(bytes + 1, sizeof(bytes) - 2);
		for (size_t i = 0; i < sizeof(bytes); i++)
			seen[i] |= bytes[i];
	}
	expect(seen[0] == 0 && seen[sizeof(seen) - 1] == 0);
	for (size_t i = 1; i < sizeof(seen) - 1; i++)
		expect(seen[i] != 0);
	seed_fill(NULL, 0);
}

TEST(seed_below_stays_below)
{
	static const uint32_t bounds[] = { 1, 2, 3, 150, UINT32_MAX };
	for (size_t i = 0; i < countof(bounds); i++)
		for (int k = 0; k < 200; k++)
			expect(seed_below(bounds[i]) < bounds[i]);
	bool seen[3] = { false };
	for (int k = 0; k < 1000; k++)
		seen[seed_below(3)] = true;
	expect(seen[0] && seen[1] && seen[2]);
}

/* ---- kernels and sandboxes without getrandom ---- */

/* How a child ends that wants random bytes while these calls fail: 0 when it got some, and others
 * the next time. */
static int end_without(const long *calls, size_t count, int sys, char *said, size_t cap)
{
	int status = 0, ends[2];
	expect(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		uint8_t a[64] = { 0 }, b[64] = { 0 };
		dup2(ends[1], STDERR_FILENO);
		if (!refuse_calls(calls, count, sys))
			_exit(100);
		seed_fill(a, sizeof(a));
		seed_fill(b, sizeof(b));
		_exit(memcmp(a, b, sizeof(a)) == 0 || memcmp(a + 32, b, 32) == 0 ? 101 : 0);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], said, cap - 1);
	said[n > 0 ? n : 0] = 0;
	close(ends[0]);
	expect(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(seed_does_without_getrandom)
{
	static const int refusals[] = { ENOSYS, EPERM, EACCES };
	for (size_t i = 0; i < countof(refusals); i++) {
		char said[200];
		context("errno %d", refusals[i]);
		expect_int(
			end_without((const long[]){ SYS_getrandom }, 1, refusals[i], said, sizeof(said)), 0);
		expect_str(str_c(said), S(""));
	}
}

TEST(seed_says_that_there_is_none)
{
	char said[200];
	const long calls[] = { SYS_getrandom, SYS_openat,
#ifdef SYS_open
		SYS_open,
#endif
	};
	expect_int(end_without(calls, countof(calls), EACCES, said, sizeof(said)), 1);
	expect_str(str_c(said),
		S("slack-lambda-gateway: no random bytes: the kernel refuses getrandom(2), and "
		  "/dev/urandom cannot be read\n"));
}
