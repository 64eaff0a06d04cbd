/* refusal.h - what AWS said when it said no, put so that a person can act on it. Pure. */
#ifndef AWS_REFUSAL_H
#define AWS_REFUSAL_H

#include "http/head.h"

enum {
	REFUSAL_NAME_MAX = 96,
	REFUSAL_MESSAGE_MAX = 1024, /* shown of what AWS says; with name and hint it fits a fault */
	REFUSAL_BODY_MAX = 8192, /* more than that of an answer is not read */
};

/* What a refusal is about; of AWS's names for it there are several each. */
enum refusal {
	REFUSAL_OTHER,
	REFUSAL_EXPIRED,     /* the credentials were good once */
	REFUSAL_UNKNOWN_KEY,
	REFUSAL_SIGNATURE,   /* made with a wrong secret, or at a wrong time */
	REFUSAL_CLOCK,       /* made at a wrong time */
	REFUSAL_THROTTLED,
	REFUSAL_DENIED,      /* the credentials are good and not allowed to */
	REFUSAL_MISSING,     /* what was asked for does not exist */
	REFUSAL_PENDING,     /* it exists and is not ready yet */
	REFUSAL_PASSING,     /* trouble between services, which passes */
};

/* Reads an answer that is not a success. `head` is NULL if only its status line came; `body` is as
 * much of it as came.
 *
 * `name` gets AWS's name of the error, NUL-terminated, empty if there was none. It comes from the
 * field x-amzn-ErrorType, where ':' and a URL may follow it; from __type in the JSON body, where a
 * namespace and '#' may precede it; or from the element Code in XML, which is what STS writes.
 * ("Type" in the body of Lambda's answers says whose fault it is.)
 *
 * `f` gets E_REFUSED and one sentence: that name, or else the status; the message of the body,
 * JSON, XML or plain text; and for common errors what to do. Of a message about a signature only
 * the first line is shown, because the others quote the request, and nothing of one that quotes the
 * Authorization field. `action` is what was attempted, as policies name it
 * ("lambda:InvokeFunction"); empty where the gateway's keys do not matter. */
enum refusal refusal_read(char name[static REFUSAL_NAME_MAX], struct fault *f, int status,
	const struct http_head *head, struct str body, struct str action);

/* What a name of AWS's is about. */
enum refusal refusal_of(struct str name);

#endif
