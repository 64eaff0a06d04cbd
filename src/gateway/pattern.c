#include "gateway/pattern.h"

bool allow_pattern_ok(struct str pattern)
{
	struct str region, function;
	return str_cut(&region, &function, pattern, '/') && region.n && function.n && str_find(function, '/') == function.n;
}

bool pattern_matches(struct str pattern, struct str s)
{
	/* Only the last '*' passed can need another try: whatever an earlier one could match, it can too. */
	struct str retry_pattern = { 0 }, retry_s = { 0 };
	bool star = false;
	for (;;) {
		if (pattern.n && pattern.p[0] == '*') {
			star = true;
			retry_pattern = pattern = str_skip(pattern, 1);
			retry_s = s;
		} else if (pattern.n && s.n && pattern.p[0] == s.p[0]) {
			pattern = str_skip(pattern, 1);
			s = str_skip(s, 1);
		} else if (pattern.n == 0 && s.n == 0) {
			return true;
		} else if (star && retry_s.n) {
			pattern = retry_pattern;
			s = retry_s = str_skip(retry_s, 1);
		} else {
			return false;
		}
	}
}

bool allow_matches(struct str allow, struct str target)
{
	struct str pattern, region_pattern, function_pattern, region, function;
	str_cut(&region, &function, target, '/');
	while (allow.n) {
		str_cut(&pattern, &allow, allow, ',');
		str_cut(&region_pattern, &function_pattern, str_trim(pattern), '/');
		if (pattern_matches(region_pattern, region) && pattern_matches(function_pattern, function))
			return true;
	}
	return false;
}
