#include "aws/names.h"

static bool all(struct str s, bool (*is)(unsigned char))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
static bool is_partition(unsigned char c) { return is_alpha(c) || c == '-'; }
static bool is_qualifier(unsigned char c) { return is_alnum(c) || c == '-' || c == '_'; }
static bool is_name(unsigned char c) { return is_qualifier(c) || c == '.'; }

bool aws_region_ok(struct str region)
{
	struct str word, rest;
	if (region.n > AWS_REGION_MAX || !str_cut(&word, &rest, region, '-'))
		return false;
	if (!all(word, is_lower) || word.n < 2 || word.n > 4)
		return false;
	size_t words = 0;
	while (str_next(&word, &rest, '-')) {
		if (!all(word, is_lower))
			return false;
		words++;
	}
	return words > 0 && all(word, is_digit) && word.n <= 2;
}

static bool account_ok(struct str s)
{
	return s.n == 12 && all(s, is_digit);
}

static bool name_ok(struct str s)
{
	return s.n <= AWS_NAME_MAX && all(s, is_name) && !str_eq(s, S(".")) && !str_eq(s, S(".."));
}

static bool qualifier_ok(struct str s)
{
	if (str_eq(s, S("$LATEST")) || str_eq(s, S("$LATEST.PUBLISHED")))
		return true;
	return s.n <= AWS_QUALIFIER_MAX && all(s, is_qualifier);
}

struct reference {
	struct str region, account, name;
};

/* Splits `function` at its colons and tells the forms apart by what stands before the name. */
static bool reference_read(struct reference *r, struct str function)
{
	enum { PARTS_MAX = 8 }; /* arn:partition:lambda:region:account:function:name:qualifier */
	struct str part[PARTS_MAX + 2] = {
		{ 0 }
	}; /* empty ones at the end: what follows a prefix may be missing */
	size_t n = 0, at = 0;
	for (bool more = function.n <= AWS_FUNCTION_MAX; more; n++) {
		if (n == PARTS_MAX)
			return false;
		more = str_next(&part[n], &function, ':');
	}

	bool arn = str_eq(part[0], S("arn")) && str_starts(part[1], S("aws")) &&
		all(part[1], is_partition) && str_eq(part[2], S("lambda"));
	if (arn)
		at = 3;
	bool regional =
		aws_region_ok(part[at]) && account_ok(part[at + 1]) && str_eq(part[at + 2], S("function"));
	if (arn && !regional)
		return false;
	*r = (struct reference){ 0 };
	if (regional) {
		r->region = part[at];
		r->account = part[at + 1];
		at += 3;
	} else if (account_ok(part[0]) && name_ok(part[1])) {
		/* Otherwise a function that is called by twelve digits, with a qualifier. */
		r->account = part[0];
		at = str_eq(part[1], S("function")) && name_ok(part[2]) ? 2 : 1;
	}
	r->name = part[at];
	return name_ok(r->name) && (n == at + 1 || (n == at + 2 && qualifier_ok(part[at + 1])));
}

bool aws_function_ok(struct str function, struct str region)
{
	struct reference r;
	return reference_read(&r, function) && (r.region.n == 0 || str_eq(r.region, region));
}

struct str aws_function_region(struct str function)
{
	struct reference r;
	return reference_read(&r, function) ? r.region : S("");
}

struct str aws_function_name(struct str function)
{
	struct reference r;
	return reference_read(&r, function) ? r.name : S("");
}

struct str aws_account(struct str target)
{
	struct reference r;
	struct str part = { 0 };
	if (!str_starts(target, S("arn:")))
		return reference_read(&r, target) ? r.account : S("");
	for (int i = 0; i < 5; i++) /* arn:partition:service:region:account:... */
		str_next(&part, &target, ':');
	return account_ok(part) ? part : S("");
}

struct str aws_arn_region(struct str arn)
{
	struct str part;
	for (int i = 0; i < 4; i++) /* arn:partition:service:region:... */
		str_next(&part, &arn, ':');
	return part;
}

void aws_name_copy(char *out, size_t cap, struct str name)
{
	size_t n = 0;
	for (; n + 1 < cap && n < name.n && is_name((unsigned char)name.p[n]); n++)
		out[n] = name.p[n];
	out[n] = 0;
}

bool aws_name_listed(struct str names, struct str name)
{
	return str_index(names, name) >= 0;
}
