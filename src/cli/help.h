/* help.h - what --help prints, a text for the program and one for each command. Lines have at most
 * 100 columns. The tests hold them against what the commands take, and the manual page is made of
 * them. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/str.h"

extern const char help_program[], help_serve[], help_send[], help_check[], help_health[];

/* Whether `argument` asks for help: --help or -h. */
static inline bool help_wanted(struct str argument)
{
	return str_eq(argument, S("--help")) || str_eq(argument, S("-h"));
}

#endif
