#include "x509/policies.h"

#include "codec/der.h"

enum { POLICIES_MAX = 64 };

/* What the certificates up to here allow the next one to assert. */
struct expected {
	bool any; /* everything */
	size_t count;
	struct str list[POLICIES_MAX]; /* OIDs */
};

static bool is_any(struct str policy)
{
	return str_eq(policy, S("\x55\x1d\x20\x00"));
}

static bool has(const struct expected *e, struct str policy)
{
	for (size_t i = 0; i < e->count; i++)
		if (str_eq(e->list[i], policy))
			return true;
	return false;
}

/* What does not fit is forgotten: then less holds, never more. */
static void add_policy(struct expected *e, struct str policy)
{
	if (!has(e, policy) && e->count < POLICIES_MAX)
		e->list[e->count++] = policy;
}

static bool take_policy(struct str *policies, struct str *policy)
{
	struct str information;
	return policies->n > 0 && der_take(policies, DER_SEQUENCE, &information) &&
		der_take_oid(&information, policy);
}

/* RFC 5280, 6.1.3 (d) and (e): what it asserts, as far as it was expected. */
static void assert_policies(struct expected *e, const struct certificate *c, bool any_counts)
{
	struct str rest = c->policies, policy;
	struct expected asserted = { .any = false, .count = 0 };
	bool asserts_any = false;
	while (take_policy(&rest, &policy)) {
		if (is_any(policy))
			asserts_any = any_counts;
		else if (e->any || has(e, policy))
			add_policy(&asserted, policy);
	}
	if (asserts_any)
		for (size_t i = 0; i < e->count; i++)
			add_policy(&asserted, e->list[i]);
	asserted.any = asserts_any && e->any;
	*e = asserted;
}

/* 6.1.4 (a) and (b): a policy is known below by the names that it is mapped to, or by none when
 * mapping is inhibited. */
static void map_policies(struct expected *e, const struct certificate *c, bool mapping_counts)
{
	struct str rest = c->mappings, pair, from, to;
	struct expected mapped = { .any = e->any, .count = 0 };
	for (size_t i = 0; i < e->count; i++) {
		bool is_mapped = false;
		for (rest = c->mappings;
			 rest.n > 0 && der_take(&rest, DER_SEQUENCE, &pair) && der_take_oid(&pair, &from);)
			is_mapped = is_mapped || str_eq(from, e->list[i]);
		if (!is_mapped)
			add_policy(&mapped, e->list[i]);
	}
	for (rest = c->mappings; mapping_counts && rest.n > 0 && der_take(&rest, DER_SEQUENCE, &pair);)
		if (der_take_oid(&pair, &from) && der_take_oid(&pair, &to) && (e->any || has(e, from)))
			add_policy(&mapped, to);
	*e = mapped;
}

static void lower_to(int *count, int limit)
{
	if (limit >= 0 && limit < *count)
		*count = limit;
}

static void count_down(int *count)
{
	*count -= *count > 0;
}

static bool walk(const struct certificate *const *path, size_t count)
{
	struct expected e = { .any = true, .count = 0 };
	int explicit_policy = INT_MAX, mapping = INT_MAX, any = INT_MAX;
	for (size_t i = count; i-- > 0;) {
		const struct certificate *c = path[i];
		bool self_issued = certificate_is_self_issued(c);
		assert_policies(&e, c, any > 0 || (i > 0 && self_issued));
		bool nothing = !e.any && e.count == 0;
		if (explicit_policy == 0 && nothing)
			return false;
		if (i == 0)
			return !nothing || (explicit_policy > 1 && c->explicit_policy != 0);
		map_policies(&e, c, mapping > 0);
		if (!self_issued) {
			count_down(&explicit_policy);
			count_down(&mapping);
			count_down(&any);
		}
		lower_to(&explicit_policy, c->explicit_policy);
		lower_to(&mapping, c->inhibit_mapping);
		lower_to(&any, c->inhibit_any);
	}
	return true;
}

bool policies_hold(const struct certificate *const *path, size_t count)
{
	bool demanded = false;
	for (size_t i = 0; i < count; i++)
		demanded = demanded || path[i]->explicit_policy >= 0;
	return !demanded || walk(path, count);
}
