#include "x509/path.h"

#include "base/clock.h"
#include "x509/policies.h"

/* ---- the search ---- */

struct search {
	const struct path_question *q;
	struct path_answer *a;
	size_t limit;      /* on the length of the path, at the moment */
	size_t depth;
	size_t blamed_depth; /* how long the path was that somebody is blamed for; 0: nobody is */
	const struct certificate
		*path[PATH_CERTIFICATES + 1]; /* with an anchor behind it when one is found */
	struct check {
		const struct certificate *child;
		const char *issuer; /* where its DER is: of a received one, or an anchor */
		bool good;
	} checks[PATH_SIGNATURES];
	size_t checks_n;
	unsigned steps, comparisons; /* left */
};

/* Blames a certificate for not being part of a path. What ended the longest one is what people want
 * to know, and of that the first. Only the search's own limit is more important. */
static bool blame(struct search *s, enum path_code code, const struct certificate *c)
{
	struct path_answer *a = s->a;
	if (a->code == PATH_LIMIT || (code != PATH_LIMIT && s->depth <= s->blamed_depth))
		return false;
	s->blamed_depth = s->depth;
	a->code = code;
	a->own = c == s->q->received;
	a->blamed = c->der;
	return false;
}

static bool count_work(struct search *s, const struct certificate *c)
{
	if (s->steps == 0)
		return blame(s, PATH_LIMIT, c);
	s->steps--;
	return true;
}

/* What every certificate of a path must satisfy. */
static bool is_sound(struct search *s, const struct certificate *c)
{
	unsigned purpose = s->q->role == PATH_SERVER ? PURPOSE_SERVER : PURPOSE_CLIENT;
	if (c->critical.p)
		return blame(s, PATH_CRITICAL, c);
	if (s->q->now_s < c->not_before)
		return blame(s, PATH_NOT_YET_VALID, c);
	if (s->q->now_s > c->not_after)
		return blame(s, PATH_EXPIRED, c);
	if (!c->key.key.key_type)
		return blame(s, PATH_KEY, c);
	if (c->has_purposes && !(c->purposes & (purpose | PURPOSE_ANY)))
		return blame(s, PATH_PURPOSE, c);
	return true;
}

/* The end entity's certificate, whoever issued it. */
static bool is_for_peer(struct search *s, const struct certificate *c, bool is_anchor)
{
	const struct reference_identifier *whom = &s->q->whom;
	if (!is_sound(s, c))
		return false;
	if (c->is_ca && !is_anchor)
		return blame(s, PATH_CA_AS_PEER, c);
	if (c->has_usage && !(c->usage & USAGE_SIGNATURE))
		return blame(s, PATH_NO_SIGNING, c);
	/* In TLS 1.2 RSA keys make signatures of PKCS#1 v1.5. */
	if (c->key.pss_only)
		return blame(s, PATH_KEY, c);
	if (!whom->dns_name.n && !whom->address.n)
		return true;
	if (!c->names.p)
		return blame(s, PATH_NO_NAMES, c);
	return names_have(c->names, whom) || blame(s, PATH_OTHER_NAME, c);
}

/* How many certificates of the path, the peer's own aside, use up a path length. */
static int length_used(const struct search *s)
{
	int used = 0;
	for (size_t i = 1; i < s->depth; i++)
		used += !certificate_is_self_issued(s->path[i]);
	return used;
}

static bool may_issue(struct search *s, const struct certificate *c, bool is_anchor)
{
	if (!is_sound(s, c))
		return false;
	if (!c->is_ca && !(is_anchor && c->version == 1))
		return blame(s, PATH_NOT_CA, c);
	if (c->has_usage && !(c->usage & USAGE_CERTIFICATES))
		return blame(s, PATH_NO_ISSUING, c);
	if (c->path_length >= 0 && length_used(s) > c->path_length)
		return blame(s, PATH_TOO_LONG, c);
	return true;
}

/* Each pair is checked once, however many paths lead over it. */
static bool verify(
	struct search *s, const struct certificate *child, const struct certificate *issuer)
{
	for (size_t i = 0; i < s->checks_n; i++)
		if (s->checks[i].child == child && s->checks[i].issuer == issuer->der.p)
			return s->checks[i].good;
	if (child->algorithm.kind == SIGNED_OTHERWISE)
		return blame(s, PATH_ALGORITHM, child);
	if (s->checks_n == PATH_SIGNATURES)
		return blame(s, PATH_LIMIT, child);
	bool good = s->q->verify(&issuer->key, &child->algorithm, child->signed_part, child->signature);
	s->checks[s->checks_n++] = (struct check){ child, issuer->der.p, good };
	return good;
}

static bool is_signed_by(struct search *s, const struct certificate *child,
	const struct certificate *issuer, enum path_code code)
{
	return verify(s, child, issuer) || blame(s, code, child);
}

static bool blame_constrained(struct search *s, const struct certificate *c, struct str name)
{
	size_t before = s->blamed_depth;
	blame(s, PATH_CONSTRAINED, c);
	if (s->blamed_depth != before) {
		buf_reset(&s->a->refused);
		buf_put(&s->a->refused, name);
	}
	return false;
}

/* The constraints of path[i] on everything below it. Self-issued certificates are only meant to
 * bridge a change of keys. */
static bool constraints_hold(struct search *s, size_t i)
{
	const struct certificate *c = s->path[i];
	for (size_t below = i; below-- > 0 && (c->permitted.p || c->excluded.p);) {
		char text[sizeof(s->a->refused_memory)];
		struct buf refused = BUF(text);
		const struct certificate *b = s->path[below];
		if (below > 0 && certificate_is_self_issued(b))
			continue;
		switch (constraints_check(c->permitted, c->excluded, b->subject, b->names,
			below == 0 ? &s->q->whom : NULL, &s->comparisons, &refused)) {
		case NAMES_PERMITTED:
			break;
		case NAMES_REFUSED:
			return blame_constrained(s, c, buf_str(&refused));
		case NAMES_UNSUPPORTED:
			return blame(s, PATH_CONSTRAINT_UNSUPPORTED, c);
		case NAMES_TOO_MANY:
			return blame(s, PATH_LIMIT, c);
		}
	}
	return true;
}

/* The path with its anchor, looked at as a whole. */
static bool holds(struct search *s)
{
	for (size_t i = 1; i <= s->depth; i++)
		if (!constraints_hold(s, i))
			return false;
	return policies_hold(s->path, s->depth) || blame(s, PATH_POLICY, s->path[0]);
}

/* The first `count` of the path are those whose ends matter: all, and the anchor's if that is
 * another one. */
static void accept_path(struct search *s, const struct anchor *anchor, size_t count)
{
	s->a->code = PATH_OK;
	s->a->anchor = anchor;
	s->a->length = s->depth;
	s->a->not_after = INT64_MAX;
	for (size_t i = 0; i < count; i++)
		if (s->path[i]->not_after < s->a->not_after)
			s->a->not_after = s->path[i]->not_after;
}

/* Whether the last certificate of the path was issued by an anchor, and all is well. */
static bool ends_at_anchor(struct search *s)
{
	const struct certificate *last = s->path[s->depth - 1];
	const struct trust *trust = s->q->trust;
	for (size_t i = 0; i < trust->count; i++) {
		struct certificate c;
		const struct anchor *anchor = &trust->anchors[i];
		if (anchor->is_leaf || !name_eq(anchor->subject, last->issuer))
			continue;
		if (!count_work(s, last))
			return false;
		check(certificate_read(&c, anchor->der) == OK);
		s->path[s->depth] = &c;
		if (may_issue(s, &c, true) && is_signed_by(s, last, &c, PATH_OTHER_KEY) && holds(s))
			return accept_path(s, anchor, s->depth + 1), true;
	}
	return false;
}

static bool is_in_path(const struct search *s, const struct certificate *c)
{
	for (size_t i = 0; i < s->depth; i++)
		if (s->path[i] == c)
			return true;
	return false;
}

/* Certificates of one name are told apart by their keys' identifiers, if they have any. That is but
 * a hint. */
static bool fits_well(const struct certificate *child, const struct certificate *issuer)
{
	return !child->issuer_key.p || !issuer->subject_key.p ||
		str_eq(child->issuer_key, issuer->subject_key);
}

static bool extend(struct search *s);

/* Goes on with every issuer of the last certificate that fits as well, or as badly, as that. */
static bool extend_with(struct search *s, bool well)
{
	const struct certificate *last = s->path[s->depth - 1];
	for (size_t i = 1; i < s->q->count; i++) {
		const struct certificate *c = &s->q->received[i];
		if (is_in_path(s, c) || !name_eq(c->subject, last->issuer) || fits_well(last, c) != well)
			continue;
		if (!count_work(s, last))
			return false;
		if (!may_issue(s, c, false) || !is_signed_by(s, last, c, PATH_BAD_SIGNATURE))
			continue;
		s->path[s->depth++] = c;
		if (extend(s))
			return true;
		s->depth--;
	}
	return false;
}

/* Whether a certificate or an anchor that could go on from the last one is at hand, by its name. */
static bool goes_on(const struct search *s)
{
	const struct certificate *last = s->path[s->depth - 1];
	for (size_t i = 1; i < s->q->count; i++)
		if (!is_in_path(s, &s->q->received[i]) && name_eq(s->q->received[i].subject, last->issuer))
			return true;
	return trust_knows(s->q->trust, last->issuer);
}

/* At most PATH_CERTIFICATES deep. */
static bool extend(struct search *s)
{
	if (s->depth == s->limit)
		return ends_at_anchor(s) ||
			(!goes_on(s) && blame(s, PATH_UNKNOWN_ISSUER, s->path[s->depth - 1]));
	return extend_with(s, true) || extend_with(s, false);
}

enum path_code path_find(struct path_answer *a, const struct path_question *q)
{
	struct search s = {
		.q = q, .a = a, .depth = 1, .steps = PATH_STEPS, .comparisons = PATH_COMPARISONS
	};
	check(q->count > 0 && q->count <= PATH_CERTIFICATES);
	*a = (struct path_answer){ .code = PATH_OK };
	a->refused = BUF(a->refused_memory);
	s.path[0] = &q->received[0];
	const struct anchor *listed = trust_find(q->trust, q->received[0].der);
	bool is_listed = listed && certificate_is_self_issued(&q->received[0]);
	if (!is_for_peer(&s, &q->received[0], is_listed))
		return a->code;
	if (is_listed)
		return accept_path(&s, listed, 1), PATH_OK;
	for (s.limit = 1; s.limit <= q->count && a->code != PATH_LIMIT; s.limit++)
		if (extend(&s))
			return PATH_OK;
	return a->code;
}

/* ---- reasons ---- */

static void put_time(struct buf *b, int64_t seconds)
{
	utc_put(b, seconds < 0 ? 0 : seconds, UTC_RFC3339);
}

static void put_clock(struct buf *b, const struct path_question *q)
{
	buf_put(b, S("; this machine's clock says "));
	put_time(b, q->now_s);
}

static void put_unknown(struct buf *b, const struct certificate *c, const struct path_question *q)
{
	const struct left_out *l = trust_find_left_out(q->trust, c->issuer);
	buf_put(b, S("comes from an unknown authority, "));
	name_quote(b, c->issuer);
	if (l) {
		buf_format(b, ", which %s contains but which cannot be used: ", str_c(q->trust->source));
		left_out_put_reason(b, l);
	} else {
		buf_put(b, S(": set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains it"));
	}
}

static const char *plain_reason(enum path_code code, enum path_role role)
{
	switch (code) {
	case PATH_PURPOSE:
		return role == PATH_SERVER ? "is not meant for servers (extended key usage)"
		                           : "is not meant for clients (extended key usage)";
	case PATH_CA_AS_PEER:
		return role == PATH_SERVER ? "is a CA's; a server must have one of its own, with CA:FALSE"
		                           : "is a CA's; a client must have one of its own, with CA:FALSE";
	case PATH_NO_SIGNING:
		return "has a key that may not be used for signatures (key usage)";
	case PATH_NO_NAMES:
		return "has no subjectAltName; the common name does not count";
	case PATH_NOT_CA:
		return "is not a CA's and may not issue certificates (basic constraints)";
	case PATH_NO_ISSUING:
		return "may not issue certificates (key usage)";
	case PATH_CONSTRAINT_UNSUPPORTED:
		return "constrains names in a way that is not supported";
	case PATH_POLICY:
		return "lacks a certificate policy that is demanded above it";
	case PATH_LIMIT:
		return "comes with too many others to find a path";
	default:
		return "is malformed";
	}
}

void path_put_reason(struct buf *b, const struct path_answer *a, const struct path_question *q)
{
	struct certificate c;
	if (a->code == PATH_MALFORMED || certificate_read(&c, a->blamed) != OK) {
		buf_put(b, S("is malformed"));
		return;
	}
	switch (a->code) {
	case PATH_CRITICAL:
		buf_put(b, S("has a critical extension that is not supported: "));
		oid_put(b, c.critical);
		return;
	case PATH_NOT_YET_VALID:
		buf_put(b, S("is not valid before "));
		put_time(b, c.not_before);
		put_clock(b, q);
		return;
	case PATH_EXPIRED:
		buf_put(b, S("has expired on "));
		put_time(b, c.not_after);
		put_clock(b, q);
		return;
	case PATH_KEY:
		buf_put(b, S("has a key that is not supported: "));
		public_key_put(b, &c.key);
		return;
	case PATH_OTHER_NAME:
		buf_put(b, S("is not for this name but for "));
		names_put(b, c.names);
		return;
	case PATH_ALGORITHM:
		buf_put(b, S("is signed with an algorithm that is not supported: "));
		signature_algorithm_put(b, &c.algorithm);
		return;
	case PATH_BAD_SIGNATURE:
		buf_put(b, S("has a wrong signature: it was not made by the "));
		name_quote(b, c.issuer);
		buf_put(b, S(" that came with it"));
		return;
	case PATH_OTHER_KEY:
		buf_put(b, S("was not signed by the "));
		name_quote(b, c.issuer);
		buf_format(
			b, " that is trusted (%s), but by another of that name", str_c(q->trust->source));
		return;
	case PATH_TOO_LONG:
		buf_format(b, "allows only %d CA certificates below it (path length)", NUM(c.path_length));
		return;
	case PATH_CONSTRAINED:
		buf_format(b, "does not permit %s (name constraints)", buf_str(&a->refused));
		return;
	case PATH_UNKNOWN_ISSUER:
		put_unknown(b, &c, q);
		return;
	default:
		buf_put(b, str_c(plain_reason(a->code, q->role)));
	}
}
