/* status.h - what the listener tells about itself: health, metrics, and the page for a person.
 *
 * The page stands in the program compressed (scripts/embed-page): style, script, an empty plot.
 * What changes, tables without a line of script, is written behind that. Who does not accept gzip
 * gets the tables alone. /status.json has the same data, which the script asks for every two
 * seconds. Neither holds payloads, texts, tokens or the names of people.
 *
 * Used by the loop's thread alone. */
#ifndef LISTENER_STATUS_H
#define LISTENER_STATUS_H

#include "listener/connection.h"
#include "listener/jobs.h"

/* What status.html was made into. */
struct static_page {
	struct str gzip;         /* header and one block of DEFLATE, which ends with a byte or with the
								head of a stored block: the length of one is to follow */
	uint32_t crc, size;      /* of what it stands for */
	/* Of its answer; Content-Security-Policy has the hashes of its style and script, and
	 * Content-Encoding is the last one. */
	struct http_field fields[5];
};
extern const struct static_page status_page;

struct status {
	struct services *services;
	struct server *server;
	struct jobs *jobs;
	const struct listener_config *config;
	int64_t started_wall_s;
};

/* Whether the request is for /healthz or /readyz. */
bool status_wants_health(const struct http_head *head);

/* 200, with a line for each thing that is degraded; 503 while draining. */
void status_say_health(const struct status *s, struct connection *c);

/* Answers a request on an address for metrics or administrators. */
void status_answer(const struct status *s, struct connection *c);

#endif
