/* Which of the things that this program can be, by how it was started. */

#include "cli/check.h"
#include "cli/console.h"
#include "cli/health.h"
#include "cli/help.h"
#include "cli/send.h"
#include "cli/serve.h"
#include "cli/version.h"
#include "codec/nearest.h"
#include "lambda/runtime.h"
#include "os/process.h"
#include "os/variables.h"

#include <unistd.h>

static const struct {
	char name[8];
	int (*run)(char **arguments); /* what follows the name, NULL at the end; exit code */
	const char *help;
} commands[] = {
	{ "serve", serve_run, help_serve },
	{ "send", send_run, help_send },
	{ "check", check_run, help_check },
	{ "health", health_run, help_health },
};
static const struct str command_names = STR("serve,send,check,health,help,version");

static int print(struct str text)
{
	console_put(STDOUT_FILENO, text);
	return 0;
}

/* The number of commands if there is none of that name. */
static size_t find_command(struct str name)
{
	size_t i = 0;
	while (i < countof(commands) && !str_eq(name, str_c(commands[i].name)))
		i++;
	return i;
}

static int refuse_command(struct str name)
{
	struct fault f;
	struct str meant = nearest_word(command_names, name);
	if (meant.n)
		fault_set(
			&f, E_CONFIG, 0, "unknown command %s; did you mean %s?", str_sub(name, 0, 60), meant);
	else
		fault_set(&f, E_CONFIG, 0,
			"unknown command %s; the commands are serve, send, check, health, help and version",
			str_sub(name, 0, 60));
	return console_fail(2, &f);
}

static int help(const char *command)
{
	if (!command)
		return print(str_c(help_program));
	size_t i = find_command(str_c(command));
	return i < countof(commands) ? print(str_c(commands[i].help)) : refuse_command(str_c(command));
}

static int run_command(char **arguments)
{
	struct str name = str_c(arguments[0]);
	if (help_wanted(name) || str_eq(name, S("help")))
		return help(arguments[1]);
	if (str_eq(name, S("--version")) || str_eq(name, S("-V")) || str_eq(name, S("version")))
		return print(str_c(version_line));
	size_t i = find_command(name);
	return i < countof(commands) ? commands[i].run(arguments + 1) : refuse_command(name);
}

int main(int argc, char **argv)
{
	struct environment env = variables_of_process();
	process_prepare(version_line);
	if (argc > 1)
		return run_command(argv + 1);
	if (environment_get(&env, "AWS_LAMBDA_RUNTIME_API").n)
		return runtime_run();
	console_put(STDERR_FILENO,
		S("slack-lambda-gateway: no command, and AWS_LAMBDA_RUNTIME_API is not set, so this is "
		  "not Lambda; did you mean serve? See --help\n"));
	return 2;
}
