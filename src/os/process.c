#include "os/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

struct children process_children;

void process_prepare(void)
{
	struct pollfd standard[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
	/* One system call for all three: with nothing asked for, only what is wrong is told. */
	if (poll(standard, 3, 0) > 0)
		for (int fd = 0; fd < 3; fd++)
			if (standard[fd].revents & POLLNVAL)
				(void)!open("/dev/null", O_RDWR);
	signal(SIGPIPE, SIG_IGN);
}
