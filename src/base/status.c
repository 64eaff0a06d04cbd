#include "base/status.h"

#define REASONS(R) \
	R(200, "OK") \
	R(400, "Bad Request") \
	R(401, "Unauthorized") \
	R(403, "Forbidden") \
	R(404, "Not Found") \
	R(405, "Method Not Allowed") \
	R(408, "Request Timeout") \
	R(413, "Content Too Large") \
	R(417, "Expectation Failed") \
	R(431, "Request Header Fields Too Large") \
	R(500, "Internal Server Error") \
	R(503, "Service Unavailable")
#define STATUS(status, reason) status,
#define TEXT(status, reason) reason "\0"

struct str status_reason(int status)
{
	static const uint16_t known[] = { REASONS(STATUS) };
	static const char reasons[] = REASONS(TEXT);
	for (size_t i = 0; i < countof(known); i++)
		if (known[i] == status)
			return str_nth(reasons, i);
	return S("Unknown");
}
