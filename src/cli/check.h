/* check.h - the command `check`: the doctor. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

/* Tries, with the code that a gateway runs on, what a gateway needs: its settings, the signing
 * secret, credentials, the way to AWS step by step, the clock, and with REGION/FUNCTION among the
 * NULL-ended `arguments` whether that may be invoked, which DryRun tells without invoking anything.
 * For each step one line on standard output, or with --json all in one object: what was found and,
 * if it failed, what to do about it. Every step has a bound, and so have all together. Returns the
 * exit code: 0, 1 if a step failed, 2 if the arguments are wrong. */
int check_run(char **arguments);

#endif
