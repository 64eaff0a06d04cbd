#include "service/credential_process.h"

#include "codec/words.h"
#include "os/file.h"
#include "os/process.h"
#include "os/variables.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT_MAX = 4096,
	WORDS_MAX = 64,
	NAME_SHOWN = 60, /* so that a message can hold this and a line of what it says */
	LINE_SHOWN = 80,
	TICK_MS = 20,
	VARIABLES_MAX = 4096, /* further ones are left out */
};

/* As a shell does, but for the empty entries of PATH, which mean the current directory there. What
 * is nowhere is tried once more when it is to be started, and that failure tells. */
static void find_command(struct buf *path, struct str name)
{
	const struct environment env = variables_of_process();
	bool anywhere = str_find(name, '/') == name.n;
	struct str directory, rest = anywhere ? environment_get(&env, "PATH") : S("");
	do {
		str_next(&directory, &rest, ':');
		buf_reset(path);
		buf_format(
			path, "%s%s%s%s", directory, anywhere ? S("/") : S(""), name, (struct str){ "", 1 });
		if (path->full)
			*path->p = 0;
	} while (rest.n && access(path->p, X_OK) != 0);
}

/* This process's variables without those that only it needs, such as secrets: whatever runs as its
 * user, functions too, can read a helper's variables in /proc. One helper runs at a time. */
static char **variables_for_others(void)
{
	static char *kept[VARIABLES_MAX];
	size_t n = 0;
	for (char **v = environ; *v && n + 1 < VARIABLES_MAX; v++)
		if (strncmp(*v, "SLACK_", 6) != 0 && strncmp(*v, "GATEWAY_", 8) != 0)
			kept[n++] = *v;
	kept[n] = NULL;
	return kept;
}

/* Keeps the last line that is not empty. */
static void keep_line(void *ctx, struct str line)
{
	struct buf *last = ctx;
	line = str_trim_lines(line);
	if (!line.n)
		return;
	buf_reset(last);
	buf_format(last, ": %s", str_sub(line, 0, LINE_SHOWN));
}

enum err credential_process_run(
	void *ctx, struct buf *out, struct str command, struct deadline *d, struct fault *f)
{
	char text[TEXT_MAX], path_memory[FILE_PATH_MAX], line[LINE_SHOWN + 2], description[64],
		*words[WORDS_MAX];
	struct buf memory = BUF(text), path = BUF(path_memory), last = BUF(line);
	struct child_result result;
	(void)ctx;
	if (words_split(words, WORDS_MAX, &memory, command) != OK)
		return fault_set(f, E_CONFIG, 0,
			"credential_process is empty or too long, or has an unclosed quote");
	struct str name = str_c(words[0]);
	bool wants_shell = str_starts(name, S("~")) || str_find(name, '$') < name.n;
	find_command(&path, name);
	if (!d && access(path.p, X_OK) == 0)
		return fault_set(f, E_TIMEOUT, 0, "it is not run yet");
	const struct child_call call = {
		.children = &process_children,
		.path = path.p,
		.directory = ".",
		.arguments = words,
		.environment = variables_for_others(),
		.tick_ms = TICK_MS,
		.stop = -1,
		.log = keep_line,
		.ctx = &last,
	};
	enum err e = d ? child_run(&result, out, &call, d, f)
				   : fault_set(f, E_SYSTEM, errno, "it could not be started");
	if (e == OK && result.end == CHILD_EXITED && result.code == 0 && !result.cut)
		return OK;
	return fault_set(f,
		e                                   ? E_CONFIG
			: result.end == CHILD_TIMED_OUT ? E_TIMEOUT
											: E_REFUSED,
		0, "credential_process %s: %s%s%s", str_sub(name, 0, NAME_SHOWN),
		e ? fault_text(f) : child_describe(description, &result), buf_str(&last),
		e && wants_shell ? S("; no shell expands ~ or $HOME: write the whole path") : S(""));
}
