#include "host/command.h"

#include "codec/words.h"
#include "host/environment.h"
#include "host/process.h"

#include <sys/stat.h>
#include <unistd.h>

enum {
	MEMORY_SIZE = 4096, /* for the words and the path of the program */
	WORDS_MAX = 64,
	NAME_SHOWN = 60,    /* so that a message can hold this and a line of what it says */
	LINE_SHOWN = 80,
	TICK_MS = 20,
};

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As a shell does, but for the empty entries of PATH, which mean the current directory there. */
static bool find(struct buf *path, struct str name)
{
	const struct environment env = environment_of_process();
	bool anywhere = str_find(name, '/') == name.n;
	struct str directory, rest = anywhere ? environment_get(&env, "PATH") : S("");
	do {
		str_cut(&directory, &rest, rest, ':');
		buf_reset(path);
		buf_format(path, "%%%%", directory, anywhere ? S("/") : S(""), name, (struct str){ "", 1 });
		if (!path->full && is_program(path->p))
			return true;
	} while (rest.n);
	return false;
}

/* Keeps the last line that is not empty. */
static void keep_line(void *ctx, struct str line)
{
	struct buf *last = ctx;
	line = str_sub(str_trim_lines(line), 0, LINE_SHOWN);
	if (line.n)
		buf_reset(last);
	for (size_t i = 0; i < line.n; i++)
		buf_put_char(last, (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f ? ' ' : line.p[i]);
}

enum err command_run(void *ctx, struct buf *out, struct str command, struct deadline *d, struct fault *f)
{
	char memory[MEMORY_SIZE], line[LINE_SHOWN], description[64], *words[WORDS_MAX];
	struct buf text = BUF(memory), last = BUF(line);
	struct local_result result;
	(void)ctx;
	enum err e = words_split(words, WORDS_MAX, &text, command);
	if (e)
		return fault_set(f, E_CONFIG, 0, "credential_process %",
			e == E_LIMIT ? S("is too long") : S("is empty or has a quote without its end"));
	struct str name = str_sub(str_c(words[0]), 0, NAME_SHOWN);
	struct buf path = { memory + text.n, 0, sizeof(memory) - text.n, false };
	if (!find(&path, str_c(words[0])))
		return fault_set(f, E_CONFIG, 0, "credential_process: there is no program %; is it in PATH?", name);
	const struct local_call call = {
		.children = &process_children, .path = path.p, .directory = ".", .arguments = words, .environment = environ,
		.tick_ms = TICK_MS, .stop = -1, .log = keep_line, .ctx = &last,
	};
	e = local_run(&result, out, &call, d, f);
	if (e)
		return fault_set(f, E_CONFIG, 0, "credential_process %: %", name, fault_text(f));
	if (result.end == LOCAL_EXITED && result.code == 0)
		return result.cut ? fault_set(f, E_LIMIT, 0, "credential_process % prints more than % bytes", name, NUM(out->cap)) : OK;
	return fault_set(f, result.end == LOCAL_TIMED_OUT ? E_TIMEOUT : E_REFUSED, 0, "credential_process %: %%%", name,
		local_describe(description, &result), last.n ? S(": ") : S("; run it by hand to see why"), buf_str(&last));
}
