/* options.h - command line options over environment variables: --foo-bar VALUE (or --foo-bar=VALUE)
 * is GATEWAY_FOO_BAR. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/environment.h"
#include "base/fault.h"

enum { OPTIONS_MAX = 32, OPTION_NAME_MAX = 64 };

struct options {
	struct environment below;
	bool help; /* asked for; nothing behind that was read */
	size_t count;
	char names[OPTIONS_MAX][OPTION_NAME_MAX];
	const char *values[OPTIONS_MAX];
};

/* Reads the arguments. They and *o must outlive what options_environment returns. E_CONFIG names
 * the argument that is wrong, and the one that was probably meant. */
must_check enum err options_read(
	struct options *o, char **arguments, const struct environment *below, struct fault *f);

struct environment options_environment(struct options *o);

/* Names settings in the text of `f` as they were given: --foo-bar where an option set
 * GATEWAY_FOO_BAR. */
void options_name(const struct options *o, struct fault *f);

#endif
