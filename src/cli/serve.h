/* serve.h - the program as a server of its own: a listener, in the foreground. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

/* `arguments`: what follows `serve`, NULL at the end. Runs until SIGTERM or SIGINT. Exit code. */
int serve_run(char **arguments);

#endif
