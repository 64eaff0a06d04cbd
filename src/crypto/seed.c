#include "crypto/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Before any thread is started a log may not be set up yet; and nothing could be done more
 * carefully without random bytes. */
static _Noreturn void give_up(void)
{
	static const char text[] = "slack-lambda-gateway: no random bytes: the kernel refuses "
							   "getrandom(2), and /dev/urandom cannot be read\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)written;
	_exit(1);
}

/* A file in its place, as in a bad chroot, is not random. */
static int open_device(void)
{
	struct stat st;
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode))
		give_up();
	return fd;
}

static void fill_from_device(unsigned char *to, size_t n)
{
	int fd = open_device();
	while (n > 0) {
		ssize_t got = read(fd, to, n);
		if (got == 0 || (got < 0 && errno != EINTR))
			give_up();
		to += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	close(fd);
}

void seed_fill(void *p, size_t n)
{
	for (unsigned char *to = p; n > 0;) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno != EINTR) {
			fill_from_device(to, n);
			return;
		}
		to += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
}

uint32_t seed_below(uint32_t bound)
{
	uint32_t x;
	seed_fill(&x, sizeof(x));
	return (uint32_t)((uint64_t)x * bound >> 32);
}
