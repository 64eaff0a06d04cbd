/* A reference or region that passes must be harmless in a host name and in a path, and must match
 * the pattern of the API's description, given here as a regular expression. */
#include "aws/endpoint.h"
#include "aws/names.h"
#include "codec/form.h"

#include <regex.h>
#include <string.h>

#define REGION "[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"
#define FUNCTION                                                                                   \
	"^((arn:aws[a-zA-Z-]*:lambda:)?" REGION ":[0-9]{12}:function:|[0-9]{12}:(function:)?)?"        \
	"[a-zA-Z0-9_.-]+(:([$]LATEST([.]PUBLISHED)?|[a-zA-Z0-9_-]+))?$"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool matches(regex_t *compiled, const char *pattern, struct str s)
{
	char text[AWS_FUNCTION_MAX + 1] = { 0 };
	check(s.n < sizeof(text) && !memchr(s.p, 0, s.n));
	memcpy(text, s.p, s.n);
	if (compiled->re_nsub == 0)
		check(regcomp(compiled, pattern, REG_EXTENDED) == 0);
	return regexec(compiled, text, 0, NULL, 0) == 0;
}

static void check_function(struct str s)
{
	static regex_t pattern;
	struct str region = aws_function_region(s), name = aws_function_name(s);
	bool ok = aws_function_ok(s, region);
	check(ok == (name.n > 0));
	/* The pattern admits "." and "..", and bounds no part. */
	if (!memchr(s.p, 0, s.n) && s.n <= AWS_FUNCTION_MAX)
		check(
			ok == matches(&pattern, FUNCTION, s) || (!ok && (s.n > 56 || str_find(s, '.') < s.n)));
	if (!ok)
		return;
	check(region.n == 0 || aws_region_ok(region));
	check(region.n == 0 || !aws_function_ok(s, S("zz-other-9")) || str_eq(region, S("zz-other-9")));
	char memory[3 * AWS_FUNCTION_MAX];
	struct buf path = BUF(memory);
	percent_encode(&path, s, false);
	check(!path.full && str_find(buf_str(&path), '/') == path.n);
	check(!str_eq(buf_str(&path), S(".")) && !str_eq(buf_str(&path), S("..")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static regex_t pattern;
	struct str s = { (const char *)data, size };
	if (size && !memchr(data, 0, size) && size <= AWS_REGION_MAX)
		check(aws_region_ok(s) == matches(&pattern, "^" REGION "$", s));
	if (size)
		check_function(s);
	if (aws_region_ok(s)) {
		struct endpoint e;
		endpoint_get(&e, &(struct endpoints){ .fips = size & 1, .dual_stack = size & 2 },
			(enum aws_service)(size / 4 % AWS_SERVICES), s);
		check(str_find_str(e.host, S("..")) == e.host.n && str_find(e.host, '/') == e.host.n);
	}
	return 0;
}
