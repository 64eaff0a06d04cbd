#include "cli/serve.h"

#include "cli/console.h"
#include "cli/help.h"
#include "cli/options.h"
#include "listener/loop.h"
#include "os/memory.h"
#include "os/variables.h"

#include <unistd.h>

int serve_run(char **arguments)
{
	/* Threads look settings up until the process has ended, which is after this returns. */
	static struct options options;
	static struct listener_config config;
	static struct environment env;
	struct fault f;
	struct environment process = variables_of_process();
	struct services *s = memory_map(sizeof(*s));
	env = options_environment(&options);
	enum err e = options_read(&options, arguments, &process, &f);
	if (e == OK && options.help) {
		console_put(STDOUT_FILENO, str_c(help_serve));
		return 0;
	}
	if (e == OK)
		e = variables_check(listener_config_read(&config, &env, &f), &f);
	if (e == OK)
		e = services_start(s, &env, loop_upstreams(&config), &f);
	if (e == OK)
		e = credentials_check(&s->credentials, &f);
	if (e == OK)
		return loop_run(s, &config, &env);
	options_name(&options, &f);
	return console_fail(e == E_CONFIG ? 2 : 1, &f);
}
