#include "base/status.h"

struct str status_reason(int status)
{
	static const struct {
		int status;
		struct str reason;
	} reasons[] = {
		{ 200, STR("OK") },
		{ 400, STR("Bad Request") },
		{ 401, STR("Unauthorized") },
		{ 403, STR("Forbidden") },
		{ 404, STR("Not Found") },
		{ 405, STR("Method Not Allowed") },
		{ 408, STR("Request Timeout") },
		{ 413, STR("Content Too Large") },
		{ 417, STR("Expectation Failed") },
		{ 431, STR("Request Header Fields Too Large") },
		{ 500, STR("Internal Server Error") },
		{ 503, STR("Service Unavailable") },
	};
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return S("Unknown");
}
