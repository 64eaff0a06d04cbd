#include "os/file.h"

#include "os/variables.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum err file_map(
	struct str *out, const char *variable, const char *path, size_t max, struct fault *f)
{
	struct stat st;
	enum err e = E_FILE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* What may hold a secret is not shown, not even where it is only a path. */
	struct str shown =
		str_starts(str_c(variable), S("AWS_")) || str_eq(str_c(variable), S("GATEWAY_CONFIG"))
		? S("")
		: str_sub(str_c(path), 0, 100);
	if (fd < 0)
		return fault_set(f, e, errno, "%s%s%s names a file that cannot be opened", str_c(variable),
			shown.n ? S("=") : S(""), shown);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
		(uintmax_t)st.st_size > max) {
		fault_set(f, e, 0, "%s must name a regular file of 1 to %d bytes", str_c(variable), NUM(max));
	} else {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			fault_set(f, e, errno, "%s names a file that cannot be read", str_c(variable));
		} else {
			*out = (struct str){ p, (size_t)st.st_size };
			e = OK;
		}
	}
	close(fd);
	return e;
}

enum err file_read(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	const struct environment env = variables_of_process();
	char name[FILE_PATH_MAX];
	struct buf b = BUF(name);
	bool home = str_starts(path, S("~/"));
	size_t room = out->cap - out->n;
	ssize_t n = -1;
	(void)ctx;
	buf_format(&b, "%s%s", home ? environment_get(&env, "HOME") : S(""), str_skip(path, home));
	buf_put_char(&b, 0);
	int fd = b.full ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd >= 0 && (n = read(fd, out->p + out->n, out->cap - out->n)) > 0)
		out->n += (size_t)n;
	if (n != 0)
		fault_set(f, E_FILE, b.full ? ENAMETOOLONG : errno, "%s cannot be read", str_sub(path, 0, 100));
	else if (out->n == out->cap)
		n = fault_set(f, E_FILE, 0, "%s has %d bytes or more", str_sub(path, 0, 100), NUM(room));
	if (fd >= 0)
		close(fd);
	return n == 0 ? OK : E_FILE;
}

enum err file_load(void *ctx, struct str *out, struct str path, size_t max, struct fault *f)
{
	/* One more byte tells a file of just that size from a larger one. */
	char *p = mmap(NULL, max + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*out = S("");
	if (p == MAP_FAILED)
		return fault_set(f, E_FILE, errno, "no memory for %s", str_sub(path, 0, 100));
	struct buf b = { p, 0, max + 1, false };
	enum err e = file_read(ctx, &b, path, f);
	*out = buf_str(&b);
	if (e != OK || !b.n) {
		file_unload(ctx, (struct str){ p, b.n + !b.n }, max);
		*out = S("");
	}
	return e;
}

void file_unload(void *ctx, struct str text, size_t max)
{
	(void)ctx;
	if (!text.n)
		return;
	void *p = (void *)(uintptr_t)text.p;
	memset(p, 0, text.n);
	__asm__ volatile("" : : "r"(p) : "memory");
	munmap(p, max + 1);
}

bool file_real_path(char out[static FILE_PATH_MAX], struct stat *st, const char *path)
{
	char memory[40];
	struct buf link = BUF(memory);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	buf_format(&link, "/proc/self/fd/%d%s", NUM(fd), (struct str){ "", 1 });
	ssize_t n = fstat(fd, st) == 0 ? readlink(memory, out, FILE_PATH_MAX) : -1;
	int sys = errno;
	close(fd);
	errno = n == FILE_PATH_MAX ? ENAMETOOLONG : sys;
	if (n < 0 || n == FILE_PATH_MAX)
		return false;
	out[n] = 0;
	return true;
}
