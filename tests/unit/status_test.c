#include "base/status.h"
#include "check.h"

/* A function may answer any status: each has words, and none of them could end a line or a string.
 */
TEST(status_reasons)
{
	static const struct {
		int status;
		struct str want;
	} cases[] = {
		{ 200, STR("OK") },
		{ 204, STR("No Content") },
		{ 302, STR("Found") },
		{ 413, STR("Content Too Large") },
		{ 418, STR("I'm a Teapot") },
		{ 429, STR("Too Many Requests") },
		{ 502, STR("Bad Gateway") },
		{ 511, STR("Network Authentication Required") },
		{ 299, STR("Success") },
		{ 499, STR("Client Error") },
		{ 599, STR("Server Error") },
		{ 0, STR("Unknown") },
		{ 99, STR("Unknown") },
		{ 600, STR("Unknown") },
		{ -1, STR("Unknown") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%d", cases[i].status);
		expect_str(status_reason(cases[i].status), cases[i].want);
	}
	for (int status = 100; status < 600; status++) {
		struct str reason = status_reason(status);
		context("%d", status);
		expect(reason.n > 1 && !str_eq(reason, S("Unknown")));
		for (size_t i = 0; i < reason.n; i++)
			expect(reason.p[i] >= ' ' && reason.p[i] < 0x7f && reason.p[i] != '"' &&
				reason.p[i] != '\\');
	}
}
