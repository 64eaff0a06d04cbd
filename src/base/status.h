/* status.h - HTTP status codes in words (RFC 9110, section 15). */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/str.h"

/* "OK" for 200; "Unknown" for one that this program never sends. */
struct str status_reason(int status);

#endif
