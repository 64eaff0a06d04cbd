/* refusal.h - what AWS said when it said no, put so that a person can act on it. Pure. */
#ifndef AWS_REFUSAL_H
#define AWS_REFUSAL_H

#include "http/head.h"

enum { REFUSAL_NAME_MAX = 96 };

/* Reads an answer that is no success. `head`: NULL if only its status line came; `body`: as much of it as came.
 *
 * `name`: AWS's name of the error, NUL-terminated, empty if there was none: of the field x-amzn-ErrorType, which may
 * go on with ':' and a URL, of the JSON body's __type, which may begin with a namespace and '#', or of the element Code in XML,
 * which is what STS writes. ("Type" in the body of Lambda's answers says whose fault it is.)
 * `f`: E_REFUSED and one sentence: that name, or else the status; the message of the body, JSON, XML or plain text, its first line
 * only, and not if it quotes the Authorization field; and for the usual ones what to do about it. `action` is what was to be
 * done, as policies name it ("lambda:InvokeFunction"); empty where the keys of the gateway are not what matters. */
void refusal_read(char name[static REFUSAL_NAME_MAX], struct fault *f, int status, const struct http_head *head, struct str body,
                  struct str action);

#endif
