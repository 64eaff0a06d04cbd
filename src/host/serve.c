#include "host/serve.h"

#include "host/console.h"
#include "host/environment.h"
#include "host/listener.h"
#include "host/options.h"

int serve_run(char **arguments)
{
	struct fault f;
	struct options options;
	struct listener_config config;
	struct environment process = environment_of_process(), env = options_environment(&options);
	struct services *s = environment_map_memory(sizeof(*s));
	enum err e = options_read(&options, arguments, &process, &f);
	if (e == OK)
		e = listener_config_read(&config, &env, &f);
	if (e == OK)
		e = services_start(s, &env, config.workers, &f);
	return e == OK ? listener_run(s, &config, &env) : console_fail(2, &f);
}
