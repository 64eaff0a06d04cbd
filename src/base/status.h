/* status.h - HTTP status codes in words (RFC 9110, section 15). */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/str.h"

/* "OK" for 200. Of a status that is not registered, its class: "Server Error" for 599. "Unknown"
 * outside of 100 to 599. */
struct str status_reason(int status);

#endif
