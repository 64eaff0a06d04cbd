/* destination.h - the Lambda runtime as a destination of other functions: posts what they returned.
 */
#ifndef SERVICE_DESTINATION_H
#define SERVICE_DESTINATION_H

#include "base/arena.h"
#include "service/services.h"

/* Handles each record in `event` and logs what comes of it. False if there is none. *answer, in
 * `arena`, is what Lambda is told: {}, or for SQS the messages to deliver again because a later
 * attempt can help. */
bool destination_run(struct services *s, struct str *answer, struct str event,
	struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena);

#endif
