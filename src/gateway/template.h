/* template.h - the texts that an operator may write, with names in braces. */
#ifndef GATEWAY_TEMPLATE_H
#define GATEWAY_TEMPLATE_H

#include "base/str.h"

enum template_name {
	TEMPLATE_FUNCTION,
	TEMPLATE_REGION,
	TEMPLATE_COMMAND,
	TEMPLATE_TEXT,
	TEMPLATE_USER_NAME,
	TEMPLATE_USER_ID,
	TEMPLATE_CHANNEL_ID,
	TEMPLATE_REQUEST_ID,
	TEMPLATE_LITERAL, /* not a name: *piece is text to be taken as it stands */
	TEMPLATE_UNKNOWN, /* {word} with a word that is none of these; *piece is the word */
};

/* The names, in a sentence. */
#define TEMPLATE_NAMES \
	"{function}, {region}, {command}, {text}, {user_name}, {user_id}, {channel_id} and {request_id}"

/* Takes the next piece off the front of *rest. False at its end. A '{' that does not begin a {word}
 * of letters and '_' is literal. */
bool template_next(enum template_name *name, struct str *piece, struct str *rest);

#endif
