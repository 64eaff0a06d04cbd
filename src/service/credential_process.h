/* credential_process.h - runs the `credential_process` of a profile, a command that prints
 * credentials. */
#ifndef SERVICE_CREDENTIAL_PROCESS_H
#define SERVICE_CREDENTIAL_PROCESS_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/fault.h"

/* Splits `command` into words, as words_split does, finds the first along PATH, and runs it without
 * a shell: with this process's variables but SLACK_* and GATEWAY_*, in its directory, with nothing
 * on standard input. `out` gets what it prints, in part even when it fails, and is to be wiped. It
 * ends with its whole process group at the hard moment of `d`. The last line of what it writes to
 * standard error goes into the message when it fails: the SDKs show that, too, and no secret may be
 * there
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
 *
 * Without `d` it is not run: E_TIMEOUT if it could be.
 *
 * E_CONFIG: it cannot be split or started. E_REFUSED: it failed, or prints more than `out` holds.
 * E_TIMEOUT. `ctx` is not looked at; the form is that of a callback. */
must_check enum err credential_process_run(
	void *ctx, struct buf *out, struct str command, struct deadline *d, struct fault *f);

#endif
