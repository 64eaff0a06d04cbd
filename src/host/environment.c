#include "host/environment.h"

#include "base/log.h"
#include "gateway/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	REGION_SIZE = 32 << 20,
	LARGE = 16 * 1024, /* from here on at the beginning of a page, as environment_trim_memory wants it */
	PAGE = 4096,
	INDEX_SIZE = 256,
	INDEX_MAX = 192, /* so that a look-up ends soon */
};

/* Some sixty names are looked up at start among twenty or thirty variables, nearly all of which begin alike: comparing
 * them all would be half of the start. This finds a variable by the hash of its name; 1 is the first variable. */
static struct {
	uint8_t numbers[INDEX_SIZE];
	bool made, too_many; /* more than fit: each look-up goes through all first */
} names;

/* Of some characters only: enough to tell apart names that begin alike, and no more than a start should pay for. */
static size_t hash_of(const char *name, size_t n)
{
	const unsigned char *p = (const unsigned char *)name;
	return n ? n + p[n / 4] * 7u + p[n / 2] * 31u + p[n - 1] * 13u + p[n - n / 4 - 1] * 61u : 0;
}

/* What comes first counts, as for libc. */
static void make_index(void)
{
	for (size_t i = 0; environ[i] && !names.too_many; i++) {
		size_t n = 0;
		while (environ[i][n] && environ[i][n] != '=')
			n++;
		size_t at = hash_of(environ[i], n);
		while (names.numbers[at % INDEX_SIZE])
			at++;
		names.numbers[at % INDEX_SIZE] = (uint8_t)(i + 1);
		names.too_many = i == INDEX_MAX;
	}
	names.made = true;
}

static const char *value_if(const char *variable, const char *name, size_t n)
{
	return strncmp(variable, name, n) == 0 && variable[n] == '=' ? variable + n + 1 : NULL;
}

static const char *get(void *ctx, const char *name)
{
	size_t n = strlen(name), at = hash_of(name, n), number;
	const char *value = NULL;
	(void)ctx;
	for (size_t i = 0; names.too_many && environ[i] && !value; i++)
		value = value_if(environ[i], name, n);
	for (; !value && (number = names.numbers[at % INDEX_SIZE]) != 0; at++)
		value = value_if(environ[number - 1], name, n);
	return value;
}

struct environment environment_of_process(void)
{
	if (!names.made)
		make_index();
	return (struct environment){ get, NULL };
}

enum err environment_check_names(struct fault *f)
{
	for (char **variable = environ; *variable; variable++) {
		struct str name, value;
		if (**variable != 'G') /* nearly all are somebody else's */
			continue;
		str_cut(&name, &value, str_c(*variable), '=');
		if (!config_name_ok(name, value))
			return fault_set(f, E_CONFIG, 0, "there is no variable %; is it misspelt?", name);
	}
	return OK;
}

enum err environment_map_file(struct str *out, const char *variable, const char *path, size_t max, struct fault *f)
{
	struct stat st;
	enum err e = E_CONFIG;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* What may hold a secret is not shown, not even where it is only a path. */
	struct str shown = str_starts(str_c(variable), S("AWS_")) || str_eq(str_c(variable), S("GATEWAY_CONFIG")) ? S("") : str_sub(str_c(path), 0, 100);
	if (fd < 0)
		return fault_set(f, e, errno, "%%% names a file that cannot be opened", str_c(variable),
			shown.n ? S("=") : S(""), shown);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || (uintmax_t)st.st_size > max) {
		fault_set(f, e, 0, "% must name a regular file of 1 to % bytes", str_c(variable), NUM(max));
	} else {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			fault_set(f, e, errno, "% names a file that cannot be read", str_c(variable));
		} else {
			*out = (struct str){ p, (size_t)st.st_size };
			e = OK;
		}
	}
	close(fd);
	return e;
}

enum err environment_read_file(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	char name[PATH_MAX];
	struct buf b = BUF(name);
	bool home = str_starts(path, S("~/"));
	size_t room = out->cap - out->n;
	ssize_t n = -1;
	(void)ctx;
	buf_format(&b, "%%", home ? str_c(get(NULL, "HOME")) : S(""), str_skip(path, home));
	buf_put_char(&b, 0);
	int fd = b.full ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd >= 0 && (n = read(fd, out->p + out->n, out->cap - out->n)) > 0)
		out->n += (size_t)n;
	if (n != 0)
		fault_set(f, E_CONFIG, b.full ? ENAMETOOLONG : errno, "% cannot be read", str_sub(path, 0, 100));
	else if (out->n == out->cap)
		n = fault_set(f, E_CONFIG, 0, "% has % bytes or more", str_sub(path, 0, 100), NUM(room));
	if (fd >= 0)
		close(fd);
	return n == 0 ? OK : E_CONFIG;
}

static char *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		struct fault f;
		fault_set(&f, E_LIMIT, errno, "no memory: % bytes of address space cannot be had", NUM(size));
		log_failure("cannot start", S(""), &f);
		exit(1);
	}
	return p;
}

/* All that the Lambda runtime needs comes with the program's own zeroed data, and small things share pages: a mapping costs as
 * much as ten other system calls, and so does a page that is touched. */
void *environment_map_memory(size_t size)
{
	static _Alignas(PAGE) __attribute__((section(".bss._last"))) char own[REGION_SIZE];
	static char *region;
	static size_t used, mapped;
	size_t alignment = size < LARGE ? 64 : PAGE;
	size_t start = (used + alignment - 1) & ~(alignment - 1);
	if (size > REGION_SIZE / 2)
		return map(size);
	if (start + size > mapped) {
		region = region ? map(REGION_SIZE) : own;
		mapped = REGION_SIZE;
		start = 0;
	}
	used = start + size;
	return region + start;
}

void environment_trim_memory(void *p, size_t size, size_t keep, size_t used)
{
	if (used > keep)
		madvise((char *)p + keep, size - keep, MADV_DONTNEED);
}
