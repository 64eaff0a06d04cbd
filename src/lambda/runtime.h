/* runtime.h - the program as a Lambda custom runtime.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * Asks the Runtime API for an event, answers it, and asks again, in as many threads as
 * AWS_LAMBDA_MAX_CONCURRENCY says. The next event is asked for when the last one is settled, not
 * when it is answered: in between, an invocation that Slack could not wait for goes on. */
#ifndef LAMBDA_RUNTIME_H
#define LAMBDA_RUNTIME_H

/* Runs until the process is ended from outside, or returns an exit code: 1 when the Runtime API is
 * out of reach or the credentials have expired, so that the sandbox is replaced; 2 for a
 * configuration that cannot be used. */
int runtime_run(void);

#endif
