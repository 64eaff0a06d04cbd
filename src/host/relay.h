/* relay.h - the Lambda runtime as a destination of other functions: posts what they returned. */
#ifndef HOST_RELAY_H
#define HOST_RELAY_H

#include "base/arena.h"
#include "host/services.h"

/* Handles the record in `event`, which record_detect found. Whatever comes of it is logged. */
void relay_run(struct services *s, struct str event, struct str request_id, int64_t now_s, struct deadline *d, struct arena *arena);

#endif
