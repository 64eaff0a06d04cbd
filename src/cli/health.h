/* health.h - `health`: asks a listener whether it is well, for the health checks of containers. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

/* Exit code: 0 if /healthz says 200 within 2 seconds, 1 if not, 2 if there is nothing to ask. */
int health_run(char **arguments);

#endif
