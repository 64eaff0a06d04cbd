#include "base/status.h"

#define REASONS(R) \
	R(200, "OK") \
	R(201, "Created") \
	R(202, "Accepted") \
	R(203, "Non-Authoritative Information") \
	R(204, "No Content") \
	R(205, "Reset Content") \
	R(206, "Partial Content") \
	R(207, "Multi-Status") \
	R(208, "Already Reported") \
	R(226, "IM Used") \
	R(300, "Multiple Choices") \
	R(301, "Moved Permanently") \
	R(302, "Found") \
	R(303, "See Other") \
	R(304, "Not Modified") \
	R(305, "Use Proxy") \
	R(307, "Temporary Redirect") \
	R(308, "Permanent Redirect") \
	R(400, "Bad Request") \
	R(401, "Unauthorized") \
	R(402, "Payment Required") \
	R(403, "Forbidden") \
	R(404, "Not Found") \
	R(405, "Method Not Allowed") \
	R(406, "Not Acceptable") \
	R(407, "Proxy Authentication Required") \
	R(408, "Request Timeout") \
	R(409, "Conflict") \
	R(410, "Gone") \
	R(411, "Length Required") \
	R(412, "Precondition Failed") \
	R(413, "Content Too Large") \
	R(414, "URI Too Long") \
	R(415, "Unsupported Media Type") \
	R(416, "Range Not Satisfiable") \
	R(417, "Expectation Failed") \
	R(418, "I'm a Teapot") \
	R(421, "Misdirected Request") \
	R(422, "Unprocessable Content") \
	R(423, "Locked") \
	R(424, "Failed Dependency") \
	R(425, "Too Early") \
	R(426, "Upgrade Required") \
	R(428, "Precondition Required") \
	R(429, "Too Many Requests") \
	R(431, "Request Header Fields Too Large") \
	R(451, "Unavailable For Legal Reasons") \
	R(500, "Internal Server Error") \
	R(501, "Not Implemented") \
	R(502, "Bad Gateway") \
	R(503, "Service Unavailable") \
	R(504, "Gateway Timeout") \
	R(505, "HTTP Version Not Supported") \
	R(506, "Variant Also Negotiates") \
	R(507, "Insufficient Storage") \
	R(508, "Loop Detected") \
	R(510, "Not Extended") \
	R(511, "Network Authentication Required")
#define STATUS(status, reason) status,
#define TEXT(status, reason) reason "\0"

struct str status_reason(int status)
{
	static const uint16_t known[] = { REASONS(STATUS) };
	static const char reasons[] = REASONS(TEXT);
	for (size_t i = 0; i < countof(known); i++)
		if (known[i] == status)
			return str_nth(reasons, i);
	static const char *const classes[] = { "Informational", "Success", "Redirection",
		"Client Error", "Server Error" };
	return status >= 100 && status < 600 ? str_c(classes[status / 100 - 1]) : S("Unknown");
}
