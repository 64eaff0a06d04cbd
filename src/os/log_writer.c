#include "os/log_writer.h"

#include "os/lock.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Between asking whether there is room and using it. */
static struct lock lock;
static int64_t dropped;

bool log_writer_put(const char *line, size_t n)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	/* A pipe that is ready takes a whole line: LOG_LINE_MAX is less than PIPE_BUF. */
	if (poll(&out, 1, 0) == 0)
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
	bool taken = log_writer_put(line, n);
	dropped += !taken;
	if (taken && dropped) {
		size_t length =
			log_format(notice, LOG_WARN, "log lines were dropped because nobody took them",
				"lines#", ARGUMENTS("", NUM(dropped), S("")));
		if (log_writer_put(notice, length))
			dropped = 0;
	}
	lock_give(&lock);
}

/* DEVICE:INODE. */
static bool is_journal(struct str stream)
{
	struct str device, inode;
	struct stat st;
	uint64_t device_number, inode_number;
	return str_cut(&device, &inode, stream, ':') &&
		str_to_u64(&device_number, device, UINT64_MAX) &&
		str_to_u64(&inode_number, inode, UINT64_MAX) && fstat(STDERR_FILENO, &st) == 0 &&
		st.st_dev == device_number && st.st_ino == inode_number;
}

void log_writer_choose(enum log_style wanted, const struct environment *env)
{
	/* Lambda reads JSON; there is no terminal there, and looking for one takes time. */
	bool in_lambda = environment_get(env, "AWS_LAMBDA_RUNTIME_API").n > 0;
	bool text = wanted == LOG_TEXT || (wanted == LOG_AUTO && !in_lambda && isatty(STDERR_FILENO));
	struct str stream = environment_get(env, "JOURNAL_STREAM");
	log_set_style(text ? LOG_TEXT : LOG_JSON, stream.n && is_journal(stream));
}

void log_writer_start(void)
{
	log_set_writer(write_or_drop);
}
