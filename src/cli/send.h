/* send.h - the command `send`: signs a request as Slack would, sends it, prints what came back. */
#ifndef CLI_SEND_H
#define CLI_SEND_H

/* `arguments`: what follows `send`, NULL at the end. Exit code: 0 for a 2xx answer. */
int send_run(char **arguments);

#endif
