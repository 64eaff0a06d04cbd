#include "cli/console.h"

#include <unistd.h>

void console_put(int fd, struct str s)
{
	ssize_t n;
	while (s.n && (n = write(fd, s.p, s.n)) > 0)
		s = str_skip(s, (size_t)n);
}

int console_fail(int code, const struct fault *why)
{
	console_put(STDERR_FILENO, S("slack-lambda-gateway: "));
	console_put(STDERR_FILENO, fault_text(why));
	console_put(STDERR_FILENO, S("\n"));
	return code;
}
