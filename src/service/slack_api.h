/* slack_api.h - calls methods of Slack's Web API with a token.
 *
 * https://docs.slack.dev/apis/web-api */
#ifndef SERVICE_SLACK_API_H
#define SERVICE_SLACK_API_H

#include "service/services.h"

enum { SLACK_TOKEN_MAX = 1024, SLACK_ANSWER_MAX = 16 * 1024 };

/* One call, and memory for it; zeroed before its first use, and used again for the next. */
struct slack_call {
	char bearer[SLACK_TOKEN_MAX];  /* wiped when the call returns */
	char answer[SLACK_ANSWER_MAX];
	char scratch[SECRET_STORE_SCRATCH];
	struct json json;              /* of the answer, which lives until the next call */
	struct str error;              /* Slack's word for what is wrong; empty if it said none */
	int status;                    /* of HTTP; 0: no answer came */
	bool useless;                  /* no later call with this token can succeed */
	int64_t wait_ms;               /* what Slack wants, of a rate that it limits; else 0 */
};

/* Asks once, with the token as it is kept now and an empty body. OK: Slack said yes. E_REFUSED: it
 * said no; otherwise as secret_source_read and http_attempt_begin. The fault never holds the token. */
must_check enum err slack_api_call(struct slack_call *call, struct services *s, struct str method,
	const struct secret_source *token, struct deadline *d, struct fault *f);

/* Slack's word for what is wrong in an answer, bare or as {"ok":false,"error":"expired_url"}, if it
 * is one plain word; else nothing, for nobody knows what it is. *no: it is in JSON that says no,
 * whatever its status. */
struct str slack_error_word(bool *no, struct str body);

#endif
