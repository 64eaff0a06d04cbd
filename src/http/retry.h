/* retry.h - whether a request is sent again, and when: one policy, with the figures for every
 * sender in one table.
 *
 * A request is sent again
 * - at once, on a fresh connection, if a kept connection ended before a byte of an answer: it was
 *   most likely dead before;
 * - after a pause, if there was no free connection, connecting or the handshake failed, or the
 *   request was not written whole; and, where a second arrival does no harm, if the connection was
 *   then cut or stayed silent;
 * - if the answer gives reason to. Callers judge statuses and names of errors; http_retry_status
 *   knows the statuses that mean the same to all.
 *
 * It is never sent again after a refused certificate, a proxy's refusal or an answer that is not
 * HTTP, nor if it must not arrive twice and may have arrived.
 *
 * Pauses are random within their bounds, so that requests that failed together do not come back
 * together. No pause begins that would end after the deadline. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include "http/attempt.h"

/* Who sends requests. The figures are in retry.c. */
enum http_sender {
	HTTP_SENDER_INVOKE,   /* starts a function */
	HTTP_SENDER_CALL,     /* asks a service of AWS for something */
	HTTP_SENDER_METADATA, /* asks a server on the machine's own link */
	HTTP_SENDER_MESSAGE,  /* posts a message to Slack */
	HTTP_SENDER_ANSWER,   /* hands an answer to the Runtime API, which refuses a second one */
	HTTP_SENDER_NEXT,     /* waits for an event of the Runtime API */
};

/* What may be sent again; each includes those before it. */
enum http_repeatable {
	HTTP_REPEAT_UNSENT, /* what surely did not arrive whole */
	HTTP_REPEAT_CUT,    /* what may have arrived: a second time does no harm */
	HTTP_REPEAT_SILENT, /* what met with silence for patience_ms, too */
};

struct http_retry_policy {
	int attempts;                    /* in all */
	int pause_ms, pause_max_ms;      /* before the second attempt */
	int growth;                      /* how many times longer each further pause is */
	int patience_ms;                 /* for one attempt; 0: up to the deadline */
	enum http_repeatable repeatable;
	int retry_after_s;               /* the longest Retry-After that counts; 0: none does */
	bool retry_after_binds;          /* a longer one, or one past the deadline, ends the attempts */
};

/* One request under way. */
struct http_retry {
	struct http_retry_policy policy; /* of its sender; may be changed before the first attempt */
	int attempts;                    /* begun so far */
	bool fresh;                      /* the next one wants a fresh connection */
	int64_t wish_ms;                 /* what the last answer asked for; 0 if nothing */
};

enum http_again { HTTP_SETTLED, HTTP_AGAIN_AT_ONCE, HTTP_AGAIN_LATER };

struct http_retry http_retry(enum http_sender sender);

/* Counts an attempt and returns its deadline; call deadline_leave afterwards. */
struct deadline http_retry_attempt(struct http_retry *r, const struct deadline *d);

/* After an attempt that ended with `e` and brought no status. */
enum http_again http_retry_failure(struct http_retry *r, const struct http_attempt *a, enum err e);

/* Whether a status means that the same request may well succeed in a moment: 429, 500, 502 and 503,
 * and all from 500 on where a second arrival does no harm. */
enum http_again http_retry_status(const struct http_retry *r, int status);

/* Heeds the Retry-After of an answer, in seconds; `head` may be NULL. `usual_s`: what counts
 * without one. */
void http_retry_heed(struct http_retry *r, const struct http_head *head, int usual_s);

/* Waits before the next attempt. False if there is none: it is settled, or there were enough, or
 * there is no time. */
must_check bool http_retry_wait(struct http_retry *r, enum http_again again, struct deadline *d);

#endif
