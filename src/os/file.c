#include "os/file.h"

#include "os/variables.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITER_MS = 2000 };

/* Below HOME if it begins with "~/". */
static int open_path(struct str path, int flags)
{
	const struct environment env = variables_of_process();
	char name[FILE_PATH_MAX];
	struct buf b = BUF(name);
	bool home = str_starts(path, S("~/"));
	buf_format(&b, "%s%s%s", home ? environment_get(&env, "HOME") : S(""), str_skip(path, home),
		(struct str){ "", 1 });
	errno = ENAMETOOLONG;
	return b.full ? -1 : open(name, flags | O_CLOEXEC | O_NONBLOCK);
}

static enum err fail_to_read(struct str path, struct fault *f)
{
	return fault_set(f, E_FILE, errno, "%s cannot be read", str_sub(path, 0, 100));
}

/* As read(2). Behind the name may be a pipe, whose writer needs some time. */
static ssize_t read_some(int fd, char *p, size_t size)
{
	ssize_t n;
	do
		n = read(fd, p, size);
	while (n < 0 &&
		(errno == EINTR ||
			(errno == EAGAIN && poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, WRITER_MS) > 0)));
	return n;
}

/* Takes all of a file, and closes it. A mark is forgotten as soon as it is there. */
static enum err read_rest(struct buf *out, int fd, struct str path, struct fault *f)
{
	size_t start = out->n, room = out->cap - start, got;
	ssize_t n;
	struct str text = S(""), shown = str_sub(path, 0, 100);
	while (got = text.n,
		(n = read_some(fd, out->p + out->n, got < 3 && room > 3 ? 3 - got : out->cap - out->n)) >
			0) {
		out->n += (size_t)n;
		text = str_skip(buf_str(out), start);
		if (str_eq(text, S(STR_MARK)))
			text.n = 0, out->n = start;
	}
	if (n != 0)
		fail_to_read(path, f);
	else if (out->n == out->cap)
		n = fault_set(f, E_FILE, 0, "%s has %d bytes or more", shown, NUM(room));
	else if (str_is_utf16(text))
		n = fault_set(f, E_FILE, 0, "%s is UTF-16; save it as UTF-8", shown);
	close(fd);
	return n == 0 ? OK : E_FILE;
}

enum err file_read(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	int fd = open_path(path, O_RDONLY);
	(void)ctx;
	return fd < 0 ? fail_to_read(path, f) : read_rest(out, fd, path, f);
}

/* Stands before the text. */
struct loaded {
	size_t size; /* of this and the text */
	char text[];
};

static void give_back(struct loaded *l)
{
	memset(l->text, 0, l->size - sizeof(*l));
	__asm__ volatile("" : : "r"(l) : "memory");
	munmap(l, l->size);
}

enum err file_load(void *ctx, struct str *out, struct str path, size_t max, struct fault *f)
{
	struct stat st;
	int fd = open_path(path, O_RDONLY);
	(void)ctx;
	*out = S("");
	if (fd < 0)
		return fail_to_read(path, f);
	bool known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uintmax_t)st.st_size < max;
	/* One more byte tells a file of just that size from a larger one. */
	size_t size = sizeof(struct loaded) + (known ? (size_t)st.st_size : max) + 1;
	struct loaded *l = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l == MAP_FAILED) {
		fail_to_read(path, f);
		close(fd);
		return E_FILE;
	}
	struct buf b = { l->text, 0, size - sizeof(*l), false };
	enum err e = read_rest(&b, fd, path, f);
	l->size = size;
	if (e == OK && b.n)
		*out = buf_str(&b);
	else
		give_back(l);
	return e;
}

void file_unload(void *ctx, struct str text)
{
	(void)ctx;
	if (text.n)
		give_back((struct loaded *)(uintptr_t)(text.p - offsetof(struct loaded, text)));
}

bool file_real_path(char out[static FILE_PATH_MAX], struct stat *st, struct str path)
{
	char memory[40];
	struct buf link = BUF(memory);
	int fd = open_path(path, O_PATH);
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
