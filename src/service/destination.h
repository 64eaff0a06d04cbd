/* relay.h - the Lambda runtime as a destination of other functions: posts what they returned. */
#ifndef SERVICE_DESTINATION_H
#define SERVICE_DESTINATION_H

#include "base/arena.h"
#include "service/services.h"

/* Handles the record in `event`, which record_detect found. Whatever comes of it is logged. */
void destination_run(struct services *s, struct str event, struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena);

#endif
