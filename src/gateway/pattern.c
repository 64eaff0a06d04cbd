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
	for (;;) {
		if (pattern.n && pattern.p[0] == '*') {
			retry_pattern = pattern = str_skip(pattern, 1);
			retry_s = s;
		} else if (pattern.n && s.n && pattern.p[0] == s.p[0]) {
			pattern = str_skip(pattern, 1);
			s = str_skip(s, 1);
		} else if (pattern.n == 0 && s.n == 0) {
			return true;
		} else if (retry_s.n) {
			pattern = retry_pattern;
			s = retry_s = str_skip(retry_s, 1);
		} else {
			return false;
		}
	}
}

bool pattern_matches_path(struct str pattern, struct str path)
{
	struct str segment_pattern, segment;
	for (bool more = true; more;) {
		more = str_next(&segment, &path, '/');
		if (str_next(&segment_pattern, &pattern, '/') != more || !pattern_matches(segment_pattern, segment))
			return false;
	}
	return true;
}

bool allow_matches(struct str allow, struct str target)
{
	struct str pattern;
	while (allow.n) {
		str_next(&pattern, &allow, ',');
		if (pattern_matches_path(str_trim(pattern), target))
			return true;
	}
	return false;
}
