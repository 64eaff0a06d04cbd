#include "os/file.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/file_test.XXXXXX";

static struct str file_with(struct str text)
{
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	int fd = mkstemp(path);
	expect_int(write(fd, text.p, text.n), (long long)text.n);
	close(fd);
	return str_c(path);
}

TEST(file_reads_what_is_written_in_it)
{
	static const struct {
		struct str text, want;
		const char *fault;
	} cases[] = {
		{ STR(""), STR(""), NULL },
		{ STR("a"), STR("a"), NULL },
		{ STR(" a \r\n"), STR(" a \r\n"), NULL },
		{ STR("\xef\xbb\xbf"), STR(""), NULL },
		{ STR("\xef\xbb\xbf"
			  "a"),
			STR("a"), NULL },
		{ STR("\xef\xbb\xbf\xef\xbb\xbf"
			  "abcd"),
			STR("abcd"), NULL },
		{ STR("ab\xef\xbb\xbf"), STR("ab\xef\xbb\xbf"), NULL },
		{ STR("\xef\xbb"), STR("\xef\xbb"), NULL },
		{ STR("0123456789abcde"), STR("0123456789abcde"), NULL },
		{ STR("\xef\xbb\xbf"
			  "0123456789abcde"),
			STR("0123456789abcde"), NULL },
		{ STR("0123456789abcdef"), STR(""), "has 16 bytes or more" },
		{ STR("\xff\xfe"
			  "a\0"),
			STR(""), "is UTF-16; save it as UTF-8" },
		{ STR("\xfe\xff\0a"), STR(""), "is UTF-16; save it as UTF-8" },
		{ STR("a\0b\0"), STR(""), "is UTF-16; save it as UTF-8" },
		{ STR("\0a"), STR(""), "is UTF-16; save it as UTF-8" },
		{ STR("abc\0"), STR("abc\0"), NULL },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		char memory[20] = "head";
		struct buf b = { memory, 4, sizeof(memory), false };
		struct str loaded, name = file_with(cases[i].text);
		struct fault f;
		context("case %zu", i);
		enum err e = file_read(NULL, &b, name, &f);
		expect_int(e, cases[i].fault ? E_FILE : OK);
		if (e == OK)
			expect_str(str_skip(buf_str(&b), 4), cases[i].want);
		else
			expect(str_ends(fault_text(&f), str_c(cases[i].fault)));
		e = file_load(NULL, &loaded, name, 15, &f);
		expect_int(e, cases[i].fault ? E_FILE : OK);
		expect_str(loaded, cases[i].want);
		file_unload(NULL, loaded);
		unlink(path);
	}
}

TEST(file_comes_in_pieces)
{
	/* A byte at a time, each when the one before was taken. */
	static const char text[] = "\xef\xbb\xbf-----BEGIN";
	int ends[2];
	char name[40], memory[64];
	struct buf b = BUF(memory);
	struct fault f;
	expect_int(pipe(ends), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	for (size_t i = 0; text[i]; i++)
		expect_int(write(ends[1], text + i, 1), 1);
	close(ends[1]);
	expect_int(file_read(NULL, &b, str_c(name), &f), OK);
	expect_str(buf_str(&b), S("-----BEGIN"));
	close(ends[0]);
}

TEST(file_that_cannot_be_read)
{
	static const struct {
		const char *path;
		int sys;
	} cases[] = { { "/nonexistent/x", ENOENT }, { "/", EISDIR }, { "/etc/passwd/x", ENOTDIR },
		{ "", ENOENT } };
	char memory[64];
	struct buf b = BUF(memory);
	struct str loaded;
	struct fault f;
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].path);
		expect_int(file_read(NULL, &b, str_c(cases[i].path), &f), E_FILE);
		expect_int(f.sys, cases[i].sys);
		expect_int(file_load(NULL, &loaded, str_c(cases[i].path), 100, &f), E_FILE);
		expect_int(f.sys, cases[i].sys);
		expect_int(loaded.n, 0);
	}
}

/* As a shell makes it of <(command): it is there before the command has said anything. */
TEST(file_waits_for_the_writer_of_a_pipe)
{
	char memory[20], name[] = "/tmp/file_pipe_test.XXXXXX", fifo[64];
	struct buf b = BUF(memory);
	struct fault f;
	expect(mkdtemp(name) != NULL);
	snprintf(fifo, sizeof(fifo), "%s/pipe", name);
	expect(mkfifo(fifo, 0600) == 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = open(fifo, O_WRONLY);
		usleep(50000);
		_exit(write(fd, "late", 4) != 4);
	}
	int fd = open(fifo, O_RDONLY); /* the writer is there now */
	expect_int(file_read(NULL, &b, str_c(fifo), &f), OK);
	expect_str(buf_str(&b), S("late"));
	close(fd);
	expect_int(waitpid(child, NULL, 0), child);
	unlink(fifo);
	rmdir(name);
}
