/* destination.h - the Lambda runtime as a destination of other functions: posts what they returned.
 */
#ifndef SERVICE_DESTINATION_H
#define SERVICE_DESTINATION_H

#include "base/arena.h"
#include "service/services.h"

/* Handles each record of a destination in `event`. Whatever comes of it is logged. False if there
 * is none. *answer: what Lambda is told, {}; to SQS the messages that it shall deliver again, for
 * which a later attempt can help. In `arena`. */
bool destination_run(struct services *s, struct str *answer, struct str event,
	struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena);

#endif
