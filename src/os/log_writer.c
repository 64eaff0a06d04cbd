#include "os/log_writer.h"

#include "base/log.h"
#include "os/lock.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Between asking whether there is room and using it. */
static struct lock lock;
static int64_t dropped;

static bool put(const char *line, size_t n)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	/* A pipe that is ready takes a whole line: LOG_LINE_MAX is less than PIPE_BUF. */
	if (poll(&out, 1, 0) != 1)
		return false;
	while (write(STDERR_FILENO, line, n) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

static void write_or_drop(const char *line, size_t n)
{
	char notice[LOG_LINE_MAX];
	lock_take(&lock);
	bool taken = put(line, n);
	dropped += !taken;
	if (taken && dropped) {
		size_t length = log_format(notice, LOG_WARN, "log lines were dropped because nobody took them", "lines#",
			ARGUMENTS("", NUM(dropped), S("")));
		if (put(notice, length))
			dropped = 0;
	}
	lock_give(&lock);
}

void log_writer_start(void)
{
	log_set_writer(write_or_drop);
}
