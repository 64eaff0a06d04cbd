#include "service/credential_process.h"

#include "base/clock.h"
#include "check.h"
#include "os/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char memory[1024];
static struct buf out;
static struct fault fault;

static enum err run_within(const char *command, int64_t ms)
{
	struct deadline d = deadline_in(ms);
	out = BUF(memory);
	fault.n = 0;
	return credential_process_run(NULL, &out, guard_copy(str_c(command)), &d, &fault);
}

static enum err run(const char *command)
{
	return run_within(command, 10000);
}

TEST(command_prints)
{
	static const struct {
		const char *command;
		struct str want;
	} cases[] = {
		{ "/bin/sh -c 'printf %s:%s \"$1\" \"$2\"' sh 'a b' \"c\\\"d\"", STR("a b:c\"d") },
		{ "printf x", STR("x") },
		{ "true", STR("") },
		{ "cat", STR("") },
		{ "/bin/sh -c 'echo no >&2; echo yes; echo no >&2'", STR("yes\n") },
		{ "/bin/sh -c 'sleep 60 & echo yes'",
			STR("yes\n") }, /* the one who keeps the pipe ends with it */
		{ "/bin/sh -c 'exec >&-; sleep 0.1'", STR("") },
		{ "/bin/sh -c 'echo $COMMAND_TEST'", STR("handed on\n") },
		{ "printf ~$HOME*", STR("~$HOME*") },
	};
	setenv("COMMAND_TEST", "handed on", 1);
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].command);
		int64_t start = clock_mono_ms();
		if (!expect_int(run(cases[i].command), OK))
			expect_str(fault_text(&fault), S(""));
		expect_str(buf_str(&out), cases[i].want);
		expect(clock_mono_ms() - start < 5000);
	}
}

TEST(command_fails)
{
	static const struct {
		const char *command;
		enum err want;
		struct str why;
	} cases[] = {
		{ "", E_CONFIG,
			STR("credential_process is empty or too long, or has an unclosed quote") },
		{ "true 'hunter2", E_CONFIG,
			STR("credential_process is empty or too long, or has an unclosed quote") },
		{ "nobody-has-this hunter2", E_CONFIG,
			STR("credential_process nobody-has-this: it could not be started: No such file or "
				"directory") },
		{ "/nobody/has/this", E_CONFIG,
			STR("credential_process /nobody/has/this: it could not be started: No such file or "
				"directory") },
		{ "''", E_CONFIG, STR("credential_process : it could not be started: Permission denied") },
		{ "/usr", E_CONFIG,
			STR("credential_process /usr: it could not be started: Permission denied") },
		{ "/etc/passwd", E_CONFIG,
			STR("credential_process /etc/passwd: it could not be started: Permission denied") },
		{ "false hunter2", E_REFUSED, STR("credential_process false: it ended with exit code 1") },
		{ "/bin/sh -c 'echo hunter2; exit 3'", E_REFUSED,
			STR("credential_process /bin/sh: it ended with exit code 3") },
		{ "/bin/sh -c 'echo a >&2; echo \" log in \" >&2; echo >&2; exit 255'", E_REFUSED,
			STR("credential_process /bin/sh: it ended with exit code 255: log in") },
		{ "/bin/sh -c 'echo "
		  "123456789-123456789-123456789-123456789-123456789-123456789-123456789-123456789-"
		  "123456789- >&2; exit 1'",
			E_REFUSED,
			STR("credential_process /bin/sh: it ended with exit code 1: "
				"123456789-123456789-123456789-123456789-123456789-"
				"123456789-123456789-123456789-") },
		{ "/bin/sh -c 'kill -9 $$'", E_REFUSED,
			STR("credential_process /bin/sh: it was killed by signal 9") },
		{ "/bin/sh -c 'head -c 1024 /dev/zero'", OK, STR("") },
		{ "/bin/sh -c 'head -c 1025 /dev/zero'", E_REFUSED,
			STR("credential_process /bin/sh: it printed too much") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].command);
		expect_int(run(cases[i].command), cases[i].want);
		expect_str(fault_text(&fault), cases[i].why);
	}
	static char long_command[8192];
	memset(long_command, 'x', sizeof(long_command) - 1);
	context("a long one");
	expect_int(run(long_command), E_CONFIG);
	expect_str(fault_text(&fault),
		S("credential_process is empty or too long, or has an unclosed quote"));
}

static void count_soft(void *arg)
{
	++*(int *)arg;
}

/* In the middle of the wait the soft moment is served; at the hard one all that the command has
 * started is ended, what does not want to, too. */
TEST(command_has_a_deadline)
{
	int softs = 0;
	int64_t start = clock_mono_ms();
	struct deadline d = deadline_in(400);
	d.soft = start + 100;
	d.on_soft = count_soft;
	d.arg = &softs;
	out = BUF(memory);
	expect_int(
		credential_process_run(NULL, &out,
			S("/bin/sh -c 'trap \"\" TERM; sleep 60 & echo $!; wait; sleep 60'"), &d, &fault),
		E_TIMEOUT);
	expect_str(fault_text(&fault),
		S("credential_process /bin/sh: it exceeded its time limit and was ended"));
	int64_t took = clock_mono_ms() - start;
	expect(took >= 400 && took < 5000);
	expect_int(softs, 1);
	expect(d.soft == DEADLINE_NEVER);
	uint64_t pid = 0;
	expect(str_to_u64(&pid, str_trim_lines(buf_str(&out)), INT_MAX));
	/* Who inherits it takes its status at some time. */
	char path[64];
	struct buf b = BUF(path);
	buf_format(&b, "/proc/%d/fd/1%s", NUM(pid), (struct str){ "", 1 });
	for (int i = 0; i < 100 && access(path, F_OK) == 0; i++)
		clock_sleep_ms(50);
	expect(pid > 0 && access(path, F_OK) != 0);
}

static void *take_statuses(void *arg)
{
	atomic_bool *ended = arg;
	while (!atomic_load(ended))
		children_reap(&process_children);
	return NULL;
}

/* As the listener does on SIGCHLD. */
TEST(command_shares_the_children)
{
	atomic_bool ended = false;
	pthread_t other;
	check(pthread_create(&other, NULL, take_statuses, &ended) == 0);
	for (int i = 0; i < 20; i++) {
		expect_int(run("/bin/sh -c 'exit 7'"), E_REFUSED);
		expect_str(fault_text(&fault), S("credential_process /bin/sh: it ended with exit code 7"));
	}
	atomic_store(&ended, true);
	check(pthread_join(other, NULL) == 0);
}

TEST(command_runs_where_signals_are_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	expect_int(run("/bin/sh -c 'kill $$; echo no'"), E_REFUSED);
	expect_str(fault_text(&fault), S("credential_process /bin/sh: it was killed by signal 15"));
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}
