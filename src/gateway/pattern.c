#include "gateway/pattern.h"

#include "aws/names.h"

bool allow_pattern_ok(struct str pattern)
{
	struct str region, target, before, after;
	if (!str_is_visible(pattern) || !str_cut(&region, &target, pattern, '/') || !region.n ||
		!target.n)
		return false;
	if (!str_cut(&before, &after, target, '/'))
		return true;
	bool bus = str_ends(before, S("*")) || str_ends(before, S(":event-bus"));
	return bus && after.n && str_find(after, '/') == after.n;
}

bool pattern_matches(struct str pattern, struct str s)
{
	/* Only the last '*' passed can need another try: whatever an earlier one could match, it can
	 * too. */
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
		if (str_next(&segment_pattern, &pattern, '/') != more ||
			!pattern_matches(segment_pattern, segment))
			return false;
	}
	return true;
}

/* Whether the account in `target`, if it holds one, stands in `pattern` as it is. */
static bool spells_account(struct str pattern, struct str target)
{
	struct str region, name, part;
	str_cut(&region, &name, target, '/');
	str_cut(&region, &pattern, pattern, '/');
	struct str account = aws_account(name);
	bool spelled = account.n == 0;
	while (!spelled && pattern.n) {
		str_next(&part, &pattern, ':');
		spelled = str_eq(part, account);
	}
	return spelled;
}

bool allow_matches(struct str allow, struct str target)
{
	struct str pattern;
	while (allow.n) {
		str_next(&pattern, &allow, ',');
		pattern = str_trim(pattern);
		if (pattern_matches_path(pattern, target) && spells_account(pattern, target))
			return true;
	}
	return false;
}
