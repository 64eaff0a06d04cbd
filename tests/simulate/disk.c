/* disk.c - files of the simulated machine: those of the journal, on a disk that is slow, full or
 * failing, and that forgets in a power cut what it was not made to keep; and the few others that
 * the program looks for. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(int sys)
{
	errno = sys;
	return -1;
}

static struct file_state *file_of(int fd)
{
	return &world->files[world->fds[fd].object];
}

/* The disk takes its time; a moment in which much may happen. One that stalls for longer than the
 * program waits for it covers nothing meanwhile, as if it failed. */
static bool disk_fails(void)
{
	int64_t us = happens(world->weather.disk_slow) ? between(1 * MS, 60 * MS) : between(20, 400);
	if (happens(world->weather.disk_stall)) {
		us = between(100 * MS, 8 * SECOND);
		world->disk_faults++;
		trace("the disk stalls for %lld ms", (long long)us / MS);
	}
	(void)wait_for(NULL, world->now + us);
	if (!happens(world->weather.disk_fault))
		return false;
	world->disk_faults++;
	trace("the disk fails");
	return true;
}

/* ---- names ---- */

static struct file_state *find_file(const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (world->files[i].linked && strcmp(world->files[i].name, name) == 0)
			return &world->files[i];
	return NULL;
}

static struct file_state *make_file(const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file_state *f = &world->files[i];
		if (f->used)
			continue;
		*f = (struct file_state){ .used = true, .linked = true,
			.bytes = world->file_memory + i * FILE_SIZE };
		snprintf(f->name, sizeof(f->name), "%s", name);
		return f;
	}
	return NULL;
}

size_t disk_files(const char *prefix)
{
	size_t n = 0;
	for (size_t i = 0; i < FILES_MAX; i++)
		n += world->files[i].linked && strncmp(world->files[i].name, prefix, strlen(prefix)) == 0;
	return n;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	(void)flags;
	if (call_fails("open"))
		return fail(EMFILE);
	if (strcmp(path, "/journal") == 0)
		return fd_open(FD_DIRECTORY, 0);
	if (strcmp(path, "/functions") == 0)
		return fd_open(FD_DIRECTORY, 0);
	if (strcmp(path, "/functions/my-fn") == 0)
		return fd_open(FD_PROGRAM, 0);
	if (strcmp(path, "/dev/urandom") == 0)
		return fd_open(FD_DEVICE, 0);
	return fail(ENOENT);
}

int __wrap_openat(int directory, const char *name, int flags, ...);
int __wrap_openat(int directory, const char *name, int flags, ...)
{
	struct file_state *f = find_file(name);
	(void)directory;
	if (call_fails("open") || (!f && disk_fails()))
		return fail(ENOSPC);
	if (f && (flags & O_EXCL))
		return fail(EEXIST);
	if (!f && (flags & O_CREAT))
		f = make_file(name);
	return f ? fd_open(FD_FILE, (size_t)(f - world->files)) : fail(ENOENT);
}

int __wrap_unlinkat(int directory, const char *name, int flags);
int __wrap_unlinkat(int directory, const char *name, int flags)
{
	struct file_state *f = find_file(name);
	(void)directory, (void)flags;
	if (call_fails("unlink"))
		return fail(EIO);
	if (!f)
		return fail(ENOENT);
	f->linked = false;
	return 0;
}

int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
	const struct descriptor *d = &world->fds[fd];
	memset(st, 0, sizeof(*st));
	st->st_uid = geteuid();
	st->st_mode = d->kind == FD_DIRECTORY ? S_IFDIR | 0700
		: d->kind == FD_DEVICE            ? S_IFCHR | 0666
		: d->kind == FD_PROGRAM           ? S_IFREG | 0755
		: d->kind == FD_FILE              ? S_IFREG | 0600
										  : S_IFIFO | 0600;
	if (d->kind == FD_FILE)
		st->st_size = (off_t)file_of(fd)->n;
	return 0;
}

int __wrap_flock(int fd, int how);
int __wrap_flock(int fd, int how)
{
	(void)fd, (void)how;
	if (world->locked)
		return fail(EWOULDBLOCK);
	world->locked = true;
	return 0;
}

/* getdents64(2) of the one directory, all in one go. */
static long list_directory(struct descriptor *d, char *p)
{
	long n = 0;
	if (d->at++)
		return 0;
	for (size_t i = 0; i < FILES_MAX; i++) {
		const struct file_state *f = &world->files[i];
		uint16_t length = (uint16_t)((19 + strlen(f->name) + 1 + 7) & ~7u);
		if (!f->linked)
			continue;
		memset(p + n, 0, length);
		memcpy(p + n + 16, &length, sizeof(length));
		memcpy(p + n + 19, f->name, strlen(f->name));
		n += length;
	}
	return n;
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	va_start(arguments, number);
	int fd = va_arg(arguments, int);
	char *p = va_arg(arguments, char *);
	va_end(arguments);
	/* Traps are the simulation's to report. */
	if (number == SYS_rt_sigaction || number == SYS_close_range)
		return 0;
	check(number == SYS_getdents64);
	return list_directory(&world->fds[fd], p);
}

/* ---- contents ---- */

ssize_t disk_read(struct descriptor *d, void *p, size_t n)
{
	struct file_state *f = &world->files[d->object];
	if (d->kind == FD_DEVICE) {
		memset(p, (int)below(256), n);
		return (ssize_t)n;
	}
	if (d->kind != FD_FILE)
		return fail(EINVAL);
	size_t left = d->at < f->n ? f->n - d->at : 0;
	n = n < left ? n : left;
	memcpy(p, f->bytes + d->at, n);
	d->at += n;
	return (ssize_t)n;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct file_state *f = file_of(fd);
	size_t to = (size_t)at;
	pause_here();
	if (call_fails("write"))
		return fail(ENOSPC);
	if (happens(world->weather.disk_fault)) {
		world->disk_faults++;
		trace("the disk is full");
		if (happens(50))
			return fail(ENOSPC);
		n = below(n);
	}
	check(to <= f->n && to + n <= FILE_SIZE);
	memcpy(f->bytes + to, p, n);
	f->n = to + n;
	return (ssize_t)n;
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
	struct file_state *f = file_of(fd);
	pause_here();
	if (call_fails("read"))
		return fail(EIO);
	check((size_t)at + n <= f->n);
	memcpy(p, f->bytes + at, n);
	return (ssize_t)n;
}

int __wrap_ftruncate(int fd, off_t n);
int __wrap_ftruncate(int fd, off_t n)
{
	struct file_state *f = file_of(fd);
	f->n = (size_t)n;
	f->synced = f->synced < f->n ? f->synced : f->n;
	return 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	struct file_state *f = file_of(fd);
	size_t n = f->n;
	if (call_fails("fdatasync") || disk_fails())
		return fail(EIO);
	f->synced = f->synced > n ? f->synced : n;
	return 0;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	if (world->fds[fd].kind == FD_FILE)
		return __wrap_fdatasync(fd);
	if (call_fails("fdatasync") || disk_fails())
		return fail(EIO);
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file_state *f = &world->files[i];
		f->on_disk = f->linked;
		f->used = f->linked;
	}
	return 0;
}

/* After a power cut a file is there as the disk has it: what was synced, and any part of the rest,
 * of which the last piece may be anything. */
static void tear(struct file_state *f)
{
	f->linked = f->on_disk;
	size_t more = f->n - f->synced;
	f->n = f->synced + (more ? below(more + 1) : 0);
	if (f->n > f->synced && happens(50))
		f->bytes[f->n - 1 - below(f->n - f->synced)] ^= (char)(1 + below(255));
	f->synced = f->n;
}

void disk_forget(bool power_cut)
{
	world->locked = false;
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file_state *f = &world->files[i];
		if (!f->used)
			continue;
		if (power_cut)
			tear(f);
		f->used = f->linked;
	}
}

/* ---- mappings ---- */

void *__real_mmap(void *at, size_t n, int rights, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t n);

/* Those of the program that are not files, which end with the process. */
static struct {
	void *p;
	size_t n;
} *mappings;
enum { MAPPINGS_MAX = 256 };

static bool is_file_memory(const void *p)
{
	return (const char *)p >= world->file_memory &&
		(const char *)p < world->file_memory + (size_t)FILES_MAX * FILE_SIZE;
}

void *__wrap_mmap(void *at, size_t n, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int rights, int flags, int fd, off_t offset)
{
	if (!world)
		return __real_mmap(at, n, rights, flags, fd, offset);
	if (call_fails("mmap")) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	world->mapped++;
	if (fd >= 0)
		return file_of(fd)->bytes;
	void *p = __real_mmap(at, n, rights, flags | MAP_NORESERVE, fd, offset);
	size_t i = 0;
	while (mappings[i].p)
		check(++i < MAPPINGS_MAX);
	mappings[i].p = p;
	mappings[i].n = n;
	return p;
}

int __wrap_munmap(void *p, size_t n);
int __wrap_munmap(void *p, size_t n)
{
	world->mapped--;
	if (is_file_memory(p))
		return 0;
	for (size_t i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].p == p)
			mappings[i].p = NULL;
	return __real_munmap(p, n);
}

void mappings_forget(void);
void mappings_forget(void)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].p) {
			__real_munmap(mappings[i].p, mappings[i].n);
			mappings[i].p = NULL;
		}
	world->mapped = 0;
}

void mappings_prepare(void);
void mappings_prepare(void)
{
	mappings = __real_mmap(NULL, MAPPINGS_MAX * sizeof(*mappings), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(mappings != MAP_FAILED);
}

int __wrap_mprotect(void *p, size_t n, int rights);
int __wrap_mprotect(void *p, size_t n, int rights)
{
	(void)p, (void)n, (void)rights;
	return 0;
}
