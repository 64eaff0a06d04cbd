/* console.h - what the commands print for the person who typed them. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "base/fault.h"

/* Writes all of it, as far as somebody reads. */
void console_put(int fd, struct str s);

/* Says why on standard error, in a line. Returns `code`, for the end of the process. */
int console_fail(int code, const struct fault *why);

#endif
